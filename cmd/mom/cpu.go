package main

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mom/kernels/cpu"
	"mom/kernels/peak"
)

const aboutCPU = `Show what this machine can do: its instruction sets in levels, its caches, and
the ceilings of one core, measured now at the level in use. MOM_CPU=LEVEL lowers
the level; results of int8 models do not change with it, to the bit, but for
what activation functions round.`

func cpuCommand(a *app) *cobra.Command {
	var asJSON, levels bool
	c := &cobra.Command{
		Use:     "cpu",
		Short:   "Instruction sets, caches and measured ceilings of this machine",
		Long:    aboutCPU,
		Example: "  mom cpu\n  MOM_CPU=avx2 mom cpu --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if levels {
				_, err := fmt.Fprintln(a.out, strings.Join(cpu.Levels(), " "))
				return err
			}
			m := measureMachine()
			out := m.table()
			if asJSON {
				var err error
				if out, err = appendJSON(nil, m); err != nil {
					return err
				}
			}
			_, err := a.out.Write(out)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	c.Flags().BoolVar(&levels, "levels", false, "only the levels that this machine can run, lowest first")
	return c
}

// machine is what cpu --json prints.
type machine struct {
	Brand    string   `json:"brand"`
	Arch     string   `json:"arch"`
	Cores    int      `json:"cores"` // that this process may use
	Level    string   `json:"level"`
	Levels   []string `json:"levels"`
	L1D      int      `json:"l1d_bytes"`
	L2       int      `json:"l2_bytes"`
	L3       int      `json:"l3_bytes"`
	Ceilings ceilings `json:"ceilings"`
}

// ceilings are of one core.
type ceilings struct {
	F32  float64 `json:"f32_gops"`
	BF16 float64 `json:"bf16_gops"`
	I8   float64 `json:"int8_gops"`
	Read float64 `json:"read_gb_per_s"`
}

func measureMachine() *machine {
	m := &machine{
		Brand: cpu.Brand(), Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0),
		Level: cpu.Level(), Levels: cpu.Levels(),
	}
	m.L1D, m.L2, m.L3 = cpu.Caches()
	// Twice, the best of both: a neighbour takes its share of a machine in bursts.
	for range 2 {
		m.Ceilings.F32 = max(m.Ceilings.F32, peak.F32())
		m.Ceilings.BF16 = max(m.Ceilings.BF16, peak.BF16())
		m.Ceilings.I8 = max(m.Ceilings.I8, peak.I8())
	}
	m.Ceilings.Read = peak.Read()
	return m
}

func (m *machine) table() []byte {
	var out []byte
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	brand := m.Brand
	if brand == "" {
		brand = "unnamed CPU"
	}
	fmt.Fprintf(w, "cpu\t%s, %s, %s\n", brand, m.Arch, plural(m.Cores, "core"))
	fmt.Fprintf(w, "level\t%s (of %s)\n", m.Level, strings.Join(m.Levels, " < "))
	fmt.Fprintf(w, "caches\tL1d %s, L2 %s, L3 %s\n", cacheSize(m.L1D), cacheSize(m.L2), cacheSize(m.L3))
	fmt.Fprintf(w, "ceilings\tof one core, measured now:\n")
	fmt.Fprintf(w, "  int8\t%.0f Gop/s\n", m.Ceilings.I8)
	fmt.Fprintf(w, "  bf16\t%.0f Gop/s\n", m.Ceilings.BF16)
	fmt.Fprintf(w, "  f32\t%.0f Gop/s\n", m.Ceilings.F32)
	fmt.Fprintf(w, "  memory\t%.1f GB/s read\n", m.Ceilings.Read)
	w.Flush()
	return out
}

func cacheSize(n int) string {
	if n == 0 {
		return "unknown"
	}
	return size(int64(n))
}
