// Package gguf reads GGUF files, versions 2 and 3, of the architectures llama
// and qwen3: the tensors in float32 under the names and in the layout of Hugging
// Face, and a config.json and a tokenizer.json made of the metadata. A file is
// then a models.Source beside safetensors folders, and what runs one runs the
// other.
//
// Supported are tensors of F32, F16, BF16, Q8_0, Q4_0 and Q4_1, and vocabularies
// of byte-level BPE. What is not supported is an error when the file is opened,
// or when Config or Tokenizer is asked for; it names the file, the key or the
// tensor, and what would be supported.
//
// Of a file only the numbers of the metadata and a few bytes a tensor are kept.
// Strings, vocabularies and tensors are read when they are asked for, one at a
// time.
package gguf

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"unsafe"

	"mom/files"
	"mom/tensor"
)

// A File is an open GGUF file. It may be used by any number of goroutines.
type File struct {
	name    string
	r       io.ReaderAt
	size    int64
	closer  io.Closer
	meta    map[string]value
	hyper   hyper
	tensors []stored // by part and layer

	mu  sync.Mutex
	err error // of the first Tensor that failed
}

// Open reads the header of the file at path. The file stays open for its
// tensors.
func Open(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, files.Error(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{File: path, Reason: "is not a regular file"}
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, files.Error(path, err)
	}
	if info, err = r.Stat(); err == nil && !info.Mode().IsRegular() {
		err = &FormatError{File: path, Reason: "is not a regular file"}
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	f := &File{name: path, r: r, size: info.Size(), closer: r}
	if err := f.open(); err != nil {
		r.Close()
		return nil, err
	}
	return f, nil
}

// Read reads the header of a file of size bytes behind r; name stands for it in
// errors.
func Read(name string, r io.ReaderAt, size int64) (*File, error) {
	f := &File{name: name, r: r, size: size}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) fail(format string, args ...any) error {
	return &FormatError{File: f.name, Reason: fmt.Sprintf(format, args...)}
}

func (f *File) failKey(key, format string, args ...any) error {
	return &FormatError{File: f.name, Key: key, Reason: fmt.Sprintf(format, args...)}
}

func (f *File) failTensor(name, format string, args ...any) error {
	return &FormatError{File: f.name, Tensor: name, Reason: fmt.Sprintf(format, args...)}
}

// Magic is what a GGUF file begins with.
const Magic = "GGUF"

// open reads the header.
func (f *File) open() error {
	s := newScanner(f.r, f.size, 0)
	magic := string(s.bytes(len(Magic), "the header"))
	version := s.u32("the header")
	tensors, pairs := s.u64("the header"), s.u64("the header")
	switch {
	case s.err != nil:
		return f.fail("%v", s.err)
	case magic != Magic:
		return f.fail("is not a GGUF file: it begins with %q", magic)
	case version&0xFFFF == 0 && version != 0:
		return f.fail("is big-endian; little-endian files are supported")
	case version != 2 && version != 3:
		return f.fail("version %d of GGUF is not supported; 2 and 3 are", version)
	}
	if err := f.pairs(s, pairs); err != nil {
		return err
	}
	if err := f.parseHyper(); err != nil {
		return err
	}
	return f.index(s, tensors)
}

// index reads the list of the n tensors and checks their places.
func (f *File) index(s *scanner, n uint64) error {
	const least = 8 + len("output.weight") + 4 + 8 + 4 + 8 // bytes of an entry
	if n > uint64(s.left())/uint64(least) {
		return f.fail("%d tensors, but only %d bytes follow the metadata", n, s.left())
	}
	f.tensors = make([]stored, 0, n)
	for i := range n {
		name := string(s.text(maxKey, "a tensor's name"))
		if s.err == nil && name == "" {
			s.fail("it has no name")
		}
		if s.err != nil {
			return f.fail("tensor %d: %v", i, s.err)
		}
		t, err := f.entry(s, name)
		if err != nil {
			return f.failTensor(name, "%v", err)
		}
		f.tensors = append(f.tensors, t)
	}
	if err := f.place(s.at); err != nil {
		return err
	}
	slices.SortFunc(f.tensors, compare)
	for i := range f.tensors[:max(len(f.tensors)-1, 0)] {
		if t := &f.tensors[i]; compare(*t, f.tensors[i+1]) == 0 {
			return f.failTensor(t.file(), "occurs twice")
		}
	}
	return nil
}

func compare(a, b stored) int {
	return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.layer, b.layer))
}

// entry reads and checks what the header says of one tensor.
func (f *File) entry(s *scanner, name string) (stored, error) {
	dims := s.u32("the number of dimensions")
	if s.err == nil && (dims < 1 || dims > 2) {
		return stored{}, fmt.Errorf("%d dimensions; want 1 or 2", dims)
	}
	var d [2]uint64 // the innermost first
	for i := range min(dims, 2) {
		d[i] = s.u64("the dimensions")
	}
	number := s.u32("the type")
	at := s.u64("the offset")
	if s.err != nil {
		return stored{}, s.err
	}
	p, layer, ok := parsePart(name)
	n, k, has := 0, 0, false
	if ok {
		n, k, has = f.hyper.want(p)
	}
	switch {
	case !ok || !has:
		return stored{}, fmt.Errorf("the architecture %s has no such tensor", f.hyper.arch.name)
	case p >= partAttnNorm && layer >= f.hyper.layers:
		return stored{}, fmt.Errorf("%s.block_count is %d", f.hyper.arch.name, f.hyper.layers)
	case dims == 1 && (n != 0 || d[0] != uint64(k)), dims == 2 && (d[0] != uint64(k) || d[1] != uint64(n)):
		return stored{}, fmt.Errorf("the dimensions are %d, the metadata wants %d", d[:dims], wantDims(n, k))
	}
	t := stored{part: p, layer: int16(layer), vector: n == 0, n: int32(max(n, 1)), k: int32(k)}
	var err error
	if t.storage, err = parseStorage(number); err != nil {
		return t, err
	}
	if k%storages[t.storage].values != 0 {
		return t, fmt.Errorf("rows of %d values are no whole blocks of %s", k, t.storage)
	}
	if at > math.MaxInt64 || int64(at) > f.size {
		return t, fmt.Errorf("the offset %d is past the end of the file: it is cut short, or damaged", at)
	}
	t.at = int64(at)
	return t, nil
}

func wantDims(n, k int) []int {
	if n == 0 {
		return []int{k}
	}
	return []int{k, n}
}

// place turns the offsets, which count from the end of the header, into places
// of the file, and checks that the tensors lie in it side by side.
func (f *File) place(end int64) error {
	align := 32
	if f.has(keyAlignment) {
		var err error
		if align, err = f.whole(keyAlignment, 1, 1<<20); err != nil {
			return err
		}
		if align&(align-1) != 0 {
			return f.failKey(keyAlignment, "%d is not a power of two", align)
		}
	}
	base := (end + int64(align) - 1) &^ (int64(align) - 1)
	slices.SortFunc(f.tensors, func(a, b stored) int { return cmp.Compare(a.at, b.at) })
	for i := range f.tensors {
		t := &f.tensors[i]
		if t.at%int64(align) != 0 {
			return f.failTensor(t.file(), "the offset %d is not a multiple of the alignment, %d", t.at, align)
		}
		t.at += base
		if t.at > f.size || t.bytes() > f.size-t.at {
			return f.failTensor(t.file(), "%d bytes at %d, but the file has %d: it is cut short, or damaged", t.bytes(), t.at, f.size)
		}
		if i > 0 {
			if u := &f.tensors[i-1]; u.at+u.bytes() > t.at {
				return f.failTensor(t.file(), "overlaps the tensor %s", u.file())
			}
		}
	}
	return nil
}

// Names lists the tensors by their Hugging Face names, in order.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.tensors))
	for i := range f.tensors {
		if t := &f.tensors[i]; t.part != partRopeFreqs {
			names = append(names, t.name())
		}
	}
	slices.Sort(names)
	return names
}

// find looks for a tensor by its Hugging Face name.
func (f *File) find(name string) *stored {
	for i := range f.tensors {
		// Only what ends alike is worth making a name for.
		if t := &f.tensors[i]; t.part != partRopeFreqs && len(name) >= len(parts[t.part].name) &&
			name[len(name)-len(parts[t.part].name):] == parts[t.part].name && t.name() == name {
			return t
		}
	}
	return nil
}

// Stat is a tensor's shape. Its type is F32 whatever the file has: see Stored.
func (f *File) Stat(name string) (tensor.View, bool) {
	t := f.find(name)
	if t == nil {
		return tensor.View{}, false
	}
	return tensor.View{Name: name, DType: tensor.F32, Shape: t.shape()}, true
}

// Stored is the type that a tensor has in the file, "Q4_0", and its bytes there.
func (f *File) Stored(name string) (kind string, bytes int64) {
	t := f.find(name)
	if t == nil {
		return "", 0
	}
	return t.storage.String(), t.bytes()
}

// Tensor reads a tensor in float32. The data is the caller's. A tensor that
// cannot be read is reported as absent; Err has the reason.
func (f *File) Tensor(name string) (tensor.View, bool) {
	t := f.find(name)
	if t == nil {
		return tensor.View{}, false
	}
	x, err := f.read(t)
	if err != nil {
		f.mu.Lock()
		if f.err == nil {
			f.err = err
		}
		f.mu.Unlock()
		return tensor.View{}, false
	}
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
	return tensor.View{Name: name, DType: tensor.F32, Shape: t.shape(), Data: data}, true
}

// Err is why the first Tensor failed that did; nil if none has.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Bytes is the size of the file.
func (f *File) Bytes() int64 { return f.size }

// Close closes the file that Open opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
