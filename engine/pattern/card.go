package pattern

// card recognises the numbers of payment cards: an issuer's prefix, a length
// that this issuer uses, and the check digit of Luhn (ISO/IEC 7812).
func (f *finder) card(p *phrase) bool {
	start := p.groups[0].start
	if fraction(f.text, start) || dash(f.text, start-1) > 0 && isAlnum(at(f.text, start-2)) {
		return false
	}
	var buf [maxDigits]byte
	for k := min(p.n, 5); k >= 1; k-- {
		if !cardGroups(p, k) {
			continue
		}
		end := p.groups[k-1].end
		if goesOn(f.text, end) {
			continue
		}
		d := p.digits(&buf, k)
		kind := issuer(d)
		if kind == notIssued || !luhn(d) {
			continue
		}
		c := before(f.text, start, sentence)
		if kind == onlyInContext && c != aCard || k == 1 && c == another {
			continue
		}
		f.add(start, end, CreditCard, 0.98, true)
		f.numbers = end
		return true
	}
	return false
}

// cardGroups reports whether the first k groups are how cards are printed.
func cardGroups(p *phrase, k int) bool {
	if k == 1 {
		return p.groups[0].len() >= 12
	}
	if s := p.after[0]; s != blank && s != hyphen || !p.joined(k, s) {
		return false
	}
	switch k {
	case 2:
		return p.shape(6, 13) || p.shape(6, 10)
	case 3:
		return p.shape(4, 6, 5) || p.shape(4, 6, 4)
	case 4:
		return p.shape(4, 4, 4, 4) || p.shape(4, 4, 4, 3) || p.shape(4, 4, 4, 1) || p.shape(4, 4, 4, 2)
	case 5:
		return p.shape(4, 4, 4, 4, 3) || p.shape(4, 4, 4, 4, 2) || p.shape(4, 4, 4, 4, 1)
	}
	return false
}

// luhn checks the last digit of d.
func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		x := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
	}
	return sum%10 == 0
}

type issued uint8

const (
	notIssued issued = iota
	onlyInContext
	isIssued
)

// issuer compares the first digits of d and its length with what the networks
// issue. Twelve and thirteen digits are too common elsewhere to stand alone.
func issuer(d []byte) issued {
	n := len(d)
	if n < 12 || n > 19 {
		return notIssued
	}
	six := 0
	for _, c := range d[:6] {
		six = six*10 + int(c-'0')
	}
	four, three, two := six/100, six/1000, six/10000
	ok := false
	switch {
	case d[0] == '4': // Visa
		ok = n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720: // Mastercard
		ok = n == 16
	case two == 34, two == 37: // American Express
		ok = n == 15
	case three >= 300 && three <= 305, two == 36, two == 38, two == 39: // Diners Club
		ok = n == 14 || n == 16
	case four >= 3528 && four <= 3589: // JCB
		ok = n >= 16
	case two == 35: // reserved for it
		ok = n == 16
	case four == 2131, four == 1800: // JCB of old
		ok = n == 15
	case four == 6011, two == 65, three >= 644 && three <= 649: // Discover, RuPay
		ok = n >= 16
	case two == 62: // UnionPay
		ok = n >= 16
	case four >= 2200 && four <= 2204: // Mir
		ok = n >= 16
	case four == 9792: // Troy
		ok = n == 16
	case maestro(four, two):
		ok = true
	}
	switch {
	case !ok:
		return notIssued
	case n <= 13, two == 35 && (four < 3528 || four > 3589):
		return onlyInContext
	}
	return isIssued
}

func maestro(four, two int) bool {
	switch four {
	case 5018, 5020, 5038, 5893, 6304, 6390, 6759, 6761, 6762, 6763:
		return true
	}
	return two >= 56 && two <= 58
}
