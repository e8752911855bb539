package gguf

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzRead does with any bytes what a loader does: it never panics, its error
// names the file, and a file that is accepted has tensors of the promised sizes.
func FuzzRead(f *testing.F) {
	// Small seeds: the rest of a file is much the same.
	for i := range 4 {
		f.Add(seed(i).bytes())
	}
	for name, c := range hostileFiles() {
		if len(c.data) < 1000 {
			f.Add(c.data)
		}
		if strings.HasPrefix(name, "cut") {
			continue
		}
		b := seed(0)
		b.nTensors, b.nPairs = int64(len(name)%9), int64(len(name)%13)
		f.Add(b.bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		head, values := everything("x", validJSON, func() (*File, error) { return parse("x", data) })
		for _, err := range []error{head, values} {
			var e *FormatError
			if err != nil && (!errors.As(err, &e) || !strings.HasPrefix(err.Error(), "x: ")) {
				t.Fatalf("error %T %v", err, err)
			}
		}
		g, err := parse("x", data)
		if err != nil {
			return
		}
		for _, name := range g.Names() {
			if v, ok := g.Tensor(name); ok && len(v.Data) != 4*v.Len() {
				t.Fatalf("%s %v has %d bytes", name, v.Shape, len(v.Data))
			}
		}
	})
}

// seed is a file of four tokens and a few tensors.
func seed(i int) *builder {
	b := small()
	b.tensors = nil
	b.set("llama.block_count", vU32(1))
	b.set("llama.embedding_length", vU32(32))
	b.set(keyPre, vText(pres[i].names[0]))
	b.set(keyTokens, vTexts("a", "b", "ab", "<|x|>"))
	b.set(keyTypes, vI32s(tokenNormal, tokenNormal, tokenNormal, tokenControl))
	b.set(keyMerges, vTexts("a b"))
	b.set(keyEOS, vU32(3))
	kind := []storage{stF32, stQ80, stQ40, stQ41}[i]
	b.add("output_norm.weight", kind, make([]byte, kind.rowBytes(32)), 32)
	b.add("token_embd.weight", stQ40, make([]byte, 4*stQ40.rowBytes(32)), 32, 4)
	addFactors(b, func(int) float64 { return 1 })
	return b
}

// validJSON is all that is asked of a tokenizer.json here: its parser has a fuzz
// target of its own, and is slow beside the rest.
func validJSON(_ string, data []byte) error {
	if !json.Valid(data) {
		panic("not JSON")
	}
	return nil
}
