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
	"sync"

	"mom/engine/adapter"
	"mom/engine/chat"
	"mom/files"
	"mom/models"
	"mom/models/gguf"
	"mom/models/kv"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tokenizer"
	"mom/weights"
)

// parts is what a decoder is made of, wherever it comes from.
type parts struct {
	name      string
	config    []byte
	tensors   models.Source
	tokenizer *tokenizer.Tokenizer
	ends      []int32
	adapter   func() (*adapter.Folder, error) // that the decoder is made with; nil for none
	chat      func() (*chat.Template, error)
	err       func() error // why a tensor could not be read
	close     func()
}

// Open opens a Hugging Face folder, a GGUF file, or, by its name, a decoder that is
// embedded; a folder of that name comes first. A folder that has an adapter of
// PEFT and a config.json, but no weights, is a decoder over those of the folder
// beside it that adapter_config.json names: several share one file so, each with
// an adapter and layers of its own.
func Open(path string, o Options) (*Model, error) {
	info, err := os.Stat(path)
	embedded, ok := weights.Decoder(path)
	var p *parts
	switch {
	case err != nil && ok:
		p, err = openEmbedded(embedded, weights.Decoder)
	case err != nil:
		return nil, files.Error(path, err)
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
	// A chat ends its turns with a token that older models name as text only.
	if id, ok := p.tokenizer.ID("<|im_end|>"); ok && !slices.Contains(p.ends, id) {
		p.ends = append(p.ends, id)
	}
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
	m.Name, m.precision, m.template = p.name, precision, p.chat
	if p.adapter != nil {
		if m.own, err = m.prepareAdapter(path, p.adapter); err != nil {
			m.Close()
			return nil, err
		}
	}
	return m, nil
}

func openFolder(dir string) (*parts, error) {
	config, err := files.Text(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	base, err := baseOf(dir)
	if err != nil {
		return nil, err
	}
	words, own := dir, (func() (*adapter.Folder, error))(nil)
	if base != dir {
		own = func() (*adapter.Folder, error) { return adapter.Open(dir) }
		if !exists(dir, "tokenizer.json") {
			words = base
		}
	}
	t, err := tokenizer.Open(words)
	if err != nil {
		return nil, err
	}
	ends, err := endTokens(dir, config)
	if err != nil {
		return nil, err
	}
	f, err := safetensors.OpenFolder(base, safetensors.Options{Lazy: true})
	if err != nil {
		return nil, err
	}
	template := sync.OnceValues(func() (*chat.Template, error) { return chat.Open(words, has(t)) })
	return &parts{filepath.Base(dir), config, f, t, ends, own, template, func() error { return nil }, func() { f.Close() }}, nil
}

// baseOf is the folder with the weights of the decoder in dir: dir itself, or the
// one beside it that its adapter is for.
func baseOf(dir string) (string, error) {
	const file = adapter.Config
	if exists(dir, "model.safetensors") || exists(dir, "model.safetensors.index.json") || !exists(dir, file) {
		return dir, nil
	}
	path := filepath.Join(dir, file)
	name, err := adapter.Base(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.Abs(dir) // the one beside "."
	if err != nil {
		return "", err
	}
	base := filepath.Join(filepath.Dir(real), name)
	if !exists(base, "config.json") {
		return "", fmt.Errorf("%s: base_model_name_or_path: the decoder needs the folder %s beside it, which is not there", path, name)
	}
	return base, nil
}

// openEmbedded is openFolder for a decoder of the binary; find finds others by name.
func openEmbedded(m *weights.Model, find func(name string) (*weights.Model, bool)) (*parts, error) {
	path := func(m *weights.Model, file string) string { return "embedded " + m.Name + "/" + file }
	p := &parts{name: m.Name, config: m.Files["config.json"], err: func() error { return nil }}
	base := m
	if config, ok := m.Files[adapter.Config]; ok {
		name, err := adapter.BaseName(path(m, adapter.Config), config)
		if err != nil {
			return nil, err
		}
		if base, ok = find(name); !ok {
			return nil, fmt.Errorf("%s: base_model_name_or_path: %s is not embedded", path(m, adapter.Config), name)
		}
		p.adapter = func() (*adapter.Folder, error) {
			return adapter.Parse("embedded "+m.Name, config, m.Files[adapter.Weights])
		}
	}
	t, err := tokenizer.Parse(path(base, "tokenizer.json"), base.Files["tokenizer.json"])
	if err != nil {
		return nil, err
	}
	p.tokenizer = t
	if p.ends, err = endsOf(path(m, "config.json"), p.config); err != nil {
		return nil, err
	}
	f, err := safetensors.Parse(path(base, "model.safetensors"), base.Files["model.safetensors"])
	if err != nil {
		return nil, err
	}
	p.tensors, p.close = f, func() { f.Close() }
	p.chat = sync.OnceValues(func() (*chat.Template, error) { return chat.Fallback(p.name, has(t), nil) })
	return p, nil
}

func exists(dir, file string) bool {
	_, err := os.Stat(filepath.Join(dir, file))
	return err == nil
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
	// The file is closed by the time that somebody asks.
	source, err := f.ChatTemplate("")
	if err != nil {
		return fail(err)
	}
	special, err := f.Special()
	if err != nil {
		return fail(err)
	}
	t := p.tokenizer
	p.chat = sync.OnceValues(func() (*chat.Template, error) {
		if source == "" {
			return chat.Fallback(path, has(t), special)
		}
		return chat.New(path, map[string]string{chat.Default: source}, special)
	})
	return p, nil
}

func has(t *tokenizer.Tokenizer) func(token string) bool {
	return func(token string) bool { _, ok := t.ID(token); return ok }
}

// Template is the model's chat template. It is an error if it has none, and is
// of no family whose template is known.
func (m *Model) Template() (*chat.Template, error) { return m.template() }

// OpenAdapter prepares a PEFT LoRA folder to run beside others over the model.
func (m *Model) OpenAdapter(dir string) (*models.Adapter, error) {
	return m.prepareAdapter(dir, func() (*adapter.Folder, error) { return adapter.Open(dir) })
}

func (m *Model) prepareAdapter(name string, open func() (*adapter.Folder, error)) (*models.Adapter, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := models.OpenAdapter(m.decoder, f.LoRA)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// endTokens reads the end-of-text tokens: those of generation_config.json, which
// wins as in Hugging Face's generate, else of config.json.
func endTokens(dir string, config []byte) ([]int32, error) {
	path := filepath.Join(dir, "generation_config.json")
	text, err := files.Text(path)
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
