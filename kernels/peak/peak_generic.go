package peak

import "unsafe"

var (
	floatSink float32
	intSink   int32
	wordSink  uint64
)

// f32Generic runs 8 independent sums, as scalar code compiled from Go does.
func f32Generic(n int) float64 {
	x, y := floatSink, floatSink+1
	var a, b, c, d, e, f, g, h float32
	for range n {
		a += float32(x * y)
		b += float32(x * y)
		c += float32(x * y)
		d += float32(x * y)
		e += float32(x * y)
		f += float32(x * y)
		g += float32(x * y)
		h += float32(x * y)
		x++
	}
	floatSink = min(a+b+c+d+e+f+g+h, 1)
	return 16 * float64(n)
}

func i8Generic(n int) float64 {
	x := [8]int8{1, 2, 3, 4, 5, 6, 7, int8(intSink)}
	var a, b, c, d int32
	for i := range n {
		v := int32(x[i&7])
		a += v * int32(x[0])
		b += v * int32(x[1])
		c += v * int32(x[2])
		d += v * int32(x[3])
	}
	intSink = a + b + c + d
	return 8 * float64(n)
}

func readGeneric(p unsafe.Pointer, n int) {
	sum := uint64(0)
	for _, v := range unsafe.Slice((*[8]uint64)(p), n/64) {
		sum += v[0] + v[1] + v[2] + v[3] + v[4] + v[5] + v[6] + v[7]
	}
	wordSink += sum
}
