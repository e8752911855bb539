package jinja

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Python maps some letters to several, which Go's unicode package does not: these
// are they, letter=letters, of Unicode's SpecialCasing.txt.
const (
	longUpper = "ß=SS ŉ=ʼN ǰ=J\u030c ΐ=Ι\u0308\u0301 ΰ=Υ\u0308\u0301 և=ԵՒ ẖ=H\u0331 ẗ=T\u0308 " +
		"ẘ=W\u030a ẙ=Y\u030a ẚ=Aʾ ὐ=Υ\u0313 ὒ=Υ\u0313\u0300 ὔ=Υ\u0313\u0301 ὖ=Υ\u0313\u0342 ᾀ=ἈΙ " +
		"ᾁ=ἉΙ ᾂ=ἊΙ ᾃ=ἋΙ ᾄ=ἌΙ ᾅ=ἍΙ ᾆ=ἎΙ ᾇ=ἏΙ ᾈ=ἈΙ " +
		"ᾉ=ἉΙ ᾊ=ἊΙ ᾋ=ἋΙ ᾌ=ἌΙ ᾍ=ἍΙ ᾎ=ἎΙ ᾏ=ἏΙ ᾐ=ἨΙ " +
		"ᾑ=ἩΙ ᾒ=ἪΙ ᾓ=ἫΙ ᾔ=ἬΙ ᾕ=ἭΙ ᾖ=ἮΙ ᾗ=ἯΙ ᾘ=ἨΙ " +
		"ᾙ=ἩΙ ᾚ=ἪΙ ᾛ=ἫΙ ᾜ=ἬΙ ᾝ=ἭΙ ᾞ=ἮΙ ᾟ=ἯΙ ᾠ=ὨΙ " +
		"ᾡ=ὩΙ ᾢ=ὪΙ ᾣ=ὫΙ ᾤ=ὬΙ ᾥ=ὭΙ ᾦ=ὮΙ ᾧ=ὯΙ ᾨ=ὨΙ " +
		"ᾩ=ὩΙ ᾪ=ὪΙ ᾫ=ὫΙ ᾬ=ὬΙ ᾭ=ὭΙ ᾮ=ὮΙ ᾯ=ὯΙ ᾲ=ᾺΙ " +
		"ᾳ=ΑΙ ᾴ=ΆΙ ᾶ=Α\u0342 ᾷ=Α\u0342Ι ᾼ=ΑΙ ῂ=ῊΙ ῃ=ΗΙ ῄ=ΉΙ " +
		"ῆ=Η\u0342 ῇ=Η\u0342Ι ῌ=ΗΙ ῒ=Ι\u0308\u0300 ΐ=Ι\u0308\u0301 ῖ=Ι\u0342 ῗ=Ι\u0308\u0342 ῢ=Υ\u0308\u0300 " +
		"ΰ=Υ\u0308\u0301 ῤ=Ρ\u0313 ῦ=Υ\u0342 ῧ=Υ\u0308\u0342 ῲ=ῺΙ ῳ=ΩΙ ῴ=ΏΙ ῶ=Ω\u0342 " +
		"ῷ=Ω\u0342Ι ῼ=ΩΙ ﬀ=FF ﬁ=FI ﬂ=FL ﬃ=FFI ﬄ=FFL ﬅ=ST " +
		"ﬆ=ST ﬓ=ՄՆ ﬔ=ՄԵ ﬕ=ՄԻ ﬖ=ՎՆ ﬗ=ՄԽ"
	longTitle = "ß=Ss ŉ=ʼN ǰ=J\u030c ΐ=Ι\u0308\u0301 ΰ=Υ\u0308\u0301 և=Եւ ẖ=H\u0331 ẗ=T\u0308 " +
		"ẘ=W\u030a ẙ=Y\u030a ẚ=Aʾ ὐ=Υ\u0313 ὒ=Υ\u0313\u0300 ὔ=Υ\u0313\u0301 ὖ=Υ\u0313\u0342 ᾲ=Ὰ\u0345 " +
		"ᾴ=Ά\u0345 ᾶ=Α\u0342 ᾷ=Α\u0342\u0345 ῂ=Ὴ\u0345 ῄ=Ή\u0345 ῆ=Η\u0342 ῇ=Η\u0342\u0345 ῒ=Ι\u0308\u0300 " +
		"ΐ=Ι\u0308\u0301 ῖ=Ι\u0342 ῗ=Ι\u0308\u0342 ῢ=Υ\u0308\u0300 ΰ=Υ\u0308\u0301 ῤ=Ρ\u0313 ῦ=Υ\u0342 ῧ=Υ\u0308\u0342 " +
		"ῲ=Ὼ\u0345 ῴ=Ώ\u0345 ῶ=Ω\u0342 ῷ=Ω\u0342\u0345 ﬀ=Ff ﬁ=Fi ﬂ=Fl ﬃ=Ffi " +
		"ﬄ=Ffl ﬅ=St ﬆ=St ﬓ=Մն ﬔ=Մե ﬕ=Մի ﬖ=Վն ﬗ=Մխ"
)

var longCases = sync.OnceValue(func() (maps [2]map[rune]string) {
	for i, list := range []string{longUpper, longTitle} {
		maps[i] = map[rune]string{}
		for _, pair := range strings.Fields(list) {
			r, n := utf8.DecodeRuneInString(pair)
			maps[i][r] = pair[n+1:]
		}
	}
	return maps
})

// upper is str.upper.
func upper(s string) string {
	return mapCase(s, 0, unicode.ToUpper)
}

// mapCase maps every letter, those of longCases first.
func mapCase(s string, which int, simple func(rune) rune) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if r >= utf8.RuneSelf {
			if long, ok := longCases()[which][r]; ok {
				b.WriteString(long)
				continue
			}
		}
		b.WriteRune(simple(r))
	}
	return b.String()
}

// lower is str.lower: a capital sigma at the end of a word becomes its final form.
func lower(s string) string { return lowerFrom(s, 0) }

// lowerFrom is the small letters of s from byte n on.
func lowerFrom(s string, n int) string {
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		if i < n {
			continue
		}
		switch r {
		case 'Σ':
			if finalSigma(s, i) {
				b.WriteRune('ς')
			} else {
				b.WriteRune('σ')
			}
		case 'İ':
			b.WriteString("i\u0307")
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma reports whether the sigma at i has a cased letter before it and
// none after it, but for what is passed over.
func finalSigma(s string, i int) bool {
	before := false
	for rest := s[:i]; rest != ""; {
		r, n := utf8.DecodeLastRuneInString(rest)
		rest = rest[:len(rest)-n]
		if !caseIgnorable(r) {
			before = isCased(r)
			break
		}
	}
	if !before {
		return false
	}
	for _, r := range s[i+len("Σ"):] {
		if !caseIgnorable(r) {
			return !isCased(r)
		}
	}
	return true
}

func isCased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) || unicode.Is(unicode.Other_Lowercase, r) || unicode.Is(unicode.Other_Uppercase, r)
}

func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}

// title writes the first letter of s as at the beginning of a word, and the rest
// in small letters.
func title(s string) string {
	if s == "" {
		return ""
	}
	_, n := utf8.DecodeRuneInString(s)
	return mapCase(s[:n], 1, unicode.ToTitle) + lowerFrom(s, n)
}
