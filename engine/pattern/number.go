package pattern

// A group is a run of digits.
type group struct{ start, end int }

func (g group) len() int { return g.end - g.start }

// A separator is what stands between two groups.
type separator uint8

const (
	none separator = iota
	blank
	hyphen
	dot
	slash
	base     = 0x0F // the bits of one of those
	opening  = 0x10 // and a "(" after it
	closing  = 0x20 // and a ")" before it
	brackets = opening | closing
)

const (
	maxGroups = 9
	maxDigits = 20
)

// A phrase is a number written in groups. It ends where the next group would
// make it longer than any number of interest.
type phrase struct {
	text   string
	groups [maxGroups]group
	after  [maxGroups]separator // after[i] follows groups[i]; none ends the phrase
	n      int
}

// readPhrase reads the groups from i, where the first one begins.
func readPhrase(text string, i int) phrase {
	p := phrase{text: text}
	digits := 0
	for p.n < maxGroups {
		end := digitsEnd(text[:min(len(text), i+maxDigits+1)], i)
		if digits += end - i; digits > maxDigits {
			break
		}
		p.groups[p.n] = group{i, end}
		p.n++
		sep, n := readSeparator(text, end)
		if n == 0 {
			break
		}
		p.after[p.n-1] = sep
		i = end + n
	}
	return p
}

// readSeparator reads what joins two groups: at most one bracket that closes,
// one separator and one bracket that opens.
func readSeparator(text string, i int) (separator, int) {
	start, s := i, none
	if at(text, i) == ')' {
		s |= closing
		i++
	}
	if n := space(text, i); n > 0 {
		s |= blank
		i += n
	} else if n := dash(text, i); n > 0 {
		s |= hyphen
		i += n
	} else if c := at(text, i); c == '.' {
		s |= dot
		i++
	} else if c == '/' {
		s |= slash
		i++
	}
	if at(text, i) == '(' {
		s |= opening
		i++
	}
	if i == start || !isDigit(at(text, i)) {
		return none, 0
	}
	return s, i - start
}

// digits copies the digits of the first k groups to buf.
func (p *phrase) digits(buf *[maxDigits]byte, k int) []byte {
	d := buf[:0]
	for _, g := range p.groups[:k] {
		d = append(d, p.text[g.start:g.end]...)
	}
	return d
}

// count is the number of digits in the first k groups.
func (p *phrase) count(k int) int {
	n := 0
	for _, g := range p.groups[:k] {
		n += g.len()
	}
	return n
}

// shape reports whether the phrase begins with groups of these lengths.
func (p *phrase) shape(lens ...int) bool {
	if p.n < len(lens) {
		return false
	}
	for i, n := range lens {
		if p.groups[i].len() != n {
			return false
		}
	}
	return true
}

// joined reports whether sep and nothing else joins the first k groups.
func (p *phrase) joined(k int, sep separator) bool {
	for _, s := range p.after[:k-1] {
		if s != sep {
			return false
		}
	}
	return true
}

// number runs the recognisers of what begins with digits on the run at i and
// returns where the run ends.
func (f *finder) number(i int) int {
	end := digitsEnd(f.text, i)
	if end-i >= 2 {
		f.iban(i - 2)
	}
	if i < f.numbers || wordBefore(f.text, i) {
		return end
	}
	if end-i <= 3 && at(f.text, end) == '.' {
		f.ipv4(i)
	}
	if end-i > maxDigits || i < f.numbers {
		return end
	}
	p := readPhrase(f.text, i)
	if p.n > 0 && !f.ssn(&p) && !f.card(&p) {
		f.phone(&p)
	}
	return end
}

// fraction reports whether the digits at i go on from a number on their left, as
// in 0.4111 or 1,000.
func fraction(text string, i int) bool {
	c := at(text, i-1)
	return (c == '.' || c == ',') && isDigit(at(text, i-2))
}

// goesOn reports whether the number that ends at i does not end there: a letter,
// a decimal or another group joined by a hyphen follows.
func goesOn(text string, i int) bool {
	if wordAfter(text, i) {
		return true
	}
	if c := at(text, i); c == '.' || c == ',' {
		return isDigit(at(text, i+1))
	}
	n := dash(text, i)
	return n > 0 && (isAlnum(at(text, i+n)))
}
