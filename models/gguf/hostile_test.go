package gguf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"mom/tokenizer"
)

// A hostile is a broken file.
type hostile struct {
	data []byte
	want string // in the error
}

// hostileFiles is every kind of broken file that a reader may be given.
func hostileFiles() map[string]hostile {
	h := map[string]hostile{}
	raw := func(name string, data []byte, want string) {
		if _, ok := h[name]; ok {
			panic("BUG: two cases " + name)
		}
		h[name] = hostile{data, want}
	}
	add := func(name, want string, change func(*builder)) {
		b := small()
		change(b)
		raw(name, b.bytes(), want)
	}
	addCuts(raw)
	addHeaders(add)
	addPairs(add)
	addHyper(add)
	addTensors(add)
	addValues(add)
	addVocabulary(add)
	addLarge(raw, add)
	return h
}

type changer func(name, want string, change func(*builder))

func addCuts(raw func(string, []byte, string)) {
	whole := small().bytes()
	for n := range 24 {
		raw(fmt.Sprintf("%d bytes", n), whole[:n], "ends within")
	}
	for n := 24; n < 12000; n += 211 {
		raw(fmt.Sprintf("cut to %d", n), whole[:n], "")
	}
	for n := 12000; n < len(whole); n += 9973 {
		raw(fmt.Sprintf("cut to %d", n), whole[:n], "cut short")
	}
	raw("cut by 1", whole[:len(whole)-1], "tensor output_norm.weight: 128 bytes at")
	raw("zeros", make([]byte, 4096), "is not a GGUF file")
	raw("text", []byte(strings.Repeat("{\"a\": 1}\n", 100)), `it begins with "{\"a\""`)
}

func addHeaders(add changer) {
	add("magic", "is not a GGUF file", func(b *builder) { b.magic = "GGML" })
	for _, v := range []uint32{0, 1, 4, 5, 1 << 15, math.MaxUint32} {
		add(fmt.Sprintf("version %d", v), fmt.Sprintf("version %d of GGUF is not supported; 2 and 3 are", v), func(b *builder) { b.version = v })
	}
	add("big-endian", "big-endian", func(b *builder) { b.version = 3 << 24 })
	for _, n := range []int64{1 << 10, 1 << 32, math.MaxInt64, math.MinInt64, -2} {
		add(fmt.Sprintf("%d pairs", uint64(n)), "", func(b *builder) { b.nPairs = n })
		add(fmt.Sprintf("%d tensors", uint64(n)), "", func(b *builder) { b.nTensors = n })
	}
	add("one pair more", "", func(b *builder) { b.nPairs = int64(len(b.pairs)) + 1 })
	add("one pair less", "", func(b *builder) { b.nPairs = int64(len(b.pairs)) - 1 })
	add("no pairs", "general.architecture: is missing", func(b *builder) { b.nPairs = 0 })
	add("one tensor more", "tensor 20", func(b *builder) { b.nTensors = int64(len(b.tensors)) + 1 })
}

func addPairs(add changer) {
	first := func(key string, raw []byte) func(*builder) {
		return func(b *builder) { b.pairs = append([]keyValue{{key, raw}}, b.pairs...) }
	}
	add("key twice", "llama.block_count: occurs twice", func(b *builder) { b.pairs = append(b.pairs, keyValue{"llama.block_count", vU32(2)}) })
	add("empty key", "pair 0 of the metadata has no key", first("", vU32(1)))
	add("long key", "has 300 bytes, more than 256", first(strings.Repeat("k", 300), vU32(1)))
	add("key of other bytes", "not valid UTF-8", first("a\xff", vU32(1)))
	add("key of control characters", `"a\n\x00": occurs twice`, func(b *builder) {
		b.pairs = append(b.pairs, keyValue{"a\n\x00", vU32(1)}, keyValue{"a\n\x00", vU32(1)})
	})
	for _, k := range []uint32{13, 100, math.MaxUint32} {
		add(fmt.Sprintf("value of type %d", k), fmt.Sprintf("values of type %d are not known", k), first("x", typed(kind(k), u64(1))))
		add(fmt.Sprintf("array of type %d", k), fmt.Sprintf("values of type %d, which is not known", k), first("x", vArray(kind(k), 1, u64(1))))
	}
	add("bool of 2", "x: a bool of 2", first("x", vBool(2)))
	for _, n := range []uint64{1 << 20, 1 << 40, 1 << 63, math.MaxUint64, math.MaxUint64 - 7} {
		add(fmt.Sprintf("string of %d", n), "x: the string has", first("x", typed(kindString, u64(n))))
		add(fmt.Sprintf("array of %d bytes", n), "x: an array of", first("x", vArray(kindU8, n)))
		add(fmt.Sprintf("array of %d float64", n), "x: an array of", first("x", vArray(kindF64, n)))
		add(fmt.Sprintf("array of %d strings", n), "x: an array of", first("x", vArray(kindString, n)))
	}
	add("string in an array", "a string of an array has", first("x", vArray(kindString, 1, u64(1<<40))))
	add("array of arrays", "x: arrays of arrays are not supported", first("x", vArray(kindArray, 1, vArray(kindU8, 1, []byte{1})[4:])))
	add("deep arrays", "arrays of arrays are not supported", first("x", vArray(kindArray, 1, []byte(strings.Repeat("\x09\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00", 10000)))))
	add("1025 pairs", "more than 1024", func(b *builder) {
		for i := range 1025 {
			b.set(fmt.Sprint("k", i), vU32(1))
		}
	})
}

func addHyper(add changer) {
	set := func(key string, raw []byte) func(*builder) { return func(b *builder) { b.set(key, raw) } }
	for _, key := range []string{"general.architecture", "llama.block_count", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
		"llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon", keyModel, keyTokens, keyMerges} {
		add("without "+key, key+": is missing", func(b *builder) { b.drop(key) })
		add("wrong type of "+key, key+": has the type array of uint8s", set(key, vArray(kindU8, 3, []byte{1, 2, 3})))
		add("bool for "+key, key+": has the type bool", set(key, vBool(1)))
	}
	for _, key := range []string{"llama.block_count", "llama.embedding_length", "llama.attention.head_count", "llama.feed_forward_length"} {
		for _, n := range []int64{0, -1, 1 << 31, math.MaxInt64, math.MinInt64} {
			add(fmt.Sprintf("%s of %d", key, n), "is outside 1 to", set(key, typed(kindI64, u64(uint64(n)))))
		}
		add(key+" of 2^64-1", "is outside 1 to", set(key, typed(kindU64, u64(math.MaxUint64))))
		add(key+" of int8", "-1 is outside", set(key, typed(kindI8, []byte{0xFF})))
		add(key+" in float", "has the type float32, want a whole number", set(key, vF32(2)))
	}
	for name, bits := range map[string]uint32{"NaN": 0x7FC00000, "infinity": 0x7F800000, "0": 0, "-1": 0xBF800000} {
		add("eps of "+name, "llama.attention.layer_norm_rms_epsilon: ", set("llama.attention.layer_norm_rms_epsilon", typed(kindF32, u32(bits))))
		add("theta of "+name, "llama.rope.freq_base: ", set("llama.rope.freq_base", typed(kindF32, u32(bits))))
	}
	add("architecture", "general.architecture: mamba is not supported; supported are llama, qwen3", set("general.architecture", vText("mamba")))
	add("architecture of other bytes", "general.architecture: the string is not valid UTF-8", set("general.architecture", vText("\xff\xfe")))
	add("long architecture", "general.architecture: xxxxx", set("general.architecture", vText(strings.Repeat("x", 5000))))
	add("unknown key", "llama.attention.sliding_window: is a key that is not known", set("llama.attention.sliding_window", vU32(4096)))
	add("experts", "llama.expert_count: 8 is not supported; 0 is", set("llama.expert_count", vU32(8)))
	add("heads", "llama.attention.head_count: 3 heads do not divide", set("llama.attention.head_count", vU32(3)))
	add("key heads", "llama.attention.head_count_kv: 3 does not divide", set("llama.attention.head_count_kv", vU32(3)))
	add("odd heads", "heads of 1 values", func(b *builder) {
		b.set("llama.attention.head_count", vU32(32))
		b.set("llama.attention.head_count_kv", vU32(32))
	})
	add("heads a layer", "llama.attention.head_count: has the type array of int32s", set("llama.attention.head_count", vI32s(4, 4)))
	add("partial rotation", "llama.rope.dimension_count: 4 is not supported; 8 is", set("llama.rope.dimension_count", vU32(4)))
	add("value_length", "llama.attention.value_length: 16 is not supported", set("llama.attention.value_length", vU32(16)))
	add("not causal", "llama.attention.causal: false is not supported", set("llama.attention.causal", vBool(0)))
	add("split", "split.count: the model is split over 3 files", set("split.count", typed(kindU16, []byte{3, 0})))
	add("adapter", "general.type: adapter is not supported", set("general.type", vText("adapter")))
	add("quantization version", "general.quantization_version: 1 is outside 2 to 2", set(keyQuantization, vU32(1)))
	add("rope scaling", "llama.rope.scaling.type: longrope is not supported", set("llama.rope.scaling.type", vText("longrope")))
	add("yarn without context", "original_context_length: is missing", func(b *builder) {
		b.set("llama.rope.scaling.type", vText("yarn"))
		b.set("llama.rope.scaling.factor", vF32(4))
	})
	add("factor without type", "llama.rope.scaling.factor: without llama.rope.scaling.type", set("llama.rope.scaling.factor", vF32(4)))
	add("factor of NaN", "llama.rope.scaling.factor: NaN", set("llama.rope.scaling.factor", vF32(float32(math.NaN()))))
	add("attention factor", "attn_factor: 2 is not supported", func(b *builder) {
		b.set("llama.rope.scaling.type", vText("linear"))
		b.set("llama.rope.scaling.factor", vF32(4))
		b.set("llama.rope.scaling.attn_factor", vF32(2))
	})
	for name, f := range map[string]func(int) float64{
		"all 8":  func(int) float64 { return 8 },
		"random": func(i int) float64 { return 1 + math.Mod(float64(i)*0.7, 3) },
		"0":      func(int) float64 { return 0 },
		"less":   func(i int) float64 { return 1 / float64(i+1) },
	} {
		add("factors: "+name, "tensor rope_freqs.weight: these are no factors", func(b *builder) { addFactors(b, f) })
	}
	add("factors: NaN", "tensor rope_freqs.weight: value 1 of a row is NaN", func(b *builder) {
		addFactors(b, func(i int) float64 { return float64(1-i) / float64(1-i) })
	})
	for _, a := range []uint32{0, 3, 48, 1 << 21} {
		add(fmt.Sprintf("alignment of %d", a), "general.alignment: ", set(keyAlignment, vU32(a)))
	}
}

func addTensors(add changer) {
	const q = "blk.0.attn_q.weight"
	change := func(f func(t *written)) func(*builder) { return func(b *builder) { f(b.tensor(q)) } }
	add("name twice", "tensor blk.0.attn_q.weight: occurs twice", func(b *builder) {
		b.tensors = append(b.tensors, *b.tensor(q))
	})
	add("unknown name", "tensor blk.0.attn_z.weight: the architecture llama has no such tensor", change(func(t *written) { t.name = "blk.0.attn_z.weight" }))
	add("empty name", "tensor 2: it has no name", change(func(t *written) { t.name = "" }))
	add("long name", "has 3000 bytes, more than 256", change(func(t *written) { t.name = strings.Repeat("n", 3000) }))
	add("name of other bytes", "not valid UTF-8", change(func(t *written) { t.name = "blk.\xff" }))
	add("q norm of llama", "the architecture llama has no such tensor", func(b *builder) {
		data, _ := floats(stF32, tHeadDim, func(int) float32 { return 1 })
		b.add("blk.0.attn_q_norm.weight", stF32, data, tHeadDim)
	})
	for _, layer := range []string{"2", "511", "99999999999999999999", "-1", "00", "0x1", "", "1.0"} {
		add("layer "+layer, "tensor blk."+layer+".attn_q.weight: ", change(func(t *written) { t.name = "blk." + layer + ".attn_q.weight" }))
	}
	for _, dims := range [][]uint64{{}, {32, 32, 1}, {32, 32, 1, 1}, {32}, {1024}, {32, 31}, {31, 32}, {0, 32}, {32, 0}, {1 << 32, 1 << 32}, {32, math.MaxUint64},
		{math.MaxUint64, math.MaxUint64}, {1 << 63, 2}, {32, 1<<32 + 32}} {
		add(fmt.Sprintf("dimensions %d", dims), "tensor blk.0.attn_q.weight: ", change(func(t *written) { t.dims = dims }))
	}
	add("many dimensions", "100000 dimensions", func(b *builder) {
		b.tensor(q).dims = make([]uint64, 100000)
	})
	for k, name := range map[uint32]string{12: "Q4_K", 14: "Q6_K", 6: "Q5_0", 7: "Q5_1", 20: "IQ4_NL", 4: "Q4_2", 24: "I8", 28: "F64", 31: "number 31", 99: "number 99", math.MaxUint32: "number 4294967295"} {
		add("type "+name, "tensor blk.0.attn_q.weight: type "+name+" is not supported; supported are F32, F16, Q4_0, Q4_1, Q8_0, BF16", change(func(t *written) { t.kind = k }))
	}
	add("block over two rows", "tensor blk.0.attn_q.weight: rows of 40 values are no whole blocks of Q4_0", func(b *builder) {
		b.set("llama.embedding_length", vU32(40))
		b.tensors = nil
		b.add(q, stQ40, make([]byte, 1000), 40, 40)
	})
	for _, at := range []int64{1, 4, 31, 33} {
		add(fmt.Sprintf("unaligned at %d", at), fmt.Sprintf("the offset %d is not a multiple of the alignment, 32", at), change(func(t *written) { t.at = at }))
	}
	for _, at := range []int64{1 << 40, math.MaxInt64 - 31, math.MinInt64, -32} {
		add(fmt.Sprintf("offset %d", uint64(at)), "past the end of the file", change(func(t *written) { t.at = at }))
	}
	add("same place", "overlaps the tensor", change(func(t *written) { t.at = 0 }))
	add("overlap", "overlaps the tensor", change(func(t *written) { t.at = 32 }))
	add("larger type", "overlaps", func(b *builder) {
		b.tensor("blk.1.ffn_norm.weight").kind = uint32(stF32)
		b.tensor("blk.1.attn_norm.weight").at = 0
	})
}

func addValues(add changer) {
	const name = "blk.1.ffn_down.weight" // [tHidden tMLP]
	for kind, s := range storages {
		if s.values != group {
			continue
		}
		k := storage(kind)
		size := int(k.rowBytes(tMLP)) * tHidden
		for what, h := range map[string]uint16{"NaN": 0x7E00, "infinite": 0x7C00, "minus infinite": 0xFC00} {
			add(s.name+" with a scale that is "+what, "tensor blk.1.ffn_down.weight: a scale of "+s.name+" is not finite, that of value 32 of a row", func(b *builder) {
				t := b.tensor(name)
				t.kind, t.data = uint32(kind), make([]byte, size)
				le.PutUint16(t.data[s.bytes*5:], h)
			})
		}
		add(s.name+" cut", "", func(b *builder) {
			t := b.tensor("output_norm.weight") // the last
			t.kind, t.data = uint32(kind), make([]byte, s.bytes-1)
		})
	}
	add("Q4_1 with a minimum that is NaN", "a scale of Q4_1 is not finite", func(b *builder) {
		t := b.tensor(name)
		t.kind, t.data = uint32(stQ41), make([]byte, int(stQ41.rowBytes(tMLP))*tHidden)
		le.PutUint16(t.data[2:], 0xFE00)
	})
	for kind, bits := range map[storage][]byte{stF32: {0, 0, 0xC0, 0x7F}, stF16: {0, 0x7C}, stBF16: {0x80, 0xFF}} {
		add(kind.String()+" with a value that is not finite", "tensor blk.1.ffn_down.weight: value 3 of a row is ", func(b *builder) {
			t := b.tensor(name)
			t.kind, t.data = uint32(kind), make([]byte, int(kind.rowBytes(tMLP))*tHidden)
			copy(t.data[3*len(bits):], bits)
		})
	}
}

func addVocabulary(add changer) {
	set := func(key string, raw []byte) func(*builder) { return func(b *builder) { b.set(key, raw) } }
	add("tokenizer model", "tokenizer.ggml.model: llama is not supported; gpt2", set(keyModel, vText("llama")))
	add("pre-tokenizer", "tokenizer.ggml.pre: tekken is not supported; supported are default, gpt-2", set(keyPre, vText("tekken")))
	add("pre-tokenizer of another type", "tokenizer.ggml.pre: has the type uint32, want a string", set(keyPre, vU32(1)))
	add("no tokens", "tokenizer.ggml.tokens: 0 tokens", set(keyTokens, vTexts()))
	add("tokens of numbers", "tokenizer.ggml.tokens: has the type array of int32s, want an array of strings", set(keyTokens, vI32s(1, 2)))
	add("few tokens", "tensor token_embd.weight: the dimensions are", set(keyTokens, vTexts("a", "b")))
	add("tokens and vocab_size", "tokenizer.ggml.tokens: 300 tokens, but llama.vocab_size is 299", set("llama.vocab_size", vU32(299)))
	add("vocab_size", "tensor token_embd.weight: the dimensions are [32 300], the metadata wants [32 301]", set("llama.vocab_size", vU32(301)))
	add("few types", "tokenizer.ggml.token_type: 2 types of 300 tokens", set(keyTypes, vI32s(1, 1)))
	add("types of strings", "tokenizer.ggml.token_type: has the type array of strings", set(keyTypes, vTexts("1")))
	types := make([]int32, tVocab)
	for i := range types {
		types[i] = tokenNormal
	}
	for _, k := range []int32{0, 7, -1, math.MaxInt32} {
		add(fmt.Sprintf("token of type %d", k), fmt.Sprintf("tokenizer.ggml.token_type: token 299 has the type %d; want 1 to 6", k), func(b *builder) {
			b.set(keyTypes, vI32s(append(types[:tVocab-1:tVocab-1], k)...))
		})
	}
	token := func(text string) func(*builder) {
		return func(b *builder) {
			tokens := []string{text}
			for i := 1; i < tVocab; i++ {
				tokens = append(tokens, fmt.Sprint("t", i))
			}
			b.set(keyTokens, vTexts(tokens...))
			b.set(keyTypes, vI32s(types...))
			b.set(keyMerges, vTexts())
		}
	}
	add("token of other bytes", "tokenizer.ggml.tokens: element 0: an element is not valid UTF-8", token("\xff"))
	add("token of half a surrogate", "not valid UTF-8", token("\xed\xa0\x80"))
	add("long token", "element 0: an element has 5000 bytes, more than 4096", token(strings.Repeat("x", 5000)))
	add("token twice", "t1", token("t1"))
	add("merge of one token", "not two tokens", set(keyMerges, vTexts("he")))
	add("merge of an unknown token", "is not in the vocabulary", set(keyMerges, vTexts("h xyz")))
	add("merge that makes no token", "which it makes, is not in the vocabulary", set(keyMerges, vTexts("a b")))
	add("merge of other bytes", "tokenizer.ggml.merges: element 1: an element is not valid UTF-8", set(keyMerges, vTexts("h e", "\xff \xfe")))
	add("bos beyond", "tokenizer.ggml.bos_token_id: 300 is outside 0 to 299", func(b *builder) {
		b.set("tokenizer.ggml.add_bos_token", vBool(1))
		b.set(keyBOS, vU32(300))
	})
	add("bos missing", "tokenizer.ggml.bos_token_id: is missing", set("tokenizer.ggml.add_bos_token", vBool(1)))
	add("eos beyond", "tokenizer.ggml.eos_token_id: 4294967295 is outside", set(keyEOS, vU32(math.MaxUint32)))
	add("add_bos of another type", "tokenizer.ggml.add_bos_token: has the type uint32, want a bool", set("tokenizer.ggml.add_bos_token", vU32(1)))
	add("template of another type", "tokenizer.chat_template: has the type int32, want a string", set(keyChat, vI32(1)))
	add("template of other bytes", "tokenizer.chat_template: the string is not valid UTF-8", set(keyChat, vText("{{\xff}}")))
	add("long template", "tokenizer.chat_template: the string has 1048577 bytes, more than 1048576", set(keyChat, vText(strings.Repeat("x", 1<<20+1))))
	add("unknown token missing", "unknown_token_id: has the type string", set("tokenizer.ggml.unknown_token_id", vText("x")))
}

// addLarge has files of megabytes whose parts are small: what is kept of each
// must not be more than it takes in the file.
func addLarge(raw func(string, []byte, string), add changer) {
	const many = 1 << 18
	add("very many empty tokens", "", func(b *builder) {
		b.tensors = nil
		b.set(keyTokens, vArray(kindString, many, make([]byte, 8*many)))
		b.set(keyTypes, vI32s(make([]int32, many)...))
	})
	add("very many control tokens", "too many control tokens, or escapes", func(b *builder) {
		b.tensors = nil
		var tokens []byte
		types := make([]int32, many)
		for i := range many {
			tokens = append(tokens, str("\x01\x02")...)
			types[i] = tokenControl
		}
		b.set(keyTokens, vArray(kindString, many, tokens))
		b.set(keyTypes, vI32s(types...))
	})
	add("very many tensors of one name", "", func(b *builder) {
		t := *b.tensor("output_norm.weight")
		for range 20000 {
			b.tensors = append(b.tensors, t)
		}
	})
	add("very many tensors in one place", "", func(b *builder) {
		b.set("llama.block_count", vU32(512))
		b.tensors = nil
		for i := range 512 {
			for _, p := range []string{"attn_norm", "ffn_norm"} {
				b.tensors = append(b.tensors, written{fmt.Sprintf("blk.%d.%s.weight", i, p), []uint64{tHidden}, 0, nil, 0})
			}
		}
	})
	b := small()
	b.set("x", vArray(kindString, 1<<19, make([]byte, 1<<22)))
	data := b.bytes()
	raw("cut after a large array", data[:len(data)-60000], "cut short")
}

// everything does all that a loader does; parse reads the tokenizer.json.
func everything(name string, parse func(string, []byte) error, read func() (*File, error)) (head, values error) {
	f, err := read()
	if err != nil {
		return err, nil
	}
	defer f.Close()
	if _, err := f.Config(); err != nil {
		return err, nil
	}
	data, err := f.Tokenizer()
	if err != nil {
		return err, nil
	}
	if _, err := f.ChatTemplate(""); err != nil {
		return err, nil
	}
	if _, err := f.Special(); err != nil {
		return err, nil
	}
	// What only the vocabulary's reader can tell comes with the name of the file.
	if err := parse(name, data); err != nil {
		return nil, &FormatError{File: name, Reason: err.Error()}
	}
	for _, n := range f.Names() {
		if _, ok := f.Tensor(n); !ok {
			return nil, f.Err()
		}
	}
	return nil, nil
}

func parseTokenizer(name string, data []byte) error {
	_, err := tokenizer.Parse(name, data)
	return err
}

// slack is what an error and the windows that are read through cost.
const slack = 384 << 10

func TestHostileFiles(t *testing.T) {
	files := hostileFiles()
	if len(files) < 200 {
		t.Errorf("only %d files", len(files))
	}
	path := filepath.Join(t.TempDir(), "x.gguf")
	for name, c := range files {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			check(t, path, c, func() (*File, error) { return Open(path) })
			check(t, path, c, func() (*File, error) { return parse(path, c.data) })
		})
	}
	if f, err := parse("x", small().bytes()); err != nil {
		t.Error("the file that all are made of:", err)
	} else if head, values := everything("x", parseTokenizer, func() (*File, error) { return f, nil }); head != nil || values != nil {
		t.Error("the file that all are made of:", head, values)
	}
}

func check(t *testing.T, path string, c hostile, read func() (*File, error)) {
	t.Helper()
	var head, values error
	start := time.Now()
	used := allocated(func() { head, values = everything(path, parseTokenizer, read) })
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d)
	}
	// Widened tensors are larger than the file; they are bounded by its bytes.
	if head != nil && used > 2*uint64(len(c.data))+slack {
		t.Errorf("allocated %d bytes for a file of %d", used, len(c.data))
	}
	err := errors.Join(head, values)
	if err == nil {
		t.Fatal("was accepted")
	}
	var e *FormatError
	if !errors.As(err, &e) || e.File != path || e.Reason == "" {
		t.Fatalf("error %T %v is no FormatError of the file", err, err)
	}
	s := err.Error()
	if !strings.HasPrefix(s, path+": ") || !strings.Contains(s, c.want) {
		t.Errorf("error %s\nlacks %s", s, c.want)
	}
	if len(s) > len(path)+600 || strings.ContainsAny(s, "\n\r\x00\a") {
		t.Errorf("error of %d bytes: %q", len(s), s)
	}
}

// allocated is the number of bytes that f allocates, freed or not.
func allocated(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{filepath.Join(dir, "none.gguf"): "no such file", dir: "is not a regular file"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A file that changes while it is open gives an error, not a panic.
func TestFileChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.gguf")
	whole := small().bytes()
	for _, n := range []int{0, 100, 2000, 9000, len(whole) / 2} {
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, int64(n)); err != nil {
			t.Fatal(err)
		}
		if head, values := everything(path, parseTokenizer, func() (*File, error) { return f, nil }); head == nil && values == nil {
			t.Errorf("cut to %d: was accepted", n)
		}
	}
}
