//go:build !purego

package vec

import "mom/kernels/cpu"

//go:generate go run ./_asm

// chunk is how many elements one call of a kernel has at most, so that it does
// not delay a stop of the goroutines.
const chunk = 32768

func dot(a, b []float32) float32 {
	if !cpu.HasAVX2 {
		return dotGeneric(a, b)
	}
	var total float32
	for len(a) > 0 {
		n := min(len(a), chunk)
		if cpu.HasAVX512 {
			total += dotAVX512(&a[0], &b[0], n)
		} else {
			total += dotAVX2(&a[0], &b[0], n)
		}
		a, b = a[n:], b[n:]
	}
	return total
}

func sum(x []float32) float32 {
	if !cpu.HasAVX2 {
		return sumGeneric(x)
	}
	var total float32
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			total += sumAVX512(&x[0], n)
		} else {
			total += sumAVX2(&x[0], n)
		}
		x = x[n:]
	}
	return total
}

func maximum(x []float32) float32 {
	if !cpu.HasAVX2 {
		return maximumGeneric(x)
	}
	m := x[0]
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			m = max(m, maximumAVX512(&x[0], n))
		} else {
			m = max(m, maximumAVX2(&x[0], n))
		}
		x = x[n:]
	}
	return m
}

func add(dst, a, b []float32) {
	if !cpu.HasAVX2 {
		addGeneric(dst, a, b)
		return
	}
	for len(a) > 0 {
		n := min(len(a), chunk)
		if cpu.HasAVX512 {
			addAVX512(&dst[0], &a[0], &b[0], n)
		} else {
			addAVX2(&dst[0], &a[0], &b[0], n)
		}
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

func addScaled(dst, a []float32, s float32) {
	if !cpu.HasAVX2 {
		addScaledGeneric(dst, a, s)
		return
	}
	for len(a) > 0 {
		n := min(len(a), chunk)
		if cpu.HasAVX512 {
			addScaledAVX512(&dst[0], &a[0], n, s)
		} else {
			addScaledAVX2(&dst[0], &a[0], n, s)
		}
		dst, a = dst[n:], a[n:]
	}
}

func scale(dst []float32, s float32) {
	if !cpu.HasAVX2 {
		scaleGeneric(dst, s)
		return
	}
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		if cpu.HasAVX512 {
			scaleAVX512(&dst[0], n, s)
		} else {
			scaleAVX2(&dst[0], n, s)
		}
		dst = dst[n:]
	}
}

func meanRows(dst, x []float32, ldx, m int) {
	d := len(dst)
	if !cpu.HasAVX2 || m == 0 || d == 0 {
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
		if cpu.HasAVX512 {
			sumRowsAVX512(&dst[0], &x[i*ldx], ldx, n, d, add, divisor)
		} else {
			sumRowsAVX2(&dst[0], &x[i*ldx], ldx, n, d, add, divisor)
		}
	}
}

func exp(dst, x []float32) {
	if !cpu.HasAVX2 {
		expGeneric(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			expAVX512(&dst[0], &x[0], n)
		} else {
			expAVX2(&dst[0], &x[0], n)
		}
		dst, x = dst[n:], x[n:]
	}
}

func expSum(dst, x []float32, shift float32) float32 {
	if !cpu.HasAVX2 {
		return expSumGeneric(dst, x, shift)
	}
	var total float32
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			total += expSumAVX512(&dst[0], &x[0], n, shift)
		} else {
			total += expSumAVX2(&dst[0], &x[0], n, shift)
		}
		dst, x = dst[n:], x[n:]
	}
	return total
}

//go:noescape
func dotAVX512(a, b *float32, n int) float32

//go:noescape
func sumAVX512(x *float32, n int) float32

//go:noescape
func maximumAVX512(x *float32, n int) float32

//go:noescape
func addAVX512(dst, a, b *float32, n int)

//go:noescape
func addScaledAVX512(dst, a *float32, n int, s float32)

//go:noescape
func scaleAVX512(dst *float32, n int, s float32)

//go:noescape
func sumRowsAVX512(dst, x *float32, ldx, m, d, add int, divisor float32)

//go:noescape
func expAVX512(dst, x *float32, n int)

//go:noescape
func expSumAVX512(dst, x *float32, n int, shift float32) float32

//go:noescape
func dotAVX2(a, b *float32, n int) float32

//go:noescape
func sumAVX2(x *float32, n int) float32

//go:noescape
func maximumAVX2(x *float32, n int) float32

//go:noescape
func addAVX2(dst, a, b *float32, n int)

//go:noescape
func addScaledAVX2(dst, a *float32, n int, s float32)

//go:noescape
func scaleAVX2(dst *float32, n int, s float32)

//go:noescape
func sumRowsAVX2(dst, x *float32, ldx, m, d, add int, divisor float32)

//go:noescape
func expAVX2(dst, x *float32, n int)

//go:noescape
func expSumAVX2(dst, x *float32, n int, shift float32) float32
