package explain

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"mom/engine/generate"
	"mom/tokenizer"
)

// gap stands for what was cut out of a text.
const gap = " […] "

// prompt is the question about a text, without the space around it, and how many
// bytes of the text were left out.
func (e *Explainer) prompt(text string) ([]int32, int, error) {
	enc := e.encodings.Get().(*tokenizer.Encoding)
	defer e.encodings.Put(enc)
	cut, err := e.encodeText(enc, strings.TrimSpace(text))
	if err != nil {
		return nil, 0, &generate.RequestError{Reason: err.Error()}
	}
	ids := make([]int32, 0, len(e.prefix)+enc.Len()+len(e.suffix))
	return append(append(append(ids, e.prefix...), enc.IDs...), e.suffix...), cut, nil
}

// encodeText makes at most e.text tokens of a text, of its beginning and its end
// where it has more. Its markers are no tokens.
func (e *Explainer) encodeText(enc *tokenizer.Encoding, text string) (cut int, err error) {
	// Only so much is tokenised: few tokens are longer than this.
	const most = 32
	left, right := len(text), len(text) // text[:left] and text[right:] stay
	if half := e.text * most / 2; len(text) > 2*half {
		left, right = boundary(text, half), boundary(text, len(text)-half)
	}
	for keep := e.text; ; keep -= keep/8 + 1 {
		if keep < 2 {
			return 0, fmt.Errorf("BUG: explain: %d tokens do not hold the beginning and end of a text", e.text)
		}
		t := text
		if right > left {
			t = text[:left] + gap + text[right:]
		}
		if err := e.model.Tokenizer.EncodePlain(enc, t); err != nil {
			return 0, err
		}
		n := enc.Len()
		if n <= e.text {
			return right - left, nil
		}
		// The places in t of the tokens in the middle.
		a, b := enc.Offsets[keep/2].Start, enc.Offsets[n-keep/2].Start
		if left == right {
			left, right = boundary(text, a), boundary(text, b)
			continue
		}
		b += right - left - len(gap)
		left, right = boundary(text, min(a, left)), boundary(text, max(b, right))
	}
}

// boundary is the greatest place up to i where a character begins.
func boundary(text string, i int) int {
	for i = min(max(i, 0), len(text)); i > 0 && i < len(text) && !utf8.RuneStart(text[i]); i-- {
	}
	return i
}
