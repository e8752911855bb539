package view

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// latinBigrams are for German, French, Spanish, Italian, Portuguese, Dutch, Polish,
// Turkish, Vietnamese, Swedish, Indonesian, Czech and Romanian what bigrams are for
// English, each language with the same weight, from the project's own texts. Letters
// that are not ASCII end a word.
const latinBigrams = "" +
	"~=B=;@IGF?JB@>;C=NB<=GCL]LK" +
	".MJEBoUFMFPE=A6YFe9==HMWfML" +
	"44PZh2p_e5Z`@_X7il=OV:oblFi" +
	"48kNm9~q0:UII[\\3loEbG@g~~VE" +
	"44_[V-ceh5fXPVL8T{ESZ?\\\\~PL" +
	"-POGGLQIUERJ>A5\\Ok6<?MN^P[P" +
	"06_iY7AVg3\\kEs`8a~9R?Afh~Xb" +
	",7`eT3jGI8gRFbH>n~?MK?hgmbe" +
	"*5_Va6llj;]\\JZK8_wE[BA\\[~Si" +
	".AO@H:QGWWKF?C5DS^C<?TMkaTP" +
	"00f^J/QY_@kLWQB@`~hDP<Xa~dY" +
	"/2bZO9gUB=hTAWM8b~BJ@<XW~Lp" +
	"01ZXL3\\VW7`O<TQ<[lnKFAXp~Wd" +
	"-3HdZ3jel6r]QHP<@~aUUBkttSh" +
	",;dH><U9F<]QV_K@bgaE:EVgxLU" +
	".QJEBORJTIVJ>=6KEi7>ABHMeYQ" +
	"53bd[6\\dH;ma>b[3Hq4OG@m~zUn" +
	"Ecs~bl~hk~~~Rhk~~~Rej\"`otmr" +
	".5TPF4WN[8_NPGJ:\\aMFBAQ\\~TK" +
	".:\\A_8_aW9]FLQU>D`^B4BR^~SJ" +
	"-6]dj2aeG:dVT[W:`~;NC@[VoOW" +
	"/CMIH;POUALJ=?5TJs:?>\\SXVLR" +
	"12eW]0rcl5pVQhO6i{DRbMXo~G]" +
	"4/gOO4k`N2hPZrH9V~QE]Sibs>X" +
	"+7XF[8j~Z8ZhXXUE9jgj6IW~OWb" +
	"*2PEKB]O\\IWLDFD=LpNADLaSe~X" +
	"/5UOH3gS_6`LMLDAOmTYMAZJo>P"

// words_latin.txt has a line of common words, or what ASCII letters leave of them, for
// each of these languages.
//
//go:embed words_latin.txt
var latinWords string

var latinDictionary = sync.OnceValue(func() map[string]int {
	m := map[string]int{}
	for _, w := range strings.Fields(latinWords) {
		m[w]++
	}
	return m
})

// A tongue is what a cipher may have hidden, and how it is known again.
type tongue struct {
	bigrams string
	most    int                   // mean cost of a pair, at most
	words   func() map[string]int // common ones
	share   int                   // percent of the letters in common words, at least
}

var tongues = [...]tongue{
	{bigrams, english + 1, dictionary, 20},
	{latinBigrams, someLatin, latinDictionary, 4},
}

const someLatin = 33 // mean cost of what is taken for one of these languages

// pair is what it costs here that b follows a.
func (t *tongue) pair(a, b byte) int { return int(t.bigrams[int(a)*27+int(b)]) - 33 }

// word is the cost of a word after unshift by k; 0 leaves it as it is.
func (t *tongue) word(w string, k int) tally {
	var y tally
	last := byte(0)
	for i := 0; i <= len(w); i++ {
		c := byte(0)
		if i < len(w) {
			if c = fold(w[i]); k != 0 {
				c = unshift(c, k)
			}
		}
		y.cost += t.pair(last, c)
		y.pairs++
		last = c
	}
	return y
}

const leastTwo = 6 // letters of two words that are enough

// familiar reports whether without the cipher k, if it is not 0, so many percent of the
// letters of s are in common words, of which there are three, or three times as many in
// two; one is longer than two letters.
func (t *tongue) familiar(s string, k, share int) bool {
	in, all, longest := 0, 0, 0
	var met [3]string
	different := 0
	for at := 0; at < len(s); {
		a, b := nextWord(s, at)
		at = b
		all += b - a
		w := s[a:b]
		if len(w) == 0 || !t.common(w, k) {
			continue
		}
		in += len(w)
		longest = max(longest, len(w))
		if len(w) > 1 && different < len(met) && !slices.Contains(met[:different], w) {
			met[different] = w
			different++
		}
	}
	few := different == 2 && in >= leastTwo && 100*in >= 3*share*all
	return longest > 2 && (few || different == len(met) && 100*in >= share*all)
}

// common reports whether w is a common word, without the cipher k if it is not 0.
func (t *tongue) common(w string, k int) bool {
	if len(w) > longestWord {
		return false
	}
	var b [longestWord]byte
	small := lower(b[:copy(b[:], w)])
	if k != 0 {
		unshiftAll(small, k)
	}
	_, ok := t.words()[string(small)]
	return ok
}
