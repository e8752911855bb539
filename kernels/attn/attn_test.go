package attn

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSmoke(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n, h, d := 37, 2, 24
	q := make([]float32, n*h*d*3)
	for i := range q {
		q[i] = float32(r.NormFloat64())
	}
	for _, reach := range []int{-1, 0, 3, 100} {
		s := Shape{Heads: h, KVHeads: h, HeadDim: d, Scale: 0.2, Reach: reach}
		dst := make([]float32, n*h*d)
		for hd := range h {
			Attend(dst, h*d, q, q[h*d:], q[2*h*d:], 3*h*d, n, hd, 0, n, s, make([]float32, ScratchLen(s, n)))
			for i := range n {
				out := make([]float64, d)
				sum := 0.0
				for j := range n {
					if reach >= 0 && max(i-j, j-i) > reach {
						continue
					}
					dot := 0.0
					for c := range d {
						dot += float64(q[i*3*h*d+hd*d+c]) * float64(q[j*3*h*d+h*d+hd*d+c])
					}
					p := math.Exp(dot * 0.2)
					sum += p
					for c := range d {
						out[c] += p * float64(q[j*3*h*d+2*h*d+hd*d+c])
					}
				}
				for c := range d {
					if got := float64(dst[i*h*d+hd*d+c]); !(math.Abs(got-out[c]/sum) < 1e-5) {
						t.Fatal(reach, i, c, got, out[c]/sum)
					}
				}
			}
		}
	}
}
