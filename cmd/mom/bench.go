package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"mom/bench"
	"mom/models"
	"mom/models/nn"
	"mom/weights"
)

const aboutBench = `Measure this machine: its kernels, or whole models, against ceilings that are
measured in turns with them. A speed alone says little, since clocks differ from
machine to machine and from moment to moment; its share of the ceiling can be
compared.`

func benchCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "bench kernels|model|decoder",
		Short:   "Measure kernels and models against this machine's ceilings",
		Long:    aboutBench,
		Example: "  mom bench kernels\n  mom bench model --model shape:modernbert-base --precision int8 --threads 1,2",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("mom bench needs kernels, model or decoder; see mom bench --help")
			}
			return verb(c, args)
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(benchKernelsCommand(a), benchModelCommand(a), benchDecoderCommand(a))
	return c
}

const aboutBenchKernels = `Measure the kernels on one core. Sizes are m rows of k values by n columns; for
attention m = n tokens, 12 heads of k. In each round the ceiling of the number
format is measured, then the kernel; the best of all rounds counts for both.
Kernels that move numbers rather than multiply them have GB/s, within the caches.`

func benchKernelsCommand(a *app) *cobra.Command {
	var o bench.KernelOptions
	var asJSON bool
	c := &cobra.Command{
		Use:     "kernels",
		Short:   "Matrix products, attention and row kernels on one core",
		Long:    aboutBenchKernels,
		Example: "  mom bench kernels --only gemm.int8\n  MOM_CPU=avx2 mom bench kernels --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Rounds < 1 || o.Rounds > 1000 {
				return misuse("--rounds %d: want 1 to 1000", o.Rounds)
			}
			if !knownKernel(o.Only) {
				return misuse("--only %q: no kernel's name contains it; there are %s", o.Only, strings.Join(bench.KernelNames(), ", "))
			}
			return benchKernels(c.Context(), a, o, asJSON)
		},
	}
	c.Flags().StringVar(&o.Only, "only", "", "kernels whose name contains `TEXT`")
	c.Flags().IntVar(&o.Rounds, "rounds", 7, "alternations of ceiling and kernel")
	c.Flags().BoolVar(&asJSON, "json", false, "a line of JSON a kernel")
	return c
}

func knownKernel(part string) bool {
	for _, name := range bench.KernelNames() {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Rows are printed as they are measured, so the columns have fixed widths.
func benchKernels(ctx context.Context, a *app, o bench.KernelOptions, asJSON bool) error {
	if !asJSON {
		fmt.Fprintf(a.out, "%-20s %-11s %5s %5s %5s %10s %10s %10s %8s\n", "KERNEL", "LEVEL", "M", "K", "N", "US", "SPEED", "CEILING", "PERCENT")
	}
	return bench.Kernels(ctx, o, func(r bench.KernelResult) error {
		if asJSON {
			return printJSON(a, r)
		}
		speed, top, percent := fmt.Sprintf("%.0f Gop/s", r.Gops), fmt.Sprintf("%.0f", r.Ceiling), fmt.Sprintf("%.1f", r.Percent)
		if r.Ceiling == 0 {
			speed, top, percent = fmt.Sprintf("%.1f GB/s", r.GBps), "-", "-"
		}
		_, err := fmt.Fprintf(a.out, "%-20s %-11s %5d %5d %5d %10.1f %10s %10s %8s\n", r.Kernel, r.Level, r.M, r.K, r.N, r.Micros, speed, top, percent)
		return err
	})
}

const aboutBenchModel = `Measure the latency of a model's forward pass, heads included, one text at a
time. Tokenising is not part of it. GOP/S counts the linear layers alone over
the time of the whole pass, and PERCENT is its share of the ceiling of the cores
used: the median over five rounds, each the ceiling first and then some passes.

A shape is a model of that size with random weights, so that no folder is
needed: ` + "%s."

type benchModelFlags struct {
	model     string
	precision string
	tokens    []int
	threads   []int
	passes    int
	json      bool
}

func benchModelCommand(a *app) *cobra.Command {
	var f benchModelFlags
	c := &cobra.Command{
		Use:     "model",
		Short:   "The latency of a model's forward pass",
		Long:    fmt.Sprintf(aboutBenchModel, strings.Join(bench.ShapeNames(), ", ")),
		Example: "  mom bench model --tokens 16,32,128 --threads 1,2\n  mom bench model --model ./folder --precision bf16 --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), a) },
	}
	s := c.Flags()
	s.StringVarP(&f.model, "model", "m", weights.Default, "`FOLDER`, a name of the family, or shape:NAME")
	s.StringVar(&f.precision, "precision", "auto", "f32, bf16, int8 or auto")
	s.IntSliceVar(&f.tokens, "tokens", []int{16, 32, 128, 512}, "`LENGTHS` of the text in tokens")
	s.IntSliceVar(&f.threads, "threads", []int{1, workers(0)}, "`CORES` to use")
	s.IntVar(&f.passes, "passes", 30, "forward passes a line at least")
	s.BoolVar(&f.json, "json", false, "a line of JSON a measurement")
	return c
}

func (f *benchModelFlags) run(ctx context.Context, a *app) error {
	if err := oneOf("precision", f.precision, "f32", "bf16", "int8", "auto"); err != nil {
		return err
	}
	if f.passes < 1 || f.passes > 1e6 {
		return misuse("--passes %d: want 1 to 1000000", f.passes)
	}
	for _, n := range f.tokens {
		if n < 1 {
			return misuse("--tokens %d: want 1 or more", n)
		}
	}
	for _, n := range f.threads {
		if n < 1 || n > workers(0) {
			return misuse("--threads %d: this machine has 1 to %d", n, workers(0))
		}
	}
	m, err := f.open()
	if err != nil {
		return err
	}
	if !f.json {
		info := m.Trunk.Info()
		fmt.Fprintf(a.out, "%s: %s of %d layers, %d wide, %s, %.1f M multiply-adds a token\n\n",
			f.model, info.Architecture, info.Layers, info.Hidden, m.Precision, float64(info.Ops)/2e6)
		fmt.Fprintf(a.out, "%7s %8s %10s %10s %10s %9s %9s %9s\n", "TOKENS", "THREADS", "P50 MS", "P99 MS", "TEXTS/S", "GOP/S", "CEILING", "PERCENT")
	}
	return bench.Model(ctx, m, bench.ModelOptions{Tokens: f.tokens, Threads: f.threads, Passes: f.passes}, func(r bench.ModelResult) error {
		if f.json {
			return printJSON(a, r)
		}
		_, err := fmt.Fprintf(a.out, "%7d %8d %10.2f %10.2f %10.1f %9.0f %9.0f %9.1f\n",
			r.Tokens, r.Threads, r.P50, r.P99, r.PerSecond, r.Gops, r.Ceiling, r.Percent)
		return err
	})
}

// open opens the model without what only texts need.
func (f *benchModelFlags) open() (*models.Model, error) {
	if strings.HasPrefix(f.model, bench.ShapePrefix) {
		return f.openShape()
	}
	s, err := openSource(f.model)
	if err != nil {
		return nil, err
	}
	config, err := s.read("config.json")
	if err != nil {
		return nil, err
	}
	manifest, err := s.optional("mom.json")
	if err != nil {
		return nil, err
	}
	src, err := s.tensors()
	if err != nil {
		return nil, err
	}
	defer src.Close()
	p, err := models.ChoosePrecision(f.precision, src)
	if err != nil {
		return nil, err
	}
	m, err := models.Open(config, src, models.Options{Precision: p, Manifest: manifest})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.model, err)
	}
	var prefix, suffix []int32
	if t, err := s.tokenizer(); err == nil { // a folder to measure needs none
		prefix, suffix = t.Template()
	}
	return m, m.Calibrate(prefix, suffix, runtime.GOMAXPROCS(0))
}

func (f *benchModelFlags) openShape() (*models.Model, error) {
	p := nn.I8
	if f.precision != "auto" {
		var err error
		if p, err = nn.ParsePrecision(f.precision); err != nil {
			return nil, err
		}
	}
	shape, err := bench.NewShape(f.model, p)
	if err != nil {
		return nil, misuse("--model: %v", err)
	}
	return models.Open(shape.Config, shape, models.Options{Precision: p})
}

func printJSON(a *app, v any) error {
	line, err := appendJSON(nil, v)
	if err != nil {
		return fmt.Errorf("%v: %w", v, err)
	}
	_, err = a.out.Write(line)
	return err
}
