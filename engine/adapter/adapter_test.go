package adapter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mom/safetensors"
	"mom/tensor"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want string) {
		t.Helper()
		if f, err := Open(dir); err == nil {
			f.Close()
			t.Errorf("no error, want one with %q", want)
		} else if text := err.Error(); !strings.Contains(text, want) || strings.Count(text, dir) != 1 {
			t.Errorf("%v, want %q and the folder once", err, want)
		}
	}
	refused(Config)
	put(Config, `{"r": 2, "lora_alpha": 6, "use_dora": true}`)
	refused(Weights)
	views := []tensor.View{{Name: "base_model.model.x.lora_A.weight", DType: tensor.F32, Shape: []int{2, 1}, Data: make([]byte, 8)}}
	if err := safetensors.WriteFile(filepath.Join(dir, Weights), views, nil); err != nil {
		t.Fatal(err)
	}
	refused("use_dora")
	put(Config, `{"r": 2, "lora_alpha": 6}`)
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Rank != 2 || f.Alpha != 6 || len(f.Tensors.Names()) != 1 {
		t.Errorf("rank %d, alpha %v, tensors %v", f.Rank, f.Alpha, f.Tensors.Names())
	}
}
