package gguf

import (
	"encoding/binary"

	"mom/files"
)

// chunk is about how many bytes of a tensor are read at a time.
const chunk = 256 << 10

// rows calls row for every row of t, in the order of the file, with its bytes
// and its place in the tensor.
func (f *File) rows(t *stored, row func(i int, b []byte) error) error {
	size := t.storage.rowBytes(int(t.k))
	many := int(max(1, min(int64(t.n), chunk/size)))
	place := make([]int32, t.n) // place[row of the file] is its row in the tensor
	for i := range place {
		place[f.hyper.source(t.part, i)] = int32(i)
	}
	buf := make([]byte, int64(many)*size)
	for i := 0; i < int(t.n); i += many {
		b := buf[:int64(min(many, int(t.n)-i))*size]
		if _, err := f.r.ReadAt(b, t.at+int64(i)*size); err != nil {
			return f.failTensor(t.file(), "%v", files.Reason(err))
		}
		for j := i; len(b) > 0; j++ {
			if err := row(int(place[j]), b[:size]); err != nil {
				return err
			}
			b = b[size:]
		}
	}
	return nil
}

// read is a tensor in float32, [n k] or [k], rows in their place.
func (f *File) read(t *stored) ([]float32, error) {
	k := int(t.k)
	x := make([]float32, int(t.n)*k)
	if t.vector {
		// What a matrix has in rows, its bias has in values.
		all := *t
		all.part = partNorm
		raw := make([]float32, k)
		if err := f.rows(&all, func(_ int, b []byte) error { return f.widen(t, raw, b) }); err != nil {
			return nil, err
		}
		for i := range x {
			x[i] = raw[f.hyper.source(t.part, i)]
		}
		return x, nil
	}
	err := f.rows(t, func(i int, b []byte) error { return f.widen(t, x[i*k:][:k], b) })
	if err != nil {
		return nil, err
	}
	return x, nil
}

// widen converts a row and refuses what is not finite.
func (f *File) widen(t *stored, dst []float32, b []byte) error {
	if i := t.storage.widen(dst, b); i >= 0 {
		return f.failTensor(t.file(), "a scale of %s is not finite, that of value %d of a row", t.storage, i)
	}
	for i, x := range dst {
		if notFinite(x) {
			return f.failTensor(t.file(), "value %d of a row is %v", i, x)
		}
	}
	return nil
}

// Int4 reads a matrix of Q4_0 or Q4_1 as models.Int4Source has it. It reports false
// for every other type, and for what Tensor cannot read.
func (f *File) Int4(name string) (q []byte, scale, offset []float32, ok bool) {
	if t := f.find(name); t == nil || t.storage != stQ40 && t.storage != stQ41 {
		return nil, nil, nil, false
	}
	g, ok := f.Quantized(name)
	return g.I4, g.Scale, g.Offset, ok
}

// Quantized reads a matrix of Q4_0, Q4_1 or Q8_0 as it is, groups of 32 values along
// k with a scale each: exactly the values that Tensor widens, but for the last bits
// of Q4_1, whose values are d·q + m there and d·(q-8) + (m+8d) here. Of Q4_0 and Q4_1
// it has I4, the form of nn.I4, of Q8_0 it has I8. It reports false for every other type, and for
// what Tensor cannot read.
func (f *File) Quantized(name string) (Groups, bool) {
	t := f.find(name)
	if t == nil || t.vector || t.storage != stQ40 && t.storage != stQ41 && t.storage != stQ80 {
		return Groups{}, false
	}
	n, k := int(t.n), int(t.k)
	g := Groups{N: n, K: k, Scale: make([]float32, n*k/group)}
	switch t.storage {
	case stQ41:
		g.Offset = make([]float32, n*k/group)
		fallthrough
	case stQ40:
		g.I4 = make([]byte, n*k/2)
	default:
		g.I8 = make([]int8, n*k)
	}
	err := f.rows(t, func(i int, b []byte) error {
		for j := 0; j < k; j += group {
			d := half(binary.LittleEndian.Uint16(b))
			if notFinite(d) {
				return f.failTensor(t.file(), "a scale of %s is not finite, that of value %d of a row", t.storage, j)
			}
			g.Scale[(i*k+j)/group] = d
			b = b[2:]
			if g.Offset != nil {
				m := half(binary.LittleEndian.Uint16(b))
				if notFinite(m) {
					return f.failTensor(t.file(), "a scale of %s is not finite, that of value %d of a row", t.storage, j)
				}
				g.Offset[(i*k+j)/group] = m + 8*d
				b = b[2:]
			}
			if g.I4 != nil {
				pair(g.I4[(i*k+j)/2:][:group/2], b[:group/2])
				b = b[group/2:]
				continue
			}
			for c, q := range b[:group] {
				g.I8[i*k+j+c] = int8(q)
			}
			b = b[group:]
		}
		return nil
	})
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.err == nil {
			f.err = err
		}
		return Groups{}, false
	}
	return g, true
}

// Groups is a matrix [N K] in groups of 32 along K.
type Groups struct {
	N, K   int
	I4     []byte    // [N K/2] q+8 of two values a byte, the one of even k in the low half; or nil
	I8     []int8    // [N K]; or nil
	Scale  []float32 // [N K/32]; may be negative
	Offset []float32 // [N K/32], added to the products of scale and value; or nil
}

// pair puts neighbours into a byte, where Q4_0 has values j and j+16 in one.
func pair(dst, q []byte) {
	for j := range dst {
		low, high := q[2*j%16], q[(2*j+1)%16]
		if j < len(dst)/2 {
			dst[j] = low&15 | high<<4
		} else {
			dst[j] = low>>4 | high&0xF0
		}
	}
}
