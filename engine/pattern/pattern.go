// Package pattern finds personal data that has a form of its own: card numbers,
// IBANs, IP addresses, e-mail addresses, US social security numbers, telephone
// numbers and host names. It stands beside a neural tagger, which knows from the
// words around a number what it is, but not whether its checksum is right.
//
// Every recogniser is a scanner by hand that looks at a bounded stretch around
// the place where it was woken, so that the time is linear in the text whatever
// is in it. It is careful rather than eager: a number that could as well be an
// order number is left to the tagger.
package pattern

import (
	"cmp"
	"slices"
)

// The labels of matches.
const (
	CreditCard   = "CREDIT_CARD"
	DomainName   = "DOMAIN_NAME" // a host name, or a whole URL
	EmailAddress = "EMAIL_ADDRESS"
	IBAN         = "IBAN_CODE"
	IPAddress    = "IP_ADDRESS"
	PhoneNumber  = "PHONE_NUMBER"
	SSN          = "US_SSN"
)

// A Match is one piece of personal data.
type Match struct {
	Start, End int // bytes of the text
	Label      string
	// Score is how sure the form is, from 0 to 1. It is no probability that was
	// measured: it orders matches, and says which to trust without a context.
	Score float32
	// Verified reports that a checksum was there and was right.
	Verified bool
}

// Find appends the matches in text to dst, sorted and without overlaps. Of two
// that overlap a verified one wins, then the longer one. It allocates nothing
// but what dst lacks.
func Find(dst []Match, text string) []Match {
	f := finder{text: text, found: dst}
	f.scan()
	return f.found[:len(dst)+resolve(f.found[len(dst):])]
}

// A finder is the state of one scan.
type finder struct {
	text  string
	found []Match
	// Up to here a recogniser has seen everything that it could be woken by.
	hosts, sixes, numbers int
}

func (f *finder) add(start, end int, label string, score float32, verified bool) {
	f.found = append(f.found, Match{start, end, label, score, verified})
}

// scan wakes the recognisers. What they begin with lies between '.' and '@' in
// ASCII, where most of a text does not.
func (f *finder) scan() {
	for i := 0; i < len(f.text); i++ {
		switch c := f.text[i]; {
		case c > '@' || c < '.':
		case c <= '9' && c >= '0':
			i = f.number(i) - 1
		case c == '@':
			f.email(i)
		case c == '.':
			f.host(i)
		case c == ':':
			f.url(i)
			f.ipv6(i)
		}
	}
}

// resolve sorts the matches and drops those that lose to one they overlap. It
// returns how many are left.
func resolve(m []Match) int {
	slices.SortFunc(m, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	n := 0
	for _, x := range m {
		for n > 0 && m[n-1].End > x.Start && beats(x, m[n-1]) {
			n--
		}
		if n == 0 || m[n-1].End <= x.Start {
			m[n] = x
			n++
		}
	}
	return n
}

func beats(a, b Match) bool {
	if a.Verified != b.Verified {
		return a.Verified
	}
	if la, lb := a.End-a.Start, b.End-b.Start; la != lb {
		return la > lb
	}
	return a.Score > b.Score
}
