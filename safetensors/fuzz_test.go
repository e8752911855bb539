package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mom/tensor"
)

// FuzzParse wants every file to be refused with a FormatError, or to be exactly
// what encoding/json sees in it and to survive being written.
func FuzzParse(f *testing.F) {
	for _, c := range hostileFiles() {
		if len(c.data) < 1000 {
			f.Add(c.data)
		}
	}
	f.Add(file(object(f32At("a", 0, 2), f32At("b", 8, 1)), 12))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Parse("x", data)
		if err != nil {
			wantFormatError(t, err)
			return
		}
		header := data[8 : len(data)-sizeOfData(x)]
		var entries map[string]json.RawMessage
		if err := json.Unmarshal(header, &entries); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		if n := len(x.Names()); n != len(entries) && n != len(entries)-1 {
			t.Errorf("%d tensors, encoding/json sees %d members", n, len(entries))
		}
		views := sameAsJSON(t, x, entries)
		var b bytes.Buffer
		if err := Write(&b, views, x.Metadata()); err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again", b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(x.Metadata(), again.Metadata()) || !slices.Equal(x.Names(), again.Names()) {
			t.Errorf("written as %q, %q", again.Names(), again.Metadata())
		}
		for _, v := range views {
			if w, ok := again.Tensor(v.Name); !ok || !sameView(v, w) {
				t.Errorf("%v was written as %v", v, w)
			}
		}
	})
}

func wantFormatError(t *testing.T, err error) {
	t.Helper()
	var e *FormatError
	if !errors.As(err, &e) || e.File == "" || e.Reason == "" || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\n\x00") {
		t.Errorf("error %T %q", err, err)
	}
}

func sizeOfData(f *File) (n int) {
	for _, name := range f.Names() {
		v, _ := f.Tensor(name)
		n += len(v.Data)
	}
	return n
}

// sameAsJSON compares every tensor with its entry, and returns them.
func sameAsJSON(t *testing.T, f *File, entries map[string]json.RawMessage) (views []tensor.View) {
	for _, name := range f.Names() {
		v, ok := f.Tensor(name)
		var want struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(entries[name], &want); err != nil || !ok {
			t.Fatalf("%q: %v, %v", name, ok, err)
		}
		if v.DType.String() != want.DType || !slices.Equal(v.Shape, want.Shape) || len(v.Data) != want.Offsets[1]-want.Offsets[0] || len(v.Data) != v.Len()*v.DType.Size() {
			t.Errorf("%q: got %v, want %+v", name, v, want)
		}
		views = append(views, v)
	}
	metadata := map[string]string{}
	if text, ok := entries["__metadata__"]; ok {
		if err := json.Unmarshal(text, &metadata); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.Equal(metadata, f.Metadata()) {
		t.Errorf("metadata %q, want %q", f.Metadata(), metadata)
	}
	return views
}

// FuzzIndex does the same for the index of shards.
func FuzzIndex(f *testing.F) {
	for _, c := range hostileIndexes() {
		if len(c[0]) < 1000 {
			f.Add([]byte(c[0]))
		}
	}
	f.Add([]byte(index("a", firstShard, "c", secondShard, "b", firstShard)))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := parseIndex("x", text)
		if err != nil {
			wantFormatError(t, err)
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		var weights map[string]string
		if err := json.Unmarshal(want["weight_map"], &weights); err != nil {
			t.Fatal(err)
		}
		if len(x.tensors) != len(weights) {
			t.Errorf("%d tensors, want %d", len(x.tensors), len(weights))
		}
		for name, shard := range weights {
			if i := x.find(name); i < 0 || x.shards[i] != shard {
				t.Errorf("%q is in %d, want %q", name, i, shard)
			}
		}
		for _, shard := range x.shards {
			if filepath.Base(shard) != shard || filepath.IsAbs(shard) || !filepath.IsLocal(shard) {
				t.Errorf("shard %q is a path", shard)
			}
		}
	})
}
