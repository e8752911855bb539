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
)

// shifted undoes the cipher of Caesar, and its alphabet in reverse, where it
// makes a stretch of words English that was nothing like it.
func shifted(s string) (string, string) {
	// Where English is dear: the only place worth trying.
	start, end, sum, letters := cheaper(s, 0, func(w string) int {
		t := word(w)
		return t.cost - someText*t.pairs
	})
	if sum < leastGain/3 || letters < leastShifted {
		return s, ""
	}
	k, ok := bestShift(s[start:min(end, start+tried)])
	if !ok {
		return s, ""
	}
	start, end, sum, letters = cheaper(s, 0, func(w string) int {
		t, u := word(w), word2(w, k)
		return t.cost - u.cost - 3*t.pairs
	})
	if sum < leastGain || letters < leastShifted {
		return s, ""
	}
	b := []byte(s)
	for i := start; i < end; i++ {
		if c := fold(b[i]); c != 0 {
			b[i] = b[i]&0xe0 | unshift(c, k)
		}
	}
	if !familiar(string(b[start:end])) {
		return s, ""
	}
	name := Caesar
	switch k {
	case 13:
		name = Rot13
	case atbash:
		name = Atbash
	}
	return string(b), name
}

const atbash = 26 // beside the shifts 1 to 25

// unshift is the letter that the cipher k made c of.
func unshift(c byte, k int) byte {
	if k == atbash {
		return 27 - c
	}
	return (c+25-byte(k))%26 + 1
}

// word2 is the cost of a word after unshift.
func word2(w string, k int) tally {
	var t tally
	last := byte(0)
	for i := 0; i < len(w); i++ {
		c := unshift(fold(w[i]), k)
		t.add(last, c)
		last = c
	}
	t.add(last, 0)
	return t
}

// bestShift is the cipher without which s is cheapest, if that is English and
// much cheaper than s.
func bestShift(s string) (int, bool) {
	var costs [atbash + 1]int
	pairs := 0
	for at := 0; at < len(s); {
		a, b := nextWord(s, at)
		at = b
		if a == b {
			break
		}
		w := s[a:b]
		for k := range costs {
			t := word2(w, k)
			costs[k] += t.cost
		}
		pairs += len(w) + 1
	}
	best := 0
	for k, c := range costs {
		if c < costs[best] {
			best = k
		}
	}
	if best == 0 || pairs == 0 {
		return 0, false
	}
	return best, costs[best] <= (english+1)*pairs && costs[0]-costs[best] >= 8*pairs
}

// familiar reports whether a good part of the letters of s is in common words,
// of which there are several.
func familiar(s string) bool {
	in, all := 0, 0
	var met [3]string
	different := 0
	for at := 0; at < len(s); {
		a, b := nextWord(s, at)
		at = b
		all += b - a
		if w := s[a:b]; known(w) {
			in += len(w)
			if different < len(met) && !slices.Contains(met[:different], w) {
				met[different] = w
				different++
			}
		}
	}
	return 5*in >= 2*all && different == len(met)
}

// reversedStretch is where words become English when their letters are read
// backwards.
func reversedStretch(s string) (start, end int, ok bool) {
	start, end, sum, letters := cheaper(s, 0, func(w string) int {
		t, u := word(w), backwards(w)
		return t.cost - u.cost - t.pairs
	})
	if sum < leastGain*2/3 || letters < leastShifted || familiar(s[start:end]) {
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
		b := start
		for b > 0 && fold(s[b-1]) == 0 {
			b--
		}
		a := b
		for a > 0 && fold(s[a-1]) != 0 {
			a--
		}
		if !knownBackwards(s[a:b]) || start-b > 3 {
			break
		}
		start = a
	}
	b := []byte(s[start:end])
	reverseWords(b)
	return start, end, familiar(string(b))
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
