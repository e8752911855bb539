package view

import (
	_ "embed"
	"math/bits"
	"strings"
	"sync"
	"unicode/utf8"
)

// bigrams has a row for what stands before, a column for what follows: a
// boundary of a word, then a to z. The byte less 33 is -10 times the natural
// logarithm of the probability, from 1.2 million words of English questions,
// instructions and prose.
const bigrams = "" +
	"~6B>BE@JB;VUGAI<@\\D<4LQ>aLi" +
	"8mH?EeRFeCgN8E2oIq8:3NJV\\Hh" +
	"?8S`Z-hjq=N~8Y^7fz=GO:rqt:~" +
	"?6rHh5px5=~DBZs2kh@V7As~~N~" +
	"(@aiO2bSd7dvV[\\@g{HFeDTbvQ~" +
	",@^C<HMRaOs`DG9VOV69E`LVJRs" +
	"+@wrv:Av~8~~Hrs1t~<^DE~z~V~" +
	"+=jo]3kO;<~~HYDAM~=HSC~r~Ot" +
	"64alk(sl{8~{^`Z:s~I\\HP~k~Qo" +
	"GEN;CBFFsaxU@C.:O`D68^D~_~P" +
	"86~sp0ssmFxexpd1\\x`Os-~~kp~" +
	"-I_VV-]LW5ZgM\\=Ob~X;ZSgUtT~" +
	"37ZU@3Sdv7~Z6Xe9U~fGHDS\\~=y" +
	"41Eil0ggm:|z\\E^7:~]HmCxs~F~" +
	"/Am@5:P6aC`TU\\RBajg=6NQouKl" +
	"7SPJIT7P]QhT>>2IG~6DB9H?]Zl" +
	"=7pb_2hkC@~n7Vl7@~3H?AuopR~" +
	"?Zkxoih~i_s~ThhkmcN^k\"om~s~" +
	"1:[JF0XMd8~OQEJ9VxK?AIScwE~" +
	"*GfHb7]tB=~QVScBFdl?5BvZ~T~" +
	"1?k\\x7jj.7~|S\\d9a~BDNHsSvHu" +
	"=BI?E>VE}D~d9?8]C~358xj~eVh" +
	"G7yps&uq|0~~lu|?m~qhu`~~~^~" +
	"65dli7f~01~tRoB8s~KK]v~^~f~" +
	"/9p>n=hpV8~ygnsT/hlb3OhlUJ~" +
	"%R^QY?`\\|K~|NMT5J}\\?Omy_{|\\" +
	"82ZpU*mjT8m`K^V=d~fd\\N_buF@"

// pair is what it costs, in tenths of a nat, that b follows a; letters are 1 to
// 26, a boundary is 0.
func pair(a, b byte) int { return tongues[0].pair(a, b) }

// Means of costs. English prose has 23 to 27 a pair, other languages in Latin
// script 26 to 36, shifted letters and noise 42 and more.
const (
	english  = 30 // mean cost of what is taken for English
	someText = 36 // of what may be words of some language
)

// fold is 1 to 26 for an ASCII letter, 0 for anything else.
func fold(c byte) byte {
	if c |= 0x20; c >= 'a' && c <= 'z' {
		return c - 'a' + 1
	}
	return 0
}

// A tally adds up the costs of pairs.
type tally struct{ cost, pairs int }

func (t tally) mean() int {
	if t.pairs == 0 {
		return 99
	}
	return t.cost / t.pairs
}

// word is the cost of a word with its boundaries. Letters that are not ASCII
// cost what noise does.
func word(w string) tally { return tongues[0].word(w, 0) }

func (t *tally) add(a, b byte) {
	t.cost += pair(a, b)
	t.pairs++
}

// costOf is the mean cost of a text's words.
func costOf(s string) int {
	var t tally
	last := byte(0)
	for i := 0; i < len(s); i++ {
		c := fold(s[i])
		if c != 0 || last != 0 {
			t.add(last, c)
		}
		last = c
	}
	if last != 0 {
		t.add(last, 0)
	}
	return t.mean()
}

// nextWord is the first run of ASCII letters in s from at on; start is len(s)
// when there is none.
func nextWord(s string, at int) (start, end int) {
	for start = at; start < len(s) && fold(s[start]) == 0; start++ {
	}
	for end = start; end < len(s) && fold(s[end]) != 0; end++ {
	}
	return start, end
}

// words.txt holds common English words and those that attacks are made of, the
// commonest first.
//
//go:embed words.txt
var wordList string

// dictionary has for each word what it costs in a segmentation: the less common,
// the more.
var dictionary = sync.OnceValue(func() map[string]int {
	list := strings.Fields(wordList)
	m := make(map[string]int, len(list))
	for i, w := range list {
		m[w] = 20 + 7*bits.Len(uint(i))
	}
	return m
})

const longestWord = 16

// known reports whether w, of any case, is in the dictionary.
func known(w string) bool { return tongues[0].common(w, 0) }

// lower makes ASCII letters small, in place.
func lower(b []byte) []byte {
	for i := range b {
		b[i] |= 0x20
	}
	return b
}

// segment puts spaces between the words of s, lower-case ASCII letters that
// were written without any: the cheapest way to spell s with words of the
// dictionary, where other letters stand in pieces of their own.
func segment(dst []byte, s string) []byte {
	const stray = 45 // a letter that belongs to no word
	const apart = 30 // beginning a piece of such letters
	type step struct {
		cost   int
		length int // of the last piece
		stray  bool
	}
	best := make([]step, len(s)+1)
	for i := 1; i <= len(s); i++ {
		b := best[i-1]
		best[i] = step{b.cost + stray, 1, true}
		if b.stray {
			best[i].length += b.length
		} else {
			best[i].cost += apart
		}
		for n := 1; n <= min(i, longestWord); n++ {
			if c, ok := dictionary()[s[i-n:i]]; ok && best[i-n].cost+c < best[i].cost {
				best[i] = step{best[i-n].cost + c, n, false}
			}
		}
	}
	var cuts []int
	for i := len(s); i > 0; i -= best[i].length {
		cuts = append(cuts, i)
	}
	at := 0
	for k := len(cuts) - 1; k >= 0; k-- {
		if at > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, s[at:cuts[k]]...)
		at = cuts[k]
	}
	return dst
}

// readable reports whether what was decoded is text for people: mostly letters
// and spaces, without control characters.
func readable(s string) bool {
	if !printable(s) {
		return false
	}
	var n, letters, other, spaces int
	for _, r := range s {
		n++
		switch {
		case isLetter(r):
			letters++
		case r == ' ' || r == '\n' || r == '\t' || r == '\r':
			spaces++
		case r >= '0' && r <= '9':
			other++
		}
	}
	if spaces == 0 && n < 40 {
		return n >= 3 && 20*letters >= 19*n
	}
	return 2*letters >= n && 4*(letters+other+spaces) >= 3*n
}

// printable reports whether s is UTF-8 without control characters.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}
