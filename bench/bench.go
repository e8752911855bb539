// Package bench measures kernels and models against what the machine at hand
// can do. Each speed comes with a ceiling that package peak measured in turns
// with it, because the clock of a core changes with the machine, the moment and
// the neighbours; a share of the ceiling is what can be compared.
package bench

import (
	"slices"
	"sync"
	"time"

	"mom/kernels/peak"
	"mom/models/nn"
)

// ceiling is the rate of p's multiply-adds on cores cores at once, in 1e9
// operations a second.
func ceiling(p nn.Precision, cores int) float64 {
	one := peak.F32
	switch p {
	case nn.BF16:
		one = peak.BF16
	case nn.I8:
		one = peak.I8
	case nn.I4:
		one = peak.I4
	}
	rates := make([]float64, cores)
	var group sync.WaitGroup
	for i := range rates[1:] {
		group.Go(func() { rates[i+1] = one() })
	}
	rates[0] = one()
	group.Wait()
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum
}

// fastest runs f over and over for about d and returns the shortest time of one
// call, as the mean over a sample. Samples are short, to fall between
// interruptions.
func fastest(f func(), d time.Duration) time.Duration {
	const sample = 500 * time.Microsecond
	start := time.Now()
	f()
	calls := 1
	for {
		t := timed(f, calls)
		if t >= sample || time.Since(start) > d {
			break
		}
		calls += max(1, calls/2)
	}
	best := timed(f, calls)
	for time.Since(start) < d {
		best = min(best, timed(f, calls))
	}
	return best / time.Duration(calls)
}

func timed(f func(), calls int) time.Duration {
	start := time.Now()
	for range calls {
		f()
	}
	return time.Since(start)
}

// quantile returns the value below which a share q of sorted lies.
func quantile[T any](sorted []T, q float64) T {
	i := int(q * float64(len(sorted)))
	return sorted[min(i, len(sorted)-1)]
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
