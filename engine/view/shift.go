package view

import "slices"

// cheaper finds the stretch of words in s with the highest sum of gain, from
// byte from on. Words with a negative gain may stand in it. It looks for ASCII
// words; gain gets one, with what it costs as it is.
func cheaper(s string, from int, gain func(w string) int) (start, end, sum, letters int) {
	run, runStart, runLetters := 0, from, 0
	for at := from; at < len(s); {
		a, b := nextWord(s, at)
		if a == len(s) {
			break
		}
		at = b
		if run <= 0 {
			run, runStart, runLetters = 0, a, 0
		}
		run += gain(s[a:b])
		runLetters += b - a
		if run > sum {
			sum, start, end, letters = run, runStart, b, runLetters
		}
	}
	return start, end, sum, letters
}

const (
	leastShifted = 14  // letters
	leastGain    = 120 // tenths of a nat that a stretch must become cheaper by
	tried        = 2 << 10
	dear         = 31 // mean cost of a pair in English of what is worth trying
)

// shifted undoes the cipher of Caesar, and its alphabet in reverse, where it
// makes a stretch of words English, or of another language in Latin letters, that
// was nothing like it.
func shifted(s string) (string, string) {
	// Where English is dear: the only place worth trying.
	start, end, sum, letters := cheaper(s, 0, func(w string) int {
		t := word(w)
		return t.cost - dear*t.pairs
	})
	if sum < leastGain/3 || letters < leastShifted {
		return s, ""
	}
	part := s[start:min(end, start+tried)]
	for i := range tongues {
		if t, k := tongues[i].unshifted(s, part); k != 0 {
			switch k {
			case 13:
				return t, Rot13
			case atbash:
				return t, Atbash
			}
			return t, Caesar
		}
	}
	return s, ""
}

// unshifted is s, in which the stretch that is of this tongue without the cipher k is
// read so; k is the best cipher for part, the place worth trying, or 0 for none.
func (t *tongue) unshifted(s, part string) (string, int) {
	k := t.bestShift(part)
	if k == 0 {
		return s, 0
	}
	start, end, sum, letters := cheaper(s, 0, func(w string) int {
		before, after := t.word(w, 0), t.word(w, k)
		return before.cost - after.cost - 3*before.pairs
	})
	if sum < leastGain || letters < leastShifted {
		return s, 0
	}
	if !t.familiar(s[start:end], k, t.share) {
		return s, 0
	}
	b := []byte(s)
	unshiftAll(b[start:end], k)
	// Words at both ends may look like words both ways.
	for end < len(s) {
		from, to := nextWord(s, end)
		if from-end > 3 || from == to || t.common(s[from:to], 0) || !t.common(s[from:to], k) {
			break
		}
		unshiftAll(b[from:to], k)
		end = to
	}
	for start > 0 {
		from, to := wordEnding(s, start)
		if start-to > 3 || from == to || t.common(s[from:to], 0) || !t.common(s[from:to], k) {
			break
		}
		unshiftAll(b[from:to], k)
		start = from
	}
	return string(b), k
}

// unshiftAll undoes the cipher k in place.
func unshiftAll(b []byte, k int) {
	for i := range b {
		if c := fold(b[i]); c != 0 {
			b[i] = b[i]&0xe0 | unshift(c, k)
		}
	}
}

// wordEnding is the last run of ASCII letters in s before at.
func wordEnding(s string, at int) (start, end int) {
	for end = at; end > 0 && fold(s[end-1]) == 0; end-- {
	}
	for start = end; start > 0 && fold(s[start-1]) != 0; start-- {
	}
	return start, end
}

const atbash = 26 // beside the shifts 1 to 25

// unshift is the letter that the cipher k made c of.
func unshift(c byte, k int) byte {
	if k == atbash {
		return 27 - c
	}
	return (c+25-byte(k))%26 + 1
}

// bestShift is the cipher without which s is cheapest, if that is of this tongue and
// much cheaper than s; else 0.
func (t *tongue) bestShift(s string) int {
	var costs [atbash + 1]int
	pairs := 0
	for at := 0; at < len(s); {
		a, b := nextWord(s, at)
		at = b
		if a == b {
			break
		}
		for k := range costs {
			costs[k] += t.word(s[a:b], k).cost
		}
		pairs += b - a + 1
	}
	best := 0
	for k, c := range costs {
		if c < costs[best] {
			best = k
		}
	}
	if pairs == 0 || costs[best] > t.most*pairs || costs[0]-costs[best] < 8*pairs {
		return 0
	}
	return best
}

// reversedStretch is where words become English when their letters are read
// backwards.
func reversedStretch(s string) (start, end int, ok bool) {
	start, end, sum, letters := cheaper(s, 0, func(w string) int {
		t, u := word(w), backwards(w)
		return t.cost - u.cost - t.pairs
	})
	if sum < leastGain*2/3 || letters < leastShifted || tongues[0].familiar(s[start:end], 0, 40) {
		return 0, 0, false
	}
	// Words at both ends may look like English both ways.
	for end < len(s) {
		a, b := nextWord(s, end)
		if !knownBackwards(s[a:b]) || a-end > 3 {
			break
		}
		end = b
	}
	for start > 0 {
		a, b := wordEnding(s, start)
		if !knownBackwards(s[a:b]) || start-b > 3 {
			break
		}
		start = a
	}
	b := []byte(s[start:end])
	reverseWords(b)
	return start, end, tongues[0].familiar(string(b), 0, 40)
}

// knownBackwards reports a word that is one only backwards.
func knownBackwards(w string) bool {
	if len(w) == 0 || len(w) > longestWord || known(w) {
		return false
	}
	var b [longestWord]byte
	n := copy(b[:], w)
	slices.Reverse(b[:n])
	_, ok := dictionary()[string(lower(b[:n]))]
	return ok
}

// backwards is the cost of a word read backwards.
func backwards(w string) tally {
	var t tally
	last := byte(0)
	for i := len(w) - 1; i >= 0; i-- {
		c := fold(w[i])
		t.add(last, c)
		last = c
	}
	t.add(last, 0)
	return t
}

// reversed reads a stretch backwards.
func reversed(s string) (string, string) {
	start, end, ok := reversedStretch(s)
	if !ok {
		return s, ""
	}
	// Punctuation at both ends belongs to the stretch.
	for start > 0 && punctuation(s[start-1]) {
		start--
	}
	for end < len(s) && punctuation(s[end]) {
		end++
	}
	b := []byte(s)
	reverseRunes(b[start:end])
	return string(b), Reversed
}

func punctuation(c byte) bool {
	return c == '.' || c == ',' || c == '!' || c == '?' || c == ';' || c == ':'
}

// reversedWords reads each word of a stretch backwards.
func reversedWords(s string) string {
	start, end, ok := reversedStretch(s)
	if !ok {
		return s
	}
	b := []byte(s)
	reverseWords(b[start:end])
	return string(b)
}

func reverseWords(b []byte) {
	for i := 0; i < len(b); {
		if fold(b[i]) == 0 {
			i++
			continue
		}
		from := i
		for i < len(b) && fold(b[i]) != 0 {
			i++
		}
		for j, k := from, i-1; j < k; j, k = j+1, k-1 {
			b[j], b[k] = b[k], b[j]
		}
	}
}
