package pattern

import (
	"unicode"
	"unicode/utf8"
)

// phone recognises telephone numbers: with a + or 00 and the code of a country
// (ITU-T E.164), those of the North American plan, and the usual forms of Europe
// with a leading 0. Other numbers are ones only where a word says so.
func (f *finder) phone(p *phrase) {
	start := p.groups[0].start
	bracket := at(f.text, start-1) == '('
	if bracket {
		start--
	}
	plus := at(f.text, start-1) == '+'
	if plus {
		start--
	}
	if !plausibleStart(f.text, start, plus) {
		return
	}
	k, score := 0, float32(0)
	if k = international(p, plus); k > 0 {
		score = 0.9
	} else if !plus {
		k, score = f.national(p, start, bracket)
	}
	if k == 0 {
		return
	}
	end := p.groups[k-1].end
	if bracket && !p.closes(k) { // the bracket is that of the sentence
		start++
	}
	end = extension(f.text, end)
	if !phoneEnds(f.text, end) {
		return
	}
	f.numbers = end
	f.add(start, end, PhoneNumber, score, false)
}

// closes reports whether a bracket is closed within the first k groups.
func (p *phrase) closes(k int) bool {
	for _, s := range p.after[:k-1] {
		if s&closing != 0 {
			return true
		}
	}
	return false
}

// plausibleStart reports whether what stands before a number allows one.
func plausibleStart(text string, i int, plus bool) bool {
	if wordBefore(text, i) || fraction(text, i) {
		return false
	}
	switch p, q := at(text, i-1), at(text, i-2); p {
	case '#', '%', '+', '^', '*', '&', '_':
		return false
	case '-', '/', '\\', '.':
		return !isAlnum(q) || plus && p != '.'
	case ':':
		return plus || !isDigit(q)
	case ')':
		return !isDigit(q)
	}
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return !unicode.Is(unicode.Sc, r)
}

// phoneEnds reports whether a number may end at i.
func phoneEnds(text string, i int) bool {
	if wordAfter(text, i) {
		return false
	}
	switch c, d := at(text, i), at(text, i+1); c {
	case '.', ',', ':', '/':
		return !isDigit(d)
	case '-':
		return !isDigit(d) && (!isLetter(d) || after(text, i) == aPhone)
	case '@', '%', '=', '+':
		return false
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	return !unicode.Is(unicode.Sc, r) && r != '°' && r != '×'
}

// extension is the end of "x123" or " ext. 123" at i; i if there is none.
func extension(text string, i int) int {
	j := i + space(text, i)
	var buf [3]byte
	if j+3 <= len(text) && string(lower(buf[:], text[j:j+3])) == "ext" {
		if j += 3; at(text, j) == '.' {
			j++
		}
		j += space(text, j)
	} else if at(text, j)|0x20 == 'x' {
		j++
	} else {
		return i
	}
	end := digitsEnd(text[:min(len(text), j+7)], j)
	if end == j || wordAfter(text, end) {
		return i
	}
	return end
}

// international returns how many groups are a number with the code of a country,
// 0 if none. Without a plus the first group begins with 00.
func international(p *phrase, plus bool) int {
	skip := 0
	if !plus {
		if g := p.groups[0]; p.n < 2 || g.len() < 3 || p.text[g.start:g.start+2] != "00" {
			return 0
		}
		skip = 2
	}
	var buf [maxDigits]byte
	for k := p.n; k >= 1; k-- {
		d := p.digits(&buf, k)[skip:]
		for i, g := range p.groups[1:k] { // the (0) of +44 (0)20 is not dialled
			if p.text[g.start:g.end] == "0" && p.after[i]&opening != 0 {
				d = d[:len(d)-1]
			}
		}
		lo, hi := numberLen(d)
		if len(d) >= lo && len(d) <= hi && (k > 1 || len(d) >= 10) && !trailing(p, k) {
			return k
		}
	}
	return 0
}

// trailing reports whether the last of k groups is more likely what follows the
// number: a year, or a single digit.
func trailing(p *phrase, k int) bool {
	return k > 1 && p.groups[k-1].len() == 1
}

// numberLen is the number of digits, with the code of the country that d begins
// with, that this country has; 0, 0 where there is no such code.
func numberLen(d []byte) (lo, hi int) {
	if len(d) < 8 {
		return 0, 0
	}
	switch string(d[:2]) {
	case "33", "34", "41", "48", "61", "66":
		return 11, 11
	case "44", "91", "90":
		return 11, 12
	case "31", "32":
		return 10, 11
	case "45", "47", "65":
		return 10, 10
	case "39", "46", "81", "82":
		return 9, 12
	case "43", "49", "86":
		return 9, 14
	case "20", "27", "30", "36", "40", "51", "52", "53", "54", "55", "56", "57", "58", "60", "62", "63", "64", "84",
		"92", "93", "94", "95", "98":
		return 9, 13
	case "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "80", "85", "87",
		"88", "96", "97", "99": // codes of three digits
		if unassigned(d) {
			return 0, 0
		}
		return 9, 13
	}
	switch d[0] {
	case '1', '7':
		return 11, 11
	}
	return 0, 0
}

// unassigned reports whether the code of three digits that d begins with is free.
func unassigned(d []byte) bool {
	switch string(d[:2]) {
	case "69":
		return d[2] > '2'
	case "80":
		return d[2] != '0' && d[2] != '8'
	case "29":
		return d[2] > '1' && d[2] < '7'
	}
	switch string(d[:3]) {
	case "210", "214", "215", "217", "219", "259", "384", "388", "422", "424", "425", "426", "427", "428", "429", "671",
		"851", "854", "857", "858", "859", "884", "885", "887", "889", "969", "978", "990", "991", "999":
		return true
	}
	return false
}

// national returns how many groups are a number as it is written in its own
// country, and how sure that is.
func (f *finder) national(p *phrase, start int, bracket bool) (k int, score float32) {
	k, score = f.nationalForm(p, bracket)
	c := before(f.text, start, sentence)
	if k > 0 {
		switch {
		case c == aPhone:
			return k, 0.95
		case c == another || c == aVersion || c == anSSN || c == aCard:
			if after(f.text, p.groups[k-1].end) != aPhone {
				return 0, 0
			}
		}
		return k, score
	}
	k = spoken(p)
	if k == 0 || c != aPhone && after(f.text, p.groups[k-1].end) != aPhone {
		return 0, 0
	}
	return k, 0.75
}

// nationalForm recognises forms that need no word beside them.
func (f *finder) nationalForm(p *phrase, bracket bool) (k int, score float32) {
	if k := northAmerican(p, bracket); k > 0 {
		return k, 0.8
	}
	first := p.groups[0]
	if at(p.text, first.start-1) == ' ' && isDigit(at(p.text, first.start-2)) {
		return 0, 0 // in the middle of something
	}
	d := p.text[first.start:first.end]
	if d[0] != '0' || len(d) < 2 || d[1] == '0' {
		return 0, 0
	}
	if p.shape(2, 2, 2, 2, 2) && p.after[0]&brackets == 0 && p.joined(5, p.after[0]) { // France
		return 5, 0.85
	}
	return european(p), 0.65
}

// northAmerican recognises NXX-NXX-XXXX, where N is from 2 up, with hyphens or
// dots, the area in brackets, or a 1 before it.
func northAmerican(p *phrase, bracket bool) int {
	i := 0
	if p.shape(1, 3, 3, 4) && p.text[p.groups[0].start] == '1' {
		i = 1
	}
	if p.n < i+3 || !i3(p, i) {
		return 0
	}
	area, exchange := p.text[p.groups[i].start:], p.text[p.groups[i+1].start:]
	if area[0] < '2' || exchange[0] < '2' || area[1:3] == "11" {
		return 0
	}
	s, t := p.after[i], p.after[i+1]
	inBrackets := s&closing != 0 && (i == 0 && bracket || i == 1 && p.after[0]&opening != 0)
	same := s == t && (s == hyphen || s == dot || s == blank && i == 1) && (i == 0 || p.after[0]&base == s || p.after[0] == blank)
	if !inBrackets && !same || t&brackets != 0 || t == slash {
		return 0
	}
	if p.n > i+3 && p.after[i+2]&base == t && t != blank { // it goes on
		return 0
	}
	return i + 3
}

// i3 reports whether groups i to i+2 have 3, 3 and 4 digits.
func i3(p *phrase, i int) bool {
	return p.groups[i].len() == 3 && p.groups[i+1].len() == 3 && p.groups[i+2].len() == 4
}

// european recognises a number that begins with the 0 of its area: 020 7946 0958,
// 0171/1234567, 06-65334860. It has ten or eleven digits in groups of two or
// more, with one separator throughout but after the area.
func european(p *phrase) int {
	if p.groups[0].len() > 5 {
		return 0
	}
	n := p.groups[0].len()
	for i := 1; i < p.n; i++ {
		s := p.after[i-1]
		if p.groups[i].len() < 2 || s&opening != 0 || s == dot || i > 1 && (s != p.after[1] || s == slash) {
			return 0
		}
		n += p.groups[i].len()
		if n > 11 {
			return 0
		}
		if n >= 10 && (i+1 == p.n || p.after[i] != s || n == 11) {
			return i + 1
		}
	}
	return 0
}

// spoken recognises digits that are a number because a word says so: seven to
// thirteen, in any groups that are no date.
func spoken(p *phrase) int {
	for k := p.n; k >= 1; k-- {
		n := p.count(k)
		if n < 7 || n > 13 || dateLike(p, k) || dotted(p, k) {
			continue
		}
		short := false
		for _, g := range p.groups[:k] {
			short = short || g.len() < 2
		}
		if !short {
			return k
		}
	}
	return 0
}

// dateLike reports whether the first k groups begin with a date, or are a span of
// years.
func dateLike(p *phrase, k int) bool {
	if k == 2 {
		return p.year(0) && p.year(1)
	}
	if k < 3 {
		return false
	}
	if p.year(0) && p.groups[1].len() == 2 && p.groups[2].len() == 2 {
		return true
	}
	return p.groups[0].len() <= 2 && p.groups[1].len() <= 2 && p.groups[2].len() == 4 && p.after[0] != blank
}

// year reports whether group i is a year of these centuries.
func (p *phrase) year(i int) bool {
	g := p.groups[i]
	return g.len() == 4 && (p.text[g.start:g.start+2] == "18" || p.text[g.start:g.start+2] == "19" || p.text[g.start:g.start+2] == "20")
}

// dotted reports whether the first k groups look like an address of the Internet.
func dotted(p *phrase, k int) bool {
	if k != 4 || !p.joined(4, dot) {
		return false
	}
	for _, g := range p.groups[:4] {
		if g.len() > 3 {
			return false
		}
	}
	return true
}
