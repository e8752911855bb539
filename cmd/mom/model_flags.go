package main

import (
	"github.com/spf13/cobra"

	"mom/engine"
	"mom/weights"
)

// modelFlags say which model a verb runs, and how.
type modelFlags struct {
	model string
	engine.Options
}

// add adds the flags; without --model it is the model named initial.
func (f *modelFlags) add(c *cobra.Command, initial string) {
	s := c.Flags()
	s.StringVarP(&f.model, "model", "m", initial, "Hugging Face `FOLDER`, or a name of the family (mom models); "+aboutAuto)
	s.StringVar(&f.Precision, "precision", "auto", "`P` is f32, bf16, int8 or auto: int8 for a file of int8, else bf16 where the CPU has it, else f32")
	s.StringVar(&f.Adapter, "adapter", "", "merge the PEFT LoRA adapter of this `FOLDER` into the weights")
	s.IntVar(&f.Threads, "threads", 0, "use at most `N` cores (default all)")
	s.IntVar(&f.Window, "window", 0, "read `N` tokens at once, special ones included (default the model's)")
	s.IntVar(&f.Overlap, "overlap", 0, "let neighbouring windows share `N` text tokens at least (default the model's)")
	s.IntVar(&f.MaxTokens, "max-tokens", 0, "refuse texts of more than `N` tokens (default 1048576)")
	s.BoolVar(&f.Mmap, "mmap", false, "map the weights instead of reading them; the file must not change meanwhile")
}

// addViews is for verbs that ask the guard.
func (f *modelFlags) addViews(c *cobra.Command) {
	c.Flags().BoolVar(&f.NoViews, "no-views", false, "let the guard read the text alone, not what it may hide")
}

// check refuses values that no model can have.
func (f *modelFlags) check() error {
	if err := oneOf("precision", f.Precision, "f32", "bf16", "int8", "auto"); err != nil {
		return err
	}
	for _, v := range []struct {
		flag  string
		value int
	}{{"threads", f.Threads}, {"window", f.Window}, {"overlap", f.Overlap}, {"max-tokens", f.MaxTokens}} {
		if err := notNegative(v.flag, v.value); err != nil {
			return err
		}
	}
	if f.Window > 0 && f.Overlap > f.Window/2 {
		return misuse("--overlap %d: want at most half of --window, %d", f.Overlap, f.Window/2)
	}
	return nil
}

// find makes the model what engine.Open opens.
func (f *modelFlags) find() {
	for _, h := range f.Heads { // a head's full name says which model is meant
		if m, _, ok := weights.Find(h); ok && f.model == autoModel {
			f.model = m.Name
		}
	}
	model, head := findEncoder(f.model)
	if f.model = model; head != "" && len(f.Heads) == 0 {
		f.Heads = []string{head}
	}
}

func (f *modelFlags) open() (*engine.Engine, error) {
	f.find()
	return engine.Open(f.model, f.Options)
}
