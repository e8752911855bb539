package tensor

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/x448/float16"
)

// Every binary16 number, against another implementation.
func TestF16(t *testing.T) {
	data := make([]byte, 0, 2<<16)
	for h := range 1 << 16 {
		data = binary.LittleEndian.AppendUint16(data, uint16(h))
	}
	got := make([]float32, 1<<16)
	v := View{Name: "x", DType: F16, Shape: []int{256, 256}, Data: data}
	if err := v.Float32s(got); err != nil {
		t.Fatal(err)
	}
	for h, x := range got {
		want := float16.Frombits(uint16(h)).Float32()
		if math.Float32bits(x) != math.Float32bits(want) {
			t.Errorf("%#04x: got %v (%#08x), want %v (%#08x)", h, x, math.Float32bits(x), want, math.Float32bits(want))
		}
	}
}

// Every bfloat16 number is the float32 whose upper half it is, a NaN included.
func TestBF16(t *testing.T) {
	data := make([]byte, 0, 2<<16)
	for h := range 1 << 16 {
		data = binary.LittleEndian.AppendUint16(data, uint16(h))
	}
	v := View{DType: BF16, Shape: []int{1 << 16}, Data: data}
	got, bits := make([]float32, 1<<16), make([]uint16, 1<<16)
	if err := v.Float32s(got); err != nil {
		t.Fatal(err)
	}
	if err := v.BF16s(bits); err != nil {
		t.Fatal(err)
	}
	for h := range 1 << 16 {
		if math.Float32bits(got[h]) != uint32(h)<<16 || bits[h] != uint16(h) {
			t.Fatalf("%#04x: got %#08x and %#04x", h, math.Float32bits(got[h]), bits[h])
		}
	}
}

// values has one of everything that a conversion could get wrong.
var values = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.1, -65504, 1e-45, 1e-40, 3.4e38, -3.4e38, math.MaxFloat32, math.SmallestNonzeroFloat32,
	math.Inf(1), math.Inf(-1), math.NaN(), math.Pi, 1 << 24, 1<<24 + 1,
}

// Any number of values, at any alignment, is converted to the same.
func TestLengthsAndAlignment(t *testing.T) {
	for _, d := range []DType{F64, F32, F16, BF16} {
		for n := range 21 {
			for offset := range 8 {
				data := make([]byte, offset, offset+8*n)
				want := make([]float32, n)
				for i := range n {
					data, want[i] = appendValue(data, d, values[i%len(values)])
				}
				got := make([]float32, n)
				v := View{DType: d, Shape: []int{n}, Data: data[offset:]}
				if err := v.Float32s(got); err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
						t.Fatalf("%v, %d values at %d: value %d is %v, want %v", d, n, offset, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// appendValue writes x in the type d, and what it reads as.
func appendValue(b []byte, d DType, x float64) ([]byte, float32) {
	f := float32(x)
	le := binary.LittleEndian
	switch d {
	case F64:
		return le.AppendUint64(b, math.Float64bits(x)), f
	case F32:
		return le.AppendUint32(b, math.Float32bits(f)), f
	case F16:
		h := float16.Fromfloat32(f)
		return le.AppendUint16(b, h.Bits()), h.Float32()
	}
	u := math.Float32bits(f) >> 16
	return le.AppendUint16(b, uint16(u)), math.Float32frombits(u << 16)
}

func TestInt8sIsTheData(t *testing.T) {
	v := View{DType: I8, Shape: []int{2, 2}, Data: []byte{0, 127, 128, 255}}
	got := v.Int8s()
	if !slices.Equal(got, []int8{0, 127, -128, -1}) {
		t.Errorf("got %v", got)
	}
	v.Data[0] = 5
	if got[0] != 5 {
		t.Error("Int8s copied")
	}
	if v.DType = U8; v.Int8s() != nil {
		t.Error("U8 was read as I8")
	}
	if got := (View{DType: I8, Shape: []int{0}}).Int8s(); len(got) != 0 {
		t.Errorf("got %v of no values", got)
	}
}

func TestInt64s(t *testing.T) {
	le := binary.LittleEndian
	minus := int64(-2)
	for _, c := range []struct {
		d    DType
		data []byte
		want int64
	}{
		{I64, le.AppendUint64(nil, uint64(minus)), -2},
		{I32, le.AppendUint32(nil, 0xFFFFFFFE), -2},
		{I16, le.AppendUint16(nil, 0xFFFE), -2},
		{I8, []byte{0xFE}, -2},
		{U64, le.AppendUint64(nil, math.MaxInt64), math.MaxInt64},
		{U32, le.AppendUint32(nil, 0xFFFFFFFE), 0xFFFFFFFE},
		{U16, le.AppendUint16(nil, 0xFFFE), 0xFFFE},
		{U8, []byte{0xFE}, 0xFE},
		{BOOL, []byte{1}, 1},
	} {
		var got [2]int64
		v := View{DType: c.d, Shape: []int{2}, Data: append(slices.Clone(c.data), c.data...)}
		if err := v.Int64s(got[:]); err != nil || got != [2]int64{c.want, c.want} {
			t.Errorf("%v: got %v, %v; want %d", c.d, got, err, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	var f [4]float32
	var n [4]int64
	check := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	of := func(d DType, size int) View { return View{DType: d, Shape: []int{2, 2}, Data: make([]byte, size)} }
	for _, d := range []DType{I64, I32, I16, I8, U64, U32, U16, U8, BOOL} {
		check(of(d, 4*d.Size()).Float32s(f[:]), d.String()+" cannot be read as float32; want F32, F16, BF16 or F64")
	}
	for _, d := range []DType{F64, F32, F16, BF16} {
		check(of(d, 4*d.Size()).Int64s(n[:]), d.String()+" cannot be read as integers")
		check(of(d, 4*d.Size()-1).Float32s(f[:]), "bytes, want")
		check(of(d, 4*d.Size()).Float32s(f[:3]), "destination has 3 values, shape [2 2] has 4")
	}
	check(of(F16, 8).BF16s(make([]uint16, 4)), "F16 cannot be read as bfloat16")
	check(of(BF16, 8).BF16s(make([]uint16, 3)), "destination has 3 values")
	check(of(Invalid, 0).Float32s(f[:]), "invalid")
	huge := View{DType: U64, Shape: []int{1}, Data: binary.LittleEndian.AppendUint64(nil, 1<<63)}
	check(huge.Int64s(n[:1]), "beyond an int64")
}

func TestDType(t *testing.T) {
	for d := F64; d.Size() > 0; d++ {
		if got, ok := ParseDType(d.String()); !ok || got != d {
			t.Errorf("ParseDType(%q) = %v, %v", d.String(), got, ok)
		}
	}
	for _, s := range []string{"", "invalid", "f32", "F8_E4M3", "F32 "} {
		if d, ok := ParseDType(s); ok {
			t.Errorf("ParseDType(%q) = %v", s, d)
		}
	}
	if DType(200).String() != "invalid" || DType(200).Size() != 0 {
		t.Errorf("DType(200) is %v", DType(200))
	}
}

func TestMat(t *testing.T) {
	m := NewMat(3, 2)
	copy(m.Row(1), []float32{5, 6})
	if !slices.Equal(m.Data, []float32{0, 0, 5, 6, 0, 0}) {
		t.Errorf("got %v", m.Data)
	}
	if r := m.Row(2); len(r) != 2 || cap(r) != 2 {
		t.Errorf("the row has the length %d and capacity %d", len(r), cap(r))
	}
}

func TestConversionDoesNotAllocate(t *testing.T) {
	v := View{DType: F16, Shape: []int{64, 64}, Data: make([]byte, 2*64*64)}
	dst := make([]float32, 64*64)
	if n := testing.AllocsPerRun(10, func() { v.Float32s(dst) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFloat32s(b *testing.B) {
	for _, d := range []DType{F32, F16, BF16, F64} {
		b.Run(d.String(), func(b *testing.B) {
			const n = 1 << 20
			data := make([]byte, 0, n*d.Size())
			for i := range n {
				data, _ = appendValue(data, d, float64(i-n/2)/n)
			}
			v := View{DType: d, Shape: []int{n}, Data: data}
			dst := make([]float32, n)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := v.Float32s(dst); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
		})
	}
}
