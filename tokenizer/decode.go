package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder turns a list of tokens, as written in the file, towards text.
type decoder func(tokens []string) []string

// Decode returns the text of ids, with U+FFFD for bytes that are not UTF-8. Ids
// that are not tokens are left out, with skipSpecial also special tokens. It is
// what Hugging Face's decode returns; it need not be the text that was encoded.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		text := ""
		if a := t.byID[id]; a != nil {
			if a.special && skipSpecial {
				continue
			}
			text = a.content
			if a.normalized {
				text, _ = normalizeToken(t.steps, text) // Parse did it without an error
			}
		} else if t.vocab.token(id) == nil {
			continue
		} else {
			text = t.modelToken(id)
		}
		tokens = append(tokens, text)
	}
	for _, d := range t.decoders {
		tokens = d(tokens)
	}
	if t.joinSpace {
		return strings.Join(tokens, " ")
	}
	return strings.Join(tokens, "")
}

// decodeBytes reads tokens of the byte-level alphabet. A token with another
// character stands for itself.
func decodeBytes(tokens []string) []string {
	var out []byte
	for _, token := range tokens {
		n := len(out)
		var ok bool
		if out, ok = fromAlphabet(out, token); !ok {
			out = append(out[:n], token...)
		}
	}
	return []string{ValidUTF8(out)}
}

// ValidUTF8 is b as text, with U+FFFD for every maximal part of a character that is cut short,
// and for every other byte that does not belong there.
func ValidUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out []byte
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			n = subpart(b[i:])
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	return string(out)
}

// subpart returns the length of the maximal prefix of b, which is not a
// character, that some character begins with (Unicode 3.9, U+FFFD Substitution
// of Maximal Subparts).
func subpart(b []byte) int {
	low, high, need := byte(0x80), byte(0xBF), 0
	switch c := b[0]; {
	case c >= 0xC2 && c < 0xE0:
		need = 1
	case c >= 0xE0 && c < 0xF0:
		need = 2
		if c == 0xE0 {
			low = 0xA0
		} else if c == 0xED {
			high = 0x9F
		}
	case c >= 0xF0 && c < 0xF5:
		need = 3
		if c == 0xF0 {
			low = 0x90
		} else if c == 0xF4 {
			high = 0x8F
		}
	}
	n := 1
	for ; n <= need && n < len(b) && b[n] >= low && b[n] <= high; n++ {
		low, high = 0x80, 0xBF
	}
	return n
}

// decodeFallback joins byte tokens <0x..> to text; bytes that are not UTF-8
// become one U+FFFD each.
func decodeFallback(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		if utf8.Valid(run) {
			if len(run) > 0 {
				out = append(out, string(run))
			}
		} else {
			for range run {
				out = append(out, string(utf8.RuneError))
			}
		}
		run = run[:0]
	}
	for _, token := range tokens {
		if len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
			if v, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
				run = append(run, byte(v))
				continue
			}
		}
		flush()
		out = append(out, token)
	}
	flush()
	return out
}

func decodeFuse(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// each makes a decoder of a function of a token and its place.
func each(f func(i int, token string) string) decoder {
	return func(tokens []string) []string {
		out := make([]string, len(tokens))
		for i, token := range tokens {
			out[i] = f(i, token)
		}
		return out
	}
}

func replaceDecoder(from, to string) decoder {
	return each(func(_ int, token string) string { return strings.ReplaceAll(token, from, to) })
}

// wordPieceDecoder puts a space before every token that does not continue a
// word; cleanup takes those away again that English does not write.
func wordPieceDecoder(prefix string, cleanup bool) decoder {
	rules := [][2]string{{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}}
	return each(func(i int, token string) string {
		if i > 0 {
			if rest, ok := strings.CutPrefix(token, prefix); ok {
				token = rest
			} else {
				token = " " + token
			}
		}
		if cleanup {
			for _, r := range rules {
				token = strings.ReplaceAll(token, r[0], r[1])
			}
		}
		return token
	})
}

// bpeDecoder makes the end-of-word suffix a space, but for the last token.
func bpeDecoder(suffix string) decoder {
	return func(tokens []string) []string {
		out := make([]string, len(tokens))
		for i, token := range tokens {
			space := " "
			if i == len(tokens)-1 {
				space = ""
			}
			out[i] = strings.ReplaceAll(token, suffix, space)
		}
		return out
	}
}

func metaspaceDecoder(char string, prefixed bool) decoder {
	return each(func(i int, token string) string {
		space := " "
		if i == 0 && prefixed {
			space = ""
		}
		return strings.ReplaceAll(token, char, space)
	})
}

// stripDecoder takes at most start and stop times content off a token's ends.
func stripDecoder(content rune, start, stop int) decoder {
	char := string(content)
	return each(func(_ int, token string) string {
		for i := 0; i < start && strings.HasPrefix(token, char); i++ {
			token = token[len(char):]
		}
		for i := 0; i < stop && strings.HasSuffix(token, char); i++ {
			token = token[:len(token)-len(char)]
		}
		return token
	})
}
