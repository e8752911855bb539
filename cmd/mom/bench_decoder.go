package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"mom/bench"
	"mom/engine/generate"
	"mom/models/kv"
	"mom/models/nn"
)

const aboutBenchDecoder = `Measure how fast a decoder reads a prompt (prefill) and writes after it (decode),
one sequence alone, with the adapter that its folder has or --adapter names.
Reading is bound by arithmetic: PERCENT is the share of the ceiling of the cores
used. Writing is bound by memory, since every step reads all weights: DRAM is the
bytes of the weights over the time of a step, as a share of the rate at which as
many cores read memory, measured in the same rounds.`

type benchDecoderFlags struct {
	model     string
	precision string
	kv        string
	adapter   string
	json      bool
	bench.DecoderOptions
}

func benchDecoderCommand(a *app) *cobra.Command {
	var f benchDecoderFlags
	c := &cobra.Command{
		Use:     "decoder --model FOLDER|FILE.gguf",
		Short:   "How fast a decoder reads and writes",
		Long:    aboutBenchDecoder,
		Example: "  mom bench decoder --model ./SmolLM2-135M --precision int4 --prompt 32,128,512 --tokens 32 --threads 1,2",
		Args:    arguments(0, 0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), a) },
	}
	s := c.Flags()
	s.StringVarP(&f.model, "model", "m", "", "`FOLDER` of a decoder, or a .gguf file")
	s.StringVar(&f.precision, "precision", "auto", "f32, bf16, int8, int4 or auto")
	s.StringVar(&f.kv, "kv", "", "format of keys and values: f32, bf16 or int8 (default f32 for f32, else bf16)")
	s.StringVar(&f.adapter, "adapter", "", "`FOLDER` of a PEFT LoRA adapter to run over the model")
	s.IntSliceVar(&f.Prompts, "prompt", []int{32, 128, 512}, "`LENGTHS` of the prompt in tokens")
	s.IntVar(&f.Tokens, "tokens", 32, "`N` tokens to write after each")
	s.IntSliceVar(&f.Threads, "threads", []int{1, workers(0)}, "`CORES` to use")
	s.IntVar(&f.Rounds, "rounds", 5, "alternations of ceilings and model")
	s.BoolVar(&f.json, "json", false, "a line of JSON a measurement")
	return c
}

func (f *benchDecoderFlags) run(ctx context.Context, a *app) error {
	if f.model == "" {
		return misuse("--model: want the folder of a decoder or a .gguf file")
	}
	if err := oneOf("precision", f.precision, "f32", "bf16", "int8", "int4", "auto"); err != nil {
		return err
	}
	if f.Tokens < 1 || f.Rounds < 1 || len(f.Prompts) == 0 || len(f.Threads) == 0 {
		return misuse("--tokens, --rounds, --prompt and --threads: want 1 or more")
	}
	for _, n := range f.Threads {
		if n < 1 || n > workers(0) {
			return misuse("--threads %d: this machine has 1 to %d", n, workers(0))
		}
	}
	m, err := generate.Open(f.model, generate.Options{Precision: f.precision})
	if err != nil {
		return err
	}
	defer m.Close()
	f.Adapter = m.Adapter()
	if f.adapter != "" {
		if f.Adapter, err = m.OpenAdapter(f.adapter); err != nil {
			return err
		}
	}
	if f.Format = kv.BF16; m.Precision() == nn.F32 {
		f.Format = kv.F32
	}
	if f.kv != "" {
		if f.Format, err = kv.ParseFormat(f.kv); err != nil {
			return misuse("--kv: %v", err)
		}
	}
	if !f.json {
		info := m.Info()
		fmt.Fprintf(a.out, "%s: %s of %d layers, %d wide, %s, %.1f M multiply-adds a token, %.1f MB of weights, keys and values in %s\n",
			f.model, info.Architecture, info.Layers, info.Hidden, m.Precision(), float64(info.Ops)/2e6, float64(info.Bytes)/1e6, f.Format)
		if l := f.Adapter; l != nil {
			fmt.Fprintf(a.out, "with an adapter of %.2f M multiply-adds a token, %.1f MB\n", float64(l.Ops)/2e6, float64(l.Bytes)/1e6)
		}
		fmt.Fprintln(a.out)
		fmt.Fprintf(a.out, "%7s %8s %12s %9s %8s %12s %9s %9s %7s\n", "PROMPT", "THREADS", "PREFILL T/S", "CEILING", "PERCENT", "DECODE T/S", "STEP MS", "DRAM GB/S", "DRAM %")
	}
	return bench.Decoder(ctx, m.Decoder(), m.Precision(), f.DecoderOptions, func(r bench.DecoderResult) error {
		if f.json {
			return printJSON(a, r)
		}
		_, err := fmt.Fprintf(a.out, "%7d %8d %12.1f %9.0f %8.1f %12.1f %9.3f %9.1f %7.1f\n",
			r.Prompt, r.Threads, r.Prefill, r.Ceiling, r.Percent, r.Decode, r.StepMS, r.Memory, r.DRAM)
		return err
	})
}
