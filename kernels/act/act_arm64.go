//go:build !purego

package act

import "mom/kernels/cpu"

// The speed of these functions has not been measured on arm64.

func tile(kind Kind, dst []float32, ldd int, a []float32, lda int, rows, cols int) {
	if cpu.HasNEON {
		tileNEON(kind, &dst[0], ldd, &a[0], lda, rows, cols)
		return
	}
	tileGeneric(kind, dst, ldd, a, lda, rows, cols)
}

func gatedTile(kind Kind, dst []float32, ldd int, a []float32, lda int, b []float32, ldb int, rows, cols int, accumulate bool) {
	if cpu.HasNEON {
		add := 0
		if accumulate {
			add = 1
		}
		gatedNEON(kind, &dst[0], ldd, &a[0], lda, &b[0], ldb, rows, cols, add)
		return
	}
	gatedTileGeneric(kind, dst, ldd, a, lda, b, ldb, rows, cols, accumulate)
}

func tileNEON(kind Kind, dst *float32, ldd int, a *float32, lda, rows, cols int) {
	switch kind {
	case KindNone:
		noneTileNEON(dst, ldd, a, lda, rows, cols)
	case KindGELU:
		geluTileNEON(dst, ldd, a, lda, rows, cols)
	case KindGELUTanh:
		geluTanhTileNEON(dst, ldd, a, lda, rows, cols)
	case KindSiLU:
		siluTileNEON(dst, ldd, a, lda, rows, cols)
	case KindReLU:
		reluTileNEON(dst, ldd, a, lda, rows, cols)
	case KindTanh:
		tanhTileNEON(dst, ldd, a, lda, rows, cols)
	}
}

func gatedNEON(kind Kind, dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int) {
	switch kind {
	case KindNone:
		noneGatedNEON(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindGELU:
		geluGatedNEON(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindGELUTanh:
		geluTanhGatedNEON(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindSiLU:
		siluGatedNEON(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindReLU:
		reluGatedNEON(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindTanh:
		tanhGatedNEON(dst, ldd, a, lda, b, ldb, rows, cols, add)
	}
}

//go:noescape
func noneTileNEON(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func noneGatedNEON(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func geluTileNEON(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func geluGatedNEON(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func geluTanhTileNEON(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func geluTanhGatedNEON(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func siluTileNEON(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func siluGatedNEON(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func reluTileNEON(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func reluGatedNEON(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func tanhTileNEON(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func tanhGatedNEON(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)
