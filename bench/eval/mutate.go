package eval

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// A Mutator hides a text in a way that people and models still can read. It is
// deterministic: rnd is seeded by the text's place in the file.
type Mutator struct {
	Name string
	// HeldOut marks those that no training may use, so that they say how well a
	// guard reads what it has not seen.
	HeldOut bool
	Mutate  func(rnd *rand.Rand, s string) string
}

// Mutators lists all mutators.
func Mutators() []Mutator {
	return []Mutator{
		{"zero_width", false, zeroWidth},
		{"tags", false, tags},
		{"bidi", false, bidi},
		{"homoglyph", false, homoglyph},
		{"fullwidth", false, func(_ *rand.Rand, s string) string { return strings.Map(fullwidth, s) }},
		{"letter_spacing", false, letterSpacing},
		{"leetspeak", false, leetspeak},
		{"base64", false, func(_ *rand.Rand, s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
		{"hex", false, func(_ *rand.Rand, s string) string { return hex.EncodeToString([]byte(s)) }},
		{"url", false, func(_ *rand.Rand, s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }},
		{"rot13", false, func(_ *rand.Rand, s string) string { return strings.Map(rot13, s) }},
		{"reversed", false, func(_ *rand.Rand, s string) string { return backwards(s) }},
		{"zalgo", false, zalgo},
		{"case_noise", false, caseNoise},
		{"emoji_interleave", true, emojiInterleave},
		{"small_caps", true, func(_ *rand.Rand, s string) string { return strings.Map(smallCaps, s) }},
		{"unicode_escape", true, unicodeEscape},
		{"html_entities", true, htmlEntities},
		{"morse", true, morse},
	}
}

// FindMutators returns the mutators of these names; "all" is all of them.
func FindMutators(names []string) ([]Mutator, error) {
	all := Mutators()
	if slices.Contains(names, "all") {
		return all, nil
	}
	var found []Mutator
	for _, name := range names {
		at := slices.IndexFunc(all, func(m Mutator) bool { return m.Name == name })
		if at < 0 {
			var have []string
			for _, m := range all {
				have = append(have, m.Name)
			}
			return nil, fmt.Errorf("no mutator %q; there are all, %s", name, strings.Join(have, ", "))
		}
		found = append(found, all[at])
	}
	return found, nil
}

// runes builds a text rune by rune; after reports the rune before.
func runes(s string, write func(b *strings.Builder, before, r rune)) string {
	var b strings.Builder
	b.Grow(2 * len(s))
	before := ' '
	for _, r := range s {
		write(&b, before, r)
		before = r
	}
	return b.String()
}

func zeroWidth(rnd *rand.Rand, s string) string {
	invisible := []rune{0x200b, 0x200c, 0x200d, 0x2060, 0xfeff}
	return runes(s, func(b *strings.Builder, before, r rune) {
		if unicode.IsLetter(before) && unicode.IsLetter(r) && rnd.IntN(2) == 0 {
			b.WriteRune(invisible[rnd.IntN(len(invisible))])
		}
		b.WriteRune(r)
	})
}

// tags writes ASCII in the invisible tag characters, behind a harmless word.
func tags(_ *rand.Rand, s string) string {
	return "Hello! " + strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			r = ' '
		}
		if r >= ' ' && r < 0x7f {
			return 0xe0000 + r
		}
		return r
	}, s)
}

// bidi writes each word backwards under an override of the direction, which
// shows it as it was, or puts controls of isolation around its letters.
func bidi(rnd *rand.Rand, s string) string {
	return words(s, func(w string) string {
		if rnd.IntN(2) == 0 {
			return "\u202e" + backwards(w) + "\u202c"
		}
		r := []rune(w)
		half := len(r) / 2
		return string(r[:half]) + "\u2066\u2069" + string(r[half:])
	})
}

// words maps what stands between blanks.
func words(s string, f func(w string) string) string {
	var b strings.Builder
	b.Grow(2 * len(s))
	for len(s) > 0 {
		n := strings.IndexFunc(s, unicode.IsSpace)
		switch {
		case n < 0:
			n = len(s)
			b.WriteString(f(s))
		case n == 0:
			for n < len(s) && (s[n] == ' ' || s[n] == '\n' || s[n] == '\t' || s[n] == '\r') {
				n++
			}
			if n == 0 { // a blank beyond ASCII
				_, n = firstRune(s)
			}
			b.WriteString(s[:n])
		default:
			b.WriteString(f(s[:n]))
		}
		s = s[n:]
	}
	return b.String()
}

func firstRune(s string) (rune, int) {
	for i, r := range s {
		if i > 0 {
			return r, i
		}
	}
	return 0, len(s)
}

func homoglyph(rnd *rand.Rand, s string) string {
	looks := map[rune]string{'a': "аα", 'c': "сϲ", 'e': "е", 'h': "һհ", 'i': "іι", 'j': "ј", 'o': "оοօ", 'p': "рρ", 's': "ѕ", 'u': "ս", 'x': "х", 'y': "у",
		'A': "АΑ", 'B': "ВΒ", 'E': "ЕΕ", 'H': "НΗ", 'I': "ІΙ", 'K': "КΚ", 'M': "МΜ", 'O': "ОΟ", 'P': "РΡ", 'T': "ТΤ", 'X': "ХΧ", 'Y': "ΥҮ"}
	return runes(s, func(b *strings.Builder, _, r rune) {
		if l := []rune(looks[r]); len(l) > 0 && rnd.IntN(10) < 7 {
			r = l[rnd.IntN(len(l))]
		}
		b.WriteRune(r)
	})
}

func fullwidth(r rune) rune {
	if r > ' ' && r < 0x7f {
		return r - '!' + '！'
	}
	return r
}

// letterSpacing puts one separator between any two characters of a text.
func letterSpacing(rnd *rand.Rand, s string) string {
	between := []string{" ", ".", "-", "_", "*"}[rnd.IntN(5)]
	return runes(s, func(b *strings.Builder, before, r rune) {
		if b.Len() > 0 && (between == " " || before != ' ' && r != ' ') {
			b.WriteString(between)
		}
		b.WriteRune(r)
	})
}

func leetspeak(rnd *rand.Rand, s string) string {
	leet := map[rune]string{'a': "4@", 'b': "8", 'e': "3", 'g': "9", 'i': "1!", 'l': "1", 'o': "0", 's': "5$", 't': "7", 'A': "4", 'E': "3", 'I': "1", 'O': "0", 'S': "5", 'T': "7"}
	return runes(s, func(b *strings.Builder, _, r rune) {
		if l := leet[r]; l != "" && rnd.IntN(10) < 7 {
			r = rune(l[rnd.IntN(len(l))])
		}
		b.WriteRune(r)
	})
}

func rot13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

func zalgo(rnd *rand.Rand, s string) string {
	return runes(s, func(b *strings.Builder, _, r rune) {
		b.WriteRune(r)
		if unicode.IsLetter(r) {
			for range 1 + rnd.IntN(5) {
				b.WriteRune(0x300 + rune(rnd.IntN(0x4f)))
			}
		}
	})
}

func caseNoise(rnd *rand.Rand, s string) string {
	return strings.Map(func(r rune) rune {
		if rnd.IntN(2) == 0 {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// emojiInterleave puts an emoji between words, and one inside longer words.
func emojiInterleave(rnd *rand.Rand, s string) string {
	faces := []rune("😀🔥🎉🚀🌈🍕🐱⭐")
	return words(s, func(w string) string {
		r := []rune(w)
		face := func() string { return string(faces[rnd.IntN(len(faces))]) }
		if len(r) >= 5 {
			at := 1 + rnd.IntN(len(r)-1)
			w = string(r[:at]) + face() + string(r[at:])
		}
		return w + " " + face()
	})
}

func smallCaps(r rune) rune {
	const letters = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ"
	if l := unicode.ToLower(r); l >= 'a' && l <= 'z' {
		return []rune(letters)[l-'a']
	}
	return r
}

func unicodeEscape(_ *rand.Rand, s string) string {
	return runes(s, func(b *strings.Builder, _, r rune) {
		if r >= 0x10000 {
			fmt.Fprintf(b, `\U%08x`, r)
			return
		}
		fmt.Fprintf(b, `\u%04x`, r)
	})
}

func htmlEntities(rnd *rand.Rand, s string) string {
	return runes(s, func(b *strings.Builder, _, r rune) {
		if rnd.IntN(2) == 0 {
			fmt.Fprintf(b, "&#x%x;", r)
			return
		}
		fmt.Fprintf(b, "&#%d;", r)
	})
}

// morse writes letters and digits in signals; other characters stand between
// words as they are.
func morse(_ *rand.Rand, s string) string {
	letters := strings.Fields(".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..")
	figures := strings.Fields("----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.")
	return runes(s, func(b *strings.Builder, before, r rune) {
		switch l := unicode.ToLower(r); {
		case l >= 'a' && l <= 'z':
			b.WriteString(letters[l-'a'] + " ")
		case l >= '0' && l <= '9':
			b.WriteString(figures[l-'0'] + " ")
		case unicode.IsSpace(r) && !unicode.IsSpace(before):
			b.WriteString("/ ")
		case r > 0x7f:
			b.WriteRune(r)
		}
	})
}
