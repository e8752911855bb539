package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInspectGGUF(t *testing.T) {
	const path = "../../models/gguf/testdata/qwen3.gguf"
	i, err := inspect(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if !i.Runs || i.Architecture != "Qwen3ForCausalLM" || i.Parameters != 49376 || i.Precision != "q8_0" || len(i.Stored) != 3 {
		t.Errorf("%+v", i)
	}
	if l := i.Loaded; l == nil || l.Layers != 1 || l.Heads != 4 || l.KVHeads != 2 || l.MaxTokens != 131072 {
		t.Errorf("loaded as %+v", l)
	}
	if i.Tokenizer.Vocab != 565 || i.Chat != "tokenizer.chat_template of the file" {
		t.Errorf("tokenizer %+v, template %q", i.Tokenizer, i.Chat)
	}
	table := string(i.table())
	for _, want := range []string{
		"  Q4_0         14336 in 3 tensors", "holds          at most 131072 tokens", "run it         mom generate --model " + path + " --chat --prompt TEXT",
		"model.layers.0.self_attn.q_norm.weight", "[256 32]",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

func TestInspectGGUFRefuses(t *testing.T) {
	data, err := os.ReadFile("../../models/gguf/testdata/qwen3.gguf")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.GGUF")
	if err := os.WriteFile(path, data[:30000], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{path, path + ": tensor "},
		{path[:len(path)-9] + "/none.gguf", "no such file or directory"},
	} {
		if _, err := inspect(c.path, true); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.path, err, c.want)
		}
	}
}
