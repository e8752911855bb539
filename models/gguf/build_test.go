package gguf

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// A builder writes GGUF files, broken ones too.
type builder struct {
	magic            string
	version          uint32
	pairs            []keyValue
	tensors          []written
	nPairs, nTensors int64 // what the header claims; -1 for the truth
	align            int
}

type keyValue struct {
	key string
	raw []byte // type and value
}

type written struct {
	name string
	dims []uint64 // the innermost first
	kind uint32
	data []byte
	at   int64 // offset; -1 for the next free
}

var le = binary.LittleEndian

func u32(n uint32) []byte { return le.AppendUint32(nil, n) }
func u64(n uint64) []byte { return le.AppendUint64(nil, n) }
func str(s string) []byte { return append(u64(uint64(len(s))), s...) }
func typed(k kind, raw ...[]byte) []byte {
	b := u32(uint32(k))
	for _, r := range raw {
		b = append(b, r...)
	}
	return b
}

func vU32(n uint32) []byte  { return typed(kindU32, u32(n)) }
func vI32(n int32) []byte   { return typed(kindI32, u32(uint32(n))) }
func vF32(x float32) []byte { return typed(kindF32, u32(math.Float32bits(x))) }
func vText(s string) []byte { return typed(kindString, str(s)) }
func vBool(b byte) []byte   { return typed(kindBool, []byte{b}) }
func vArray(elem kind, n uint64, raw ...[]byte) []byte {
	return typed(kindArray, append([][]byte{u32(uint32(elem)), u64(n)}, raw...)...)
}

func vTexts(texts ...string) []byte {
	var b []byte
	for _, t := range texts {
		b = append(b, str(t)...)
	}
	return vArray(kindString, uint64(len(texts)), b)
}

func vI32s(n ...int32) []byte {
	var b []byte
	for _, x := range n {
		b = append(b, u32(uint32(x))...)
	}
	return vArray(kindI32, uint64(len(n)), b)
}

// set replaces a pair, or adds it.
func (b *builder) set(key string, raw []byte) {
	for i := range b.pairs {
		if b.pairs[i].key == key {
			b.pairs[i].raw = raw
			return
		}
	}
	b.pairs = append(b.pairs, keyValue{key, raw})
}

func (b *builder) drop(key string) {
	for i := range b.pairs {
		if b.pairs[i].key == key {
			b.pairs = append(b.pairs[:i:i], b.pairs[i+1:]...)
			return
		}
	}
	panic("BUG: no key " + key)
}

// tensor finds a tensor by its name.
func (b *builder) tensor(name string) *written {
	for i := range b.tensors {
		if b.tensors[i].name == name {
			return &b.tensors[i]
		}
	}
	panic("BUG: no tensor " + name)
}

func (b *builder) add(name string, kind storage, data []byte, dims ...uint64) {
	b.tensors = append(b.tensors, written{name, dims, uint32(kind), data, -1})
}

// bytes is the file.
func (b *builder) bytes() []byte {
	claim := func(n int64, truth int) uint64 {
		if n == -1 {
			return uint64(truth)
		}
		return uint64(n)
	}
	out := append([]byte(b.magic), u32(b.version)...)
	out = append(append(out, u64(claim(b.nTensors, len(b.tensors)))...), u64(claim(b.nPairs, len(b.pairs)))...)
	for _, p := range b.pairs {
		out = append(append(out, str(p.key)...), p.raw...)
	}
	next := int64(0)
	var places []int64
	for _, t := range b.tensors {
		at := t.at
		if at == -1 {
			at = next
			next = (at + int64(len(t.data)) + int64(b.align) - 1) / int64(b.align) * int64(b.align)
		}
		places = append(places, at)
		out = append(append(out, str(t.name)...), u32(uint32(len(t.dims)))...)
		for _, d := range t.dims {
			out = append(out, u64(d)...)
		}
		out = append(append(out, u32(t.kind)...), u64(uint64(at))...)
	}
	for len(out)%b.align != 0 {
		out = append(out, 0)
	}
	base := int64(len(out))
	for i, t := range b.tensors {
		if places[i] < 0 || places[i] > 1<<20 {
			continue
		}
		for int64(len(out)) < base+places[i] {
			out = append(out, 0)
		}
		if int64(len(out)) == base+places[i] {
			out = append(out, t.data...)
		}
	}
	return out
}

// floats is values in the type kind, and what they read as.
func floats(kind storage, n int, value func(i int) float32) (raw []byte, want []float32) {
	for i := range n {
		x := value(i)
		switch kind {
		case stF32:
			raw = le.AppendUint32(raw, math.Float32bits(x))
		case stF16:
			h := float16.Fromfloat32(x)
			raw, x = le.AppendUint16(raw, h.Bits()), h.Float32()
		case stBF16:
			u := math.Float32bits(x) >> 16
			raw, x = le.AppendUint16(raw, uint16(u)), math.Float32frombits(u<<16)
		}
		want = append(want, x)
	}
	return raw, want
}

// blocks is n/32 blocks of a quantised type with the scale, and the minimum for
// Q4_1, of block and the quants of value, and what they read as.
func blocks(kind storage, n int, block func(b int) (scale, low float32), value func(i int) int) (raw []byte, want []float32) {
	for b := range n / group {
		d, m := block(b)
		hd, hm := float16.Fromfloat32(d), float16.Fromfloat32(m)
		d, m = hd.Float32(), hm.Float32()
		raw = le.AppendUint16(raw, hd.Bits())
		if kind == stQ41 {
			raw = le.AppendUint16(raw, hm.Bits())
		}
		q := make([]byte, 16)
		for j := range group {
			v := value(b*group + j)
			switch kind {
			case stQ80:
				raw = append(raw, byte(int8(v)))
				want = append(want, d*float32(v))
				continue
			case stQ40:
				want = append(want, d*float32(v-8))
			case stQ41:
				want = append(want, float32(float64(float32(float64(d)*float64(v)))+float64(m)))
			}
			if j < 16 {
				q[j] |= byte(v)
			} else {
				q[j-16] |= byte(v) << 4
			}
		}
		if kind != stQ80 {
			raw = append(raw, q...)
		}
	}
	return raw, want
}

// The small model of the tests.
const (
	tVocab, tHidden, tMLP, tHeads, tKV = 300, 32, 64, 4, 2
	tHeadDim                           = tHidden / tHeads
)

// small is a valid file: two layers of float32 and a vocabulary of bytes.
func small() *builder {
	b := &builder{magic: Magic, version: 3, nPairs: -1, nTensors: -1, align: 32}
	b.set("general.architecture", vText("llama"))
	b.set("llama.block_count", vU32(2))
	b.set("llama.context_length", vU32(512))
	b.set("llama.embedding_length", vU32(tHidden))
	b.set("llama.feed_forward_length", vU32(tMLP))
	b.set("llama.attention.head_count", vU32(tHeads))
	b.set("llama.attention.head_count_kv", vU32(tKV))
	b.set("llama.attention.layer_norm_rms_epsilon", vF32(1e-5))
	b.set("llama.rope.freq_base", vF32(10000))
	b.set(keyModel, vText("gpt2"))
	b.set(keyPre, vText("gpt-2"))
	var tokens []string
	var types []int32
	for i := range tVocab {
		switch {
		case i < 256:
			tokens, types = append(tokens, string(alphabet(byte(i)))), append(types, tokenNormal)
		case i == 256:
			tokens, types = append(tokens, "he"), append(types, tokenNormal)
		case i == 257:
			tokens, types = append(tokens, "<|im_end|>"), append(types, tokenControl)
		case i == 258:
			tokens, types = append(tokens, "<think>"), append(types, tokenUser)
		default:
			tokens, types = append(tokens, "[PAD"+string(rune('A'+i-259))+"]"), append(types, tokenUnused)
		}
	}
	b.set(keyTokens, vTexts(tokens...))
	b.set(keyTypes, vI32s(types...))
	b.set(keyMerges, vTexts("h e"))
	b.set(keyEOS, vU32(257))
	b.set(keyChat, vText("{{ messages }}"))
	add := func(name string, dims ...uint64) {
		n := uint64(1)
		for _, d := range dims {
			n *= d
		}
		data, _ := floats(stF32, int(n), func(i int) float32 { return float32(i%97) / 64 })
		b.add(name, stF32, data, dims...)
	}
	add("token_embd.weight", tHidden, tVocab)
	for _, p := range []string{"blk.0.", "blk.1."} {
		add(p+"attn_norm.weight", tHidden)
		add(p+"attn_q.weight", tHidden, tHidden)
		add(p+"attn_k.weight", tHidden, tKV*tHeadDim)
		add(p+"attn_v.weight", tHidden, tKV*tHeadDim)
		add(p+"attn_output.weight", tHidden, tHidden)
		add(p+"ffn_norm.weight", tHidden)
		add(p+"ffn_gate.weight", tHidden, tMLP)
		add(p+"ffn_up.weight", tHidden, tMLP)
		add(p+"ffn_down.weight", tMLP, tHidden)
	}
	add("output_norm.weight", tHidden)
	return b
}

// alphabet is how a byte is written in a byte-level vocabulary.
func alphabet(c byte) rune {
	printable := func(c int) bool { return c >= '!' && c <= '~' || c >= 0xA1 && c <= 0xAC || c >= 0xAE && c <= 0xFF }
	if printable(int(c)) {
		return rune(c)
	}
	n := rune(0)
	for i := range int(c) {
		if !printable(i) {
			n++
		}
	}
	return 256 + n
}
