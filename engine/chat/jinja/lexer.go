package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A tokenKind is the kind of a token.
type tokenKind uint8

const (
	tEOF tokenKind = iota
	tData
	tBlockBegin
	tBlockEnd
	tVarBegin
	tVarEnd
	tName
	tString
	tNumber
	tOp
)

// A token is a piece of a template.
type token struct {
	kind  tokenKind
	line  int
	text  string // of data, a name, a string's value, an operator
	value Value  // of a number
}

func (t token) String() string {
	switch t.kind {
	case tEOF:
		return "the end of the template"
	case tBlockEnd:
		return "the end of the statement"
	case tVarEnd:
		return "the end of the print statement"
	case tNumber:
		return "a number"
	}
	return fmt.Sprintf("%.40q", t.text)
}

// isSpace is what Python takes for white space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }

func trimSpaceRight(s string) string { return strings.TrimRightFunc(s, isSpace) }

// lexer cuts a template into tokens.
type lexer struct {
	src       string
	i         int
	line      int
	tokens    []token
	lineStart bool // what comes next begins a line
}

// lex reads the whole template. One newline at its end is dropped, and all
// newlines become "\n".
func lex(source string) []token {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.ReplaceAll(source, "\r", "\n")
	source = strings.TrimSuffix(source, "\n")
	l := &lexer{src: source, line: 1, lineStart: true}
	for l.i < len(l.src) {
		l.data()
	}
	return append(l.tokens, token{kind: tEOF, line: l.line})
}

func (l *lexer) fail(format string, args ...any) {
	panic(failure{l.line, Syntax, fmt.Sprintf(format, args...)})
}

func (l *lexer) emit(kind tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind: kind, line: l.line, text: text})
}

// advance passes over n bytes and counts lines.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.src[l.i:l.i+n], "\n")
	l.i += n
}

// data reads text up to a tag, and the tag.
func (l *lexer) data() {
	rest := l.src[l.i:]
	n := 0
	for {
		k := strings.IndexByte(rest[n:], '{')
		if k < 0 {
			l.emit(tData, rest)
			l.advance(len(rest))
			return
		}
		n += k
		if n+1 < len(rest) && strings.IndexByte("{%#", rest[n+1]) >= 0 {
			break
		}
		n++
	}
	kind := rest[n+1]
	raw := l.rawBegin(n)
	sign := byte(0)
	if n+2 < len(rest) && (rest[n+2] == '-' || rest[n+2] == '+') {
		sign = rest[n+2]
	}
	l.text(rest[:n], sign, kind == '{')
	l.advance(n)
	if raw > 0 {
		l.advance(raw - n)
		l.lineStart = l.src[l.i-1] == '\n'
		l.raw()
		return
	}
	l.advance(2)
	if sign != 0 {
		l.advance(1)
	}
	switch kind {
	case '{':
		l.emit(tVarBegin, "{{")
		l.code(tVarEnd, "}}", "{{")
	case '%':
		l.emit(tBlockBegin, "{%")
		l.code(tBlockEnd, "%}", "{%")
	default:
		l.comment()
	}
}

// text emits the text before a tag, stripped as the tag's sign says: by '-' of
// all white space, else, before a statement or a comment, of what stands between
// it and the beginning of the line.
func (l *lexer) text(s string, sign byte, variable bool) {
	switch {
	case sign == '-':
		s = trimSpaceRight(s)
	case sign != '+' && !variable:
		from := strings.LastIndexByte(s, '\n') + 1
		if (from > 0 || l.lineStart) && strings.TrimLeftFunc(s[from:], isSpace) == "" {
			s = s[:from]
		}
	}
	if s != "" {
		l.emit(tData, s)
	}
}

// rawBegin is where a {% raw %} at n ends; 0 if there is none.
func (l *lexer) rawBegin(n int) int {
	rest := l.src[l.i:]
	if rest[n+1] != '%' {
		return 0
	}
	end, _ := tagAt(rest, n, "raw", false)
	return end
}

// tagAt is where a tag {% name %} at n ends, and its sign; 0 if it is not there.
// closes is whether the tag also takes a newline with it.
func tagAt(s string, n int, name string, closes bool) (end int, sign byte) {
	i := n + 2
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		sign = s[i]
		i++
	}
	i += len(s[i:]) - len(strings.TrimLeftFunc(s[i:], isSpace))
	if !strings.HasPrefix(s[i:], name) {
		return 0, 0
	}
	i += len(name)
	i += len(s[i:]) - len(strings.TrimLeftFunc(s[i:], isSpace))
	switch {
	case strings.HasPrefix(s[i:], "-%}"):
		i += 3
		return i + len(s[i:]) - len(strings.TrimLeftFunc(s[i:], isSpace)), sign
	case strings.HasPrefix(s[i:], "%}"):
		i += 2
		if closes && strings.HasPrefix(s[i:], "\n") {
			i++
		}
		return i, sign
	case closes && strings.HasPrefix(s[i:], "+%}"):
		return i + 3, sign
	}
	return 0, 0
}

// raw reads up to {% endraw %}.
func (l *lexer) raw() {
	rest := l.src[l.i:]
	for n := 0; rest != ""; n++ {
		k := strings.Index(rest[n:], "{%")
		if k < 0 {
			l.fail("{%% raw %%} without {%% endraw %%}")
		}
		n += k
		if end, sign := tagAt(rest, n, "endraw", true); end > 0 {
			l.text(rest[:n], sign, false)
			l.advance(end)
			l.lineStart = rest[end-1] == '\n'
			return
		}
	}
}

// comment passes over the rest of a comment.
func (l *lexer) comment() {
	n := strings.Index(l.src[l.i:], "#}")
	if l.i == len(l.src) {
		return
	}
	if n < 0 {
		l.fail("a comment without its end")
	}
	sign := byte(0)
	if n > 0 {
		sign = l.src[l.i+n-1]
	}
	l.advance(n + 2)
	l.afterTag(sign)
}

// afterTag drops what a tag takes with it of the text behind it.
func (l *lexer) afterTag(sign byte) {
	switch {
	case sign == '-':
		rest := l.src[l.i:]
		l.advance(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
	case sign != '+' && strings.HasPrefix(l.src[l.i:], "\n"):
		l.advance(1)
	}
	l.lineStart = l.src[l.i-1] == '\n'
}

// operators by length, the longest first.
var operators = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

// code reads the tokens of a tag up to its end.
func (l *lexer) code(end tokenKind, mark, begin string) {
	var open []byte // brackets that have to be closed
	for {
		rest := l.src[l.i:]
		l.advance(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
		rest = l.src[l.i:]
		if rest == "" {
			l.fail("%s without %s", begin, mark)
		}
		if len(open) == 0 {
			sign := byte(0)
			if (rest[0] == '-' || rest[0] == '+' && end == tBlockEnd) && strings.HasPrefix(rest[1:], mark) {
				sign = rest[0]
			}
			if sign != 0 || strings.HasPrefix(rest, mark) {
				l.emit(end, mark)
				n := len(mark)
				if sign != 0 {
					n++
				}
				l.advance(n)
				if end == tVarEnd && sign == 0 {
					sign = '+' // keeps the newline
				}
				l.afterTag(sign)
				return
			}
		}
		switch c := rest[0]; {
		case c == '"' || c == '\'':
			l.str(c)
		case c >= '0' && c <= '9':
			l.number()
		case c == '_' || c >= utf8.RuneSelf || c|0x20 >= 'a' && c|0x20 <= 'z':
			n := 0
			for n < len(rest) {
				r, size := utf8.DecodeRuneInString(rest[n:])
				if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
					break
				}
				n += size
			}
			if n == 0 {
				r, _ := utf8.DecodeRuneInString(rest)
				l.fail("unexpected character %q", r)
			}
			l.emit(tName, rest[:n])
			l.advance(n)
		default:
			l.operator(&open)
		}
	}
}

func (l *lexer) operator(open *[]byte) {
	rest := l.src[l.i:]
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch op {
		case "(", "[", "{":
			*open = append(*open, op[0])
		case ")", "]", "}":
			n := len(*open) - 1
			if n < 0 || (*open)[n] != map[string]byte{")": '(', "]": '[', "}": '{'}[op] {
				l.fail("unexpected %q", op)
			}
			*open = (*open)[:n]
		}
		l.emit(tOp, op)
		l.advance(len(op))
		return
	}
	r, _ := utf8.DecodeRuneInString(rest)
	l.fail("unexpected character %q", r)
}
