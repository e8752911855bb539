package grammar

import "sync"

// jsonString is the automaton of all JSON strings: of valid UTF-8, with all
// escapes, surrogates in pairs. Its edges say where code points begin and the
// string ends, so that lengths are counted beside it.
var jsonString = sync.OnceValue(func() *dfa {
	const (
		start   = iota
		inside  // between code points
		last    // one byte before the end of a code point
		last2   // two
		last3   // three
		e0      // after the lead byte E0, whose second byte is not any
		ed      // ED
		f0      // F0
		f4      // F4
		escape  // after \
		hex     // after \u
		hex1    // one digit left
		hex2    // two
		hex3    // three
		hexD    // after \ud or \uD
		high2   // a high surrogate, two digits left
		high1   // one
		second  // after a high surrogate: its other half
		secondU // after the \ of it
		secondX // after its u
		secondD // after its d
		closed
		states
	)
	edges, accept := make([][]edge, states), make([]bool, states)
	accept[closed] = true
	add := func(from int32, flag edgeFlag, to int32, ranges string) {
		for i := 0; i < len(ranges); i += 2 {
			edges[from] = append(edges[from], edge{ranges[i], ranges[i+1], flag, to})
		}
	}
	const digits = "09AFaf"
	add(start, 0, inside, `""`)
	add(inside, endsString, closed, `""`)
	add(inside, beginsChar, inside, " !#[]\x7f")
	add(inside, beginsChar, escape, `\\`)
	add(inside, beginsChar, last, "\xc2\xdf")
	add(inside, beginsChar, e0, "\xe0\xe0")
	add(inside, beginsChar, last2, "\xe1\xec\xee\xef")
	add(inside, beginsChar, ed, "\xed\xed")
	add(inside, beginsChar, f0, "\xf0\xf0")
	add(inside, beginsChar, last3, "\xf1\xf3")
	add(inside, beginsChar, f4, "\xf4\xf4")
	add(last, 0, inside, "\x80\xbf")
	add(last2, 0, last, "\x80\xbf")
	add(last3, 0, last2, "\x80\xbf")
	add(e0, 0, last, "\xa0\xbf")
	add(ed, 0, last, "\x80\x9f")
	add(f0, 0, last2, "\x90\xbf")
	add(f4, 0, last2, "\x80\x8f")
	add(escape, 0, inside, `""\\//bbffnnrrtt`)
	add(escape, 0, hex, "uu")
	add(hex, 0, hex3, "09ACEFacef")
	add(hex, 0, hexD, "DDdd")
	add(hex3, 0, hex2, digits)
	add(hex2, 0, hex1, digits)
	add(hex1, 0, inside, digits)
	add(hexD, 0, hex2, "07")
	add(hexD, 0, high2, "89ABab")
	add(high2, 0, high1, digits)
	add(high1, 0, second, digits)
	add(second, 0, secondU, `\\`)
	add(secondU, 0, secondX, "uu")
	add(secondX, 0, secondD, "DDdd")
	add(secondD, 0, hex2, "CFcf")
	return newDFA(edges, accept)
})

// quoted is the automaton of the JSON strings whose inside is one of d's texts.
func quoted(d *dfa) *dfa {
	n := int32(len(d.accept))
	start, end := n, n+1
	edges, accept := make([][]edge, n+2), make([]bool, n+2)
	for s := range n {
		edges[s] = append(edges[s], d.edges[d.first[s]:d.first[s+1]]...)
		if d.accept[s] {
			edges[s] = append(edges[s], edge{lo: '"', hi: '"', next: end})
		}
	}
	edges[start] = []edge{{lo: '"', hi: '"', next: 0}}
	accept[end] = true
	return newDFA(rotate(edges, accept, start))
}

// rotate numbers states so that start is state 0.
func rotate(edges [][]edge, accept []bool, start int32) ([][]edge, []bool) {
	edges[0], edges[start] = edges[start], edges[0]
	accept[0], accept[start] = accept[start], accept[0]
	for _, out := range edges {
		for i := range out {
			switch out[i].next {
			case 0:
				out[i].next = start
			case start:
				out[i].next = 0
			}
		}
	}
	return edges, accept
}

// otherKeys is the automaton of the keys of members that a schema does not name,
// with their quotes and what separates them from the value: of one or more code
// points that need no escape, and none of names.
func otherKeys(names []string, sep string, limit int) (*dfa, error) {
	inner := jsonString()
	trie, err := literals(append([]string{""}, names...), limit)
	if err != nil {
		return nil, err
	}
	const off = -1 // of the trie: no name any more
	type state struct {
		s, name int32
		sep     int32 // bytes of sep that were read, after the quote
	}
	inside := inner.next(0, '"').to()
	return explore(state{}, limit, func(k state, to func(lo, hi byte, flag edgeFlag, next state)) bool {
		if inner.final(k.s) {
			if int(k.sep) == len(sep) {
				return true
			}
			to(sep[k.sep], sep[k.sep], 0, state{k.s, off, k.sep + 1})
			return false
		}
		for _, e := range inner.edges[inner.first[k.s]:inner.first[k.s+1]] {
			switch {
			case k.s == 0:
				to(e.lo, e.hi, 0, state{s: inside})
			case e.lo == '\\':
			case e.flag == endsString:
				// The root of the trie is the empty name, which no key here has.
				if k.name == off || !trie.accept[k.name] {
					to(e.lo, e.hi, 0, state{e.next, off, 0})
				}
			default:
				lo := int(e.lo)
				if k.name != off {
					for _, t := range trie.edges[trie.first[k.name]:trie.first[k.name+1]] {
						if t.lo < e.lo || t.lo > e.hi {
							continue
						}
						if lo < int(t.lo) {
							to(byte(lo), t.lo-1, 0, state{e.next, off, 0})
						}
						to(t.lo, t.lo, 0, state{e.next, t.next, 0})
						lo = int(t.lo) + 1
					}
				}
				if lo <= int(e.hi) {
					to(byte(lo), e.hi, 0, state{e.next, off, 0})
				}
			}
		}
		return false
	})
}
