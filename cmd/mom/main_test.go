package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mom/engine/enginetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mom": main})
}

// TestScripts runs the verbs as a user would, over the embedded family and the
// tiny models of models/testdata.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"json":  checkJSON,
			"lines": checkLines,
			"spans": checkSpans,
			"codes": checkCode,
			"same":  checkSame,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// tiny are the folders of models/testdata that scripts use.
var tiny = []string{"bert-base", "bert-seq", "bert-token", "bert-lm", "modernbert-seq-mean", "modernbert-token", "modernbert-lora", "modernbert-sharded"}

// setup gives each script the tiny models with a tokenizer. (The models have
// none: their tests start from ids.)
func setup(env *testscript.Env) error {
	tokenizer, err := json.Marshal(tinyTokenizer())
	if err != nil {
		return err
	}
	// Lines that no text file can hold.
	bad := "{\"id\":\"latin\",\"text\":\"\xe9\"}\n{\"id\":\"end\",\"text\":\"ab\"}"
	if err := os.WriteFile(filepath.Join(env.WorkDir, "tail"), []byte(bad), 0o644); err != nil {
		return err
	}
	many := strings.Repeat("a line of many\n", 20000)
	if err := os.WriteFile(filepath.Join(env.WorkDir, "many.txt"), []byte(many), 0o644); err != nil {
		return err
	}
	for _, dir := range []string{"decoder", "decoders/mom-dec-class-intent-v1"} {
		if err := enginetest.WriteDecoder(filepath.Join(env.WorkDir, dir)); err != nil {
			return err
		}
	}
	for _, name := range tiny {
		dir := filepath.Join(env.WorkDir, name)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../models/testdata", name))); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), tokenizer, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tinyTokenizer is a WordPiece tokenizer of letters, within the smallest of the
// tiny models' vocabularies.
func tinyTokenizer() map[string]any {
	vocab := map[string]int{}
	add := func(token string) { vocab[token] = len(vocab) }
	for _, t := range []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} {
		add(t)
	}
	for c := 'a'; c <= 'z'; c++ {
		add(string(c))
		add("##" + string(c))
	}
	special := func(token string) map[string]any {
		return map[string]any{"id": token, "ids": []int{vocab[token]}, "tokens": []string{token}}
	}
	return map[string]any{
		"version": "1.0",
		"added_tokens": []any{map[string]any{
			"id": 4, "content": "[MASK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		}},
		"normalizer":    map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true},
		"pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{
			"type": "TemplateProcessing",
			"single": []any{
				map[string]any{"SpecialToken": map[string]any{"id": "[CLS]", "type_id": 0}},
				map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}},
				map[string]any{"SpecialToken": map[string]any{"id": "[SEP]", "type_id": 0}},
			},
			"pair":           []any{},
			"special_tokens": map[string]any{"[CLS]": special("[CLS]"), "[SEP]": special("[SEP]")},
		},
		"decoder": map[string]any{"type": "WordPiece", "prefix": "##", "cleanup": true},
		"model": map[string]any{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
			"max_input_chars_per_word": 100, "vocab": vocab,
		},
	}
}

// checkJSON implements
//
//	json FILE LINE PATH        the value is there
//	json FILE LINE PATH WANT   it is this JSON, or a string without quotes
//	json FILE LINE PATH~ WANT  it is this number to 1e-5
//	json FILE LINE PATH# WANT  it has so many elements
//
// where PATH is keys and indexes with dots between them, "." the whole line.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: json FILE LINE PATH [WANT]")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	if n < 1 || n > len(lines) {
		ts.Fatalf("%s has %d lines, no line %d", args[0], len(lines), n)
	}
	var v any
	ts.Check(json.Unmarshal([]byte(lines[n-1]), &v))
	path := args[2]
	kind := byte(0)
	if c := path[len(path)-1]; c == '~' || c == '#' {
		kind, path = c, path[:len(path)-1]
	}
	v, err = find(v, path)
	if (err != nil) != neg {
		ts.Fatalf("%s line %d: %v in %s", args[0], n, err, lines[n-1])
	}
	if neg || len(args) == 3 {
		return
	}
	if err := matches(v, kind, args[3]); err != nil {
		ts.Fatalf("%s line %d, %s: %v", args[0], n, path, err)
	}
}

func find(v any, path string) (any, error) {
	if path == "." || path == "" {
		return v, nil
	}
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			y, ok := x[key]
			if !ok {
				return nil, fmt.Errorf("no key %q", key)
			}
			v = y
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil, fmt.Errorf("no element %s of %d", key, len(x))
			}
			v = x[i]
		default:
			return nil, fmt.Errorf("no %q in %v", key, v)
		}
	}
	return v, nil
}

func matches(v any, kind byte, want string) error {
	switch kind {
	case '#':
		n := -1
		switch x := v.(type) {
		case []any:
			n = len(x)
		case map[string]any:
			n = len(x)
		}
		if strconv.Itoa(n) != want {
			return fmt.Errorf("%d elements, want %s", n, want)
		}
		return nil
	case '~':
		f, _ := v.(float64)
		w, err := strconv.ParseFloat(want, 64)
		if err != nil || !(math.Abs(f-w) <= 1e-5) {
			return fmt.Errorf("%v, want %s", v, want)
		}
		return nil
	}
	var w any
	if json.Unmarshal([]byte(want), &w) != nil {
		w = want
	}
	if !reflect.DeepEqual(v, w) {
		return fmt.Errorf("%v, want %v", v, w)
	}
	return nil
}

// checkLines implements: lines FILE N.
func checkLines(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: lines FILE N")
	}
	if n := strings.Count(ts.ReadFile(args[0]), "\n"); strconv.Itoa(n) != args[1] {
		ts.Fatalf("%s has %d lines, want %s", args[0], n, args[1])
	}
}

// checkSpans implements: spans FILE LABEL START END BY. One of the spans on the
// first line is this.
func checkSpans(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 5 {
		ts.Fatalf("usage: spans FILE LABEL START END BY")
	}
	type span struct {
		Start, End int
		Label, By  string
	}
	var line struct{ PII, Spans []span }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &line))
	for _, s := range append(line.PII, line.Spans...) {
		if fmt.Sprintf("%s %d %d %s", s.Label, s.Start, s.End, s.By) == strings.Join(args[1:], " ") {
			return
		}
		ts.Logf("have %v", s)
	}
	ts.Fatalf("no span %v", args[1:])
}

// checkCode implements: codes N COMMAND... It ends with this exit code.
func checkCode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: codes N COMMAND...")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// checkSame implements: same FILE FILE PATH. The first lines agree there.
func checkSame(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: same FILE FILE PATH")
	}
	var at [2]any
	for i := range at {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[i])), &at[i]))
		v, err := find(at[i], args[2])
		ts.Check(err)
		at[i] = v
	}
	if reflect.DeepEqual(at[0], at[1]) == neg {
		ts.Fatalf("%s: %v and %v", args[2], at[0], at[1])
	}
}
