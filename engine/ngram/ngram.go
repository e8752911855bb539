// Package ngram makes hashed features of a text: its words, pairs of words, and
// pieces of words. A linear model of them knows words that an encoder's small
// vocabulary does not, in any language.
//
// A word is a run of letters, numbers and marks, each character lower-cased by
// itself. Features are every word, every two words in a row, and all stretches
// of 2 to 5 characters of a word with a space on both sides. train/ngrams.py
// makes the same ones.
package ngram

import (
	"unicode"
	"unicode/utf8"
)

// Shortest and longest stretch of characters of a word.
const (
	minPiece = 2
	maxPiece = 5
)

// Kinds of features hash apart.
const (
	wordKind  = 0x9E3779B97F4A7C15
	pairKind  = 0xC2B2AE3D27D4EB4F
	pieceKind = 0x165667B19E3779F9
)

const (
	offset = 14695981039346656037 // FNV-1a of 64 bits
	prime  = 1099511628211
)

// A Set is the features of one text. Its memory is used again.
type Set struct {
	Buckets []uint32 // different ones, in the order in which they occur first

	seen   []uint64 // a bit a bucket
	word   []byte   // lower-cased, a space on both sides
	starts []int    // of its characters, and its end
}

// Read makes s the features of text, hashed to numbers below buckets.
func (s *Set) Read(text string, buckets int) {
	for _, b := range s.Buckets {
		s.seen[b/64] &^= 1 << (b % 64)
	}
	s.Buckets = s.Buckets[:0]
	if len(s.seen)*64 < buckets {
		s.seen = make([]uint64, (buckets+63)/64)
	}
	n := uint64(buckets)
	before := uint64(0) // hash of the word before
	first := true
	for i := 0; i < len(text); {
		s.word, s.starts = append(s.word[:0], ' '), append(s.starts[:0], 0)
		for i < len(text) {
			r, size := utf8.DecodeRuneInString(text[i:])
			if !unicode.In(r, unicode.L, unicode.N, unicode.M) {
				i += size
				break
			}
			i += size
			s.starts = append(s.starts, len(s.word))
			s.word = utf8.AppendRune(s.word, unicode.ToLower(r))
		}
		if len(s.starts) == 1 {
			continue
		}
		hash := uint64(offset)
		for _, c := range s.word[1:] {
			hash = (hash ^ uint64(c)) * prime
		}
		s.add(hash^wordKind, n)
		if !first {
			s.add((before*31+hash)^pairKind, n)
		}
		before, first = hash, false
		s.starts = append(s.starts, len(s.word), len(s.word)+1)
		s.word = append(s.word, ' ')
		s.pieces(n)
	}
}

// pieces adds the stretches of the word at hand.
func (s *Set) pieces(n uint64) {
	chars := len(s.starts) - 1
	for from := range chars {
		hash := uint64(offset)
		for k := 1; k <= maxPiece && from+k <= chars; k++ {
			for _, c := range s.word[s.starts[from+k-1]:s.starts[from+k]] {
				hash = (hash ^ uint64(c)) * prime
			}
			if k >= minPiece {
				s.add(hash^pieceKind, n)
			}
		}
	}
}

func (s *Set) add(hash, n uint64) {
	hash ^= hash >> 33
	hash *= 0xFF51AFD7ED558CCD
	hash ^= hash >> 33
	b := uint32(hash % n)
	if s.seen[b/64]&(1<<(b%64)) == 0 {
		s.seen[b/64] |= 1 << (b % 64)
		s.Buckets = append(s.Buckets, b)
	}
}
