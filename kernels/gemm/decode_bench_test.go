package gemm

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"mom/kernels/kerneltest"
	"mom/kernels/peak"
)

// decodeShapes are k x n of linear layers of small decoders: down and up of
// SmolLM2-135M, its output matrix, and up of Qwen3-0.6B.
var decodeShapes = [][2]int{{1536, 576}, {576, 1536}, {576, 49152}, {1024, 3072}}

// decodeBytes is the memory of all copies of a weight: more than the last level
// of the caches holds, so that each is read from memory.
const decodeBytes = 192 << 20

// BenchmarkDecode is the products of 1 to 4 rows, whose weights come from memory.
// GB/s is the rate at which the packed weights are read, %read its share of what
// package peak's loop reads with as many cores.
func BenchmarkDecode(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, workers := range []int{1, 2} {
			top := readPeak(workers)
			for _, format := range benchFormats {
				for _, s := range decodeShapes {
					copies := []benchWeight{newBenchWeight(format, s[1], s[0], false)}
					for len(copies)*copies[0].Bytes() < decodeBytes {
						copies = append(copies, newBenchWeight(format, s[1], s[0], false))
					}
					for _, m := range []int{1, 2, 4} {
						b.Run(fmt.Sprintf("%s/%dx%d/workers=%d/m=%d", format, s[0], s[1], workers, m), func(b *testing.B) {
							benchDecode(b, copies, m, workers, top)
						})
					}
				}
			}
		}
	})
}

// readPeak is what package peak reads with so many cores at the same time.
func readPeak(workers int) float64 {
	rates := make([]float64, workers)
	together(workers, func(i int) { rates[i] = peak.Read() })
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum
}

func together(workers int, f func(i int)) {
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// benchDecode counts the fastest product with each copy, because other users of
// the machine interrupt some. A worker has its share of the columns of every
// copy; the workers go apart, as nothing waits for the other.
func benchDecode(b *testing.B, copies []benchWeight, m, workers int, top float64) {
	w := copies[0]
	x, dst := newBenchRows(m, w.K()), make([]float32, m*w.Cols())
	best := make([]time.Duration, workers*len(copies))
	for i := range best {
		best[i] = 1 << 62
	}
	for b.Loop() {
		together(workers, func(i int) {
			u0, u1 := w.Units()*i/workers, w.Units()*(i+1)/workers
			for c := range copies {
				start := time.Now()
				copies[c].mul(dst, x, u0, u1, Epilogue{})
				best[c*workers+i] = min(best[c*workers+i], time.Since(start))
			}
		})
	}
	sum := time.Duration(0)
	for _, d := range best {
		sum += d
	}
	rate := float64(workers*len(copies)*w.Bytes()) / float64(sum)
	b.ReportMetric(rate, "GB/s")
	b.ReportMetric(100*rate/top, "%read")
	b.ReportMetric(0, "ns/op")
}
