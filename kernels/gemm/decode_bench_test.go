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
const decodeBytes = 128 << 20

// BenchmarkDecode is the products of 1 to 4 rows, whose weights come from memory.
// GB/s is the rate at which the packed weights are read, %read its share of what
// package peak's loop reads with as many cores.
func BenchmarkDecode(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, workers := range []int{1, 2} {
			top := readPeak(workers)
			for _, format := range benchFormats {
				for _, s := range decodeShapes {
					pack := benchPacker(format, s[1], s[0], false)
					copies := []benchWeight{pack()}
					for len(copies)*copies[0].Bytes() < decodeBytes {
						copies = append(copies, pack())
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

// benchDecode multiplies by all copies, 8 units of columns in a call as in a team,
// and counts the fastest of each call, because other users of the machine
// interrupt some. Each worker has its share of the columns of every copy; workers
// go apart, as nothing waits for the other.
func benchDecode(b *testing.B, copies []benchWeight, m, workers int, top float64) {
	const part = 8
	w := copies[0]
	x, dst := newBenchRows(m, w.K()), make([]float32, m*w.Cols())
	best := make([][]time.Duration, workers)
	for b.Loop() {
		together(workers, func(i int) {
			u0, u1, call := w.Units()*i/workers, w.Units()*(i+1)/workers, 0
			for _, c := range copies {
				for u := u0; u < u1; u += part {
					start := time.Now()
					c.mul(dst, x, u, min(u+part, u1), Epilogue{})
					d := time.Since(start)
					if call == len(best[i]) {
						best[i] = append(best[i], d)
					}
					best[i][call] = min(best[i][call], d)
					call++
				}
			}
		})
	}
	bytes, rate := float64(len(copies)*w.Bytes())/float64(workers), 0.0
	for _, calls := range best {
		sum := time.Duration(0)
		for _, d := range calls {
			sum += d
		}
		rate += bytes / float64(sum)
	}
	b.ReportMetric(rate, "GB/s")
	b.ReportMetric(100*rate/top, "%read")
	b.ReportMetric(0, "ns/op")
}
