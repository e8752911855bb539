package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mom/kernels/cpu"
	"mom/models/nn"
)

// KernelOptions say what Kernels measures.
type KernelOptions struct {
	Only   string // kernels whose name contains it; "" for all
	Rounds int    // alternations of ceiling and kernel; 0 means 7
}

// A KernelResult is the speed of one kernel on one core. Gops counts
// multiplications and additions as two operations. Kernels that only move and
// change numbers have GBps instead, the bytes that they must read and write.
type KernelResult struct {
	Kernel  string  `json:"kernel"`
	Level   string  `json:"level"`
	M       int     `json:"m"`
	K       int     `json:"k"`
	N       int     `json:"n"`
	Gops    float64 `json:"gops,omitempty"`
	Ceiling float64 `json:"ceiling_gops,omitempty"`
	Percent float64 `json:"percent,omitempty"`
	GBps    float64 `json:"gb_per_s,omitempty"`
	Micros  float64 `json:"us"` // of one call
}

// kernel is one measurement: run does ops operations or moves bytes.
type kernel struct {
	name    string
	m, k, n int
	ops     float64
	bytes   float64
	format  nn.Precision // whose ceiling counts
	run     func()
}

// Kernels measures each kernel and hands the result to emit. In a round the
// ceiling is measured and then the kernel; of both the best round counts, since
// what disturbs a measurement makes it slower, never faster.
func Kernels(ctx context.Context, o KernelOptions, emit func(KernelResult) error) error {
	rounds := o.Rounds
	if rounds == 0 {
		rounds = 7
	}
	found := false
	for _, c := range cases() {
		if !strings.Contains(c.name, o.Only) {
			continue
		}
		found = true
		k := c.make()
		k.name, k.m, k.k, k.n = c.name, c.m, c.k, c.n
		r, err := k.measure(ctx, rounds)
		if err != nil {
			return err
		}
		if err := emit(r); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("no kernel's name contains %q; there are %s", o.Only, strings.Join(KernelNames(), ", "))
	}
	return nil
}

// KernelNames lists the kernels that are measured.
func KernelNames() []string {
	var names []string
	for _, c := range cases() {
		if len(names) == 0 || names[len(names)-1] != c.name {
			names = append(names, c.name)
		}
	}
	return names
}

func (k *kernel) measure(ctx context.Context, rounds int) (KernelResult, error) {
	r := KernelResult{Kernel: k.name, Level: cpu.Level(), M: k.m, K: k.k, N: k.n}
	best := time.Duration(0)
	for i := range rounds {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		if k.ops > 0 {
			r.Ceiling = max(r.Ceiling, ceiling(k.format, 1))
		}
		if d := fastest(k.run, 25*time.Millisecond); i == 0 || d < best {
			best = d
		}
	}
	ns := max(float64(best.Nanoseconds()), 1)
	r.Micros = ns / 1000
	if k.ops > 0 {
		r.Gops = k.ops / ns
		r.Percent = 100 * r.Gops / r.Ceiling
	} else {
		r.GBps = k.bytes / ns
	}
	return r, nil
}
