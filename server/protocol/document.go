package protocol

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// raw is the text of node i as it stands in the source.
func (d *document) raw(i int32) string { return d.src[d.nodes[i].start:d.nodes[i].end] }

// str is what the string or key i says. It costs nothing without escapes.
func (d *document) str(i int32) string {
	n := &d.nodes[i]
	s := d.src[n.start+1 : n.end-1]
	if !n.escaped {
		return s
	}
	return unescape(s)
}

func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		n, r := escape(s[i:], tolerant)
		if n == 0 {
			b.WriteString(s[i:])
			return b.String()
		}
		b.WriteRune(r)
		s = s[i+n:]
	}
}

// skip goes on in the source of a string: from the place src, which is byte read
// of what the string says, to byte to. A place inside an escape is that of the
// escape.
func (d *document) skip(src, read, to int) (int, int) {
	for read < to {
		if d.src[src] != '\\' {
			src, read = src+1, read+1
			continue
		}
		size, r := escape(d.src[src:], tolerant)
		n := utf8.RuneLen(r)
		if read+n > to {
			break
		}
		src, read = src+size, read+n
	}
	return src, read
}

// find is the value of the key in object obj, or -1.
func (d *document) find(obj int32, key string) int32 {
	if obj < 0 || d.nodes[obj].kind != object {
		return -1
	}
	for k := obj + 1; k < d.nodes[obj].next; k = d.nodes[k+1].next {
		if d.str(k) == key {
			return k + 1
		}
	}
	return -1
}

// at follows keys from object obj; -1 when one is missing.
func (d *document) at(obj int32, keys ...string) int32 {
	for _, k := range keys {
		if obj = d.find(obj, k); obj < 0 {
			return -1
		}
	}
	return obj
}

// is reports whether node i is there and of kind k.
func (d *document) is(i int32, k jsonKind) bool { return i >= 0 && d.nodes[i].kind == k }

// strOf is what the string i says; "" when it is none.
func (d *document) strOf(i int32) string {
	if !d.is(i, text) {
		return ""
	}
	return d.str(i)
}

// intOf is the whole number at i, at most 1<<53; 0 when there is none.
func (d *document) intOf(i int32) int {
	if !d.is(i, number) {
		return 0
	}
	n, err := strconv.ParseInt(d.raw(i), 10, 64)
	if err != nil || n < -1<<53 || n > 1<<53 {
		return 0
	}
	return int(n)
}

// isTrue reports whether node i is true.
func (d *document) isTrue(i int32) bool { return d.is(i, boolean) && d.src[d.nodes[i].start] == 't' }

// path is the way to node i: messages[1].content[0].text.
func (d *document) path(i int32) string {
	var b []byte
	for at := int32(0); at != i; {
		n := &d.nodes[at]
		switch n.kind {
		case object:
			k := at + 1
			for d.nodes[k+1].next <= i {
				k = d.nodes[k+1].next
			}
			b = appendKey(b, d.str(k))
			if at = k + 1; i == k {
				at = k
			}
		case array:
			v, index := at+1, 0
			for d.nodes[v].next <= i {
				v = d.nodes[v].next
				index++
			}
			b = append(strconv.AppendInt(append(b, '['), int64(index), 10), ']')
			at = v
		default:
			return string(b)
		}
	}
	return string(b)
}

// appendKey keeps paths short and free of what may be a client's text.
func appendKey(path []byte, key string) []byte {
	if len(path) > 0 {
		path = append(path, '.')
	}
	if len(key) > 64 {
		return append(path, "(a long key)"...)
	}
	for i := 0; i < len(key); i++ {
		if c := key[i]; c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return append(path, "(a key)"...)
		}
	}
	return append(path, key...)
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends s as it stands inside a JSON string.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, s[from:]...)
}

// escaped is s as it stands inside a JSON string.
func escaped(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return string(appendEscaped(nil, s))
		}
	}
	return s
}
