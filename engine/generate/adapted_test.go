package generate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mom/engine/enginetest"
)

// A folder with an adapter and no weights is a decoder over those beside it.
func TestAdaptedFolder(t *testing.T) {
	base := enginetest.Decoder(t, "base")
	dir := filepath.Join(filepath.Dir(base), "part")
	if err := enginetest.WriteAdapted(dir, "base"); err != nil {
		t.Fatal(err)
	}
	open := func(path string) *Model {
		t.Helper()
		m, err := Open(path, Options{Precision: "f32"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	write := func(m *Model, r Request) string {
		t.Helper()
		r.Prompt, r.MaxTokens, r.IgnoreEnd = encode(t, m, "the law and the land"), 12, true
		res, err := m.Generate(context.Background(), &r)
		if err != nil {
			t.Fatal(err)
		}
		return res.Text
	}
	part := open(dir)
	if part.Name != "part" || part.Info().Layers != 1 {
		t.Errorf("%s has %d layers", part.Name, part.Info().Layers)
	}
	got := write(part, Request{})
	if got == write(open(base), Request{}) {
		t.Error("the part writes what the whole does")
	}
	// The same layer without the adapter, and with the adapter in each request.
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	plain := enginetest.Decoder(t, "plain")
	enginetest.Write(t, plain, "config.json", string(config))
	m := open(plain)
	a, err := m.OpenAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := write(m, Request{Adapter: a}); got != want {
		t.Errorf("%q, with the adapter named %q", got, want)
	}
	if got == write(m, Request{}) {
		t.Error("the adapter has no part in it")
	}
	// As a relative path too.
	t.Chdir(dir)
	if write(open("."), Request{}) != got {
		t.Error("another answer from .")
	}
	if err := os.RemoveAll(base); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "needs the folder base beside it") {
		t.Errorf("without its base: %v", err)
	}
}
