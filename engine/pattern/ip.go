package pattern

// ipv4 recognises four numbers from 0 to 255 with dots between them. It leaves
// out what cannot belong to anybody: the host itself (127.0.x.x), unspecified
// addresses and masks.
func (f *finder) ipv4(i int) {
	if at(f.text, i-1) == '+' {
		return
	}
	end, long := i, false
	var b [4]int
	for k := range 4 {
		if k > 0 {
			if at(f.text, end) != '.' {
				return
			}
			end++
		}
		n, v := 0, 0
		for ; n < 4 && isDigit(at(f.text, end)); n++ {
			v = v*10 + int(f.text[end]-'0')
			end++
		}
		if n == 0 || n > 3 || v > 255 || n > 1 && f.text[end-n] == '0' {
			return
		}
		b[k] = v
		long = long || n > 1
	}
	f.numbers = max(f.numbers, end) // it is this or a version, but no telephone number
	if !f.aloneIPv4(i, end) || b[0] == 0 || b[0] == 127 && b[1] == 0 || b[0] == 255 {
		return
	}
	if before(f.text, i, adjacent) == aVersion {
		return
	}
	score := float32(0.95)
	if !long { // 1.2.3.4 could be anything
		score = 0.6
	}
	f.add(i, end, IPAddress, score, false)
}

// aloneIPv4 reports whether text[i:end] is not part of a longer version number.
func (f *finder) aloneIPv4(i, end int) bool {
	switch p, q := at(f.text, i-1), at(f.text, i-2); {
	case p == '.', p == '/' && (isAlnum(q) || q == '.'), p == '-' && isAlnum(q) && !isDigit(q), p == '~', p == '^':
		return false
	}
	switch c, d := at(f.text, end), at(f.text, end+1); {
	case wordAfter(f.text, end), c == '.' && isAlnum(d), c == '-' && isLetter(d), c == '+':
		return false
	}
	return true
}

// ipv6 recognises an IPv6 address (RFC 4291) around the colon at i: eight groups
// of up to four hexadecimal digits, "::" standing for some, perhaps an IPv4
// address for the last two. Times, MAC addresses, fingerprints and the names of
// C++ look similar, so that a short one has to look like an address in use.
func (f *finder) ipv6(i int) {
	if i < f.sixes {
		return
	}
	start := i
	for start > 0 && i-start < 5 && isHex(f.text[start-1]) {
		start--
	}
	end := i
	for end < len(f.text) && (isHex(f.text[end]) || f.text[end] == ':') {
		end++
	}
	f.sixes = end
	if i-start > 4 || end-start > 40 || wordBefore(f.text, start) || at(f.text, start-1) == '.' {
		return
	}
	if f.text[end-1] == ':' && end-start > 2 && f.text[end-2] != ':' {
		end-- // the colon of the sentence
	}
	a, ok := readIPv6(f.text, start, end)
	if !ok || wordAfter(f.text, a.end) || at(f.text, a.end) == '.' && isAlnum(at(f.text, a.end+1)) || !a.inUse() {
		return
	}
	f.sixes, f.numbers = max(f.sixes, a.end), max(f.numbers, a.end)
	f.add(start, a.end, IPAddress, 0.95, false)
}

// A six is an IPv6 address as it was written.
type six struct {
	end    int
	groups int // written, an IPv4 address counting as two
	gap    bool
	mapped bool // ends in an IPv4 address
	digits bool // has a digit from 0 to 9
	first  int  // the first group, -1 if it is left out
	wide   bool // the first group has four digits
}

// readIPv6 parses text[i:end], which holds hexadecimal digits and colons, and the
// IPv4 address that may follow.
func readIPv6(text string, i, end int) (a six, ok bool) {
	a.first = -1
	last := false // the last thing was a group
	for i < end {
		if text[i] == ':' {
			if i+1 < end && text[i+1] == ':' {
				if a.gap {
					return a, false
				}
				a.gap = true
				i++
			} else if !last {
				return a, false
			}
			last = false
			i++
			continue
		}
		n, v := 0, 0
		for ; i+n < end && text[i+n] != ':'; n++ {
			c := text[i+n]
			a.digits = a.digits || isDigit(c)
			v = v<<4 | int(hexValue(c))
			if n == 4 {
				return a, false
			}
		}
		if i+n == end && at(text, end) == '.' && (a.gap || a.groups == 6) {
			if quad, ok := quadEnd(text, i); ok {
				a.groups, a.mapped, a.end = a.groups+2, true, quad
				return a, a.complete()
			}
		}
		if a.groups == 0 && !a.gap {
			a.first, a.wide = v, n == 4
		}
		a.groups++
		last = true
		i += n
	}
	a.end = end
	return a, a.complete() && (last || text[end-2] == ':')
}

func (a *six) complete() bool { return a.groups == 8 && !a.gap || a.groups < 8 && a.gap }

// inUse reports whether the address is more than something with colons.
func (a *six) inUse() bool {
	if !a.gap {
		return a.wide // no identifier of eight bytes, no row of numbers
	}
	switch {
	case a.mapped:
		return true
	case a.wide && (a.first>>13 == 1 || a.first>>9 == 0xFC>>1 || a.first>>6 == 0xFE80>>6 || a.first>>8 == 0xFF):
		return a.digits || a.groups > 2
	case a.first == 0x64 && a.groups > 2:
		return true
	}
	return a.groups >= 4 && a.digits
}

func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// quadEnd is the end of the dotted quad at i.
func quadEnd(text string, i int) (end int, ok bool) {
	for k := range 4 {
		if k > 0 {
			if at(text, i) != '.' {
				return 0, false
			}
			i++
		}
		n, v := 0, 0
		for ; n < 4 && isDigit(at(text, i)); n++ {
			v = v*10 + int(text[i]-'0')
			i++
		}
		if n == 0 || n > 3 || v > 255 || n > 1 && text[i-n] == '0' {
			return 0, false
		}
	}
	return i, true
}
