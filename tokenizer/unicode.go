package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"
	"unicode/utf8"
)

// propLetter is the union of the letter categories.
const propLetter = propUpper | propLower | propCaseless

// Hangul syllables are composed and decomposed by arithmetic (Unicode 3.12).
const (
	hangulS, hangulL, hangulV, hangulT = 0xAC00, 0x1100, 0x1161, 0x11A7
	hangulLs, hangulVs, hangulTs       = 19, 21, 28
	hangulSs                           = hangulLs * hangulVs * hangulTs
)

// unicodeTables are the expanded forms of the generated data. They hold what the
// reference library works with, which is not one version of Unicode: its
// normalisation forms are of Unicode 9, its regular expressions of a newer one.
type unicodeTables struct {
	page  [0x110000 >> 7]uint16 // page of a code point's block of 128
	props []uint16              // [pages 128]
	class []uint8               // [pages 128] canonical combining class

	canon, compat map[rune][]rune // full decompositions, canonical ones without Hangul
	compose       map[[2]rune]rune
	second        map[rune]bool // second halves of some composition
	lower         map[rune]rune
	ascii         [128]uint16 // props of ASCII
}

// uni returns the tables, expanding them on the first call (about 3 ms).
var uni = sync.OnceValue(expandTables)

// varints decodes base64 of unsigned varints.
func varints(text string) []uint64 {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic("BUG: tokenizer: generated table: " + err.Error())
	}
	out := make([]uint64, 0, len(data))
	for len(data) > 0 {
		v, n := binary.Uvarint(data)
		out, data = append(out, v), data[n:]
	}
	return out
}

func expandTables() *unicodeTables {
	u := &unicodeTables{lower: map[rune]rune{}, compose: map[[2]rune]rune{}, second: map[rune]bool{}}
	u.expandPages(varints(propRuns), varints(classRuns))
	u.canon = decompositionMap(varints(canonData))
	u.compat = decompositionMap(varints(compatData))
	comp, c := varints(composeData), rune(0)
	for i := 0; i < len(comp); i += 3 {
		c += rune(comp[i])
		u.compose[[2]rune{rune(comp[i+1]), rune(comp[i+2])}] = c
		u.second[rune(comp[i+2])] = true
	}
	low, c := varints(lowerData), rune(0)
	for i := 0; i < len(low); i += 2 {
		c += rune(low[i])
		u.lower[c] = c + rune(int64(low[i+1]>>1)^-int64(low[i+1]&1))
	}
	for i := range u.ascii {
		u.ascii[i] = u.prop(rune(i))
	}
	return u
}

func decompositionMap(v []uint64) map[rune][]rune {
	m := make(map[rune][]rune, len(v)/4)
	c := rune(0)
	for i := 0; i < len(v); {
		c += rune(v[i])
		n := int(v[i+1])
		d := make([]rune, n)
		for k := range d {
			d[k] = rune(v[i+2+k])
		}
		m[c] = d
		i += 2 + n
	}
	return m
}

// expandPages builds the two-stage tables; equal neighbouring blocks share a page.
func (u *unicodeTables) expandPages(props, classes []uint64) {
	type run struct {
		runs []uint64
		i    int
		left uint64
	}
	next := func(r *run) (uint64, uint64) { // length and value of the current run
		if r.left == 0 {
			r.left = r.runs[r.i]
			r.i += 2
		}
		return r.left, r.runs[r.i-1]
	}
	p, q := run{runs: props}, run{runs: classes}
	uniform := map[uint64]uint16{}
	var block [128]uint16
	var cls [128]uint8
	for b := range u.page {
		n1, v1 := next(&p)
		n2, v2 := next(&q)
		if n1 >= 128 && n2 >= 128 {
			p.left -= 128
			q.left -= 128
			key := v1<<8 | v2
			if page, ok := uniform[key]; ok {
				u.page[b] = page
				continue
			}
			uniform[key] = uint16(len(u.props) >> 7)
			for i := range block {
				block[i], cls[i] = uint16(v1), uint8(v2)
			}
		} else {
			for i := range block {
				_, v1 = next(&p)
				_, v2 = next(&q)
				p.left--
				q.left--
				block[i], cls[i] = uint16(v1), uint8(v2)
			}
		}
		u.page[b] = uint16(len(u.props) >> 7)
		u.props = append(u.props, block[:]...)
		u.class = append(u.class, cls[:]...)
	}
}

// prop returns the property bits of r, 0 outside Unicode.
func (u *unicodeTables) prop(r rune) uint16 {
	if uint32(r) >= 0x110000 {
		return 0
	}
	return u.props[int(u.page[r>>7])<<7|int(r&127)]
}

func (u *unicodeTables) ccc(r rune) uint8 {
	if uint32(r) >= 0x110000 {
		return 0
	}
	return u.class[int(u.page[r>>7])<<7|int(r&127)]
}

// propAt returns the property bits and the length of the character at b[i:],
// which is valid UTF-8.
func (u *unicodeTables) propAt(b []byte, i int) (uint16, int) {
	if c := b[i]; c < utf8.RuneSelf {
		return u.ascii[c&127], 1
	}
	r, n := utf8.DecodeRune(b[i:])
	return u.prop(r), n
}

// propBefore is propAt of the character that ends at i.
func (u *unicodeTables) propBefore(b []byte, i int) (uint16, int) {
	if c := b[i-1]; c < utf8.RuneSelf {
		return u.ascii[c&127], 1
	}
	r, n := utf8.DecodeLastRune(b[:i])
	return u.prop(r), n
}

// decompose appends the full decomposition of r, or r itself.
func (u *unicodeTables) decompose(dst []rune, r rune, compat bool) []rune {
	if r < 0xA0 {
		return append(dst, r)
	}
	if s := r - hangulS; uint32(s) < hangulSs {
		dst = append(dst, hangulL+s/(hangulVs*hangulTs), hangulV+s%(hangulVs*hangulTs)/hangulTs)
		if t := s % hangulTs; t != 0 {
			dst = append(dst, hangulT+t)
		}
		return dst
	}
	if compat {
		if d, ok := u.compat[r]; ok {
			return append(dst, d...)
		}
	}
	if d, ok := u.canon[r]; ok {
		return append(dst, d...)
	}
	return append(dst, r)
}

// pair returns the primary composite of a and b.
func (u *unicodeTables) pair(a, b rune) (rune, bool) {
	if l, v := a-hangulL, b-hangulV; uint32(l) < hangulLs && uint32(v) < hangulVs {
		return hangulS + (l*hangulVs+v)*hangulTs, true
	}
	if s, t := a-hangulS, b-hangulT; uint32(s) < hangulSs && s%hangulTs == 0 && t > 0 && t < hangulTs {
		return a + t, true
	}
	c, ok := u.compose[[2]rune{a, b}]
	return c, ok
}

// inert reports whether r neither changes under the normalisation form nor
// interacts with the characters before it: a string of inert characters is its
// own normal form, and a new unit of normalisation begins at each.
func (u *unicodeTables) inert(r rune, f form) bool {
	if r < 0xA0 {
		return true
	}
	if u.ccc(r) != 0 {
		return false
	}
	hangul := uint32(r-hangulS) < hangulSs
	if f.composes() {
		if u.second[r] || r >= hangulV && r < hangulV+hangulVs || r > hangulT && r < hangulT+hangulTs {
			return false
		}
		if hangul {
			return true
		}
		if d, ok := u.canon[r]; ok { // composed again unless it is excluded from composition
			c := d[0]
			for _, x := range d[1:] {
				y, ok := u.compose[[2]rune{c, x}]
				if !ok {
					return false
				}
				c = y
			}
			if c != r {
				return false
			}
		}
	} else if _, ok := u.canon[r]; ok || hangul {
		return false
	}
	if f.compat() {
		_, ok := u.compat[r]
		return !ok
	}
	return true
}

// inertPages is the inert test of one form as a bitmap, for speed.
type inertPages [0x110000 >> 6]uint64

func (p *inertPages) has(r rune) bool { return p[uint32(r)>>6]>>(uint32(r)&63)&1 != 0 }

var inertOf = [4]func() *inertPages{
	formNFC:  sync.OnceValue(func() *inertPages { return newInertPages(formNFC) }),
	formNFD:  sync.OnceValue(func() *inertPages { return newInertPages(formNFD) }),
	formNFKC: sync.OnceValue(func() *inertPages { return newInertPages(formNFKC) }),
	formNFKD: sync.OnceValue(func() *inertPages { return newInertPages(formNFKD) }),
}

// newInertPages visits only characters that can fail inert: those with a
// combining class, with a decomposition, or that are a second half.
func newInertPages(f form) *inertPages {
	u, p := uni(), new(inertPages)
	for i := range p {
		p[i] = ^uint64(0)
	}
	test := func(r rune) {
		if !u.inert(r, f) {
			p[r>>6] &^= 1 << (r & 63)
		}
	}
	for b, page := range u.page {
		cls := u.class[int(page)<<7:][:128]
		for i, c := range cls {
			if c != 0 {
				test(rune(b<<7 + i))
			}
		}
	}
	for r := range u.canon {
		test(r)
	}
	for r := range u.compat {
		test(r)
	}
	for r := range u.second {
		test(r)
	}
	for r := rune(hangulL); r < 0x1200; r++ {
		test(r)
	}
	for r := rune(hangulS); r < hangulS+hangulSs; r++ {
		test(r)
	}
	return p
}

// sortClasses puts a run of marks into canonical order: stably by class, in
// linear time for long runs.
func sortClasses(run []change, tmp []change) []change {
	if len(run) <= 16 {
		for i := 1; i < len(run); i++ {
			for k := i; k > 0 && run[k].class < run[k-1].class; k-- {
				run[k], run[k-1] = run[k-1], run[k]
			}
		}
		return tmp
	}
	var start [257]int
	for _, c := range run {
		start[int(c.class)+1]++
	}
	for i := 1; i < len(start); i++ {
		start[i] += start[i-1]
	}
	tmp = slices.Grow(tmp[:0], len(run))[:len(run)]
	for _, c := range run {
		tmp[start[c.class]] = c
		start[c.class]++
	}
	copy(run, tmp)
	return tmp
}
