package gguf

import "strconv"

// A writer writes JSON; without keep it counts only.
type writer struct {
	out  []byte
	n    int
	keep bool
}

func (w *writer) raw(s string) {
	w.n += len(s)
	if w.keep {
		w.out = append(w.out, s...)
	}
}

func (w *writer) comma(first *bool) {
	if !*first {
		w.raw(",")
	}
	*first = false
}

func (w *writer) bool(b bool) {
	if b {
		w.raw("true")
	} else {
		w.raw("false")
	}
}

func (w *writer) int(n int) {
	var digits [20]byte
	w.bytes(strconv.AppendInt(digits[:0], int64(n), 10))
}

// text writes a string. It allocates nothing: a vocabulary has very many.
func (w *writer) text(s []byte) {
	w.raw(`"`)
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		w.bytes(s[from:i])
		from = i + 1
		switch c {
		case '"':
			w.raw(`\"`)
		case '\\':
			w.raw(`\\`)
		default:
			w.raw(`\u00`)
			w.bytes([]byte{"0123456789abcdef"[c>>4], "0123456789abcdef"[c&15]})
		}
	}
	w.bytes(s[from:])
	w.raw(`"`)
}

func (w *writer) bytes(b []byte) {
	w.n += len(b)
	if w.keep {
		w.out = append(w.out, b...)
	}
}
