package explain

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"mom/engine/generate"
)

// naming holds a reason to a form, and to having a name outside of its quotes: that
// of the label that came second. The form alone decides what may be written; but
// without the name the reason does not end, and its second sentence neither. All but
// Err belongs to the model's loop.
type naming struct {
	generate.Constraint
	name   string   // set before the first token; "" for none
	pieces [][]byte // of the vocabulary
	ends   []int32  // tokens that end a text
	points []uint64 // tokens with a mark that ends a sentence

	text  []byte
	named bool // and nothing can change it
	now   bool // the text ends with the name
	mask  []uint64
}

// pointed is the mask of the pieces that end a sentence.
func pointed(pieces [][]byte) []uint64 {
	mask := make([]uint64, (len(pieces)+63)/64)
	for i, p := range pieces {
		if strings.ContainsAny(string(p), ".!?") {
			mask[i/64] |= 1 << (i % 64)
		}
	}
	return mask
}

func (n *naming) Accept(token int32) error {
	if err := n.Constraint.Accept(token); err != nil {
		return err
	}
	if !n.named {
		n.text = append(n.text, n.pieces[token]...)
		outside := outsideQuotes(string(n.text))
		n.now = hasWord(outside, n.name)
		n.named = n.now && hasWord(outside+"x", n.name)
	}
	return nil
}

func (n *naming) Done() bool { return (n.named || n.now) && n.Constraint.Done() }

func (n *naming) MinBytes() int {
	least := n.Constraint.MinBytes()
	if !n.named && !n.now {
		least += len(n.name) + len("; ")
	}
	return least
}

// Limit gives the name up where there is no room for it.
func (n *naming) Limit(bytes int) error {
	if bytes < n.MinBytes() {
		n.named = true
	}
	return n.Constraint.Limit(bytes)
}

func (n *naming) Mask() []uint64 {
	mask := n.Constraint.Mask()
	if n.named = n.named || n.name == ""; n.named || n.now {
		return mask
	}
	n.mask = append(n.mask[:0], mask...)
	for _, id := range n.ends {
		if int(id)/64 < len(n.mask) {
			n.mask[id/64] &^= 1 << (id % 64)
		}
	}
	if strings.ContainsAny(outsideQuotes(string(n.text)), ".!?") {
		for i := range min(len(n.mask), len(n.points)) {
			n.mask[i] &^= n.points[i]
		}
	}
	left := 0
	for _, w := range n.mask {
		left += bits.OnesCount64(w)
	}
	if left == 0 { // it can only end
		n.named = true
		return mask
	}
	return n.mask
}

// outsideQuotes is text without what stands in single quotes.
func outsideQuotes(text string) string {
	word := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	var out strings.Builder
	quoted, last := false, ' '
	for len(text) > 0 { // it may end within a character
		r, n := utf8.DecodeRuneInString(text)
		text = text[n:]
		next, _ := utf8.DecodeRuneInString(text)
		switch {
		case r == '\'' && !quoted && !word(last):
			quoted = true
		case r == '\'' && quoted && !word(next):
			quoted = false
			out.WriteByte(' ')
		case !quoted:
			out.WriteRune(r)
		}
		last = r
	}
	return out.String()
}

// hasWord reports whether text has name as a word or words of its own, in letters of
// any case.
func hasWord(text, name string) bool {
	text, name = strings.ToLower(text), strings.ToLower(name)
	letter := func(r rune) bool { // what may become one counts too
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(name):])
		if (at == 0 || !letter(before)) && (at+len(name) == len(text) || !letter(after)) {
			return true
		}
		at += len(name)
	}
}
