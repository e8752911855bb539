//go:build !purego

package act

import "mom/kernels/cpu"

//go:generate go run ./_asm

func tile(kind Kind, dst []float32, ldd int, a []float32, lda int, rows, cols int) {
	switch {
	case cpu.HasAVX512:
		tileAVX512(kind, &dst[0], ldd, &a[0], lda, rows, cols)
	case cpu.HasAVX2:
		tileAVX2(kind, &dst[0], ldd, &a[0], lda, rows, cols)
	default:
		tileGeneric(kind, dst, ldd, a, lda, rows, cols)
	}
}

func gatedTile(kind Kind, dst []float32, ldd int, a []float32, lda int, b []float32, ldb int, rows, cols int, accumulate bool) {
	add := 0
	if accumulate {
		add = 1
	}
	switch {
	case cpu.HasAVX512:
		gatedAVX512(kind, &dst[0], ldd, &a[0], lda, &b[0], ldb, rows, cols, add)
	case cpu.HasAVX2:
		gatedAVX2(kind, &dst[0], ldd, &a[0], lda, &b[0], ldb, rows, cols, add)
	default:
		gatedTileGeneric(kind, dst, ldd, a, lda, b, ldb, rows, cols, accumulate)
	}
}

func tileAVX512(kind Kind, dst *float32, ldd int, a *float32, lda, rows, cols int) {
	switch kind {
	case KindNone:
		noneTileAVX512(dst, ldd, a, lda, rows, cols)
	case KindGELU:
		geluTileAVX512(dst, ldd, a, lda, rows, cols)
	case KindGELUTanh:
		geluTanhTileAVX512(dst, ldd, a, lda, rows, cols)
	case KindSiLU:
		siluTileAVX512(dst, ldd, a, lda, rows, cols)
	case KindReLU:
		reluTileAVX512(dst, ldd, a, lda, rows, cols)
	case KindTanh:
		tanhTileAVX512(dst, ldd, a, lda, rows, cols)
	}
}

func gatedAVX512(kind Kind, dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int) {
	switch kind {
	case KindNone:
		noneGatedAVX512(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindGELU:
		geluGatedAVX512(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindGELUTanh:
		geluTanhGatedAVX512(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindSiLU:
		siluGatedAVX512(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindReLU:
		reluGatedAVX512(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindTanh:
		tanhGatedAVX512(dst, ldd, a, lda, b, ldb, rows, cols, add)
	}
}

func tileAVX2(kind Kind, dst *float32, ldd int, a *float32, lda, rows, cols int) {
	switch kind {
	case KindNone:
		noneTileAVX2(dst, ldd, a, lda, rows, cols)
	case KindGELU:
		geluTileAVX2(dst, ldd, a, lda, rows, cols)
	case KindGELUTanh:
		geluTanhTileAVX2(dst, ldd, a, lda, rows, cols)
	case KindSiLU:
		siluTileAVX2(dst, ldd, a, lda, rows, cols)
	case KindReLU:
		reluTileAVX2(dst, ldd, a, lda, rows, cols)
	case KindTanh:
		tanhTileAVX2(dst, ldd, a, lda, rows, cols)
	}
}

func gatedAVX2(kind Kind, dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int) {
	switch kind {
	case KindNone:
		noneGatedAVX2(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindGELU:
		geluGatedAVX2(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindGELUTanh:
		geluTanhGatedAVX2(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindSiLU:
		siluGatedAVX2(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindReLU:
		reluGatedAVX2(dst, ldd, a, lda, b, ldb, rows, cols, add)
	case KindTanh:
		tanhGatedAVX2(dst, ldd, a, lda, b, ldb, rows, cols, add)
	}
}

//go:noescape
func noneTileAVX512(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func noneGatedAVX512(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func geluTileAVX512(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func geluGatedAVX512(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func geluTanhTileAVX512(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func geluTanhGatedAVX512(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func siluTileAVX512(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func siluGatedAVX512(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func reluTileAVX512(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func reluGatedAVX512(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func tanhTileAVX512(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func tanhGatedAVX512(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func noneTileAVX2(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func noneGatedAVX2(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func geluTileAVX2(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func geluGatedAVX2(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func geluTanhTileAVX2(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func geluTanhGatedAVX2(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func siluTileAVX2(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func siluGatedAVX2(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func reluTileAVX2(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func reluGatedAVX2(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)

//go:noescape
func tanhTileAVX2(dst *float32, ldd int, a *float32, lda, rows, cols int)

//go:noescape
func tanhGatedAVX2(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)
