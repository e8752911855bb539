// This file rounds a weight to int4 or int8 so that the output of its layer changes least,
// not the weight: column by column, the error of each goes into those that are
// still to be rounded (GPTQ, Frantar et al. 2022, arXiv:2210.17323). Names of
// dimensions:
//
//	n  rows of the weight, the layer's outputs    k  columns, its inputs

package models

import (
	"cmp"
	"math"
	"slices"

	"mom/kernels/gemm"
	"mom/kernels/quant"
)

// damping is what is added to the diagonal of a gram, as a part of its mean: the
// channels that were not seen, or only together, have an inverse then.
const damping = 0.01

// A compensation is what the columns of a weight have to know of each other.
type compensation struct {
	k     int
	order []int     // of the columns: those of the largest inputs first
	power []float64 // [k] the mean square of each input, up to a factor
	u     []float64 // [k k] in that order: upper triangular, UᵀU = (XᵀX)⁻¹
}

// newCompensation takes gram [k k] = XᵀX of the inputs X [t k].
func newCompensation(gram []float32, k int) *compensation {
	c := &compensation{k: k, order: make([]int, k), power: make([]float64, k)}
	mean := 0.0
	for i := range k {
		c.order[i], c.power[i] = i, float64(gram[i*k+i])
		mean += c.power[i] / float64(k)
	}
	if mean == 0 {
		mean = 1
	}
	slices.SortStableFunc(c.order, func(a, b int) int { return cmp.Compare(c.power[b], c.power[a]) })
	h := make([]float64, k*k)
	for i, a := range c.order {
		for j, b := range c.order {
			h[i*k+j] = float64(gram[a*k+b])
		}
		h[i*k+i] += damping * mean
	}
	c.u = invert(h, k)
	for i := range c.power {
		c.power[i] += damping * mean
	}
	return c
}

// invert returns U, upper triangular [k k], with UᵀU the inverse of h, which it
// overwrites: with h = R·Rᵀ and R upper triangular, U is the inverse of R.
func invert(h []float64, k int) []float64 {
	r := h
	for j := k - 1; j >= 0; j-- {
		rj := r[j*k : (j+1)*k]
		d := math.Sqrt(rj[j] - dot(rj[j+1:], rj[j+1:]))
		rj[j] = d
		for i := range j {
			ri := r[i*k : (i+1)*k]
			ri[j] = (ri[j] - dot(ri[j+1:], rj[j+1:])) / d
		}
	}
	u := make([]float64, k*k)
	for i := k - 1; i >= 0; i-- {
		ui, inv := u[i*k:(i+1)*k], 1/r[i*k+i]
		for t := i + 1; t < k; t++ {
			f, from := -r[i*k+t]*inv, u[t*k+t:(t+1)*k]
			to := ui[t:][:len(from)]
			for j, v := range from {
				to[j] += f * v
			}
		}
		ui[i] = inv
	}
	return u
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// block is how many columns are rounded before what they leave is taken to the rest.
const block = 32

// int4 rounds w [n k] in the groups of nn.I4: q [n k/2], scale [n k/32]. k is a
// multiple of 32.
func (c *compensation) int4(w []float32, n int) (q []byte, scale []float32) {
	k, groups := c.k, c.k/quant.GroupI4
	q, scale = make([]byte, n*k/2), make([]float32, n*groups)
	for i := range scale {
		g := i % groups * quant.GroupI4
		scale[i] = fitScale(w[i*quant.GroupI4:][:quant.GroupI4], c.power[g:][:quant.GroupI4])
	}
	c.round(w, n, func(r, col int, x float32) (int, float32) {
		s := scale[r*groups+col/quant.GroupI4]
		v := nearest(x, s, -8, 7)
		q[(r*k+col)/2] |= byte(v+8) << (col % 2 * 4)
		return v, s
	})
	return q, scale
}

// int8 rounds w [n k] with a scale a row: q [n k], scale [n].
func (c *compensation) int8(w []float32, n int) (q []int8, scale []float32) {
	q, scale = make([]int8, n*c.k), make([]float32, n)
	quant.Weights(q, scale, w, n, c.k)
	c.round(w, n, func(r, col int, x float32) (int, float32) {
		v := nearest(x, scale[r], -127, 127)
		q[r*c.k+col] = int8(v)
		return v, scale[r]
	})
	return q, scale
}

// round has one round every value x of w [n k] in turn, which notes what it makes of
// it and returns it in steps of a scale.
func (c *compensation) round(w []float32, n int, one func(r, col int, x float32) (v int, scale float32)) {
	k := c.k
	left := make([]float32, n*k) // the columns in their order, less what was rounded
	for r := range n {
		for i, col := range c.order {
			left[r*k+i] = w[r*k+col]
		}
	}
	e := make([]float32, n*block)
	for b := 0; b < k; b += block {
		for r := range n {
			row := left[r*k+b:][:block]
			for i := range row {
				u := c.u[(b+i)*k+b:][:block]
				v, s := one(r, c.order[b+i], row[i])
				d := (float64(row[i]) - float64(v)*float64(s)) / u[i]
				e[r*block+i] = float32(-d)
				for j := i + 1; j < block; j++ {
					row[j] -= float32(d * u[j])
				}
			}
		}
		rest := k - b - block
		if rest == 0 {
			break
		}
		u := make([]float32, rest*block)
		for j := range rest {
			for i := range block {
				u[j*block+i] = float32(c.u[(b+i)*k+b+block+j])
			}
		}
		p := gemm.PackF32(u, rest, block, false)
		p.Mul(left[b+block:], k, e, block, n, 0, p.Units(), gemm.Epilogue{Accumulate: true})
	}
}

// nearest is x in steps of s, within bounds.
func nearest(x, s float32, low, high float64) int {
	if s == 0 {
		return 0
	}
	return int(max(low, min(high, math.RoundToEven(float64(x)/float64(s)))))
}

// fitScale searches the scale of a group with the least squared error, each value
// weighted. As in quant.WeightsI4, it may be negative.
func fitScale(x []float32, weight []float64) float32 {
	var most float64 // the value of the largest magnitude
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(most) {
			most = float64(v)
		}
	}
	if most == 0 {
		return 0
	}
	var gain, scale, top float64
	// try makes the largest value t steps. With q the rounded values, the best scale
	// is Σwxq/Σwq², and leaves Σwx² - (Σwxq)²/Σwq².
	try := func(t float64) {
		inv := t / most
		var xq, qq float64
		for i, v := range x {
			q := max(-8, min(7, math.RoundToEven(float64(v)*inv)))
			xq += weight[i] * q * float64(v)
			qq += weight[i] * q * q
		}
		if g := xq * xq / qq; qq > 0 && g > gain {
			gain, scale, top = g, xq/qq, t
		}
	}
	for t := 5.75; t <= 9.5; t += 0.5 {
		try(t)
		try(-t)
	}
	around := top
	for i := range 16 {
		try(around + (float64(i)-7.5)/32)
	}
	return float32(scale)
}
