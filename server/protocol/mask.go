package protocol

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mom/router"
)

// A Mask replaces personal data in a request by placeholders such as
// <EMAIL_ADDRESS_1>, and knows what they stand for. A value has the same
// placeholder wherever it stands in the request, and no placeholder is a text
// that the request had before. A Mask belongs to one request; it holds personal
// data and must not be logged or kept. It is safe for concurrent reads.
type Mask struct {
	edits  []edit
	values map[string]string // by placeholder
	names  map[string]string // placeholder by value
	next   map[string]int64  // the last number used, by type

	// While it is made:
	doc      *document
	texts    []Text
	numbered bool
}

// NewMask hides the spans, which are stretches of bytes of the texts
// r.Texts[Part]. In a text that is JSON only the insides of its strings and whole
// numbers are replaced, so that it stays JSON. It returns nil when there is
// nothing to hide.
func NewMask(r *Request, spans []router.PartSpan) *Mask {
	if len(spans) == 0 {
		return nil
	}
	return hideAll(&r.doc, r.Texts, spans, true)
}

// hideAll hides the spans of texts of a document. Placeholders without a number
// cannot be told apart, and are not remembered.
func hideAll(d *document, texts []Text, spans []router.PartSpan, numbered bool) *Mask {
	m := &Mask{doc: d, texts: texts, numbered: numbered, values: map[string]string{}, names: map[string]string{}, next: map[string]int64{}}
	sorted := slices.Clone(spans)
	for i := range sorted {
		s := &sorted[i]
		if s.Part < 0 || s.Part >= len(texts) || s.Start < 0 || s.End > len(texts[s.Part].Text) || s.Start > s.End {
			panic("BUG: protocol: a span lies outside its text")
		}
		s.Start, s.End = runes(texts[s.Part].Text, s.Start, s.End)
	}
	slices.SortStableFunc(sorted, func(a, b router.PartSpan) int {
		if a.Part != b.Part {
			return a.Part - b.Part
		}
		return a.Start - b.Start
	})
	var h *hiding
	for i := 0; i < len(sorted); {
		s := sorted[i]
		if i == 0 || sorted[i-1].Part != s.Part {
			h = m.hiding(&texts[s.Part])
		}
		// Spans that overlap are hidden as one.
		for i++; i < len(sorted) && sorted[i].Part == s.Part && sorted[i].Start < s.End; i++ {
			s.End = max(s.End, sorted[i].End)
		}
		if s.Start < s.End {
			h.hide(s)
		}
	}
	m.doc, m.texts = nil, nil
	return m
}

// Values is how many different values are hidden.
func (m *Mask) Values() int {
	if m == nil {
		return 0
	}
	return len(m.values)
}

// runes widens a stretch of s to whole characters.
func runes(s string, start, end int) (int, int) {
	for start > 0 && start < len(s) && !utf8.RuneStart(s[start]) {
		start--
	}
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	return start, end
}

// A hiding goes through the spans of one text, in order, once.
type hiding struct {
	m    *Mask
	text *Text
	read int // bytes of the text before src
	src  int // place in the document's source

	inner *document // of a text that is JSON
	next  int       // node of inner that may reach into the next span
	from  int       // what is hidden of inner ends here
}

func (m *Mask) hiding(t *Text) *hiding {
	h := &hiding{m: m, text: t, src: int(m.doc.nodes[t.node].start)}
	if !t.raw {
		h.src++
	}
	if t.JSON {
		if inner, err := scan(t.Text, tolerant); err == nil {
			h.inner = &inner
		}
	}
	return h
}

// at is the place in the document's source of byte i of the text; i must not
// fall from call to call.
func (h *hiding) at(i int) int {
	if h.text.raw || !h.m.doc.nodes[h.text.node].escaped {
		h.src += i - h.read
		h.read = i
		return h.src
	}
	h.src, h.read = h.m.doc.skip(h.src, h.read, i)
	return h.src
}

func (h *hiding) hide(s router.PartSpan) {
	if h.inner != nil {
		h.hideInner(s)
		return
	}
	name := h.m.name(s.Type, h.text.Text[s.Start:s.End])
	h.m.edits = append(h.m.edits, edit{h.at(s.Start), h.at(s.End), name})
}

// hideInner hides a span of a text that is JSON.
func (h *hiding) hideInner(s router.PartSpan) {
	for i := h.next; i < len(h.inner.nodes); i++ {
		n := &h.inner.nodes[i]
		if int(n.start) >= s.End {
			return
		}
		if n.kind != array && n.kind != object {
			h.next = i
		}
		start, end := max(s.Start, h.from, int(n.start)), min(s.End, int(n.end))
		if start >= end {
			continue
		}
		switch n.kind {
		case number:
			name := h.m.name(s.Type, h.inner.raw(int32(i)))
			if h.text.raw {
				name = `"` + name + `"`
			} else {
				name = `\"` + name + `\"`
			}
			h.from = int(n.end)
			h.m.edits = append(h.m.edits, edit{h.at(int(n.start)), h.at(int(n.end)), name})
		case text:
			start, end = whole(h.inner, n, start, end, h.from)
			if start = max(start, h.from); start < end {
				name := h.m.name(s.Type, unescape(h.inner.src[start:end]))
				h.from = end
				h.m.edits = append(h.m.edits, edit{h.at(start), h.at(end), name})
			}
		}
	}
}

// whole moves the ends of a stretch of the string n off its quotes and out of
// its escapes: \n and the like are left out at the start, all else is taken in.
// No escape of the string reaches over the place from.
func whole(d *document, n *node, start, end, from int) (int, int) {
	start, end = max(start, int(n.start)+1), min(end, int(n.end)-1)
	if !n.escaped {
		return start, end
	}
	for at := max(int(n.start)+1, from); at < end; {
		if d.src[at] != '\\' {
			at++
			continue
		}
		size, _ := escape(d.src[at:], tolerant)
		if at < start && start < at+size {
			if start = at; size == 2 {
				start = at + 2
			}
		}
		if at < end && end < at+size {
			end = at + size
		}
		at += size
	}
	return start, end
}

// name is the placeholder of a value.
func (m *Mask) name(kind, value string) string {
	if name, ok := m.names[value]; ok {
		return name
	}
	kind = placeholderType(kind)
	if !m.numbered {
		return "<" + kind + ">"
	}
	if _, ok := m.next[kind]; !ok {
		m.next[kind] = m.highest(kind + "_")
	}
	m.next[kind]++
	name := "<" + kind + "_" + strconv.FormatInt(m.next[kind], 10) + ">"
	m.names[value], m.values[name] = name, value
	return name
}

// placeholderType keeps placeholders to capitals, digits and underscores.
func placeholderType(kind string) string {
	kind = strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return '_'
	}, kind)
	if kind == "" {
		return "PII"
	}
	return kind[:min(len(kind), 64)]
}

// highest is the highest number that follows prefix anywhere in the request, as
// it came or as it reads.
func (m *Mask) highest(prefix string) (most int64) {
	look := func(s string) {
		for {
			i := strings.Index(s, prefix)
			if i < 0 {
				return
			}
			s = s[i+len(prefix):]
			n := int64(0)
			for d := 0; d < len(s) && d < 15 && s[d] >= '0' && s[d] <= '9'; d++ {
				n = n*10 + int64(s[d]-'0')
			}
			most = max(most, n)
		}
	}
	look(m.doc.src)
	for i := range m.texts {
		if t := &m.texts[i]; !t.raw && m.doc.nodes[t.node].escaped {
			look(t.Text)
		}
	}
	return most
}
