package safetensors

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"unicode/utf8"

	"mom/tensor"
)

// Write writes a file with the given tensors; metadata may be nil. The same
// tensors give the same bytes, whatever their order: those of the widest types
// come first, then they are sorted by name. The data begins at a multiple of 64
// bytes, and every tensor at a multiple of its type's size.
//
// It is an error if two tensors share a name, if a tensor's data does not fit
// its shape, or if the header becomes larger than the format allows.
func Write(w io.Writer, tensors []tensor.View, metadata map[string]string) error {
	sorted := slices.SortedFunc(slices.Values(tensors), func(a, b tensor.View) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	header, err := makeHeader(sorted, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, v := range sorted {
		if _, err := w.Write(v.Data); err != nil {
			return err
		}
	}
	return nil
}

// makeHeader is the length and the JSON, padded with spaces.
func makeHeader(tensors []tensor.View, metadata map[string]string) ([]byte, error) {
	b := append(make([]byte, lengthBytes), '{')
	if len(metadata) > maxMetadata {
		return nil, fmt.Errorf("safetensors: %d entries of metadata are over the limit of %d", len(metadata), maxMetadata)
	}
	if len(metadata) > 0 {
		b = append(b, `"__metadata__":{`...)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
				return nil, fmt.Errorf("safetensors: metadata %s is not valid UTF-8", clip(key))
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(append(appendString(b, key), ':'), metadata[key])
		}
		b = append(b, `},`...)
	}
	seen := make(map[string]bool, len(tensors))
	at := uint64(0)
	for _, v := range tensors {
		if reason := badView(v, seen[v.Name], at); reason != "" {
			return nil, fmt.Errorf("safetensors: tensor %s: %s", clip(v.Name), reason)
		}
		seen[v.Name] = true
		b = appendEntry(b, v, at)
		at += uint64(len(v.Data))
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	b = append(b, '}')
	for len(b)%align != 0 {
		b = append(b, ' ')
	}
	if n := len(b) - lengthBytes; n > maxHeader {
		return nil, fmt.Errorf("safetensors: the header of %d tensors takes %d bytes, over the limit of %d", len(tensors), n, maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-lengthBytes))
	return b, nil
}

// appendEntry adds a tensor whose data begins at at, and a comma.
func appendEntry(b []byte, v tensor.View, at uint64) []byte {
	b = append(appendString(b, v.Name), `:{"dtype":"`...)
	b = append(append(b, v.DType.String()...), `","shape":[`...)
	for i, d := range v.Shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(d), 10)
	}
	b = append(b, `],"data_offsets":[`...)
	b = append(strconv.AppendUint(b, at, 10), ',')
	b = strconv.AppendUint(b, at+uint64(len(v.Data)), 10)
	return append(b, `]},`...)
}

// badView says what keeps v from being written at the offset at.
func badView(v tensor.View, twice bool, at uint64) string {
	switch {
	case twice:
		return "is given twice"
	case v.Name == "":
		return "has no name"
	case v.Name == "__metadata__":
		return "has a name that the format reserves"
	case !utf8.ValidString(v.Name):
		return "has a name that is not valid UTF-8"
	case v.DType.Size() == 0:
		return fmt.Sprintf("has the type %d, which is none", uint8(v.DType))
	case len(v.Shape) > maxDims:
		return fmt.Sprintf("has more than %d dimensions", maxDims)
	}
	size, zero := uint64(v.DType.Size()), false
	for _, d := range v.Shape {
		if d < 0 {
			return fmt.Sprintf("has the shape %v", v.Shape)
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(size, uint64(d))
		if size = lo; hi != 0 || lo > math.MaxInt {
			return fmt.Sprintf("shape %v has more bytes than can be counted", v.Shape)
		}
	}
	if zero {
		size = 0
	}
	if size != uint64(len(v.Data)) {
		return fmt.Sprintf("has %d bytes, but %s %v takes %d", len(v.Data), v.DType, v.Shape, size)
	}
	if at+size > math.MaxInt64 {
		return "does not fit in a file"
	}
	return ""
}

// appendString adds s as JSON. s is valid UTF-8.
func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("BUG: safetensors: a string cannot be written as JSON: " + err.Error())
	}
	return append(b, quoted...)
}

// WriteFile is Write to the file at path, all or nothing: it writes to another
// file in the same folder, makes sure that it is on the disk, and renames it.
// A regular file or a link at path is replaced; anything else is refused.
func WriteFile(path string, tensors []tensor.View, metadata map[string]string) (err error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&^fs.ModeSymlink&fs.ModeType != 0 {
		return fmt.Errorf("%s: is %s; it is not replaced", path, kind(info.Mode()))
	}
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temp)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := Write(w, tensors, metadata); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// syncFolder makes the new name durable where the system can; the file itself
// already is.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
