package pattern

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// marked takes the matches that are expected out of a text, where they are
// written as {LABEL:…}.
func marked(s string) (text string, want []string) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '{')
		j := strings.IndexByte(s, '}')
		if i < 0 || j < i {
			b.WriteString(s)
			return b.String(), want
		}
		label, value, ok := strings.Cut(s[i+1:j], ":")
		if !ok {
			panic("BUG: no label in " + s)
		}
		b.WriteString(s[:i])
		want = append(want, fmt.Sprintf("%s %d %q", labels[label], b.Len(), value))
		b.WriteString(value)
		s = s[j+1:]
	}
}

var labels = map[string]string{
	"card": CreditCard, "host": DomainName, "mail": EmailAddress, "iban": IBAN, "ip": IPAddress, "phone": PhoneNumber, "ssn": SSN,
}

func TestFind(t *testing.T) {
	for _, s := range slices.Concat(positive, negative) {
		text, want := marked(s)
		var got []string
		for _, m := range Find(nil, text) {
			got = append(got, fmt.Sprintf("%s %d %q", m.Label, m.Start, text[m.Start:m.End]))
			if verified := m.Label == CreditCard || m.Label == IBAN; m.Verified != verified {
				t.Errorf("%q: %s has Verified %v", text, got[len(got)-1], m.Verified)
			}
			if !(m.Score > 0 && m.Score <= 1) {
				t.Errorf("%q: %s has the score %v", text, got[len(got)-1], m.Score)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// What stands around a match, or the end of the text, must not change it.
func TestFindAnywhere(t *testing.T) {
	for _, s := range positive {
		text, want := marked(s)
		if len(want) != 1 || strings.HasPrefix(text, "{") {
			continue
		}
		for _, around := range [][2]string{{"", "\n"}, {"\n", ""}, {"Hello. ", " Bye."}, {"„", "“"}, {"请看 ", " 谢谢"}, {"\xff ", " \xff"}} {
			m := Find(nil, around[0]+text+around[1])
			if len(m) != 1 || !strings.HasSuffix(want[0], fmt.Sprintf("%q", text[m[0].Start-len(around[0]):m[0].End-len(around[0])])) {
				t.Errorf("%q between %q and %q: got %v, want %s", text, around[0], around[1], m, want)
			}
		}
	}
}

// A number with a wrong check digit is none, whichever digit is wrong.
func TestChecksums(t *testing.T) {
	for s, label := range map[string]string{
		"4111 1111 1111 1111": CreditCard, "5500-0000-0000-0004": CreditCard, "378282246310005": CreditCard,
		"DE89 3704 0044 0532 0130 00": IBAN, "FR1420041010050500013M02606": IBAN,
	} {
		for i := range len(s) {
			if !isDigit(s[i]) {
				continue
			}
			wrong := s[:i] + string('0'+(s[i]-'0'+1)%10) + s[i+1:]
			for _, m := range Find(nil, "pay with "+wrong) {
				if m.Label == label {
					t.Errorf("%s was found as %s", wrong, m.Label)
				}
			}
		}
	}
}

func TestFindAppends(t *testing.T) {
	before := []Match{{1, 2, "X", 0.5, false}}
	got := Find(before, "a@example.com")
	if len(got) != 2 || got[0] != before[0] || got[1].Label != EmailAddress || got[1].Start != 0 {
		t.Errorf("got %v", got)
	}
}

// everything is a text with a match of every label and much that is none.
const everything = "Dear Ann O'Neil, order 7781-22 of 2024-03-05 14:22:10 (ref 550e8400-e29b-41d4-a716-446655440000) " +
	"went to ann.oneil@example.co.uk from 203.0.113.7 and 2001:db8::8a2e:370:7334; pay 4111 1111 1111 1111 or " +
	"GB82 WEST 1234 5698 7654 32, call +44 20 7946 0958 or (212) 555-0147, SSN 123-45-6789, see https://www.example.org/a?b=c. " +
	"Version 1.22.3.4 of main.go, 3.14159 and 00:1B:44:11:3A:B7 stay.\n"

func TestFindDoesNotAllocate(t *testing.T) {
	dst := make([]Match, 0, 64)
	var n int
	if a := testing.AllocsPerRun(100, func() { n = len(Find(dst, everything)) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
	if n != 9 {
		t.Errorf("%d matches, want 9", n)
	}
}

// The time must grow with the text and not with its square: a megabyte of
// anything takes well under a second, where a quadratic scan takes minutes.
func TestFindIsLinear(t *testing.T) {
	const size = 1 << 20
	for _, unit := range []string{
		"1", "@", ":", ".", "a", "-", " ", "(", "+", "/", "1 ", "1-", "1.", "12.", "a.", "a@", "@a.", "a:", "::", "1:", "f:f", "://", "a://", "a://a.com/",
		"a@b.com", "1.1.1.1", "1.1.1.1.", "+1", "(1)", "4111 ", "4111-1111-1111-1111 ", "123-45-6789 ", "DE89", "de89 3704 ", "0171/1 ", "phone 1 ", "www.", "é", "é@", "é.", "联@", "\xff", "\xff@",
		"http://a.b/(", "http://a.com/)", "x@x.x-", "1111111111111111", "((((", "a%", "x1", "_", "ext.1", "1x1", "00 ", "2001:db8::1 ", "1111:", "tel ", "٣", "192.168.", "a-", "-a.-a",
		everything,
	} {
		text := strings.Repeat(unit, size/len(unit))
		start := time.Now()
		Find(nil, text)
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%d bytes of %q took %v", len(text), unit, d)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range slices.Concat(positive, negative) {
		text, _ := marked(s)
		f.Add(text)
	}
	f.Add(everything)
	f.Add("\xff@\xff.com 1.1.1.1\xff")
	f.Fuzz(func(t *testing.T, text string) {
		found := Find(nil, text)
		last := 0
		for _, m := range found {
			if m.Start < last || m.End <= m.Start || m.End > len(text) {
				t.Fatalf("%q: %v", text, found)
			}
			last = m.End
			if utf8.ValidString(text) && (!utf8.RuneStart(text[m.Start]) || m.End < len(text) && !utf8.RuneStart(text[m.End])) {
				t.Fatalf("%q: %v is not on the boundary of a rune", text, m)
			}
			value := text[m.Start:m.End]
			switch m.Label {
			case EmailAddress:
				if strings.Count(value, "@") != 1 {
					t.Errorf("%q: e-mail %q", text, value)
				}
			case CreditCard, IBAN:
				if !m.Verified {
					t.Errorf("%q: %v is not verified", text, m)
				}
			case SSN:
				if n := len(strings.Map(keepDigits, value)); n != 9 {
					t.Errorf("%q: SSN %q", text, value)
				}
			case PhoneNumber:
				if n := len(strings.Map(keepDigits, value)); n < 7 || n > 24 {
					t.Errorf("%q: phone %q", text, value)
				}
			}
		}
		if again := Find(nil, text); !slices.Equal(found, again) {
			t.Errorf("%q: %v, then %v", text, found, again)
		}
	})
}

func keepDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func BenchmarkFind(b *testing.B) {
	dst := make([]Match, 0, 1<<16)
	for name, text := range map[string]string{
		"prose":  strings.Repeat("The quick brown fox jumps over the lazy dog, again and again. ", 1000),
		"mixed":  strings.Repeat(everything, 100),
		"digits": strings.Repeat("1 ", 32000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Find(dst, text)
			}
		})
	}
}
