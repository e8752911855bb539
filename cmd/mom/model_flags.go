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

func (f *modelFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVarP(&f.model, "model", "m", weights.Default, "`FOLDER` of a Hugging Face model, or a name of the family (mom models)")
	s.StringVar(&f.Precision, "precision", "auto", "f32, bf16, int8 or auto: int8 for an int8 file, else the exactest that is fast here")
	s.StringVar(&f.Adapter, "adapter", "", "`FOLDER` of a PEFT LoRA adapter to merge into the weights")
	s.IntVar(&f.Threads, "threads", 0, "cores to use at most (default all)")
	s.IntVar(&f.Window, "window", 0, "tokens read at once, special ones included (default the model's)")
	s.IntVar(&f.Overlap, "overlap", 0, "text tokens that neighbouring windows share (default the model's)")
	s.IntVar(&f.MaxTokens, "max-tokens", 0, "longest text in tokens; a longer one is an error (default 1048576)")
	s.BoolVar(&f.Mmap, "mmap", false, "map the weights instead of reading them; the file must not change meanwhile")
}

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

func (f *modelFlags) open() (*engine.Engine, error) { return engine.Open(f.model, f.Options) }
