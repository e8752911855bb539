package gemm

import "mom/kernels/act"

// kinds are the functions of package act.
var kinds = [...]act.Kind{
	None:     act.KindNone,
	GELU:     act.KindGELU,
	GELUTanh: act.KindGELUTanh,
	SiLU:     act.KindSiLU,
	ReLU:     act.KindReLU,
	Tanh:     act.KindTanh,
}

// activate applies f to rows x cols of y in place.
func activate(f Act, y []float32, ldy, rows, cols int) {
	if f != None {
		act.Tile(kinds[f], y, ldy, y, ldy, rows, cols)
	}
}

// gate stores f(a)*b in dst, or adds it, where a and b are tiles of the given width.
func gate(f Act, dst []float32, ldd int, a, b []float32, width, rows, cols int, add bool) {
	act.GatedTile(kinds[f], dst, ldd, a, width, b, width, rows, cols, add)
}

// storeTile copies a tile of the given width to dst, or adds it.
func storeTile(dst []float32, ldd int, src []float32, width, rows, cols int, add bool) {
	for r := range rows {
		to, from := dst[r*ldd:][:cols], src[r*width:][:cols]
		if !add {
			copy(to, from)
			continue
		}
		for j, v := range from {
			to[j] += v
		}
	}
}
