package attn

import (
	"fmt"
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
	"mom/kernels/peak"
)

// BenchmarkPaged times one kv head on one core: rates of the products of the
// pairs attended to alone, and as a share of the machine's ceiling. With heads
// above 1, calls go round that many kv heads, as a model's layers do, and keys
// and values come from wherever they are by then.
func BenchmarkPaged(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		ceiling := peak.F32()
		for _, shape := range []struct{ group, d int }{{3, 64}, {2, 128}, {2, 64}, {3, 128}} {
			for _, f := range formats {
				run := func(m, past, heads int) {
					b.Run(fmt.Sprintf("m=%d/past=%d/group=%d/d=%d/%s/heads=%d", m, past, shape.group, shape.d, f, heads), func(b *testing.B) {
						benchmarkPaged(b, f, m, past, shape.group, shape.d, heads, ceiling)
					})
				}
				for _, past := range []int{32, 128, 512, 2048} {
					run(1, past, 1)
				}
				run(1, 512, 90)
				run(1, 2048, 90)
				for _, m := range []int{32, 128, 512} {
					run(m, 0, 1)
				}
				run(128, 512, 1)
			}
		}
	})
}

func benchmarkPaged(b *testing.B, f Format, m, past, group, d, heads int, ceiling float64) {
	if cpu.Level() == "generic" && m*past > 1000 {
		b.Skip("slow")
	}
	s := newDialogue(b, f, past+m, group, d, 1)
	size := PageBytes(f, d)
	for i, p := range s.Pages {
		all := make([]byte, size*heads+64)
		for h := range heads {
			copy(all[h*size:], p[s.Offset:])
		}
		s.Pages[i] = all
	}
	dst := make([]float32, m*group*d)
	scratch := make([]float32, PagedScratchLen(group, d))
	h := 0
	for b.Loop() {
		s.Offset = h * size
		if h++; h == heads {
			h = 0
		}
		Paged(dst, group*d, s.q[past*s.ldq:], s.ldq, m, past, s.KV, group, d, s.scale, scratch)
	}
	pairs := 0
	for i := range m {
		pairs += past + i + 1
	}
	rate := float64(4*d*group*pairs) * float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/ceiling, "%peak")
	if m == 1 {
		b.ReportMetric(float64(len(s.Pages)*size)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
	}
}

func BenchmarkPagedStore(b *testing.B) {
	for _, f := range formats {
		for _, d := range []int{64, 128} {
			b.Run(fmt.Sprintf("%s/d=%d", f, d), func(b *testing.B) {
				s := newDialogue(b, f, PageTokens, 1, d, 1)
				for i := 0; b.Loop(); i++ {
					s.store(i % PageTokens)
				}
			})
		}
	}
}
