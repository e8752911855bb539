package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mom/engine"
	"mom/models"
	"mom/tensor"
)

const aboutInspect = `Show what is in a model's folder, or in a GGUF file: architecture, number formats,
tensors, labels, tokenizer and chat template; whether mom runs it, and how. To be
sure, it loads the model as mom classify or mom generate would; --no-load reads
the headers only.`

type inspectFlags struct {
	json   bool
	noLoad bool
}

func inspectCommand(a *app) *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:     "inspect FOLDER|FILE.gguf|NAME",
		Short:   "What is in a model's folder, and whether it runs here",
		Long:    aboutInspect,
		Example: "  mom inspect ./folder\n  mom inspect model.gguf\n  mom inspect mom-enc-v1 --json",
		Args:    arguments(1, 1, "one folder, a GGUF file, or a name of the family"),
		RunE: func(_ *cobra.Command, args []string) error {
			i, err := inspect(args[0], !f.noLoad)
			if err != nil {
				return err
			}
			out, err := i.table(), nil
			if f.json {
				out, err = appendJSON(nil, i)
			}
			if err != nil {
				return err
			}
			_, err = a.out.Write(out)
			return err
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object")
	c.Flags().BoolVar(&f.noLoad, "no-load", false, "do not load the model; \"runs\" is then about the architecture alone")
	return c
}

// inspection is what inspect --json prints.
type inspection struct {
	Name         string        `json:"name"`
	Architecture string        `json:"architecture"`
	Runs         bool          `json:"runs"`
	Reason       string        `json:"reason,omitempty"` // why not
	Precision    string        `json:"precision"`        // that most of it is stored in
	Loaded       *loaded       `json:"loaded,omitempty"`
	Heads        []headInfo    `json:"heads"`
	Tokenizer    tokenizerInfo `json:"tokenizer"`
	Chat         string        `json:"chat_template,omitempty"` // where that of a decoder comes from
	Parameters   int64         `json:"parameters"`
	Bytes        int64         `json:"bytes"`
	Stored       []storedInfo  `json:"stored"`
	Tensors      []tensorInfo  `json:"tensors"`
	Run          []string      `json:"run"`
}

// loaded is how the model runs on this machine.
type loaded struct {
	Precision    string `json:"precision"`
	Vocab        int    `json:"vocab"`
	Hidden       int    `json:"hidden"`
	Layers       int    `json:"layers"`
	Heads        int    `json:"attention_heads"`
	KVHeads      int    `json:"key_value_heads,omitempty"` // of a decoder
	Intermediate int    `json:"intermediate"`
	MaxTokens    int    `json:"max_tokens"`
	Window       int    `json:"window,omitempty"`
	Overlap      int    `json:"overlap"`
	Memory       int    `json:"memory_bytes"`
}

type headInfo struct {
	Name     string   `json:"name,omitempty"`
	Function string   `json:"function,omitempty"`
	Task     string   `json:"task"`
	Labels   []string `json:"labels,omitempty"`
}

type tokenizerInfo struct {
	Kind  string `json:"kind"` // "" when there is none
	File  string `json:"file"`
	Vocab int    `json:"vocab"`
}

// storedInfo is how much of the model is in one number format.
type storedInfo struct {
	DType   string `json:"dtype"`
	Tensors int    `json:"tensors"`
	Values  int64  `json:"values"`
	Bytes   int64  `json:"bytes"`
}

type tensorInfo struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Bytes int64  `json:"bytes"`
}

func inspect(name string, load bool) (*inspection, error) {
	if isGGUF(name) {
		return inspectGGUF(name, load)
	}
	s, err := openSource(name)
	if err != nil {
		return nil, err
	}
	i := &inspection{Name: name, Heads: []headInfo{}, Run: []string{}}
	config, err := s.read("config.json")
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := s.read("adapter_config.json"); err == nil {
			return nil, fmt.Errorf("%s: is a LoRA adapter, not a model; run it with --model BASE --adapter %s", name, name)
		}
	}
	if err != nil {
		return nil, err
	}
	c, err := models.ParseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path("config.json"), err)
	}
	i.Architecture = strings.Join(c.Architectures, ", ")
	if err := i.readTensors(s); err != nil {
		return nil, err
	}
	if i.Tokenizer, err = readTokenizer(s); err != nil {
		return nil, err
	}
	if err := i.readHeads(s, c); err != nil {
		return nil, err
	}
	if i.decodes() && s.dir != "" {
		i.Chat = chatOfFolder(s)
	}
	i.decide(load)
	return i, nil
}

// decodes reports whether the model is one that writes.
func (i *inspection) decodes() bool {
	return slices.Contains(models.DecoderArchitectures(), i.Architecture)
}

// decide says whether the model runs, and how; load is whether it is tried.
func (i *inspection) decide(load bool) {
	known := append(models.Architectures(), models.DecoderArchitectures()...)
	if i.Runs = slices.Contains(known, i.Architecture); !i.Runs {
		i.Reason = fmt.Sprintf("architecture %q is not supported; supported are %s", i.Architecture, strings.Join(known, ", "))
	} else if load && i.decodes() {
		i.loadDecoder()
	} else if load {
		i.load()
	}
	if i.Runs {
		i.advise()
	}
}

// load opens the model as every other verb would.
func (i *inspection) load() {
	model, _ := findEncoder(i.Name)
	e, err := engine.Open(model, engine.Options{})
	if err != nil {
		i.Runs, i.Reason = false, err.Error()
		return
	}
	defer e.Close()
	info := e.Info()
	i.Loaded = &loaded{
		Precision: e.Precision().String(), Vocab: info.Vocab, Hidden: info.Hidden, Layers: info.Layers, Heads: info.Heads,
		Intermediate: info.Intermediate, MaxTokens: info.MaxTokens, Window: e.Window().Tokens, Overlap: e.Window().Overlap, Memory: info.Bytes,
	}
}

// advise says how to run the model.
func (i *inspection) advise() {
	if i.decodes() {
		i.Run = append(i.Run, i.example())
		return
	}
	classifies := len(i.Heads) > 0 && i.Heads[0].Task != models.MaskedLM.String()
	if classifies {
		i.Run = append(i.Run, fmt.Sprintf("mom classify --model %s TEXT", i.Name))
	}
	i.Run = append(i.Run, fmt.Sprintf("mom embed --model %s TEXT", i.Name))
}

func (i *inspection) readTensors(s *source) error {
	f, err := s.tensors()
	if err != nil {
		return err
	}
	defer f.Close()
	stored := map[string]*storedInfo{}
	for _, name := range f.Names() {
		v, _ := f.Stat(name)
		t := tensorInfo{name, v.DType.String(), v.Shape, int64(v.Len() * v.DType.Size())}
		if t.Shape == nil {
			t.Shape = []int{}
		}
		i.Tensors = append(i.Tensors, t)
		d := stored[t.DType]
		if d == nil {
			d = &storedInfo{DType: t.DType}
			stored[t.DType] = d
		}
		values := int64(v.Len())
		if _, scaled := f.Stat(name + "_scale"); scaled && v.DType == tensor.U8 {
			values *= 2 // of 4 bits
		}
		d.Tensors++
		d.Values += values
		d.Bytes += t.Bytes
		i.Bytes += t.Bytes
		if !isScale(f, name) && !isOffset(f, name) {
			i.Parameters += values
		}
	}
	for _, d := range stored {
		i.Stored = append(i.Stored, *d)
	}
	sort.Slice(i.Stored, func(a, b int) bool { return i.Stored[a].Values > i.Stored[b].Values })
	if len(i.Stored) > 0 {
		i.Precision = precisionName(i.Stored[0].DType)
	}
	return nil
}

// precisionName is how --precision calls a number format.
func precisionName(dtype string) string {
	switch dtype {
	case "I8":
		return "int8"
	case "U8":
		return "int4"
	}
	return strings.ToLower(dtype)
}

// isScale reports whether a tensor holds the scales of another.
func isScale(f models.Source, name string) bool {
	of, ok := strings.CutSuffix(name, "_scale")
	if !ok {
		return false
	}
	_, ok = f.Stat(of)
	return ok
}

// isOffset reports whether a tensor holds the offsets of another, which is int4.
func isOffset(f models.Source, name string) bool {
	of, ok := strings.CutSuffix(name, "_offset")
	if !ok {
		return false
	}
	v, ok := f.Stat(of)
	return ok && v.DType == tensor.U8
}

// readHeads reads the labels: of a family's manifest, else of config.json.
func (i *inspection) readHeads(s *source, c *models.Config) error {
	manifest, err := s.optional("mom.json")
	if err != nil {
		return err
	}
	if manifest != nil {
		m, err := models.ParseManifest(manifest)
		if err != nil {
			return fmt.Errorf("%s: %w", s.path("mom.json"), err)
		}
		for _, h := range m.Heads {
			i.Heads = append(i.Heads, headInfo{h.Name, h.Function, h.Task, h.Labels})
		}
		return nil
	}
	var task models.Task
	switch {
	case strings.HasSuffix(i.Architecture, "ForSequenceClassification"):
		task = models.Sequence
	case strings.HasSuffix(i.Architecture, "ForTokenClassification"):
		task = models.Token
	case strings.HasSuffix(i.Architecture, "ForMaskedLM"):
		i.Heads = append(i.Heads, headInfo{Task: models.MaskedLM.String()})
		return nil
	default:
		return nil
	}
	labels, err := c.Labels()
	if err != nil {
		return fmt.Errorf("%s: %w", s.path("config.json"), err)
	}
	i.Heads = append(i.Heads, headInfo{Task: task.String(), Labels: labels})
	return nil
}

// readTokenizer says what kind of tokenizer a model has.
func readTokenizer(s *source) (tokenizerInfo, error) {
	data, err := s.optional("tokenizer.json")
	if err != nil {
		return tokenizerInfo{}, err
	}
	t := tokenizerInfo{File: "tokenizer.json"}
	if data == nil {
		if s.dir == "" {
			return tokenizerInfo{}, nil
		}
		if _, err := os.Stat(s.path("vocab.txt")); err != nil {
			return tokenizerInfo{}, nil
		}
		t.File, t.Kind = "vocab.txt", "WordPiece"
	} else {
		var parts struct {
			Model struct {
				Type         string `json:"type"`
				ByteFallback bool   `json:"byte_fallback"`
			} `json:"model"`
		}
		if err := json.Unmarshal(data, &parts); err != nil {
			return t, fmt.Errorf("%s: %w", s.path("tokenizer.json"), err)
		}
		if t.Kind = parts.Model.Type; t.Kind == "" {
			t.Kind = "unnamed"
		}
		if parts.Model.ByteFallback {
			t.Kind += " with byte fallback"
		}
	}
	tok, err := s.tokenizer()
	if err != nil {
		t.Kind += " (" + err.Error() + ")"
		return t, nil
	}
	t.Vocab = tok.VocabSize()
	return t, nil
}

// table is the inspection for people.
func (i *inspection) table() []byte {
	var out []byte
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	row := func(key, format string, args ...any) { fmt.Fprintf(w, key+"\t"+format+"\n", args...) }
	row("model", "%s", i.Name)
	row("architecture", "%s", i.Architecture)
	row("parameters", "%s in %s, %s", millions(i.Parameters), plural(len(i.Tensors), "tensor"), size(i.Bytes))
	for _, d := range i.Stored {
		row("  "+d.DType, "%s in %s, %s", millions(d.Values), plural(d.Tensors, "tensor"), size(d.Bytes))
	}
	if l := i.Loaded; l != nil {
		if i.decodes() {
			row("shape", "%s of %d, %d heads, %d of keys and values, MLP %d, vocabulary %d", plural(l.Layers, "layer"), l.Hidden, l.Heads, l.KVHeads, l.Intermediate, l.Vocab)
			row("holds", "at most %d tokens of prompt and answer", l.MaxTokens)
		} else {
			row("shape", "%s of %d, %d heads, MLP %d, vocabulary %d", plural(l.Layers, "layer"), l.Hidden, l.Heads, l.Intermediate, l.Vocab)
			row("reads", "%d tokens at once, at most %d; windows share %d", l.Window, l.MaxTokens, l.Overlap)
		}
		row("runs as", "%s, %s of memory", l.Precision, size(int64(l.Memory)))
	}
	switch {
	case i.Tokenizer.Kind == "":
		row("tokenizer", "none (tokenizer.json or vocab.txt)")
	default:
		row("tokenizer", "%s of %d tokens, %s", i.Tokenizer.Kind, i.Tokenizer.Vocab, i.Tokenizer.File)
	}
	if i.decodes() {
		row("chat template", "%s", cmp.Or(i.Chat, "none"))
	}
	for _, h := range i.Heads {
		name := h.Name
		if name == "" {
			name = "head"
		}
		row(name, "%s: %s", h.Task, orNone(h.Labels))
	}
	if !i.Runs {
		row("does not run", "%s", i.Reason)
	}
	for _, r := range i.Run {
		row("run it", "%s", r)
	}
	w.Flush()
	out = append(out, '\n')
	w = tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	for _, t := range i.Tensors {
		fmt.Fprintf(w, "%s\t%s\t%v\t%s\n", t.Name, t.DType, t.Shape, size(t.Bytes))
	}
	w.Flush()
	return out
}

func orNone(labels []string) string {
	if len(labels) == 0 {
		return "no labels"
	}
	return strings.Join(labels, ", ")
}

// size is bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

func millions(n int64) string {
	if n < 1e5 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%.1f M", float64(n)/1e6)
}
