package safetensors

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"mom/tensor"
)

// ways are the options of this system.
func ways() map[string]Options {
	w := map[string]Options{"private": {}}
	if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
		w["mapped"] = Options{Mmap: true}
	}
	return w
}

func TestRead(t *testing.T) {
	header := "{ \"b\\u002fc\" :\t{\"shape\":[ 2 , 1 ],\r\n\"data_offsets\":[4,8],\"dtype\":\"BF16\"}," +
		`"é":{"dtype":"U8","shape":[],"data_offsets":[8,9]},"__metadata__":{"format":"pt","\ud83d\ude00":"\"\n"},` +
		`"empty":{"dtype":"I64","shape":[3,0,1099511627776],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   `
	data := append(file(header, 0), 0, 0, 0x80, 0x3F, 1, 2, 3, 4, 200)
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink("x.safetensors", link); err != nil {
		t.Fatal(err)
	}
	look := func(f *File, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := f.Names(); !slices.Equal(got, []string{"a", "b/c", "empty", "é"}) {
			t.Errorf("names %q", got)
		}
		if got := f.Metadata(); !maps.Equal(got, map[string]string{"format": "pt", "😀": "\"\n"}) {
			t.Errorf("metadata %q", got)
		}
		if f.Bytes() != int64(len(data)) {
			t.Errorf("%d bytes", f.Bytes())
		}
		for _, want := range []tensor.View{
			{Name: "a", DType: tensor.F32, Shape: []int{1}, Data: []byte{0, 0, 0x80, 0x3F}},
			{Name: "b/c", DType: tensor.BF16, Shape: []int{2, 1}, Data: []byte{1, 2, 3, 4}},
			{Name: "empty", DType: tensor.I64, Shape: []int{3, 0, 1 << 40}, Data: []byte{}},
			{Name: "é", DType: tensor.U8, Shape: []int{}, Data: []byte{200}},
		} {
			got, ok := f.Tensor(want.Name)
			if !ok || !sameView(got, want) {
				t.Errorf("%s: got %v, %v", want.Name, got, ok)
			}
			if cap(got.Data) != len(got.Data) {
				t.Errorf("%s: appending to the data would write to the file", want.Name)
			}
		}
		for _, name := range []string{"", "b", `b\u002fc`, "__metadata__", "A", "a "} {
			if v, ok := f.Tensor(name); ok {
				t.Errorf("%q: got %v", name, v)
			}
		}
	}
	look(Parse("x", data))
	for name, opts := range ways() {
		t.Run(name, func(t *testing.T) {
			look(Open(path, opts))
			look(Open(link, opts))
		})
	}
}

func sameView(a, b tensor.View) bool {
	return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
}

func TestNoTensors(t *testing.T) {
	f, err := Parse("x", file("{}", 0))
	if err != nil || len(f.Names()) != 0 || len(f.Metadata()) != 0 {
		t.Errorf("got %v, %v", f, err)
	}
}

// Opening a file takes little more memory than the file, and its data lies on a
// cache line.
func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for n := 1; n < 1<<22; n = n*3 + 1 {
		if err := os.WriteFile(path, file(object(f32At("x", 0, n)), 4*n), 0o600); err != nil {
			t.Fatal(err)
		}
		var f *File
		var err error
		used := allocated(func() { f, err = Open(path, Options{}) })
		if err != nil {
			t.Fatal(err)
		}
		if limit := uint64(4*n + 4*n/4 + 8192); used > limit {
			t.Errorf("%d bytes of data took %d", 4*n, used)
		}
		v, _ := f.Tensor("x")
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(v.Data))); at%align != 0 {
			t.Errorf("data of %d bytes lies at %#x", 4*n, at)
		}
	}
}

// A lookup allocates the shape and nothing else.
func TestTensorAllocates(t *testing.T) {
	f, err := Parse("x", file(object(f32At("x", 0, 1), f32At("y", 4, 1)), 8))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { f.Tensor("y") }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Skip(err)
	}
	defer socket.Close()
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "device")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"socket": "is a socket, not a regular file", "device": "is a device, not a regular file", "folder": "is a folder, not a regular file"}
	if makePipe(filepath.Join(dir, "pipe")) {
		want["pipe"] = "is a pipe, not a regular file"
	}
	for name, reason := range want {
		path := filepath.Join(dir, name)
		for _, opts := range ways() {
			var e *FormatError
			if _, err := Open(path, opts); !errors.As(err, &e) || e.File != path || e.Reason != reason {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"nothing", "dangling"} {
		os.Symlink("nowhere", filepath.Join(dir, "dangling"))
		if _, err := Open(filepath.Join(dir, name), Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// After Close nothing is found, and Close may be called again.
func TestClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, file(object(f32At("x", 0, 1)), 4), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, opts := range ways() {
		f, err := Open(path, opts)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, ok := f.Tensor("x"); ok || len(f.Names()) != 0 || len(f.Metadata()) != 0 {
				t.Errorf("%s: still open", name)
			}
		}
	}
}

// Names that share a hash are told apart.
func TestSameHash(t *testing.T) {
	p := &part{text: []byte(`"one" "two"`)}
	p.index = []entry{{name: 0, hash: 7}, {name: 6, hash: 7}}
	if err := p.checkNames(); err != nil {
		t.Errorf("two names: %v", err)
	}
	p.text = []byte(`"one" "\u006fne"`)
	if err := p.checkNames(); err == nil {
		t.Error("one name twice was not found")
	}
}

// testdata/reference.safetensors was written by safetensors.torch.save_file of
// the Python package.
func TestReference(t *testing.T) {
	for name, opts := range ways() {
		f, err := Open("testdata/reference.safetensors", opts)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := f.Metadata(); !maps.Equal(got, map[string]string{"format": "pt", "note": "naïve \"quoted\"\n"}) {
			t.Errorf("%s: metadata %q", name, got)
		}
		for tensorName, want := range map[string][]float32{
			"a.weight": {1.5, -2, 0.25, 3}, "h": {0.5, 65504}, "bf": {7}, "d": {1e-3}, "e": {},
		} {
			v, _ := f.Tensor(tensorName)
			got := make([]float32, v.Len())
			if err := v.Float32s(got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %s is %v, %v; want %v", name, tensorName, got, err, want)
			}
		}
		for tensorName, want := range map[string][]int64{"b": {1, 2, -3}, "i": {-1 << 40}, "t": {1, 0, 1}} {
			v, _ := f.Tensor(tensorName)
			got := make([]int64, v.Len())
			if err := v.Int64s(got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %s is %v, %v; want %v", name, tensorName, got, err, want)
			}
		}
		if n := len(f.Names()); n != 8 {
			t.Errorf("%s: %d tensors", name, n)
		}
	}
}
