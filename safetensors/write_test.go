package safetensors

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mom/tensor"
)

// randomTensors makes tensors of every type, of few and many dimensions, some of
// them empty, with names that are hard to write as JSON.
func randomTensors(r *rand.Rand) ([]tensor.View, map[string]string) {
	words := []string{"layer.0.weight", "é", "\"", "\\", "a b", "\n", "😀", "<&>", "\u2028", "\x7f", "/", "__metadata", "\u0000", "ÿ", strings.Repeat("long", 200)}
	var all []tensor.View
	for i := range r.IntN(20) {
		d := tensor.F64 + tensor.DType(r.IntN(int(tensor.BOOL)))
		v := tensor.View{Name: fmt.Sprint(words[r.IntN(len(words))], i), DType: d, Shape: []int{}}
		for range r.IntN(5) {
			v.Shape = append(v.Shape, r.IntN(5))
		}
		v.Data = make([]byte, v.Len()*d.Size())
		for j := range v.Data {
			v.Data[j] = byte(r.Uint32())
		}
		all = append(all, v)
	}
	metadata := map[string]string{}
	for range r.IntN(4) {
		metadata[words[r.IntN(len(words))]] = words[r.IntN(len(words))]
	}
	return all, metadata
}

// What is written is what is read, whatever it is, and does not depend on the
// order of the tensors.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		tensors, metadata := randomTensors(r)
		var b bytes.Buffer
		if err := Write(&b, tensors, metadata); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		f, err := Parse("x", b.Bytes())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := f.Metadata(); !maps.Equal(got, metadata) {
			t.Errorf("seed %d: metadata %q, want %q", seed, got, metadata)
		}
		if len(f.Names()) != len(tensors) {
			t.Errorf("seed %d: names %q", seed, f.Names())
		}
		for _, want := range tensors {
			if got, ok := f.Tensor(want.Name); !ok || !sameView(got, want) {
				t.Errorf("seed %d: %q: got %v, %v, want %v", seed, want.Name, got, ok, want)
			}
		}
		r.Shuffle(len(tensors), func(i, j int) { tensors[i], tensors[j] = tensors[j], tensors[i] })
		var again bytes.Buffer
		if err := Write(&again, tensors, metadata); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("seed %d: another order gives another file (%v)", seed, err)
		}
	}
}

func TestLayout(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, []tensor.View{
		{Name: "z", DType: tensor.I8, Shape: []int{3}, Data: []byte{1, 2, 3}},
		{Name: "b", DType: tensor.F32, Shape: []int{1, 1}, Data: []byte{4, 5, 6, 7}},
		{Name: "a", DType: tensor.F32, Shape: nil, Data: []byte{8, 9, 10, 11}},
	}, map[string]string{"format": "pt", "by": "mom"})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"by":"mom","format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},` +
		`"b":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]},"z":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}}`
	for (8+len(header))%64 != 0 {
		header += " "
	}
	if want := append(file(header, 0), 8, 9, 10, 11, 4, 5, 6, 7, 1, 2, 3); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got  %q\nwant %q", b.Bytes(), want)
	}
}

func TestWriteErrors(t *testing.T) {
	ok := tensor.View{Name: "x", DType: tensor.F32, Shape: []int{2}, Data: make([]byte, 8)}
	with := func(change func(v *tensor.View)) []tensor.View {
		v := ok
		change(&v)
		return []tensor.View{v}
	}
	for want, tensors := range map[string][]tensor.View{
		"tensor x: is given twice":                                 {ok, ok},
		"tensor __metadata__: has a name that the format reserves": with(func(v *tensor.View) { v.Name = "__metadata__" }),
		`tensor "": has no name`:                                   with(func(v *tensor.View) { v.Name = "" }),
		`tensor "\xff": has a name that is not valid UTF-8`:        with(func(v *tensor.View) { v.Name = "\xff" }),
		"has the type 0, which is none":                            with(func(v *tensor.View) { v.DType = tensor.Invalid }),
		"has the type 99, which is none":                           with(func(v *tensor.View) { v.DType = 99 }),
		"has 8 bytes, but F32 [3] takes 12":                        with(func(v *tensor.View) { v.Shape = []int{3} }),
		"has 8 bytes, but F32 [] takes 4":                          with(func(v *tensor.View) { v.Shape = nil }),
		"has 8 bytes, but F32 [0] takes 0":                         with(func(v *tensor.View) { v.Shape = []int{0} }),
		"has the shape [-1 -2]":                                    with(func(v *tensor.View) { v.Shape = []int{-1, -2} }),
		"has more bytes than can be counted":                       with(func(v *tensor.View) { v.Shape = []int{1 << 62, 4} }),
		"has more than 64 dimensions":                              with(func(v *tensor.View) { v.Shape = make([]int, 65) }),
	} {
		var b bytes.Buffer
		if err := Write(&b, tensors, nil); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("got %v and %d bytes, want %s", err, b.Len(), want)
		}
	}
	if err := Write(&bytes.Buffer{}, nil, map[string]string{"a": "\xff"}); err == nil || !strings.Contains(err.Error(), "metadata a is not valid UTF-8") {
		t.Errorf("got %v", err)
	}
	many := map[string]string{}
	for i := range maxMetadata + 1 {
		many[fmt.Sprint(i)] = ""
	}
	if err := Write(&bytes.Buffer{}, nil, many); err == nil || !strings.Contains(err.Error(), "16385 entries of metadata") {
		t.Errorf("got %v", err)
	}
}

// A disk that is full at any point is reported.
func TestWriteFails(t *testing.T) {
	v := []tensor.View{{Name: "x", DType: tensor.U8, Shape: []int{100}, Data: make([]byte, 100)}}
	var b bytes.Buffer
	if err := Write(&b, v, nil); err != nil {
		t.Fatal(err)
	}
	for room := range b.Len() {
		if err := Write(&full{room}, v, nil); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

var errFull = errors.New("full")

type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return f.room, errFull
	}
	f.room -= len(b)
	return len(b), nil
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.safetensors")
	for i := range 2 { // also over what is there
		v := []tensor.View{{Name: "x", DType: tensor.U8, Shape: []int{1}, Data: []byte{byte(i)}}}
		if err := WriteFile(path, v, nil); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := f.Tensor("x"); !sameView(got, v[0]) {
			t.Errorf("got %v", got)
		}
	}
	bad := []tensor.View{{Name: "x", DType: tensor.U8, Shape: []int{2}, Data: []byte{1}}}
	before, _ := os.ReadFile(path)
	if err := WriteFile(path, bad, nil); err == nil {
		t.Error("a wrong tensor was written")
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("a failed write changed the file")
	}
	if err := WriteFile(filepath.Join(dir, "nothing", "x"), nil, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := WriteFile(dir, nil, nil); err == nil || !strings.Contains(err.Error(), "is a folder; it is not replaced") {
		t.Errorf("got %v", err)
	}
	if err := WriteFile("/dev/null", nil, nil); err == nil || !strings.Contains(err.Error(), "is a device; it is not replaced") {
		t.Errorf("got %v", err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, nil, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("writing over a link changed what it points at")
	}
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"link", "x.safetensors"}) {
		t.Errorf("the folder has %v", names)
	}
}
