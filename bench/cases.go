package bench

import (
	"math"
	"math/rand/v2"

	"mom/kernels/act"
	"mom/kernels/attn"
	"mom/kernels/gemm"
	"mom/kernels/half"
	"mom/kernels/norm"
	"mom/kernels/quant"
	"mom/kernels/rope"
	"mom/kernels/vec"
	"mom/models/nn"
)

// kase is a kernel at one size, made when its turn comes: together they would
// hold some hundred megabytes.
type kase struct {
	name    string
	m, k, n int
	make    func() kernel
}

// gemmSizes are m x k x n: the linear layers of ModernBERT-base (768 wide) and
// MiniLM (384) at the lengths of short, usual and long requests.
var gemmSizes = [][3]int{
	{8, 768, 2304}, {32, 768, 2304}, {32, 768, 768}, {32, 1152, 768},
	{128, 768, 768}, {128, 768, 2304}, {512, 768, 2304},
	{32, 384, 1536}, {128, 384, 1536}, {128, 1536, 384},
}

func cases() []kase {
	var all []kase
	for _, format := range []nn.Precision{nn.I4, nn.I8, nn.BF16, nn.F32} {
		for _, s := range gemmSizes {
			all = append(all, kase{"gemm." + format.String(), s[0], s[1], s[2], func() kernel {
				return product(format, s[0], s[1], s[2], false)
			}})
		}
		// GeGLU: two halves of 1152 columns, the activation and the product.
		for _, m := range []int{32, 128} {
			all = append(all, kase{"gemm." + format.String() + ".geglu", m, 768, 2304, func() kernel {
				return product(format, m, 768, 2304, true)
			}})
		}
	}
	for _, s := range []struct {
		name  string
		n     int
		reach int
		bf16  bool
	}{
		{"attn.f32", 32, -1, false}, {"attn.f32", 128, -1, false}, {"attn.f32", 512, -1, false},
		{"attn.f32.local", 512, 64, false},
		{"attn.bf16", 32, -1, true}, {"attn.bf16", 128, -1, true}, {"attn.bf16", 512, -1, true},
		{"attn.bf16.local", 512, 64, true},
	} {
		all = append(all, kase{s.name, s.n, 64, s.n, func() kernel { return attention(s.n, s.reach, s.bf16) }})
	}
	return append(all, rows()...)
}

// product is m rows of k values by a matrix of n columns, all on this core. The
// matrix is in the caches as far as it fits, as between two texts.
func product(p nn.Precision, m, k, n int, gated bool) kernel {
	var ep gemm.Epilogue
	cols := n
	if gated {
		cols, ep.Act = n/2, gemm.GELU
	}
	w, x := random(n*k, 1), random(m*k, 2)
	dst := make([]float32, m*cols)
	var run func()
	switch p {
	case nn.I8:
		q, scale := make([]int8, n*k), make([]float32, n)
		quant.Weights(q, scale, w, n, k)
		g := gemm.PackI8(q, scale, n, k, gated)
		ld := quant.KPad(k)
		if ld%512 == 0 { // as models/nn keeps rows out of one set of the cache
			ld += 64
		}
		xq, xs := make([]uint8, m*ld), make([]quant.Affine, m)
		quant.Rows(xq, ld, xs, x, k, m, k)
		run = func() { g.Mul(dst, cols, xq, ld, xs, m, 0, g.Units(), ep) }
	case nn.I4:
		q, scale := make([]byte, n*k/2), make([]float32, n*k/quant.GroupI4)
		quant.WeightsI4(q, scale, w, n, k)
		g := gemm.PackI4(q, scale, n, k, gated)
		xq, xs := make([]uint8, m*quant.KPad(k)), make([]quant.Affine, m)
		quant.Rows(xq, quant.KPad(k), xs, x, k, m, k)
		run = func() { g.Mul(dst, cols, xq, quant.KPad(k), xs, m, 0, g.Units(), ep) }
	case nn.BF16:
		wb, xb := make([]uint16, n*k), make([]uint16, m*k)
		half.ToBF16(wb, w)
		half.ToBF16(xb, x)
		g := gemm.PackBF16(wb, n, k, gated)
		run = func() { g.Mul(dst, cols, xb, k, m, 0, g.Units(), ep) }
	default:
		g := gemm.PackF32(w, n, k, gated)
		run = func() { g.Mul(dst, cols, x, k, m, 0, g.Units(), ep) }
	}
	return kernel{ops: 2 * float64(m) * float64(n) * float64(k), format: p, run: run}
}

// attention is one layer's 12 heads of 64 over n tokens. Its operations are
// those of the two products within reach.
func attention(n, reach int, bf16 bool) kernel {
	const heads, d = 12, 64
	s := attn.Shape{Heads: heads, KVHeads: heads, HeadDim: d, Scale: 1. / 8, Reach: reach, BF16: bf16}
	qkv, dst := random(n*3*heads*d, 3), make([]float32, n*heads*d)
	scratch := make([]float32, attn.ScratchLen(s, n))
	pairs := 0
	for i := range n {
		if reach < 0 {
			pairs += n
		} else {
			pairs += min(n-1, i+reach) - max(0, i-reach) + 1
		}
	}
	k := kernel{ops: 4 * float64(pairs) * d * heads}
	if bf16 {
		k.format = nn.BF16
	}
	k.run = func() {
		for h := range heads {
			attn.Attend(dst, heads*d, qkv, qkv[heads*d:], qkv[2*heads*d:], 3*heads*d, n, h, 0, n, s, scratch)
		}
	}
	return k
}

// rows are the kernels around the products, on 32 rows of 768 values: their
// speed is bytes read and written a second, from and to the caches.
func rows() []kase {
	const m, d = 32, 768
	moves := func(name string, bytes float64, run func(x, y []float32) func()) kase {
		return kase{name, m, 0, d, func() kernel {
			return kernel{bytes: bytes * m * d, run: run(random(m*d, 4), make([]float32, m*d))}
		}}
	}
	ones := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = 1
		}
		return x
	}
	return []kase{
		moves("act.gelu", 8, func(x, y []float32) func() { return func() { act.GELU(y, x) } }),
		moves("act.geglu", 12, func(x, y []float32) func() { return func() { act.GEGLU(y, x, x) } }),
		moves("act.tanh", 8, func(x, y []float32) func() { return func() { act.Tanh(y, x) } }),
		moves("norm.layernorm", 8, func(x, y []float32) func() {
			gamma, beta := ones(d), make([]float32, d)
			return func() { norm.LayerNorm(y, d, x, d, m, d, gamma, beta, 1e-5) }
		}),
		moves("quant.rows", 5, func(x, _ []float32) func() {
			q, s := make([]uint8, m*quant.KPad(d)), make([]quant.Affine, m)
			return func() { quant.Rows(q, quant.KPad(d), s, x, d, m, d) }
		}),
		moves("half.bf16", 6, func(x, _ []float32) func() {
			b := make([]uint16, m*d)
			return func() { half.ToBF16(b, x) }
		}),
		moves("vec.softmax", 8, func(x, y []float32) func() { return func() { vec.Softmax(y, x) } }),
		moves("vec.add", 12, func(x, y []float32) func() { return func() { vec.Add(y, x, x) } }),
		moves("rope.apply", 8, func(x, _ []float32) func() {
			freq := make([]float64, 32)
			for i := range freq {
				freq[i] = math.Pow(10000, -float64(i)/32)
			}
			cos, sin := rope.Table(64, m, freq, 1)
			pos := make([]int32, m)
			for i := range pos {
				pos[i] = int32(i)
			}
			return func() { rope.Apply(x, d, m, d/64, 64, cos, sin, pos) }
		}),
	}
}

// random draws n numbers from [-1, 1).
func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.Uint32()>>8)*(2.0/(1<<24)) - 1
	}
	return x
}
