package engine

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
	"mom/files"
	"mom/models"
	"mom/safetensors"
	"mom/tokenizer"
	"mom/weights"
)

// Open opens a folder, or a model of the embedded family by its name: that of
// the trunk, which runs every head, or that of one head. A name that is both is
// the folder.
func Open(name string, o Options) (*Engine, error) {
	if info, err := os.Stat(name); err == nil {
		if !info.IsDir() {
			return nil, fmt.Errorf("%s: is a file; want the folder of a model, with config.json in it", name)
		}
		return open(name, folder{name, o.Mmap}, o)
	} else if strings.ContainsRune(name, filepath.Separator) {
		return nil, fmt.Errorf("%s: %v", name, errors.Unwrap(err))
	}
	m, head, ok := weights.Find(name)
	if !ok {
		return nil, fmt.Errorf("%s: neither a folder nor a model of the family; the family is %s", name, strings.Join(weights.Names(), ", "))
	}
	if head != "" && len(o.Heads) == 0 {
		o.Heads = []string{head}
	}
	return open(name, embedded{m}, o)
}

// parts is where the parts of a model come from.
type parts interface {
	path(name string) string                  // for error texts
	read(name string) ([]byte, error)         // fs.ErrNotExist when absent
	tensors() (*safetensors.File, error)      //
	tokenizer() (*tokenizer.Tokenizer, error) //
}

type folder struct {
	dir  string
	mmap bool
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) read(name string) ([]byte, error) { return files.Text(f.path(name)) }

func (f folder) tensors() (*safetensors.File, error) {
	return safetensors.OpenFolder(f.dir, safetensors.Options{Mmap: f.mmap, Lazy: true})
}

func (f folder) tokenizer() (*tokenizer.Tokenizer, error) { return tokenizer.Open(f.dir) }

type embedded struct{ *weights.Model }

func (e embedded) path(name string) string { return "embedded " + e.Name + "/" + name }

func (e embedded) read(name string) ([]byte, error) {
	if data, ok := e.Files[name]; ok {
		return data, nil
	}
	return nil, files.Error(e.path(name), fs.ErrNotExist)
}

func (e embedded) tensors() (*safetensors.File, error) {
	return safetensors.Parse(e.path("model.safetensors"), e.Files["model.safetensors"])
}

func (e embedded) tokenizer() (*tokenizer.Tokenizer, error) {
	return tokenizer.Parse(e.path("tokenizer.json"), e.Files["tokenizer.json"])
}

// optional reads a file that a model may lack.
func optional(f parts, name string) ([]byte, error) {
	data, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func open(name string, f parts, o Options) (*Engine, error) {
	config, err := f.read("config.json")
	if err != nil {
		return nil, err
	}
	manifest, err := optional(f, "mom.json")
	if err != nil {
		return nil, err
	}
	var words *tokenizer.Tokenizer
	var wordsErr error
	var reading sync.WaitGroup
	defer reading.Wait()
	if read := func() { words, wordsErr = f.tokenizer() }; o.threads() > 1 {
		reading.Go(read) // beside the tensors, as a large vocabulary takes as long
	} else {
		read()
	}
	src, err := f.tensors()
	if err != nil {
		return nil, err
	}
	// Most of what the model needs is copied into its packed form. The rest, such
	// as embeddings, stays where it is: a mapped file remains open.
	opened := false
	defer func() {
		if !opened || !o.Mmap {
			src.Close()
		}
	}()
	p, err := models.ChoosePrecision(o.Precision, src)
	if err != nil {
		return nil, err
	}
	mo := models.Options{Precision: p, Manifest: manifest}
	if o.Adapter != "" {
		a, err := adapter.Open(o.Adapter)
		if err != nil {
			return nil, err
		}
		defer a.Close()
		mo.LoRA = a.LoRA
	}
	m, err := models.Open(config, src, mo)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(f.path("."), "/."), err)
	}
	e := &Engine{Name: filepath.Base(name), model: m, info: m.Trunk.Info(), maxTokens: o.MaxTokens}
	if e.maxTokens == 0 {
		e.maxTokens = 1 << 20
	}
	if err := e.selectHeads(o.Heads); err != nil {
		return nil, err
	}
	reading.Wait()
	if e.tokenizer, err = words, wordsErr; err != nil {
		return nil, err
	}
	e.prefix, e.suffix = e.tokenizer.Template()
	if err := m.Calibrate(e.prefix, e.suffix, o.threads()); err != nil {
		return nil, err
	}
	if err := e.setWindow(manifest, o); err != nil {
		return nil, err
	}
	if err := e.setPooling(f, o); err != nil {
		return nil, err
	}
	for _, h := range m.Heads {
		var b *bio
		if h.Task == models.Token {
			b = newBIO(h)
		}
		e.bio = append(e.bio, b)
		e.views = e.views || readsViews(h) && !o.NoViews
	}
	if o.Mmap {
		e.mapped = src
	}
	opened = true
	e.start(o.threads())
	return e, nil
}

func (e *Engine) selectHeads(want []string) error {
	if want == nil {
		return nil
	}
	var heads []*models.Head
	for _, name := range want {
		i := slices.IndexFunc(e.model.Heads, func(h *models.Head) bool { return h.Name == name || h.Function == name })
		if i < 0 || name == "" {
			var have []string
			for _, h := range e.model.Heads {
				have = append(have, h.Function)
			}
			return fmt.Errorf("%s: no head %q; it has %s", e.Name, name, strings.Join(have, ", "))
		}
		heads = append(heads, e.model.Heads[i])
	}
	e.model.Heads = heads
	return nil
}

func (e *Engine) setWindow(manifest []byte, o Options) error {
	w := models.Window{Tokens: e.info.MaxTokens}
	w.Overlap = min(64, w.Tokens/4)
	if manifest != nil {
		m, err := models.ParseManifest(manifest)
		if err != nil {
			return err
		}
		w = m.Heads[0].Window
	}
	if o.Window != 0 {
		w.Tokens = o.Window
		w.Overlap = min(w.Overlap, w.Tokens/4)
	}
	if o.Overlap != 0 {
		w.Overlap = o.Overlap
	}
	least := len(e.prefix) + len(e.suffix) + 4
	if w.Tokens < least || w.Tokens > e.info.MaxTokens {
		return fmt.Errorf("%s: a window of %d tokens is outside %d to the model's %d", e.Name, w.Tokens, least, e.info.MaxTokens)
	}
	if most := (w.Tokens - len(e.prefix) - len(e.suffix)) / 2; w.Overlap < 0 || w.Overlap > most {
		return fmt.Errorf("%s: an overlap of %d tokens is outside 0 to %d, half of the text in a window of %d", e.Name, w.Overlap, most, w.Tokens)
	}
	e.window = w
	return nil
}

// setPooling reads how sentence-transformers pools, where its settings lie
// beside the model.
func (e *Engine) setPooling(f parts, o Options) error {
	switch o.Pooling {
	case "mean":
		return nil
	case "cls":
		e.pooling = models.CLS
		return nil
	case "":
	default:
		return fmt.Errorf("pooling %q: want mean or cls", o.Pooling)
	}
	data, err := optional(f, "1_Pooling/config.json")
	if data == nil {
		return err
	}
	var c struct {
		CLS bool `json:"pooling_mode_cls_token"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("%s: %w", f.path("1_Pooling/config.json"), err)
	}
	if c.CLS {
		e.pooling = models.CLS
	}
	return nil
}
