package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// benchNames are a tokenizer of each family.
var benchNames = []string{"minilm", "modernbert", "qwen3", "llama3", "gemma3", "gemini"}

// englishTexts are about 2 MB of English, a few hundred bytes to 4 kB each.
func englishTexts(b testing.TB) (texts []string, size int) {
	path := "../../shared/data/guard.jsonl.gz"
	if _, err := os.Stat(path); err != nil {
		b.Skipf("no English text: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(unzip(b, path)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && size < 2<<20 {
		var row struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			b.Fatal(err)
		}
		texts, size = append(texts, row.Text), size+len(row.Text)
	}
	return texts, size
}

func BenchmarkEnglish(b *testing.B) {
	texts, size := englishTexts(b)
	for _, name := range benchNames {
		b.Run(name, func(b *testing.B) {
			tok, _ := source(b, name)
			var e Encoding
			tokens := 0
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				tokens = 0
				for _, text := range texts {
					if err := tok.Encode(&e, text); err != nil {
						b.Fatal(err)
					}
					tokens += e.Len()
				}
			}
			b.ReportMetric(float64(tokens), "tokens")
		})
	}
}

// Without the cache's help: a new tokenizer sees every word for the first time.
func BenchmarkManyScripts(b *testing.B) {
	texts := goldenStrings(b)
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	for _, name := range benchNames {
		b.Run(name, func(b *testing.B) {
			tok, _ := source(b, name)
			var e Encoding
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, text := range texts {
					if err := tok.Encode(&e, text); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	uni() // shared by all tokenizers of a process
	for _, name := range benchNames {
		b.Run(name, func(b *testing.B) {
			_, data := source(b, name)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(name, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUnicodeTables(b *testing.B) {
	for b.Loop() {
		expandTables()
	}
}
