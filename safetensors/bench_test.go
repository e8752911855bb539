package safetensors

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkParse reads the header of a model of 400 tensors.
func BenchmarkParse(b *testing.B) {
	var entries []string
	for i := range 400 {
		entries = append(entries, f32At(fmt.Sprintf("model.layers.%d.mlp.up_proj.weight", i), 16*i, 4))
	}
	data := file("{"+strings.Join(entries, ",")+"}", 400*16)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("x", data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen reads a file of 64 MB that is in the cache of the system.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, file(object(f32At("x", 0, 16<<20)), 64<<20), 0o600); err != nil {
		b.Fatal(err)
	}
	for name, opts := range ways() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(64 << 20)
			for b.Loop() {
				f, err := Open(path, opts)
				if err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}
