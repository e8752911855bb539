package pattern

import (
	"unicode"
	"unicode/utf8"
)

// A hostName is a name with dots that was read.
type hostName struct {
	end    int    // of the name, without a dot at its end
	labels int    //
	tld    string // the last label
	second string // the label before it
}

// readHost reads the host name at i. The end is where no label goes on; names of
// one label, of a last label with other things than letters, and with a label
// that begins or ends in a hyphen are none.
func readHost(text string, i int) (h hostName, ok bool) {
	start := i
	for {
		label, letters := i, true
		for i < len(text) && i-start <= maxHost {
			c := text[i]
			if c < utf8.RuneSelf {
				if !isAlnum(c) && c != '-' {
					break
				}
				letters = letters && isLetter(c)
				i++
				continue
			}
			r, size := utf8.DecodeRuneInString(text[i:])
			if !labelRune(r) {
				break
			}
			i += size
		}
		if i == label { // a dot at the end, or two of them
			i--
			break
		}
		if i-start > maxHost {
			return h, false
		}
		h.labels++
		h.second, h.tld = h.tld, text[label:i]
		h.end = i
		if text[label] == '-' || text[i-1] == '-' && (at(text, i) == '.' || h.labels < 2) {
			return h, false
		}
		if at(text, i) != '.' {
			break
		}
		i++
	}
	for h.end > start && text[h.end-1] == '-' {
		h.end--
		h.tld = h.tld[:len(h.tld)-1]
	}
	if h.labels < 2 || at(text, h.end) == '_' || !isTLD(h.tld) {
		return h, false
	}
	return h, true
}

// labelRune reports whether r, not ASCII, may be part of an internationalised
// label. Scripts without spaces are left out: their sentences touch the name.
func labelRune(r rune) bool {
	return r != utf8.RuneError && r < cjk && (unicode.IsLetter(r) || unicode.IsMark(r))
}

// isTLD reports whether s has the form of a top-level domain.
func isTLD(s string) bool {
	if len(s) > 4 && s[:4] == "xn--" {
		return true
	}
	for i := range len(s) {
		if s[i] < utf8.RuneSelf && !isLetter(s[i]) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 24
}

// host recognises a bare host name around the first dot of it, at i, with the
// path behind it if there is one. A name of two labels is one only if its
// top-level domain is seldom something else.
func (f *finder) host(i int) {
	if i < f.hosts {
		return
	}
	start := labelStart(f.text, i)
	f.hosts = i + 1
	if start == i {
		return
	}
	h, ok := readHost(f.text, start)
	if f.hosts = max(f.hosts, h.end); !ok {
		return
	}
	next := at(f.text, h.end)
	switch p := at(f.text, start-1); {
	case p == '@', p == '_', p == '%', p == '.', p == '\\', p == '$', p == '-', p == '/' && at(f.text, start-2) != '/':
		return
	case next == '@', next == '(', next == '=', next == '[', next == '_', next == '\\':
		return
	}
	www := h.labels >= 3 && len(f.text) > start+4 && isWWW(f.text[start:start+4])
	kind, known := tldOf(h.tld)
	if !known || !www && !f.bareHost(start, h, kind) {
		return
	}
	score := float32(0.7)
	if www {
		score = 0.9
	}
	end := pathEnd(f.text, h.end)
	f.hosts = max(f.hosts, end)
	f.add(start, end, DomainName, score, false)
}

// labelStart is where the label that ends at i begins.
func labelStart(text string, i int) int {
	start := i
	for start > 0 && i-start < 64 {
		if c := text[start-1]; c < utf8.RuneSelf {
			if !isAlnum(c) && c != '-' {
				break
			}
			start--
			continue
		}
		r, size := utf8.DecodeLastRuneInString(text[:start])
		if !labelRune(r) {
			break
		}
		start -= size
	}
	return start
}

func isWWW(s string) bool {
	return s[0]|0x20 == 'w' && s[1]|0x20 == 'w' && s[2]|0x20 == 'w' && s[3] == '.'
}

// bareHost reports whether a name without scheme and www is a host and no file,
// member of a program, or two sentences without a blank between them.
func (f *finder) bareHost(start int, h hostName, kind tldKind) bool {
	first := f.text[start:h.end]
	for i := range len(first) {
		if first[i] == '.' {
			first = first[:i]
			break
		}
	}
	if reversed(first) || h.labels == 2 && framework(first, h.tld) {
		return false
	}
	if isUpper(h.tld) && (kind != certain || !isUpper(h.tld[1:]) || !isUpper(h.second)) { // end.So
		return false
	}
	if h.labels >= 3 && registry(h.second) && (len(h.tld) == 2) { // example.co.uk
		return true
	}
	path := at(f.text, h.end) == '/' && isAlnum(at(f.text, h.end+1))
	switch kind {
	case certain:
		return true
	case common:
		return path || h.labels >= 3
	}
	return false // a file or a word
}

// reversed reports whether a name that begins like this is that of a package.
func reversed(first string) bool {
	switch first {
	case "com", "org", "net", "io", "dev", "edu", "gov", "java", "javax", "system", "this", "self":
		return true
	}
	return false
}

// framework reports whether a name is one of Microsoft's products.
func framework(first, tld string) bool {
	var buf [8]byte
	switch string(lower(buf[:], first)) {
	case "asp", "vb", "ado", "ml", "json", "paint", "xunit":
		return string(lower(buf[:], tld)) == "net"
	}
	return tld == "NET"
}

// registry reports whether names are registered below this label of a country.
func registry(label string) bool {
	switch label {
	case "co", "com", "org", "net", "gov", "gob", "gouv", "ac", "edu", "or", "ne", "go":
		return true
	}
	return false
}

// isUpper reports whether s begins with a capital.
func isUpper(s string) bool { return s[0] >= 'A' && s[0] <= 'Z' }

// url recognises a whole URL by the "://" at i, if its host is a name of the
// Internet. An address instead of a name is left to the recogniser of addresses.
func (f *finder) url(i int) {
	if i < f.hosts || at(f.text, i+1) != '/' || at(f.text, i+2) != '/' {
		return
	}
	start := i
	for start > 0 && i-start < 16 && (isAlnum(f.text[start-1]) || f.text[start-1] == '+') {
		start--
	}
	for start < i && !isLetter(f.text[start]) {
		start++
	}
	if i-start < 2 || wordBefore(f.text, start) {
		return
	}
	host := userEnd(f.text, i+3)
	h, ok := readHost(f.text, host)
	if !ok {
		return
	}
	_, known := tldOf(h.tld)
	web := i-start >= 4 && f.text[start]|0x20 == 'h' && f.text[start+1]|0x20 == 't'
	if !known && !web {
		return
	}
	end := pathEnd(f.text, h.end)
	f.hosts = end
	f.add(start, end, DomainName, 0.97, false)
}

// userEnd skips user:password@ before the host at i.
func userEnd(text string, i int) int {
	for j := i; j < len(text) && j < i+256; j++ {
		switch c := text[j]; {
		case c == '@':
			return j + 1
		case c <= ' ' || c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>':
			return i
		}
	}
	return i
}

// pathEnd is the end of a URL whose host ends at i: port, path, query and
// fragment, without the marks of the sentence around it.
func pathEnd(text string, i int) int {
	end := i
	if at(text, end) == ':' && isDigit(at(text, end+1)) {
		end = digitsEnd(text[:min(len(text), end+6)], end+1)
	}
	if c := at(text, end); c != '/' && c != '?' && c != '#' {
		return end
	}
	host, depth := end, 0
	for end < len(text) {
		c := text[end]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[end:])
			if r == utf8.RuneError || !wordRune(r) {
				break
			}
			end += size
			continue
		}
		if !urlByte(c) || (c == ')' || c == ']') && depth == 0 { // a bracket of the sentence
			break
		}
		switch c {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		}
		end++
	}
	for end > host && sentenceMark(text[end-1]) {
		end--
	}
	return end
}

// urlByte reports whether a URL may contain c, which is ASCII.
func urlByte(c byte) bool {
	switch c {
	case 0x7F, '"', '<', '>', '`', '{', '}', '|', '\\', '^':
		return false
	}
	return c > ' '
}

// sentenceMark reports whether c at the end of a URL is not meant to be its.
func sentenceMark(c byte) bool {
	switch c {
	case '.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '&', '(', '[':
		return true
	}
	return false
}
