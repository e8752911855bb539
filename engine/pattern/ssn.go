package pattern

// ssn recognises social security numbers of the USA, AAA-GG-SSSS. The area is
// not 000, 666 or from 900 up, group and serial are not all zeros. Where the
// words before it say that it is one, the area may be any, since people mistype
// and numbers of taxpayers without an SSN look the same, and blanks or nothing
// may stand for the hyphens.
func (f *finder) ssn(p *phrase) bool {
	start, k := p.groups[0].start, 3
	switch {
	case p.shape(3, 2, 4):
	case p.shape(9):
		k = 1
	default:
		return false
	}
	end := p.groups[k-1].end
	if fraction(f.text, start) || goesOn(f.text, end) || dash(f.text, start-1) > 0 || at(f.text, start-1) == '+' {
		return false
	}
	var buf [maxDigits]byte
	d := p.digits(&buf, k)
	if string(d[3:5]) == "00" || string(d[5:]) == "0000" || string(d[:3]) == "000" {
		return false
	}
	c := before(f.text, start, sentence)
	hyphens := k == 3 && p.joined(3, hyphen)
	switch {
	case c == anSSN && (hyphens || k == 1 || p.joined(3, blank)):
		f.add(start, end, SSN, 0.95, false)
	case !hyphens || c == another || c == aPhone || d[0] == '9' || string(d[:3]) == "666" || published(d):
		return false
	default:
		f.add(start, end, SSN, 0.85, false)
	}
	f.numbers = end
	return true
}

// published reports whether d is one of the numbers that were printed in
// advertisements and belong to nobody.
func published(d []byte) bool {
	return string(d) == "078051120" || string(d) == "219099999"
}
