package generate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mom/engine/enginetest"
	"mom/weights"
)

// TestEmbedded: a decoder of the binary is made of the same parts as its folder.
func TestEmbedded(t *testing.T) {
	base := enginetest.Decoder(t, "base")
	part := filepath.Join(filepath.Dir(base), "part")
	if err := enginetest.WriteAdapted(part, "base"); err != nil {
		t.Fatal(err)
	}
	model := func(dir string) *weights.Model {
		m := &weights.Model{Name: filepath.Base(dir), Files: map[string][]byte{}}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if m.Files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	embedded := map[string]*weights.Model{"base": model(base), "part": model(part)}
	find := func(name string) (*weights.Model, bool) { m, ok := embedded[name]; return m, ok }
	for name, dir := range map[string]string{"base": base, "part": part} {
		want, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer want.close()
		got, err := openEmbedded(embedded[name], find)
		if err != nil {
			t.Fatal(err)
		}
		defer got.close()
		if got.name != want.name || string(got.config) != string(want.config) || !slices.Equal(got.ends, want.ends) ||
			got.tokenizer.VocabSize() != want.tokenizer.VocabSize() || !slices.Equal(got.tensors.Names(), want.tensors.Names()) || (got.adapter == nil) != (want.adapter == nil) {
			t.Errorf("%s: %+v, of the folder %+v", name, got, want)
		}
		for _, tensor := range want.tensors.Names() {
			a, _ := got.tensors.Tensor(tensor)
			b, _ := want.tensors.Tensor(tensor)
			if string(a.Data) != string(b.Data) {
				t.Errorf("%s: %s differs", name, tensor)
			}
		}
		if got.adapter != nil {
			a, err := got.adapter()
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			b, err := want.adapter()
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if a.Rank != b.Rank || a.Alpha != b.Alpha || !slices.Equal(a.Tensors.Names(), b.Tensors.Names()) {
				t.Errorf("%s: adapter %+v, of the folder %+v", name, a, b)
			}
		}
	}
	delete(embedded, "base")
	if _, err := openEmbedded(embedded["part"], find); err == nil || !strings.Contains(err.Error(), "embedded part/adapter_config.json: base_model_name_or_path: base is not embedded") {
		t.Errorf("err %v", err)
	}
}
