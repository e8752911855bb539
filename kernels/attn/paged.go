package attn

import "unsafe"

// This file is causal attention over keys and values that lie in pages, as a
// decoder keeps them.
//
// A page holds PageTokens tokens of one layer and one kv head. Keys lie
// transposed and values as they are, so that the scores of a page's keys are
// sums over c of q[c]*K[c][:], and outputs sums over j of p[j]*V[j][:]: vectors
// run across keys, then across columns, and a row is computed in the same order
// whether it comes alone or with others.

// PageTokens is the number of tokens of a page.
const PageTokens = 32

// A Format is how a page holds numbers. In memory, without gaps:
//
//	F32   K [d][32] float32, V [32][d] float32
//	BF16  K [d][32] bfloat16, V [32][d] bfloat16
//	I8    K [d][32] int8, V [32][d] int8, scales of keys [32] float32, of values [32] float32
//
// An I8 number is its int8 times the scale of its token.
type Format uint8

const (
	F32 Format = iota
	BF16
	I8
)

func (f Format) String() string { return [...]string{"f32", "bf16", "int8"}[f] }

// bytes returns the size of a number.
func (f Format) bytes() int { return [...]int{4, 2, 1}[f] }

// PageBytes returns the size of a page of one kv head of width d. Pages may lie
// side by side: it is a multiple of 64.
func PageBytes(f Format, d int) int {
	const elements = 2 * PageTokens
	switch f {
	case F32:
		return elements * d * 4
	case BF16:
		return elements * d * 2
	case I8:
		return elements * (d + 4)
	}
	panic("attn: PageBytes: no such format")
}

// A KV is the keys and values of one sequence at one layer and kv head. The token
// at position i is in slot i%32 of the page that begins at Pages[i/32][Offset].
//
// Pages is what a sequence has for all layers and heads, so that a KV is made
// without copying. Where a page begins is a multiple of 4 in memory; speed asks
// for one of 64.
type KV struct {
	Format Format
	Pages  [][]byte
	Offset int
}

// PagedScratchLen returns how many float32s of scratch Paged needs, whatever
// m and past are.
func PagedScratchLen(group, d int) int {
	if group <= 0 || d <= 0 {
		panic("attn: PagedScratchLen: sizes must be positive")
	}
	return max(pagedScratchLenGeneric(d), pagedScratchLen(d))
}

// Paged computes causal attention of m new tokens of a sequence, at the query
// heads that share one kv head. Row i is the token at position past+i and
// attends to positions 0 to past+i, all of which were stored before. With k and
// v the numbers that the pages hold, it is
//
//	for i := range m {
//		for g := range group {
//			var sum float64
//			out := make([]float64, d)
//			for j := range past + i + 1 {
//				p := math.Exp(scale * dot(q[i][g*d:][:d], k[j]))
//				sum += p
//				for c := range d {
//					out[c] += p * v[j][c]
//				}
//			}
//			for c := range d {
//				dst[i][g*d+c] = out[c] / sum
//			}
//		}
//	}
//
// in float32, with the row's largest score subtracted before the exponential,
// and within
//
//	(d*A + A + n + 32) * 2^-22 * V
//
// of the exact result, where A = |scale|*max over j of Σ|q[c]*k[j][c]|, V is the
// largest |v[j][c]| of the n keys that the row attends to.
//
// At one level of the CPU a row's bits depend on its query, its position and the
// keys and values up to there, and on nothing else: not on m, on what past was,
// on group, nor on where the pages lie. So it does not matter how a caller cuts
// the rows, or the heads of a group, into calls.
//
// Queries and what the pages hold up to position past+m-1 must be finite. Other
// slots may hold anything.
//
// Row i of q begins at q[i*ldq], row i of dst at dst[i*ldd]. dst must not overlap
// q. scratch has at least PagedScratchLen(group, d) elements, and its contents do
// not matter.
//
// Paged panics if a slice or a page is too short, pages are missing, or a size is
// impossible.
//
// Shapes: q [m group*d], dst [m group*d].
func Paged(dst []float32, ldd int, q []float32, ldq, m, past int, kv KV, group, d int, scale float32, scratch []float32) {
	if group <= 0 || d <= 0 || m < 0 || past < 0 {
		panic("attn: Paged: impossible size")
	}
	if m == 0 {
		return
	}
	if ldd < group*d || ldq < group*d {
		panic("attn: Paged: row stride too small")
	}
	if len(dst) < (m-1)*ldd+group*d || len(q) < (m-1)*ldq+group*d {
		panic("attn: Paged: dst or q too short")
	}
	kv.check(past+m, d)
	if len(scratch) < PagedScratchLen(group, d) {
		panic("attn: Paged: scratch too short")
	}
	paged(pagedJob{
		dst: dst, ldd: ldd, q: q, ldq: ldq, m: m, past: past,
		kv: kv, group: group, d: d, scale: scale * log2e,
	}, scratch)
}

// check panics unless the pages hold n tokens.
func (kv *KV) check(n, d int) {
	need := kv.Offset + PageBytes(kv.Format, d)
	pages := (n + PageTokens - 1) / PageTokens
	if kv.Offset < 0 || len(kv.Pages) < pages {
		panic("attn: Paged: pages are missing")
	}
	for _, p := range kv.Pages[:pages] {
		if len(p) < need {
			panic("attn: Paged: a page is too short")
		}
		if uintptr(unsafe.Pointer(&p[kv.Offset]))%4 != 0 {
			panic("attn: Paged: a page does not begin at a multiple of 4")
		}
	}
}

// A pagedJob is one call of Paged. Its rows are numbered token by token: row r is
// query head r%group of token r/group.
type pagedJob struct {
	dst     []float32
	ldd     int
	q       []float32
	ldq     int
	m, past int
	kv      KV
	group   int
	d       int
	scale   float32 // times log2(e): scores are of base 2
}

// pagedRows is how many rows go through the pages together.
const pagedRows = 96

// keys returns how many keys row r attends to.
func (j *pagedJob) keys(r int) int { return j.past + r/j.group + 1 }

func (j *pagedJob) query(r int) []float32 { return j.q[r/j.group*j.ldq+r%j.group*j.d:][:j.d] }

func (j *pagedJob) out(r int) []float32 { return j.dst[r/j.group*j.ldd+r%j.group*j.d:][:j.d] }

// A pageView is a page as what it holds: one of the pairs k, v is set.
type pageView struct {
	kF32, vF32   []float32
	kBF16, vBF16 []uint16
	kI8, vI8     []int8
	kScale       []float32 // I8 only
	vScale       []float32
}

// view returns the page of format f and width d at p.
func view(f Format, p unsafe.Pointer, d int) (v pageView) {
	n := PageTokens * d
	switch f {
	case F32:
		v.kF32 = unsafe.Slice((*float32)(p), n)
		v.vF32 = unsafe.Slice((*float32)(unsafe.Add(p, 4*n)), n)
	case BF16:
		v.kBF16 = unsafe.Slice((*uint16)(p), n)
		v.vBF16 = unsafe.Slice((*uint16)(unsafe.Add(p, 2*n)), n)
	default:
		v.kI8 = unsafe.Slice((*int8)(p), n)
		v.vI8 = unsafe.Slice((*int8)(unsafe.Add(p, n)), n)
		v.kScale = unsafe.Slice((*float32)(unsafe.Add(p, 2*n)), PageTokens)
		v.vScale = unsafe.Slice((*float32)(unsafe.Add(p, 2*n+4*PageTokens)), PageTokens)
	}
	return v
}

// at returns where page i begins.
func (kv *KV) at(i int) unsafe.Pointer { return unsafe.Pointer(&kv.Pages[i][kv.Offset]) }
