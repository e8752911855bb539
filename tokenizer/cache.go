package tokenizer

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// A word of at most cacheKey bytes and its at most cacheIDs tokens are kept in
// the cache.
const (
	cacheKey = 24
	cacheIDs = 8
)

// wordCache remembers the tokens of words. It has a fixed size, a new word takes
// the place of an old one, and any number of goroutines may use it: an entry is
// a sequence lock of atomic words, so a reader that meets a writer only misses.
type wordCache struct {
	entries []cacheEntry
	seed    uint64
}

// cacheEntry is one cache line: the key's length (8 bits), the number of ids (8),
// writing (1) and a version (32), then the key padded with zeros, then the ids.
type cacheEntry struct {
	meta atomic.Uint64
	key  [3]atomic.Uint64
	ids  [4]atomic.Uint64
}

const cacheWriting = 1 << 16

// newWordCache has n entries, a power of two.
func newWordCache(n int, seed uint64) *wordCache {
	return &wordCache{entries: make([]cacheEntry, n), seed: seed | 1}
}

// wordKey is a word as the cache compares it.
type wordKey struct {
	k [3]uint64
	n int
}

// keyOf returns the key of b[i:i+n], n <= cacheKey.
func keyOf(b []byte, i, n int) (k wordKey) {
	k.n = n
	if i+cacheKey <= len(b) {
		w := b[i : i+cacheKey]
		k.k[0] = binary.LittleEndian.Uint64(w)
		switch {
		case n < 8:
			k.k[0] &= 1<<(8*uint(n)) - 1
		case n < 16:
			k.k[1] = binary.LittleEndian.Uint64(w[8:]) & (1<<(8*uint(n-8)) - 1)
		default:
			k.k[1] = binary.LittleEndian.Uint64(w[8:])
			if n < 24 {
				k.k[2] = binary.LittleEndian.Uint64(w[16:]) & (1<<(8*uint(n-16)) - 1)
			} else {
				k.k[2] = binary.LittleEndian.Uint64(w[16:])
			}
		}
		return k
	}
	for j := range n {
		k.k[j>>3] |= uint64(b[i+j]) << (8 * uint(j&7))
	}
	return k
}

// entry returns the one place for a key.
func (c *wordCache) entry(k *wordKey) *cacheEntry {
	hi, lo := bits.Mul64(k.k[0]^c.seed, 0x9E3779B97F4A7C15)
	h := hi ^ lo
	if k.n > 8 {
		hi, lo = bits.Mul64(k.k[1]^h, 0xD6E8FEB86659FD93)
		h = hi ^ lo
		hi, lo = bits.Mul64(k.k[2]^h, 0xA0761D6478BD642F)
		h = hi ^ lo
	}
	h ^= h >> 32
	return &c.entries[int(h)&(len(c.entries)-1)]
}

// get copies the ids of the key and returns their number, 0 if they are not kept.
func (e *cacheEntry) get(k *wordKey, ids *[cacheIDs]int32) int {
	meta := e.meta.Load()
	if int(meta&0xFF) != k.n || meta&cacheWriting != 0 ||
		e.key[0].Load() != k.k[0] || e.key[1].Load() != k.k[1] || e.key[2].Load() != k.k[2] {
		return 0
	}
	n := int(meta >> 8 & 0xFF)
	for i := 0; i < n; i += 2 {
		v := e.ids[i>>1&3].Load()
		ids[i&7], ids[(i+1)&7] = int32(v), int32(v>>32)
	}
	if e.meta.Load() != meta {
		return 0
	}
	return n
}

// put keeps the ids of the key, unless another goroutine is writing the entry.
func (e *cacheEntry) put(k *wordKey, toks []tok) {
	meta := e.meta.Load()
	if meta&cacheWriting != 0 || !e.meta.CompareAndSwap(meta, meta|cacheWriting) {
		return
	}
	for i := range k.k {
		e.key[i].Store(k.k[i])
	}
	for i := 0; i < len(toks); i += 2 {
		v := uint64(uint32(toks[i].id))
		if i+1 < len(toks) {
			v |= uint64(uint32(toks[i+1].id)) << 32
		}
		e.ids[i>>1].Store(v)
	}
	version := (meta>>32 + 1) << 32
	e.meta.Store(version | uint64(len(toks))<<8 | uint64(k.n))
}
