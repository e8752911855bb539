// Package act has the activation functions of transformers, alone and gated.
//
// A result is within 3e-7*max(1, |x|) of the exact one; Tanh is within 4e-7. For
// a gated function, which multiplies by a second operand b, the bound is that
// of the function times |b|, plus 2^-22 of the result. ReLU is exact. NaN stays
// NaN; GELU, GELUTanh and SiLU of -Inf are NaN, as 0*-Inf is.
//
// dst may be one of the operands, but must not overlap them otherwise.
package act

// A Kind names an activation function.
type Kind uint8

const (
	KindNone     Kind = iota // x
	KindGELU                 // x*Φ(x), Φ the normal distribution (Hendrycks and Gimpel 2016, arXiv:1606.08415)
	KindGELUTanh             // its approximation by tanh
	KindSiLU                 // x/(1+exp(-x))
	KindReLU                 // max(x, 0)
	KindTanh                 // tanh(x)
)

// GELU is, with the error function,
//
//	for i, v := range x {
//		dst[i] = v * (1 + math.Erf(v/math.Sqrt2)) / 2
//	}
//
// GELU panics if the lengths differ. Shapes: dst [n], x [n].
func GELU(dst, x []float32) { apply(KindGELU, dst, x) }

// GELUTanh is the approximation of GELU
//
//	for i, v := range x {
//		dst[i] = v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))) / 2
//	}
//
// GELUTanh panics if the lengths differ. Shapes: dst [n], x [n].
func GELUTanh(dst, x []float32) { apply(KindGELUTanh, dst, x) }

// SiLU is
//
//	for i, v := range x {
//		dst[i] = v / (1 + math.Exp(-v))
//	}
//
// SiLU panics if the lengths differ. Shapes: dst [n], x [n].
func SiLU(dst, x []float32) { apply(KindSiLU, dst, x) }

// ReLU is
//
//	for i, v := range x {
//		if v < 0 {
//			v = 0
//		}
//		dst[i] = v
//	}
//
// ReLU panics if the lengths differ. Shapes: dst [n], x [n].
func ReLU(dst, x []float32) { apply(KindReLU, dst, x) }

// Tanh is
//
//	for i, v := range x {
//		dst[i] = math.Tanh(v)
//	}
//
// Tanh panics if the lengths differ. Shapes: dst [n], x [n].
func Tanh(dst, x []float32) { apply(KindTanh, dst, x) }

// GEGLU is the gated linear unit (Shazeer 2020, arXiv:2002.05202) with GELU,
//
//	for i, v := range a {
//		dst[i] = GELU(v) * b[i]
//	}
//
// GEGLU panics if the lengths differ. Shapes: dst [n], a [n], b [n].
func GEGLU(dst, a, b []float32) { gate(KindGELU, dst, a, b) }

// GEGLUTanh is GEGLU with GELUTanh.
func GEGLUTanh(dst, a, b []float32) { gate(KindGELUTanh, dst, a, b) }

// SwiGLU is GEGLU with SiLU.
func SwiGLU(dst, a, b []float32) { gate(KindSiLU, dst, a, b) }

func apply(kind Kind, dst, x []float32) {
	if len(dst) != len(x) {
		panic("act: the lengths differ")
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		tile(kind, dst, n, x, n, 1, n)
		dst, x = dst[n:], x[n:]
	}
}

func gate(kind Kind, dst, a, b []float32) {
	if len(dst) != len(a) || len(b) != len(a) {
		panic("act: the lengths differ")
	}
	for len(a) > 0 {
		n := min(len(a), chunk)
		gatedTile(kind, dst, n, a, n, b, n, 1, n, false)
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

// chunk is how many elements one call of a kernel has at most, so that it does
// not delay a stop of the goroutines.
const chunk = 16384

// Tile applies a function to a matrix. It is
//
//	for i := range rows {
//		for j := range cols {
//			dst[i*ldd+j] = f(a[i*lda+j])
//		}
//	}
//
// Tile is one call of a kernel: for the tile of a larger product, not for more
// than some 16384 elements. It panics if rows or cols is negative, a stride is
// shorter than a row, a slice is too short, or kind is not a Kind.
//
// Shapes: dst [rows cols] with row stride ldd, a [rows cols] with row stride lda.
func Tile(kind Kind, dst []float32, ldd int, a []float32, lda int, rows, cols int) {
	if kind > KindTanh || rows < 0 || cols < 0 {
		panic("act: Tile: unknown kind, or rows or cols is negative")
	}
	if rows == 0 || cols == 0 {
		return
	}
	if ldd < cols || lda < cols {
		panic("act: Tile: a row stride is shorter than a row")
	}
	if len(dst) < (rows-1)*ldd+cols || len(a) < (rows-1)*lda+cols {
		panic("act: Tile: dst or a is too short")
	}
	tile(kind, dst, ldd, a, lda, rows, cols)
}

// GatedTile applies a function to a matrix a, multiplies by b, and stores the
// product or adds it to dst. It is
//
//	for i := range rows {
//		for j := range cols {
//			y := f(a[i*lda+j]) * b[i*ldb+j]
//			if accumulate {
//				y += dst[i*ldd+j]
//			}
//			dst[i*ldd+j] = y
//		}
//	}
//
// The product may be added without having been rounded. Otherwise GatedTile is
// like Tile.
//
// Shapes: dst, a, b [rows cols] with row strides ldd, lda, ldb.
func GatedTile(kind Kind, dst []float32, ldd int, a []float32, lda int, b []float32, ldb int, rows, cols int, accumulate bool) {
	if kind > KindTanh || rows < 0 || cols < 0 {
		panic("act: GatedTile: unknown kind, or rows or cols is negative")
	}
	if rows == 0 || cols == 0 {
		return
	}
	if ldd < cols || lda < cols || ldb < cols {
		panic("act: GatedTile: a row stride is shorter than a row")
	}
	if len(dst) < (rows-1)*ldd+cols || len(a) < (rows-1)*lda+cols || len(b) < (rows-1)*ldb+cols {
		panic("act: GatedTile: dst, a or b is too short")
	}
	gatedTile(kind, dst, ldd, a, lda, b, ldb, rows, cols, accumulate)
}
