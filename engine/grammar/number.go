package grammar

import (
	"fmt"
	"math/big"
	"strings"
)

// A limit of a number: its value, and whether the value itself is outside.
type bound struct {
	at   *big.Rat
	open bool
}

// tighter reports whether a leaves less than b does, as a lower limit (sign 1) or
// an upper one (-1).
func (a *bound) tighter(b *bound, sign int) bool {
	if a == nil || b == nil {
		return a != nil
	}
	c := sign * a.at.Cmp(b.at)
	return c > 0 || c == 0 && a.open
}

// holds reports whether x is within the lower limit (sign 1) or the upper one.
func (a *bound) holds(x *big.Rat, sign int) bool {
	if a == nil {
		return true
	}
	c := sign * x.Cmp(a.at)
	return c > 0 || c == 0 && !a.open
}

// numberDFA is the automaton of the JSON numbers between two limits (nil: none),
// nil when there is none. Integers have no point and no exponent; other numbers
// have an exponent only where there is no limit. Zero has no sign.
func numberDFA(lo, hi *bound, integer bool, digits, states int) (*dfa, error) {
	if integer {
		lo, hi = lo.toInteger(1), hi.toInteger(-1)
	}
	if lo == nil && hi == nil {
		p := fmt.Sprintf(`-?(0|[1-9][0-9]{0,%d})(\.[0-9]{1,%d})?([eE][+-]?[0-9]{1,2})?`, digits-1, digits)
		if integer {
			p = fmt.Sprintf(`0|-?[1-9][0-9]{0,%d}`, digits-1)
		}
		d, err := regexDFA(p, false, true, states)
		if err != nil {
			return nil, err
		}
		return unflagged(d), nil
	}
	zero := &bound{at: new(big.Rat)}
	more := &bound{at: new(big.Rat), open: true}
	pos := magnitude{lo: lo.digits(), hi: hi.digits()}
	if !lo.tighter(zero, 1) {
		pos.lo = nil
	}
	if hi != nil && hi.at.Sign() < 0 {
		pos.none = true
	}
	neg := magnitude{lo: more.digits(), hi: lo.digits()}
	if hi != nil && hi.at.Sign() < 0 {
		neg.lo = hi.digits()
	}
	if lo != nil && lo.at.Sign() >= 0 {
		neg.none = true
	}
	size := [2]int{digits, digits}
	for _, b := range []*decimal{pos.lo, pos.hi, neg.lo, neg.hi} {
		if b != nil {
			size[0], size[1] = max(size[0], len(b.whole)+1), max(size[1], len(b.part)+1)
		}
	}
	if integer {
		size[1] = 0
	}
	return explore(numState{}, states, func(k numState, to func(lo, hi byte, flag edgeFlag, next numState)) bool {
		if k.phase == atStart && !neg.none {
			to('-', '-', 0, numState{phase: atWhole, neg: true})
		}
		m := &pos
		if k.neg {
			m = &neg
		}
		if k.phase == atStart {
			k.phase = atWhole
		}
		return !m.none && m.visit(k, size, to)
	})
}

// toInteger is the closed integer limit that leaves the same integers.
func (a *bound) toInteger(sign int) *bound {
	if a == nil {
		return nil
	}
	q, m := new(big.Int).DivMod(a.at.Num(), a.at.Denom(), new(big.Int)) // floor
	switch {
	case m.Sign() != 0 && sign > 0, m.Sign() == 0 && a.open && sign > 0:
		q.Add(q, big.NewInt(1))
	case m.Sign() == 0 && a.open:
		q.Sub(q, big.NewInt(1))
	}
	return &bound{at: new(big.Rat).SetInt(q)}
}

// A decimal is the absolute value of a limit in digits: without leading zeros, but
// for one before the point, and without trailing ones behind it.
type decimal struct {
	whole, part string
	open        bool
}

func (a *bound) digits() *decimal {
	if a == nil {
		return nil
	}
	n, _ := a.at.FloatPrec()
	text := strings.TrimPrefix(a.at.FloatString(n), "-")
	whole, part, _ := strings.Cut(text, ".")
	return &decimal{whole, strings.TrimRight(part, "0"), a.open}
}

// magnitude are the numbers without a sign between two limits.
type magnitude struct {
	lo, hi *decimal // nil: none
	none   bool
}

// A numState is how far a number has been read, and how what was read compares
// with the digits of the limits at the same places.
type numState struct {
	phase int8
	neg   bool
	zero  bool // the whole part is "0", which no digit follows
	pos   int16
	cmpLo int8
	cmpHi int8
}

const (
	atStart = iota
	atWhole
	atPart
)

func (m *magnitude) visit(k numState, size [2]int, to func(lo, hi byte, flag edgeFlag, next numState)) bool {
	pos := int(k.pos)
	if k.phase == atWhole {
		if pos < size[0] && !k.zero {
			for c := byte('0'); c <= '9'; c++ {
				next := k
				next.pos++
				next.zero = pos == 0 && c == '0'
				next.cmpLo = m.lo.compare(k.cmpLo, pos, c, false)
				next.cmpHi = m.hi.compare(k.cmpHi, pos, c, false)
				to(c, c, 0, next)
			}
		}
		if pos == 0 {
			return false
		}
		k.cmpLo, k.cmpHi = m.lo.wholes(k.cmpLo, pos), m.hi.wholes(k.cmpHi, pos)
		if size[1] > 0 {
			to('.', '.', 0, numState{phase: atPart, neg: k.neg, cmpLo: k.cmpLo, cmpHi: k.cmpHi})
		}
		return m.inside(k, 0)
	}
	if pos < size[1] {
		for c := byte('0'); c <= '9'; c++ {
			next := k
			next.pos++
			next.cmpLo = m.lo.compare(k.cmpLo, pos, c, true)
			next.cmpHi = m.hi.compare(k.cmpHi, pos, c, true)
			to(c, c, 0, next)
		}
	}
	return pos > 0 && m.inside(k, pos)
}

// compare goes on with a comparison: the digit at pos against the limit's.
func (d *decimal) compare(so int8, pos int, c byte, part bool) int8 {
	if d == nil || so != 0 {
		return so
	}
	digits, own := d.whole, byte('0')
	if part {
		digits = d.part
	} else if pos >= len(digits) {
		return 0 // longer: wholes decides
	}
	if pos < len(digits) {
		own = digits[pos]
	}
	switch {
	case c < own:
		return -1
	case c > own:
		return 1
	}
	return 0
}

// wholes compares whole parts, of which n digits were read with the result so.
func (d *decimal) wholes(so int8, n int) int8 {
	switch {
	case d == nil:
		return 0
	case n < len(d.whole):
		return -1
	case n > len(d.whole):
		return 1
	}
	return so
}

// inside reports whether a number that ends here, with n digits after the point,
// is between the limits.
func (m *magnitude) inside(k numState, n int) bool {
	rest := func(d *decimal, so int8) int8 {
		if so == 0 && n < len(d.part) {
			return -1
		}
		return so
	}
	if m.lo != nil {
		if c := rest(m.lo, k.cmpLo); c < 0 || c == 0 && m.lo.open {
			return false
		}
	}
	if m.hi != nil {
		if c := rest(m.hi, k.cmpHi); c > 0 || c == 0 && m.hi.open {
			return false
		}
	}
	return true
}
