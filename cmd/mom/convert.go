package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mom/models"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tensor"
	"mom/tokenizer"
)

const aboutConvert = `Write a model's folder again with its weights in another number format, or a GGUF
file as a folder: config.json, tokenizer.json and the chat template are made of
what it has, and in f32 its answers are those of the file.

int8 keeps each row of a weight as integers from -127 to 127 with a scale: X.weight
as I8 and X.weight_scale as F32. Embeddings and linear layers are converted; norms,
biases and heads stay F32, since they are small and they decide. The other files
of the model are copied.

int4 is for decoders: the linear layers, but not those of queries, keys and values,
keep groups of 32 values of a row as integers from -8 to 7 with a scale: X.weight as
U8, two values a byte, and X.weight_scale as F16. Embeddings, output, queries, keys
and values are int8. What a GGUF file has as Q4_0 or Q4_1 stays as it is, but for
the offsets of Q4_1, which are rounded to X.weight_offset as F16. The new folder appears whole, after it
has been loaded once, or not at all.

--fit rounds to int4 or int8 so that the outputs of the layers change least, not the
weights: texts that the decoder writes itself tell what the layers see, and the
error of each column goes into those that are rounded after it. The ERROR of the
weights is larger then, that of the answers smaller. What stays as it is in a GGUF
file is not rounded, so that there is nothing to fit.

The table says how far the new values are from the old: ERROR is the mean and the
largest difference, RELATIVE the root mean square difference over that of the
values.`

type convertFlags struct {
	precision string
	out       string
	fit       bool
	fitOn     string
	force     bool
	json      bool
}

func convertCommand(a *app) *cobra.Command {
	var f convertFlags
	c := &cobra.Command{
		Use:     "convert IN|FILE.gguf OUT --precision P",
		Short:   "Write a model in another number format",
		Long:    aboutConvert,
		Example: "  mom convert ./my-modernbert ./my-modernbert-int8 --precision int8\n  mom convert model.gguf --out ./model --precision f32",
		Args:    arguments(1, 2, "what to read and the folder to write"),
		RunE: func(c *cobra.Command, args []string) error {
			out := f.out
			switch {
			case len(args) == 2 && out != "":
				return misuse("--out: names a folder to write beside %s", args[1])
			case len(args) == 2:
				out = args[1]
			case out == "":
				return misuse("want the folder to write, as a second argument or by --out")
			}
			return f.run(c.Context(), a, args[0], out)
		},
	}
	c.Flags().StringVar(&f.out, "out", "", "`FOLDER` to write, instead of as an argument")
	c.Flags().StringVar(&f.precision, "precision", "", "int8, int4, bf16, f16 or f32")
	c.Flags().BoolVar(&f.fit, "fit", false, "of a decoder, with int4 or int8: round by what the layers see in texts that the decoder writes, not to the nearest; takes minutes")
	c.Flags().StringVar(&f.fitOn, "fit-on", "", "like --fit, by texts of a `FILE` of JSON lines {\"text\"}: whole prompts with their answers, special tokens as they are written")
	c.Flags().BoolVar(&f.force, "force", false, "replace OUT when it is a model's folder or empty")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object")
	return c
}

// conversion is what convert --json prints.
type conversion struct {
	In          string       `json:"in"`
	Out         string       `json:"out"`
	Precision   string       `json:"precision"`
	BytesBefore int64        `json:"bytes_before"`
	BytesAfter  int64        `json:"bytes_after"`
	Classes     []*classInfo `json:"classes"`
	Files       []string     `json:"files"`
}

func (f *convertFlags) run(ctx context.Context, a *app, in, out string) error {
	if f.precision == "" {
		return misuse("--precision is missing: want int8, int4, bf16, f16 or f32")
	}
	if err := oneOf("precision", f.precision, "int8", "int4", "bf16", "f16", "f32"); err != nil {
		return err
	}
	f.fit = f.fit || f.fitOn != ""
	if f.fit && f.precision != "int4" && f.precision != "int8" {
		return misuse("--fit and --fit-on are for --precision int4 or int8")
	}
	open := openSource
	if isGGUF(in) {
		open = openGGUFSource
	}
	s, err := open(in)
	if err != nil {
		return err
	}
	if s.gguf != nil {
		defer s.gguf.Close()
	}
	if err := f.checkTarget(in, out); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(out)), "."+filepath.Base(out)+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	c := &conversion{In: in, Out: out, Precision: f.precision}
	if err := c.write(ctx, a, s, tmp, f); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := putInPlace(tmp, out); err != nil {
		return err
	}
	if f.json {
		return printJSON(a, c)
	}
	_, err = a.out.Write(c.table())
	return err
}

// checkTarget refuses what must not be replaced.
func (f *convertFlags) checkTarget(in, out string) error {
	to, err := os.Stat(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if from, err := os.Stat(in); err == nil && os.SameFile(from, to) {
		return misuse("%s: is both the folder to read and the folder to write", out)
	}
	if !f.force {
		return fmt.Errorf("%s: exists; give another name, or --force to replace it", out)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	if len(entries) == 0 || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "config.json" }) {
		return nil
	}
	return fmt.Errorf("%s: is not a model's folder, so --force does not replace it", out)
}

// putInPlace makes tmp the folder out. What was there goes when the new one
// stands.
func putInPlace(tmp, out string) error {
	if _, err := os.Stat(out); err != nil {
		return os.Rename(tmp, out)
	}
	old := tmp + ".old"
	if err := os.Rename(out, old); err != nil {
		return err
	}
	if err := os.Rename(tmp, out); err != nil {
		return errors.Join(err, os.Rename(old, out))
	}
	return os.RemoveAll(old)
}

// write fills dir with the converted model and loads it once.
func (c *conversion) write(ctx context.Context, a *app, s *source, dir string, f *convertFlags) error {
	config, err := s.read("config.json")
	if err != nil {
		return err
	}
	if c.Precision == "int4" && !isDecoder(config) {
		return fmt.Errorf("%s: is not a decoder; int4 is for those of %s", s.name, strings.Join(models.DecoderArchitectures(), " and "))
	}
	manifest, err := s.optional("mom.json")
	if err != nil {
		return err
	}
	if isDecoder(config) {
		manifest = nil // says how it is asked, nothing of tensors
	}
	var src tensors = ggufTensors{s.gguf}
	if s.gguf == nil {
		if src, err = s.tensors(); err != nil {
			return err
		}
		defer src.Close()
	}
	t, err := newConverter(c.Precision, manifest)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path("mom.json"), err)
	}
	if f.fit {
		var texts [][]int32
		if f.fitOn != "" {
			if texts, err = fitTexts(a, s, f.fitOn); err != nil {
				return err
			}
		}
		if t.fit, err = newFit(config, src, texts); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	views, err := t.all(ctx, src)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := loads(config, manifest, views, c.Precision); err != nil {
		return fmt.Errorf("%s: is not converted, since it would not load: %w", s.name, err)
	}
	if err := safetensors.WriteFile(filepath.Join(dir, "model.safetensors"), views, src.Metadata()); err != nil {
		return err
	}
	c.Classes = t.classes
	for _, k := range t.classes {
		k.finish()
		c.BytesBefore += k.BytesBefore
		c.BytesAfter += k.BytesAfter
	}
	return c.copyFiles(s, dir)
}

// fitTexts reads what a decoder is fitted to.
func fitTexts(a *app, s *source, name string) ([][]int32, error) {
	t, err := s.tokenizer()
	if err != nil {
		return nil, err
	}
	in, err := openRecords(a, name, false)
	if err != nil {
		return nil, err
	}
	defer in.close()
	var texts [][]int32
	var enc tokenizer.Encoding
	for {
		var r record
		err := in.next(&r)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.bad != nil {
			return nil, fmt.Errorf("%s: line %d: %w", in.name, r.line, r.bad)
		}
		if err := t.Encode(&enc, r.text); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", in.name, r.line, err)
		}
		if enc.Len() == 0 || enc.Len() > maxFitTokens || len(texts) == maxFitTexts {
			return nil, fmt.Errorf("%s: line %d: has %d tokens; want 1 to %d a text, and %d texts at most", in.name, r.line, enc.Len(), maxFitTokens, maxFitTexts)
		}
		texts = append(texts, slices.Clone(enc.IDs))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s: there is no text in it", in.name)
	}
	return texts, nil
}

// Bounds of what a decoder is fitted to.
const (
	maxFitTokens = 1024
	maxFitTexts  = 4096
)

// newFit has the decoder in float32 read texts to fit its weights to, or write some.
func newFit(config []byte, src models.Source, texts [][]int32) (*models.Fit, error) {
	d, err := models.OpenDecoder(config, src, models.Options{Precision: nn.F32})
	if err != nil {
		return nil, err
	}
	team := nn.NewTeam(workers(0))
	defer team.Close()
	if texts != nil {
		for i, ids := range texts {
			if n := d.Info().MaxTokens; len(ids) > n {
				return nil, fmt.Errorf("text %d to fit to has %d tokens; the decoder reads %d", i+1, len(ids), n)
			}
		}
		return models.NewFitOn(d, texts, team)
	}
	var c struct {
		BOS *int32 `json:"bos_token_id"`
	}
	_ = json.Unmarshal(config, &c) // a list, or nothing: texts begin anywhere
	bos := int32(-1)
	if c.BOS != nil {
		bos = *c.BOS
	}
	return models.NewFit(d, bos, team)
}

// loads opens the converted tensors as a model.
func loads(config, manifest []byte, views []tensor.View, precision string) error {
	src := memory{}
	for _, v := range views {
		src[v.Name] = v
	}
	p := nn.F32
	switch precision {
	case "int8":
		p = nn.I8
	case "int4":
		p = nn.I4
	case "bf16":
		p = nn.BF16
	}
	if isDecoder(config) {
		_, err := models.OpenDecoder(config, src, models.Options{Precision: p})
		return err
	}
	_, err := models.Open(config, src, models.Options{Precision: p, Manifest: manifest})
	return err
}

// isDecoder reports whether a config.json is of a decoder.
func isDecoder(config []byte) bool {
	c, err := models.ParseConfig(config)
	return err == nil && len(c.Architectures) == 1 && slices.Contains(models.DecoderArchitectures(), c.Architectures[0])
}

// memory is a models.Source of tensors at hand.
type memory map[string]tensor.View

func (m memory) Names() []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (m memory) Stat(name string) (tensor.View, bool) { v, ok := m[name]; return v, ok }

func (m memory) Tensor(name string) (tensor.View, bool) { v, ok := m[name]; return v, ok }

// copyFiles copies what belongs to the model beside its tensors.
func (c *conversion) copyFiles(s *source, dir string) error {
	names, err := s.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !belongs(name) {
			continue
		}
		data, err := s.read(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return err
		}
		c.Files = append(c.Files, name)
	}
	return nil
}

// belongs reports whether a file is configuration, tokenizer, card or licence.
func belongs(name string) bool {
	switch filepath.Ext(name) {
	case ".json":
		return !strings.HasSuffix(name, ".safetensors.index.json")
	case ".txt", ".md", ".model":
		return true
	}
	return name == "LICENSE" || name == "NOTICE"
}

func (c *conversion) table() []byte {
	var out []byte
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TENSORS\tCOUNT\tBEFORE\tAFTER\tMEAN ERROR\tMAX ERROR\tRELATIVE")
	for _, k := range c.Classes {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.3g\t%.3g\t%.2f%%\n", k.Class, k.Tensors, size(k.BytesBefore), size(k.BytesAfter), k.MeanError, k.MaxError, 100*k.Relative)
	}
	fmt.Fprintf(w, "all\t\t%s\t%s\n", size(c.BytesBefore), size(c.BytesAfter))
	w.Flush()
	return fmt.Appendf(out, "\n%s is written; mom inspect %s shows it and how to run it.\n", c.Out, c.Out)
}
