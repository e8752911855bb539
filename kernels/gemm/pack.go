package gemm

import (
	"encoding/binary"
	"unsafe"
)

// packPanel writes rows of w, k values each, as columns of a panel of the given
// width, of which blocks of so many values lie together: 4 or 8 bytes. What it
// does not write stays zero.
func packPanel[T any](panel, w []T, width, rows, k, block int) {
	const chunk = 1024 // blocks of each row in turn: as much of a panel as fits in the cache
	blocks := k / block
	for i0 := 0; i0 < blocks; i0 += chunk {
		i1 := min(i0+chunk, blocks)
		for j := range rows {
			from, to := bytesOf(w[j*k+i0*block:j*k+i1*block]), bytesOf(panel[(i0*width+j)*block:])
			if len(from) == 4*(i1-i0) {
				scatter(words[uint32](to), words[uint32](from), width)
			} else {
				scatter(words[uint64](to), words[uint64](from), width)
			}
		}
	}
	if k%block == 0 {
		return
	}
	for j := range rows { // the last block, which is not full
		copy(panel[(blocks*width+j)*block:], w[j*k+blocks*block:(j+1)*k])
	}
}

func scatter[W any](to, from []W, stride int) {
	for i, v := range from {
		to[i*stride] = v
	}
}

// unpackPanel is the inverse of packPanel.
func unpackPanel[T any](w, panel []T, width, rows, k, block int) {
	for j := range rows {
		row := w[j*k:][:k]
		for i := 0; i < k; i += block {
			copy(row[i:], panel[i*width+j*block:][:block])
		}
	}
}

func bytesOf[T any](x []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(zero)))
}

func words[W any](b []byte) []W {
	var zero W
	return unsafe.Slice((*W)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(zero)))
}

// sum adds up x, eight values at a time: as bytes 128 larger, in four sums of 16
// bits that are emptied before they can overflow.
func sum(x []int8) int32 {
	const low = 0x00FF00FF00FF00FF
	b, total := bytesOf(x), -128*len(x)
	for len(b) >= 8 {
		part := uint64(0)
		n := min(len(b)/8, 128)
		for range n {
			v := binary.NativeEndian.Uint64(b) ^ 0x8080808080808080
			part += v&low + v>>8&low
			b = b[8:]
		}
		total += int(part&0xFFFF + part>>16&0xFFFF + part>>32&0xFFFF + part>>48)
	}
	for _, v := range b {
		total += int(v ^ 0x80)
	}
	return int32(total)
}
