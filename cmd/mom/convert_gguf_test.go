package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mom/engine/chat"
	"mom/engine/enginetest"
	"mom/engine/generate"
	"mom/tokenizer"
)

// an answer is what a decoder says to a chat, and the logits before its first token.
type answer struct {
	ids    []int32
	text   string
	logits []float32
	prompt string
}

func ask(t *testing.T, path, precision, question string, tokens int) answer {
	t.Helper()
	m, err := generate.Open(path, generate.Options{Precision: precision, KV: "f32", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var a answer
	template, err := m.Template()
	if err != nil {
		t.Fatal(err)
	}
	prompt, err := template.Render(nil, &chat.Request{Messages: chat.Messages(chat.Message{Role: "user", Content: question}), GenerationPrompt: true})
	if err != nil {
		t.Fatal(err)
	}
	a.prompt = string(prompt)
	var e tokenizer.Encoding
	if err := m.Tokenizer.EncodeSpecial(&e, a.prompt); err != nil {
		t.Fatal(err)
	}
	r := &generate.Request{Prompt: e.IDs, MaxTokens: tokens, Logits: func(step int, logits []float32) {
		if step == 0 {
			a.logits = slices.Clone(logits)
		}
	}}
	res, err := m.Generate(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	a.text = res.Text
	for _, x := range res.Tokens {
		a.ids = append(a.ids, x.ID)
	}
	return a
}

// TestConvertGGUF: a folder made of a GGUF file answers as the file does, to the
// bit in f32, and in int4 where the file has Q4_0.
func TestConvertGGUF(t *testing.T) {
	dir := t.TempDir()
	plain, q40 := filepath.Join(dir, "plain.gguf"), filepath.Join(dir, "q40.gguf")
	for path, q := range map[string]bool{plain: false, q40: true} {
		if err := enginetest.WriteGGUF(path, q); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		path, precision string
		exact           bool
	}{
		{plain, "f32", true}, {plain, "bf16", false}, {plain, "int8", true}, {plain, "int4", false},
		{q40, "f32", true}, {q40, "int8", true}, {q40, "int4", true},
		{"../../models/gguf/testdata/llama.gguf", "f32", true}, {"../../models/gguf/testdata/qwen3.gguf", "f32", true},
		{"../../models/gguf/testdata/llama.gguf", "int4", false}, // has Q4_1, whose offsets are rounded
	}
	tokens := map[string]int{}
	if path := smolLM2GGUF(); path != "" && !testing.Short() {
		cases = append(cases, cases[0])
		cases[len(cases)-1].path = path
		tokens[path] = 8
	}
	for i, c := range cases {
		name := filepath.Base(c.path) + " " + c.precision
		out := filepath.Join(dir, "out"+string(rune('a'+i)))
		text := execute(t, "convert", c.path, "--out", out, "--precision", c.precision)
		if !strings.Contains(text, out+" is written") {
			t.Errorf("%s: %s", name, text)
		}
		n := cmp.Or(tokens[c.path], 20)
		want, got := ask(t, c.path, c.precision, "What is water?", n), ask(t, out, c.precision, "What is water?", n)
		if got.prompt != want.prompt {
			t.Errorf("%s: the prompt is %q, of the file %q", name, got.prompt, want.prompt)
		}
		if len(got.logits) == 0 || len(got.logits) != len(want.logits) {
			t.Fatalf("%s: %d logits, of the file %d", name, len(got.logits), len(want.logits))
		}
		if c.exact && (!slices.Equal(got.ids, want.ids) || got.text != want.text || !slices.Equal(got.logits, want.logits)) {
			t.Errorf("%s: %q %v, of the file %q %v", name, got.text, got.ids, want.text, want.ids)
		}
		if !c.exact {
			worst := 0.0
			for j := range got.logits {
				worst = max(worst, abs(float64(got.logits[j]-want.logits[j])))
			}
			if worst > 0.5 {
				t.Errorf("%s: a logit differs by %v", name, worst)
			}
		}
	}
	// The file is the enginetest folder: both must say the same.
	folder := enginetest.Decoder(t, "folder")
	enginetest.Write(t, folder, "chat_template.jinja", enginetest.ChatTemplate)
	if a, b := ask(t, plain, "f32", "a", 20), ask(t, folder, "f32", "a", 20); a.text != b.text || !slices.Equal(a.logits, b.logits) {
		t.Errorf("the file says %q, the folder that it was made of %q", a.text, b.text)
	}
}

func abs(x float64) float64 { return max(x, -x) }

// smolLM2GGUF is the file that models/gguf/testdata/fetch.sh gets, or
// MOM_SMOLLM2_GGUF names; "" if it is not there.
func smolLM2GGUF() string {
	const name = "SmolLM2-135M-Instruct.Q4_1.gguf"
	paths := []string{os.Getenv("MOM_SMOLLM2_GGUF"), filepath.Join(os.Getenv("MOM_GGUF"), name)}
	if dir, err := os.UserCacheDir(); err == nil {
		paths = append(paths, filepath.Join(dir, "mom-gguf", name))
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// execute runs a verb and returns what it prints.
func execute(t *testing.T, args ...string) string {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if code := run(context.Background(), &app{in: os.Stdin, out: out, err: out}, args); code != exitDone {
		t.Errorf("%v: exit code %d", args, code)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestConvertFitOn: texts to fit to are read whole, and what cannot be one is named.
func TestConvertFitOn(t *testing.T) {
	in, dir := enginetest.Decoder(t, "tiny"), t.TempDir()
	texts := func(lines ...string) string {
		path := filepath.Join(dir, "texts.jsonl")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const manifest = `{"version":1,"name":"n","function":"intent","labels":["a","b"],"prompt":"x{text}y","answer":"{label}, {reason}"}`
	enginetest.Write(t, in, "mom.json", manifest)
	for _, precision := range []string{"int8", "int4"} {
		out := filepath.Join(dir, precision)
		execute(t, "convert", in, "--out", out, "--precision", precision, "--fit-on", texts(`{"text":"<|im_start|>user\nthe law of the land<|im_end|>"}`, `{"text":"an inn"}`))
		m, err := generate.Open(out, generate.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Precision().String(); got != precision {
			t.Errorf("precision %s, want %s", got, precision)
		}
		m.Close()
		if said, err := os.ReadFile(filepath.Join(out, "mom.json")); err != nil || string(said) != manifest {
			t.Errorf("mom.json %q, %v", said, err)
		}
	}
	out := filepath.Join(dir, "none")
	for _, c := range []struct {
		want  string
		lines []string // nil for no file
	}{
		{"there is no text", []string{""}},
		{"line 2", []string{`{"text":"a"}`, `{"text":1}`}},
		{"line 1: has 0 tokens", []string{`{"text":""}`}},
		{"no such file", nil},
	} {
		file := filepath.Join(dir, "missing")
		if c.lines != nil {
			file = texts(c.lines...)
		}
		errs, err := os.Create(filepath.Join(t.TempDir(), "err"))
		if err != nil {
			t.Fatal(err)
		}
		code := run(context.Background(), &app{in: os.Stdin, out: errs, err: errs}, []string{"convert", in, "--out", out, "--precision", "int4", "--fit-on", file})
		said, _ := os.ReadFile(errs.Name())
		errs.Close()
		if code == exitDone || !strings.Contains(string(said), c.want) {
			t.Errorf("code %d, %q, want %q", code, said, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a folder was written", c.want)
		}
	}
}
