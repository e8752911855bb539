//go:build !purego

package vec

import "mom/kernels/cpu"

// The speed of these functions has not been measured on arm64.

// chunk is how many elements one call of a kernel has at most, so that it does
// not delay a stop of the goroutines.
const chunk = 32768

func dot(a, b []float32) float32 {
	if !cpu.HasNEON {
		return dotGeneric(a, b)
	}
	var total float32
	for len(a) > 0 {
		n := min(len(a), chunk)
		total += dotNEON(&a[0], &b[0], n)
		a, b = a[n:], b[n:]
	}
	return total
}

func sum(x []float32) float32 {
	if !cpu.HasNEON {
		return sumGeneric(x)
	}
	var total float32
	for len(x) > 0 {
		n := min(len(x), chunk)
		total += sumNEON(&x[0], n)
		x = x[n:]
	}
	return total
}

func maximum(x []float32) float32 {
	if !cpu.HasNEON {
		return maximumGeneric(x)
	}
	m := x[0]
	for len(x) > 0 {
		n := min(len(x), chunk)
		m = max(m, maximumNEON(&x[0], n))
		x = x[n:]
	}
	return m
}

func add(dst, a, b []float32) {
	if !cpu.HasNEON {
		addGeneric(dst, a, b)
		return
	}
	for len(a) > 0 {
		n := min(len(a), chunk)
		addNEON(&dst[0], &a[0], &b[0], n)
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

func addScaled(dst, a []float32, s float32) {
	if !cpu.HasNEON {
		addScaledGeneric(dst, a, s)
		return
	}
	for len(a) > 0 {
		n := min(len(a), chunk)
		addScaledNEON(&dst[0], &a[0], n, s)
		dst, a = dst[n:], a[n:]
	}
}

func scale(dst []float32, s float32) {
	if !cpu.HasNEON {
		scaleGeneric(dst, s)
		return
	}
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		scaleNEON(&dst[0], n, s)
		dst = dst[n:]
	}
}

func meanRows(dst, x []float32, ldx, m int) {
	d := len(dst)
	if !cpu.HasNEON || m == 0 || d == 0 {
		meanRowsGeneric(dst, x, ldx, m)
		return
	}
	rows := max(1, chunk/d)
	for i := 0; i < m; i += rows {
		n, add, divisor := min(rows, m-i), 0, float32(1)
		if i > 0 {
			add = 1
		}
		if i+n == m {
			divisor = float32(m)
		}
		sumRowsNEON(&dst[0], &x[i*ldx], ldx, n, d, add, divisor)
	}
}

func exp(dst, x []float32) {
	if !cpu.HasNEON {
		expGeneric(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		expNEON(&dst[0], &x[0], n)
		dst, x = dst[n:], x[n:]
	}
}

func expSum(dst, x []float32, shift float32) float32 {
	if !cpu.HasNEON {
		return expSumGeneric(dst, x, shift)
	}
	var total float32
	for len(x) > 0 {
		n := min(len(x), chunk)
		total += expSumNEON(&dst[0], &x[0], n, shift)
		dst, x = dst[n:], x[n:]
	}
	return total
}

//go:noescape
func dotNEON(a, b *float32, n int) float32

//go:noescape
func sumNEON(x *float32, n int) float32

//go:noescape
func maximumNEON(x *float32, n int) float32

//go:noescape
func addNEON(dst, a, b *float32, n int)

//go:noescape
func addScaledNEON(dst, a *float32, n int, s float32)

//go:noescape
func scaleNEON(dst *float32, n int, s float32)

//go:noescape
func sumRowsNEON(dst, x *float32, ldx, m, d, add int, divisor float32)

//go:noescape
func expNEON(dst, x *float32, n int)

//go:noescape
func expSumNEON(dst, x *float32, n int, shift float32) float32
