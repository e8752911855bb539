package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mom/models"
	"mom/models/gguf"
	"mom/models/kv"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tokenizer"
)

// maxText bounds the JSON files of a folder.
const maxText = 64 << 20

// parts is what a decoder is made of, wherever it comes from.
type parts struct {
	name      string
	config    []byte
	tensors   models.Source
	tokenizer *tokenizer.Tokenizer
	ends      []int32
	err       func() error // why a tensor could not be read
	close     func()
}

// Open opens a Hugging Face folder or a GGUF file.
func Open(path string, o Options) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrapPath(err))
	}
	var p *parts
	switch {
	case info.IsDir():
		p, err = openFolder(path)
	case strings.HasSuffix(strings.ToLower(path), ".gguf"):
		p, err = openGGUF(path)
	default:
		return nil, fmt.Errorf("%s: want the folder of a decoder, with config.json in it, or a .gguf file", path)
	}
	if err != nil {
		return nil, err
	}
	defer p.close()
	precision, err := models.ChoosePrecision(o.Precision, p.tensors)
	if err != nil {
		return nil, err
	}
	d, err := models.OpenDecoder(p.config, p.tensors, models.Options{Precision: precision})
	if err != nil {
		if why := p.err(); why != nil {
			return nil, why
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	format := kv.BF16
	if precision == nn.F32 {
		format = kv.F32
	}
	if o.KV != "" {
		if format, err = kv.ParseFormat(o.KV); err != nil {
			return nil, err
		}
	}
	if n := p.tokenizer.VocabSize(); n > d.Info().Vocab {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens, the model %d", path, n, d.Info().Vocab)
	}
	m := newModel(d, p.tokenizer, p.ends, format, o)
	m.Name, m.precision = p.name, precision
	return m, nil
}

func openFolder(dir string) (*parts, error) {
	config, err := readText(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Open(dir)
	if err != nil {
		return nil, err
	}
	ends, err := endTokens(dir, config)
	if err != nil {
		return nil, err
	}
	// A chat ends its turns with a token that older folders name as text only.
	if id, ok := t.ID("<|im_end|>"); ok && !slices.Contains(ends, id) {
		ends = append(ends, id)
	}
	f, err := safetensors.OpenFolder(dir, safetensors.Options{Lazy: true})
	if err != nil {
		return nil, err
	}
	return &parts{filepath.Base(dir), config, f, t, ends, func() error { return nil }, func() { f.Close() }}, nil
}

func openGGUF(path string) (*parts, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	p := &parts{name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), tensors: f, err: f.Err, close: func() { f.Close() }}
	fail := func(err error) (*parts, error) {
		f.Close()
		return nil, err
	}
	if p.config, err = f.Config(); err != nil {
		return fail(err)
	}
	text, err := f.Tokenizer()
	if err != nil {
		return fail(err)
	}
	if p.tokenizer, err = tokenizer.Parse(path+": tokenizer", text); err != nil {
		return fail(err)
	}
	if p.ends, err = endsOf("config", p.config); err != nil {
		return fail(err)
	}
	return p, nil
}

// endTokens reads the end-of-text tokens: those of generation_config.json, which
// wins as in Hugging Face's generate, else of config.json.
func endTokens(dir string, config []byte) ([]int32, error) {
	path := filepath.Join(dir, "generation_config.json")
	text, err := readText(path)
	if err == nil {
		ends, err := endsOf(path, text)
		if err != nil || len(ends) > 0 {
			return ends, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return endsOf(filepath.Join(dir, "config.json"), config)
}

// endsOf reads eos_token_id, a number or a list.
func endsOf(name string, text []byte) ([]int32, error) {
	var c struct {
		End json.RawMessage `json:"eos_token_id"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(c.End) == 0 || string(c.End) == "null" {
		return nil, nil
	}
	var one int32
	if json.Unmarshal(c.End, &one) == nil {
		return []int32{one}, nil
	}
	var many []int32
	if err := json.Unmarshal(c.End, &many); err != nil {
		return nil, fmt.Errorf("%s: eos_token_id: want a number or a list of numbers, have %s", name, c.End)
	}
	return many, nil
}

func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrapPath(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxText {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", path, maxText)
	}
	return os.ReadFile(path)
}

// unwrapPath drops the path that an *fs.PathError repeats.
func unwrapPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
