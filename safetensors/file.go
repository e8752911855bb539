// Package safetensors reads and writes the safetensors format, in which model
// weights are published: eight bytes that hold the length of a header, the
// header in JSON, which says for each tensor its type, its shape and where its
// data lies, and the data.
//
// Files come from strangers. Everything that the header says is checked before
// it is used, and what does not fit is a FormatError that names the file, the
// tensor and the reason: tensors must lie one after the other without a hole or
// an overlap, from the first byte of the data to the last, with exactly the
// bytes that their shapes take. Reading costs less than twice the memory of the
// file, whatever is in it.
package safetensors

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"unsafe"

	"mom/tensor"
)

// Options say how a file is read.
type Options struct {
	// Mmap maps the data instead of reading it: loading is quicker and the
	// pages are shared between processes, but whoever truncates the file ends
	// this process. Linux and macOS only; elsewhere it is an error.
	Mmap bool

	// Lazy reads the data of a tensor when it is asked for, into memory of
	// its own, so that a large file is never in memory as a whole. The file
	// stays open until Close. A tensor that can no longer be read is not
	// found; Mmap wins over Lazy.
	Lazy bool
}

// A File is a set of tensors, from one file or from the shards of a folder.
type File struct {
	parts  []*part
	bytes  int64
	unmaps []func() error
	opened []*os.File // of Lazy
}

// align is the alignment of the first tensor's data in memory: a cache line.
const align = 64

// Open reads the file at path. A link is followed; what is not a regular file in
// the end is refused.
func Open(path string, opts Options) (*File, error) {
	f := &File{}
	if err := f.open(path, opts); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Parse reads a file that is in memory; name stands for it in errors. The tensors
// are parts of data, which must not change as long as they are used.
func Parse(name string, data []byte) (*File, error) {
	size := int64(len(data))
	n, err := headerLen(name, data, size)
	if err != nil {
		return nil, err
	}
	end := lengthBytes + n
	p, err := parsePart(name, data[lengthBytes:end:end], size-end)
	if err != nil {
		return nil, err
	}
	p.data = data[end:]
	return &File{parts: []*part{p}, bytes: size}, nil
}

// openRegular opens path for reading and refuses devices, pipes and folders,
// which would block, never end or fail later with less to say.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &FormatError{File: path, Reason: "is " + kind(info.Mode()) + ", not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = &FormatError{File: path, Reason: "is " + kind(info.Mode()) + ", not a regular file"}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// open adds the file at path to f. The header is read and checked first, on its
// own: it is small, and memory that another process can change is no place for
// an index.
func (f *File) open(path string, opts Options) error {
	file, size, err := openRegular(path)
	if err != nil {
		return err
	}
	lazy := opts.Lazy && !opts.Mmap
	if lazy {
		f.opened = append(f.opened, file)
	} else {
		defer file.Close()
	}
	if size > math.MaxInt-align {
		return &FormatError{File: path, Reason: fmt.Sprintf("%d bytes are more than this machine can address", size)}
	}
	var first [lengthBytes]byte
	if size >= lengthBytes {
		if _, err := io.ReadFull(file, first[:]); err != nil {
			return shrunk(path, err)
		}
	}
	n, err := headerLen(path, first[:], size)
	if err != nil {
		return err
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(file, text); err != nil {
		return shrunk(path, err)
	}
	p, err := parsePart(path, text, size-lengthBytes-n)
	if err != nil {
		return err
	}
	switch {
	case opts.Mmap:
		p.data, err = f.mapData(file, path, lengthBytes+n, size)
	case lazy:
		p.file, p.base = file, lengthBytes+n
	default:
		p.data, err = readData(file, path, size-lengthBytes-n)
	}
	if err != nil {
		return err
	}
	f.parts = append(f.parts, p)
	f.bytes += size
	return nil
}

// aligned returns n bytes that begin at a cache line.
func aligned(n int64) []byte {
	buf := make([]byte, n+align-1)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(buf))) % align
	return buf[skip : int64(skip)+n : int64(skip)+n]
}

// readData reads the next n bytes.
func readData(file *os.File, path string, n int64) ([]byte, error) {
	data := aligned(n)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, shrunk(path, err)
	}
	return data, nil
}

// mapData maps the file and returns what lies after its first skip bytes.
func (f *File) mapData(file *os.File, path string, skip, size int64) ([]byte, error) {
	all, unmap, err := mapFile(file, int(size))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.unmaps = append(f.unmaps, unmap)
	return all[skip:], nil
}

// shrunk explains a file that ends before its size.
func shrunk(path string, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &FormatError{File: path, Reason: "became shorter while it was read"}
	}
	return err
}

// Names lists the tensors in the order of their names.
func (f *File) Names() []string {
	n := 0
	for _, p := range f.parts {
		n += len(p.index)
	}
	names := make([]string, 0, n)
	for _, p := range f.parts {
		for _, e := range p.index {
			names = append(names, p.nameOf(e))
		}
	}
	slices.Sort(names)
	return names
}

// Tensor finds a tensor by its name. Its data is the file's, not a copy, and
// must not be used after Close; with Lazy it is the caller's.
func (f *File) Tensor(name string) (tensor.View, bool) {
	for _, p := range f.parts {
		if e, ok := p.find(name); ok {
			v := p.view(name, e)
			v.Data, ok = p.read(e)
			return v, ok
		}
	}
	return tensor.View{}, false
}

// Stat is Tensor without the data.
func (f *File) Stat(name string) (tensor.View, bool) {
	for _, p := range f.parts {
		if e, ok := p.find(name); ok {
			return p.view(name, e), true
		}
	}
	return tensor.View{}, false
}

// read returns the data of e.
func (p *part) read(e entry) ([]byte, bool) {
	if p.file == nil {
		return p.data[e.begin:e.end:e.end], true
	}
	data := aligned(e.end - e.begin)
	_, err := p.file.ReadAt(data, p.base+e.begin)
	return data, err == nil
}

// Metadata is the header's table of strings, never nil. Of shards that disagree
// about a key the first one counts.
func (f *File) Metadata() map[string]string {
	m := map[string]string{}
	for _, p := range slices.Backward(f.parts) {
		p.metadata(m)
	}
	return m
}

// Bytes is the size of the file, or of all shards together.
func (f *File) Bytes() int64 { return f.bytes }

// Close releases mapped and open files, after which no tensor may be used.
func (f *File) Close() error {
	var errs []error
	for _, unmap := range f.unmaps {
		errs = append(errs, unmap())
	}
	for _, file := range f.opened {
		errs = append(errs, file.Close())
	}
	*f = File{}
	return errors.Join(errs...)
}
