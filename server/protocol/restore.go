package protocol

import "strings"

// A restorer puts values back where their placeholders stand.
type restorer struct {
	plain map[string]string
	// quoted is for texts that are JSON: values are escaped, and < and > may be
	// written as escapes.
	quoted  map[string]string
	longest int
}

func newRestorer(m *Mask) *restorer {
	if m.Values() == 0 {
		return nil
	}
	r := &restorer{plain: m.values, quoted: make(map[string]string, 3*len(m.values))}
	for name, value := range m.values {
		value = escaped(value)
		bare := name[1 : len(name)-1]
		r.quoted[name] = value
		r.quoted[`\u003c`+bare+`\u003e`] = value
		r.quoted[`\u003C`+bare+`\u003E`] = value
		r.longest = max(r.longest, len(name)+10)
	}
	return r
}

// text puts values back into s. What is held is the end of s that may be the
// beginning of a placeholder; nothing is held when s is final.
func (r *restorer) text(s string, isJSON, final bool) (out, held string) {
	forms, marks := r.plain, "<"
	if isJSON {
		forms, marks = r.quoted, `<\`
	}
	i := strings.IndexAny(s, marks)
	if i < 0 {
		return s, ""
	}
	var b strings.Builder
	from := 0
	for i >= 0 {
		name, value, maybe := match(forms, s[i:], r.longest)
		step := 1
		switch {
		case name != "":
			b.WriteString(s[from:i])
			b.WriteString(value)
			step = len(name)
			from = i + step
		case maybe && !final:
			b.WriteString(s[from:i])
			return b.String(), s[i:]
		case s[i] == '\\':
			step = min(2, len(s)-i) // the next byte belongs to this escape
		}
		next := strings.IndexAny(s[i+step:], marks)
		if next < 0 {
			break
		}
		i += step + next
	}
	if from == 0 {
		return s, ""
	}
	b.WriteString(s[from:])
	return b.String(), ""
}

// match finds the placeholder that s begins with; maybe says that s is the
// beginning of one.
func match(forms map[string]string, s string, longest int) (name, value string, maybe bool) {
	closing, size := ">", 1
	if s[0] == '\\' {
		closing, size = `\u003`, 6
	}
	window := s[:min(len(s), longest)]
	if end := strings.Index(window[1:], closing); end >= 0 && 1+end+size <= len(window) {
		if value, ok := forms[window[:1+end+size]]; ok {
			return window[:1+end+size], value, false
		}
	}
	if len(s) >= longest {
		return "", "", false
	}
	for f := range forms {
		if len(s) < len(f) && strings.HasPrefix(f, s) {
			return "", "", true
		}
	}
	return "", "", false
}

// isJSONKey reports whether the strings under key are JSON themselves.
func isJSONKey(key string) bool { return key == "arguments" || key == "partial_json" }

// whole gives the edits that put values back into every string of a document
// but those that are identifiers, or signed by the upstream.
func (r *restorer) whole(d *document, v int32, key string, jsonOutput bool, edits []edit) []edit {
	n := &d.nodes[v]
	switch n.kind {
	case text:
		if silent(key) || key == "thinking" {
			return edits
		}
		s := d.str(v)
		isJSON := isJSONKey(key) || jsonOutput && (key == "content" || key == "text")
		if out, _ := r.text(s, isJSON, true); out != s {
			edits = append(edits, d.replace(v, string(appendString(nil, out))))
		}
	case array:
		for i := v + 1; i < n.next; i = d.nodes[i].next {
			edits = r.whole(d, i, key, jsonOutput, edits)
		}
	case object:
		if key == "logprobs" {
			return edits
		}
		for k := v + 1; k < n.next; k = d.nodes[k+1].next {
			edits = r.whole(d, k+1, d.str(k), jsonOutput, edits)
		}
	}
	return edits
}
