package tokenizer

import (
	"strconv"
	"strings"
)

// Pieces returns, for every id, what its token adds to a text that it continues:
// the bytes of a byte-level token, which may be part of a character, or the text
// of others. It is nil for special tokens, and for ids that are no token.
func (t *Tokenizer) Pieces() [][]byte {
	j := t.joint()
	out := make([][]byte, t.VocabSize())
	for id := range out {
		out[id] = t.piece(int32(id), j)
	}
	return out
}

func (t *Tokenizer) piece(id int32, j joint) []byte {
	var token string
	if a := t.byID[id]; a != nil {
		if a.special {
			return nil
		}
		token = a.content
	} else if t.vocab.token(id) == nil {
		return nil
	} else {
		token = t.modelToken(id)
	}
	switch j {
	case jointBytes:
		if b, ok := fromAlphabet(nil, token); ok {
			return b
		}
		return []byte(token)
	case jointFallback:
		if len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
			if v, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
				return []byte{byte(v)}
			}
		}
		return []byte(strings.ReplaceAll(token, "▁", " "))
	}
	return []byte(strings.Join(t.decodeWithin(token), ""))
}

// A joint is how the texts of tokens join: as bytes of the byte-level alphabet,
// as text with single bytes and ▁ for spaces, or as the decoders have it.
type joint uint8

const (
	jointText joint = iota
	jointBytes
	jointFallback
)

func (t *Tokenizer) joint() joint {
	for _, d := range t.decoders {
		switch {
		case strings.Join(d([]string{"Ġ"}), "") == " ":
			return jointBytes
		case strings.Join(d([]string{"<0x41>"}), "") == "A":
			return jointFallback
		}
	}
	return jointText
}

// decodeWithin runs the decoders on a token that is neither first nor last.
func (t *Tokenizer) decodeWithin(token string) []string {
	const mark = "\x00"
	tokens := []string{mark, token, mark}
	for _, d := range t.decoders {
		tokens = d(tokens)
	}
	text := strings.Join(tokens, "")
	from, to := strings.Index(text, mark), strings.LastIndex(text, mark)
	if from < 0 || from == to {
		return []string{token}
	}
	return []string{strings.TrimSuffix(text[from+1:to], " ")}
}
