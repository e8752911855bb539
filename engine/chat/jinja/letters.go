package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isDigit has decimal digits and those of Unicode's Numeric_Type=Digit.
func isDigit(r rune) bool {
	switch {
	case unicode.IsDigit(r):
		return true
	case r == 0xB2, r == 0xB3, r == 0xB9, r == 0x2070, r >= 0x2074 && r <= 0x2079, r >= 0x2080 && r <= 0x2089, r >= 0x2460 && r <= 0x2468,
		r >= 0x2474 && r <= 0x247C, r >= 0x2488 && r <= 0x2490, r == 0x24EA, r >= 0x24F5 && r <= 0x24FD, r == 0x24FF, r >= 0x2776 && r <= 0x277E,
		r >= 0x2780 && r <= 0x2788, r >= 0x278A && r <= 0x2792, r >= 0x1369 && r <= 0x1371, r == 0x19DA, r >= 0x10A40 && r <= 0x10A43,
		r >= 0x10E60 && r <= 0x10E68, r >= 0x11052 && r <= 0x1105A, r >= 0x1F100 && r <= 0x1F10A:
		return true
	}
	return false
}

// isNumeric has all numbers, and the ideographs that are some.
func isNumeric(r rune) bool {
	return unicode.IsNumber(r) || r >= 0x3400 && strings.ContainsRune("㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒柶参百肆萬貮貳贰阡陆陌陸零漆玖京", r)
}

// caseFold is casefold of ASCII.
func caseFold(in *interp, s string, a args) Value {
	if !isASCII(s) {
		in.fail("casefold of other letters than ASCII is not supported")
	}
	return plain(lower)(in, s, a)
}

// titleWords writes every run of letters with a capital.
func titleWords(s string) string {
	var b strings.Builder
	previous := false
	for i, r := range s {
		switch {
		case previous:
			b.WriteString(lowerAt(s, i, r))
		default:
			b.WriteString(mapCase(string(r), 1, unicode.ToTitle))
		}
		previous = isCased(r)
	}
	return b.String()
}

// lowerAt is the small letter of r at byte i of s.
func lowerAt(s string, i int, r rune) string {
	if r == 'Σ' && finalSigma(s, i) {
		return "ς"
	}
	return lower(string(r))
}

func swapCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lowerAt(s, i, r))
		case unicode.IsLower(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isCase reports whether s has cased letters, all of the one case.
func isCase(s string, up bool) bool {
	cased := false
	for _, r := range s {
		isUp := unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r)
		isLow := unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r)
		if unicode.IsTitle(r) || up && isLow || !up && isUp {
			return false
		}
		cased = cased || isUp || isLow
	}
	return cased
}

func isTitle(s string) bool {
	cased, previous := false, false
	for _, r := range s {
		up := unicode.IsUpper(r) || unicode.IsTitle(r)
		switch {
		case up && previous, unicode.IsLower(r) && !previous:
			return false
		case up || unicode.IsLower(r):
			previous, cased = true, true
		default:
			previous = false
		}
	}
	return cased
}
