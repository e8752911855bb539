package view

import "strings"

// leetLetter is the letter that a digit or sign is written for, or 0. A 1 is an
// i here and may be an l too.
func leetLetter(c byte) byte {
	switch c {
	case '0':
		return 'o'
	case '1', '!', '|':
		return 'i'
	case '3':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$':
		return 's'
	case '7', '+':
		return 't'
	case '8':
		return 'b'
	case '9', '6':
		return 'g'
	case '2':
		return 'z'
	}
	return 0
}

const longestLeet = 24 // bytes of a word

// A leetWord is a word in letters.
type leetWord struct {
	plain  [longestLeet]byte
	n      int
	known  bool
	strong bool // evidence that the text is written so
}

func (w *leetWord) text() string { return string(w.plain[:w.n]) }

// leetspeak writes words such as 1gn0r3 in letters. It wants three of them, or
// two in a text of few words: names, units and versions mix letters and digits
// too.
func leetspeak(s string) (string, string) {
	if !hasLeet(s) {
		return s, ""
	}
	strong, familiar, words := 0, 0, 0
	eachToken(s, func(start, end int) {
		words++
		if w, ok := readLeet(s[start:end]); ok && w.strong {
			strong++
			familiar += btoi(w.known)
		}
	})
	if familiar == 0 || strong < 3 && (strong < 2 || 3*strong < words) || strong < 6 && 20*strong < words {
		return s, ""
	}
	b := make([]byte, 0, len(s))
	done := 0
	eachToken(s, func(start, end int) {
		if w, ok := readLeet(s[start:end]); ok {
			b = append(append(b, s[done:start]...), w.plain[:w.n]...)
			done = end
		}
	})
	return string(append(b, s[done:]...)), Leetspeak
}

// hasLeet reports whether a digit or sign stands beside a letter.
func hasLeet(s string) bool {
	for i := 1; i < len(s); i++ {
		a, b := s[i-1], s[i]
		if fold(b) != 0 && leetLetter(a) != 0 || fold(a) != 0 && leetLetter(b) != 0 {
			return true
		}
	}
	return false
}

// eachToken calls do for what stands between blanks, without punctuation around
// it.
func eachToken(s string, do func(start, end int)) {
	for i := 0; i < len(s); {
		if s[i] <= ' ' {
			i++
			continue
		}
		start := i
		for i < len(s) && s[i] > ' ' {
			i++
		}
		end := i
		for start < end && strings.IndexByte(`.,;:?"'()[]*`, s[start]) >= 0 {
			start++
		}
		for start < end && strings.IndexByte(`.,;:?!"'()[]*`, s[end-1]) >= 0 {
			end--
		}
		if start < end {
			do(start, end)
		}
	}
}

// readLeet reads a token that mixes letters with digits or signs. ok reports
// that its letters may be a word.
func readLeet(s string) (w leetWord, ok bool) {
	if len(s) < 2 || len(s) > longestLeet {
		return w, false
	}
	var letters, digits, inside, leading int
	hexOnly := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		l := leetLetter(c)
		switch {
		case fold(c) != 0:
			letters++
			w.plain[i] = c
		case l != 0:
			digits++
			w.plain[i] = l
			if letters > 0 && i+1 < len(s) {
				inside++
			}
			if letters == 0 {
				leading++
			}
		case c == '\'' || c == '-':
			w.plain[i] = c
		default:
			return w, false
		}
		hexOnly = hexOnly && hexValue(c) >= 0
	}
	if letters == 0 || digits == 0 {
		return w, false
	}
	w.n = len(s)
	if fold(s[len(s)-1]) == 0 && inside == 0 && leading == 0 { // mp3, python3
		return w, false
	}
	w.choose(s)
	if w.known {
		w.strong = len(s) >= 3 && (inside > 0 || len(s) >= 4 || leading == 1)
		return w, true
	}
	cost := word(w.text()).mean()
	w.strong = len(s) >= 5 && inside > 0 && !hexOnly && cost <= english-1 && letters >= 2
	return w, w.strong || inside > 0 && len(s) >= 4 && !hexOnly && cost <= english+4
}

// choose decides whether ones are i or l, by which gives a word, or a cheaper
// one.
func (w *leetWord) choose(s string) {
	w.known = known(w.text())
	if w.known || strings.IndexByte(s, '1') < 0 {
		return
	}
	with := word(w.text()).mean()
	alone := *w
	for i := 0; i < len(s); i++ { // the first alone, then all
		if s[i] == '1' {
			other := alone
			other.plain[i] = 'l'
			if known(other.text()) {
				*w = other
				w.known = true
				return
			}
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '1' {
			alone.plain[i] = 'l'
		}
	}
	if k := known(alone.text()); k || word(alone.text()).mean() < with {
		*w = alone
		w.known = k
	}
}
