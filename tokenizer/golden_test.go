package tokenizer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unzip reads a gzipped file.
func unzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func goldenStrings(t testing.TB) []string {
	var texts []string
	if err := json.Unmarshal(unzip(t, "testdata/strings.json.gz"), &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// source opens one of the large tokenizers and returns what its goldens were
// made from; it skips the test where the file is not to be had.
func source(t testing.TB, name string) (*Tokenizer, []byte) {
	t.Helper()
	root := ".."
	var paths []string
	switch name {
	case "modernbert":
		paths = []string{filepath.Join(root, "..", "shared", "data", "tokenizers", "modernbert_rebuilt.json.gz")}
	case "wordpiece":
		paths = []string{filepath.Join(root, "..", "shared", "data", "tokenizers", "wordpiece_vocab.txt.gz")}
	case "minilm":
		paths = []string{filepath.Join(root, "weights", "mom-enc-v1", "tokenizer.json")}
	}
	for _, dir := range cacheFolders(root) {
		paths = append(paths, filepath.Join(dir, name, "tokenizer.json"))
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var data []byte
		if strings.HasSuffix(path, ".gz") {
			data = unzip(t, path)
		} else {
			var err error
			if data, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if name != "wordpiece" {
			tok, err := Parse(path, data)
			if err != nil {
				t.Fatal(err)
			}
			return tok, data
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "vocab.txt"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		config := `{"do_lower_case": true, "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]", "model_max_length": 512}`
		if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		tok, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return tok, data
	}
	t.Skipf("no tokenizer %s (%s); testdata/fetch.sh gets the large ones", name, strings.Join(paths, ", "))
	return nil, nil
}

// cacheFolders are the places of tokenizers that are not in the repository.
func cacheFolders(root string) []string {
	if dir := os.Getenv("MOM_TOKENIZERS"); dir != "" {
		return []string{dir}
	}
	dirs := []string{filepath.Join(root, "..", "tokenizers-cache")}
	if dir, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "mom-tokenizers"))
	}
	return dirs
}

// goldenReader reads what train/goldens_tokenizer.py wrote.
type goldenReader struct {
	data  []byte
	fewer bool // ids are those without BERT's unused tokens
}

func (r *goldenReader) varint() int {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		panic("golden file ends early")
	}
	r.data = r.data[n:]
	return int(v)
}

func (r *goldenReader) zigzag() int {
	v := r.varint()
	return v>>1 ^ -(v & 1)
}

func (r *goldenReader) ids(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(r.varint())
		if r.fewer {
			ids[i] = withoutUnused(ids[i])
		}
	}
	return ids
}

func (r *goldenReader) text() string {
	n := r.varint()
	text := string(r.data[:n])
	r.data = r.data[n:]
	return text
}

// checkGoldens compares t with the goldens of texts and returns the number of
// texts that are alike.
func checkGoldens(t *testing.T, tok *Tokenizer, texts []string, r *goldenReader, every int) int {
	t.Helper()
	var e Encoding
	var points []Span
	good, shown := 0, 0
	fail := func(format string, args ...any) {
		if shown++; shown <= 5 {
			t.Errorf(format, args...)
		} else {
			t.Fail()
		}
	}
	for i, text := range texts {
		n := r.varint()
		ids := r.ids(n)
		spans, words := make([]Span, n), make([]int32, n)
		last := 0
		for k := range spans {
			start := last + r.zigzag()
			spans[k] = Span{start, start + r.varint()}
			last = spans[k].End
		}
		for k, last := 0, 0; k < n; k++ {
			last += r.zigzag()
			words[k] = int32(last)
		}
		if err := tok.Encode(&e, text); err != nil {
			t.Fatal(err)
		}
		points = CodePoints(text, e.Offsets, points[:0])
		switch {
		case !slices.Equal(e.IDs, ids):
			fail("%d %.60q: ids %s", i, text, difference(e.IDs, ids, tok))
		case !slices.Equal(points, spans):
			fail("%d %.60q: offsets %s", i, text, difference(points, spans, tok))
		case !slices.Equal(e.Words, words):
			fail("%d %.60q: words %s", i, text, difference(e.Words, words, tok))
		default:
			good++
		}
		if i%every != 0 {
			continue
		}
		special := r.ids(r.varint())
		if err := tok.EncodeSpecial(&e, text); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(e.IDs, special) {
			fail("%d %.60q: with special tokens: ids %s", i, text, difference(e.IDs, special, tok))
		}
		for _, skip := range []bool{false, true} {
			want := r.text()
			if got := tok.Decode(special, skip); got != want {
				fail("%d %.60q: Decode(%v) = %.200q, want %.200q", i, text, skip, got, want)
			}
		}
	}
	if len(r.data) != 0 {
		t.Errorf("%d bytes of goldens are left", len(r.data))
	}
	return good
}

// difference shows two lists from the first place where they differ.
func difference[T comparable](got, want []T, tok *Tokenizer) string {
	k := 0
	for k < len(got) && k < len(want) && got[k] == want[k] {
		k++
	}
	show := func(list []T) string {
		part := list[min(k, len(list)):min(k+6, len(list))]
		if ids, ok := any(part).([]int32); ok {
			var names []string
			for _, id := range ids {
				names = append(names, tok.Token(id))
			}
			return fmt.Sprintf("%v %q", part, names)
		}
		return fmt.Sprint(part)
	}
	return fmt.Sprintf("of %d and %d differ at %d: got %s, want %s", len(got), len(want), k, show(got), show(want))
}

// Ids, offsets, words, templates and decoded texts are those of Hugging Face
// tokenizers.
func TestGoldens(t *testing.T) {
	texts := goldenStrings(t)
	if len(texts) < 2000 {
		t.Fatalf("only %d strings", len(texts))
	}
	for _, name := range []string{"modernbert", "minilm", "wordpiece", "qwen3", "llama3", "gemini", "gemma3"} {
		t.Run(name, func(t *testing.T) {
			tok, data := source(t, name)
			file := name
			if name == "wordpiece" { // the same tokenizer from vocab.txt
				file = "minilm"
			}
			gold := unzip(t, "testdata/"+file+".gold.gz")
			// The embedded model's tokenizer.json has other settings for padding, and no
			// unused tokens.
			if sum := sha256.Sum256(data); file != "minilm" && !bytes.Equal(sum[:], gold[:len(sum)]) {
				t.Fatalf("the tokenizer is not the one that the goldens were made with")
			}
			good := checkGoldens(t, tok, texts, &goldenReader{gold[sha256.Size:], name == "minilm"}, 7)
			t.Logf("%d of %d strings have the same ids, offsets and words", good, len(texts))
		})
	}
}

// withoutUnused is an id of BERT's vocabulary in one that lacks [unused0] to
// [unused993], which stand around the special tokens.
func withoutUnused(id int32) int32 {
	switch {
	case id >= 999:
		return id - 994
	case id >= 100:
		return id - 99
	}
	return id
}

// smallGolden is a tokenizer that covers some component, and its goldens.
type smallGolden struct {
	Name      string
	Strings   []int
	Tokenizer json.RawMessage
	gold      []byte
}

// readSmall reads the small tokenizers.
func readSmall(t testing.TB) []smallGolden {
	var small struct {
		Charsmaps  map[string]string
		Tokenizers []smallGolden
	}
	if err := json.Unmarshal(unzip(t, "testdata/small.json.gz"), &small); err != nil {
		t.Fatal(err)
	}
	r := goldenReader{data: unzip(t, "testdata/small.gold.gz")}
	for i := range small.Tokenizers {
		s := &small.Tokenizers[i]
		for name, value := range small.Charsmaps {
			s.Tokenizer = bytes.ReplaceAll(s.Tokenizer, []byte(name), []byte(value))
		}
		s.gold = []byte(r.text())
	}
	return small.Tokenizers
}

// Every component gives what it gives in Hugging Face tokenizers.
func TestSmallGoldens(t *testing.T) {
	all := goldenStrings(t)
	for _, s := range readSmall(t) {
		t.Run(s.Name, func(t *testing.T) {
			tok, err := Parse(s.Name, s.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, i := range s.Strings {
				texts = append(texts, all[i])
			}
			checkGoldens(t, tok, texts, &goldenReader{data: s.gold}, 11)
		})
	}
}
