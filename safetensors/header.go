package safetensors

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"mom/tensor"
)

const (
	lengthBytes = 8
	// maxHeader is the largest header that the format allows.
	maxHeader = 100_000_000
	// maxDims bounds the dimensions of a tensor.
	maxDims = 64
	// maxMetadata bounds the pairs of __metadata__.
	maxMetadata = 16384
	// minEntry is the length of the shortest entry of a header:
	// "":{"dtype":"U8","shape":[],"data_offsets":[0,0]}
	minEntry = 49
)

// A part is one file: its header's text, the index of its tensors, and their
// data.
type part struct {
	name  string
	text  []byte
	data  []byte
	file  *os.File // of Lazy, instead of data, which begins at base
	base  int64
	index []entry  // by hash
	pairs []uint64 // of __metadata__, by hash: the key's hash, then where it begins in text
}

// An entry is a tensor of the header. Names and shapes stay in the text, so that
// a header of very many small tensors takes no more memory than it has text.
type entry struct {
	begin, end int64 // of the data
	name       uint32
	shape      uint32 // where the text of each begins
	hash       uint32 // of the name
	dtype      tensor.DType
}

// seed is the same for the life of the process: hashes are never stored.
var seed = maphash.MakeSeed()

// headerLen reads and checks the length that a file of size bytes begins with.
func headerLen(name string, first []byte, size int64) (int64, error) {
	if size < lengthBytes {
		return 0, &FormatError{File: name, Reason: fmt.Sprintf("%d bytes, too short for the length of a header", size)}
	}
	var n uint64
	for i, b := range first[:lengthBytes] {
		n |= uint64(b) << (8 * i)
	}
	reason := ""
	switch {
	case n > maxHeader:
		reason = fmt.Sprintf("header length %d is over the limit of %d", n, maxHeader)
	case int64(n) > size-lengthBytes:
		reason = fmt.Sprintf("header length %d, but only %d bytes follow it", n, size-lengthBytes)
	case n < 2:
		reason = fmt.Sprintf("header length %d, too short for a header", n)
	default:
		return int64(n), nil
	}
	return 0, &FormatError{File: name, Reason: reason}
}

// parsePart reads the header text. The data is dataLen bytes, of which only the
// length matters here.
func parsePart(name string, text []byte, dataLen int64) (*part, error) {
	p := &part{name: name, text: text}
	if !utf8.Valid(text) {
		return nil, p.fail("header is not valid UTF-8")
	}
	if text[0] != '{' {
		return nil, p.fail("header does not begin with '{'")
	}
	p.index = make([]entry, 0, min(bytes.Count(text, []byte("{")), len(text)/minEntry+1))
	if err := p.scan(); err != nil {
		return nil, err
	}
	if err := p.checkData(dataLen); err != nil {
		return nil, err
	}
	return p, p.checkNames()
}

func (p *part) fail(format string, args ...any) error {
	return &FormatError{File: p.name, Reason: fmt.Sprintf(format, args...)}
}

func (p *part) failTensor(e entry, format string, args ...any) error {
	return &FormatError{File: p.name, Tensor: p.quotedAt(e.name).brief(), Reason: fmt.Sprintf(format, args...)}
}

func (p *part) quotedAt(pos uint32) quoted {
	s := scanner{text: p.text, pos: int(pos)}
	return s.str("", "")
}

func (p *part) nameOf(e entry) string { return p.quotedAt(e.name).String() }

// scan reads every entry and checks each by itself.
func (p *part) scan() error {
	s := &scanner{text: p.text}
	metadata := false
	var h maphash.Hash
	h.SetSeed(seed)
	s.object("header", func(key quoted) {
		if !key.is("__metadata__") {
			p.scanEntry(s, key, &h)
			return
		}
		if metadata {
			s.fail("__metadata__ occurs twice")
		}
		metadata = true
		p.scanMetadata(s, &h)
	})
	s.end("header")
	if s.err == nil {
		if k := p.duplicatePair(); k != nil {
			s.fail("__metadata__ has the key %s twice", clip(k.brief()))
		}
	}
	if s.err == nil {
		return nil
	}
	if e, ok := s.err.(*FormatError); ok {
		return e
	}
	return p.fail("%v", s.err)
}

// scanMetadata reads __metadata__. It goes over it twice, first to count.
func (p *part) scanMetadata(s *scanner, h *maphash.Hash) {
	start, n := s.pos, 0
	s.scanPairs("__metadata__", func(_, _ quoted) {
		if n++; n > maxMetadata {
			s.fail("__metadata__ has more than %d entries", maxMetadata)
		}
	})
	if s.err != nil {
		return
	}
	s.pos = start
	p.pairs = make([]uint64, 0, n)
	s.scanPairs("__metadata__", func(key, _ quoted) {
		p.pairs = append(p.pairs, uint64(key.hash(h))<<32|uint64(s.offset(key)))
	})
}

// scanPairs reads an object of strings.
func (s *scanner) scanPairs(what string, pair func(key, value quoted)) {
	s.object(what, func(key quoted) {
		value := s.str("value in ", what)
		if s.err == nil {
			pair(key, value)
		}
	})
}

// offset is where q, a part of the text, begins.
func (s *scanner) offset(q quoted) uint32 { return uint32(cap(s.text) - cap(q)) }

// duplicatePair sorts the pairs and finds a key that __metadata__ has twice, or
// nil.
func (p *part) duplicatePair() quoted {
	slices.Sort(p.pairs)
	for i, a := range p.pairs {
		for _, b := range p.pairs[i+1:] {
			if a>>32 != b>>32 {
				break
			}
			if key := p.quotedAt(uint32(a)); key.equal(p.quotedAt(uint32(b))) {
				return key
			}
		}
	}
	return nil
}

// scanEntry reads the value of one tensor: {"dtype": …, "shape": …, "data_offsets": …}.
func (p *part) scanEntry(s *scanner, key quoted, h *maphash.Hash) {
	if key.is("") {
		s.fail("header has a tensor without a name")
		return
	}
	e := entry{name: s.offset(key), hash: key.hash(h)}
	var dtype quoted
	var values int64 // product of the shape
	var seen [3]bool
	once := func(i int, field string) {
		if seen[i] {
			s.fail("%s occurs twice", field)
		}
		seen[i] = true
	}
	s.object("entry", func(field quoted) {
		switch {
		case field.is("dtype"):
			once(0, "dtype")
			dtype = s.str("", "dtype")
		case field.is("shape"):
			once(1, "shape")
			s.peek()
			e.shape = uint32(s.pos)
			values = s.product()
		case field.is("data_offsets"):
			once(2, "data_offsets")
			e.begin, e.end = s.offsets()
		default:
			s.fail("unknown key %s", clip(field.brief()))
		}
	})
	for i, field := range []string{"dtype", "shape", "data_offsets"} {
		if s.err == nil && !seen[i] {
			s.fail("%s is missing", field)
		}
	}
	if s.err == nil {
		e.dtype = s.dtype(dtype)
	}
	if s.err == nil {
		s.checkSize(p, e, values)
	}
	if s.err != nil {
		s.err = &FormatError{File: p.name, Tensor: key.brief(), Reason: s.err.Error()}
		return
	}
	p.index = append(p.index, e)
}

// dtype finds the type that q names.
func (s *scanner) dtype(q quoted) tensor.DType {
	d, ok := tensor.ParseDType(q.brief())
	if !ok {
		var known []string
		for d := tensor.F64; d.Size() > 0; d++ {
			known = append(known, d.String())
		}
		s.fail("dtype %s is not supported; supported are %s", clip(q.brief()), strings.Join(known, ", "))
	}
	return d
}

// product reads a shape and returns the number of its values. It makes sure that
// no partial product overflows an int in whatever order it is formed, a zero or
// none among the factors.
func (s *scanner) product() int64 {
	n, dims, zero := uint64(1), 0, false
	start := s.pos
	s.list('[', ']', "shape", func() {
		d := uint64(s.natural("shape"))
		if dims++; dims > maxDims {
			s.fail("shape has more than %d dimensions", maxDims)
		}
		if d == 0 {
			zero = true
			return
		}
		hi, lo := bits.Mul64(n, d)
		if n = lo; hi != 0 || lo > math.MaxInt {
			s.fail("shape %s has more values than can be counted", s.bracketed(start))
		}
	})
	if zero {
		return 0
	}
	return int64(n)
}

// bracketed is the list of numbers that begins at start, for an error.
func (s *scanner) bracketed(start int) string {
	end := start + 1
	for end < len(s.text) && strings.IndexByte("0123456789, ", s.text[end]) >= 0 {
		end++
	}
	list, more := s.text[start+1:end], ""
	if len(list) > clipLen {
		list, more = list[:clipLen], "…"
	}
	return "[" + string(list) + more + "]"
}

// offsets reads data_offsets: where the data begins and ends.
func (s *scanner) offsets() (begin, end int64) {
	n := 0
	s.list('[', ']', "data_offsets", func() {
		v := s.natural("data_offsets")
		switch n++; n {
		case 1:
			begin = v
		case 2:
			end = v
		default:
			s.fail("data_offsets has more than two values")
		}
	})
	if s.err == nil && n != 2 {
		s.fail("data_offsets has %d values, want 2", n)
	}
	if s.err == nil && end < begin {
		s.fail("data_offsets [%d, %d]: the end is before the start", begin, end)
	}
	return begin, end
}

// checkSize compares the data's length with the shape.
func (s *scanner) checkSize(p *part, e entry, values int64) {
	hi, size := bits.Mul64(uint64(values), uint64(e.dtype.Size()))
	if hi != 0 || size > math.MaxInt {
		s.fail("%s of shape %s has more bytes than can be counted", e.dtype, s.bracketed(int(e.shape)))
	} else if uint64(e.end-e.begin) != size {
		s.fail("data_offsets [%d, %d] hold %d bytes, but %s of shape %s takes %d",
			e.begin, e.end, e.end-e.begin, e.dtype, s.bracketed(int(e.shape)), size)
	}
}

// checkData wants the tensors to lie one after the other from 0 to the end of
// the data. It leaves the index in that order.
func (p *part) checkData(dataLen int64) error {
	slices.SortFunc(p.index, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for i, e := range p.index {
		switch {
		case e.end > dataLen:
			return p.failTensor(e, "data_offsets [%d, %d] reach past the end of the file, which has %d bytes of data", e.begin, e.end, dataLen)
		case e.begin > at:
			return p.failTensor(e, "%d bytes that belong to no tensor before data_offsets [%d, %d]", e.begin-at, e.begin, e.end)
		case e.begin < at:
			return p.failTensor(e, "data_offsets [%d, %d] overlap tensor %s", e.begin, e.end, clip(p.quotedAt(p.index[i-1].name).brief()))
		}
		at = e.end
	}
	if at != dataLen {
		return p.fail("%d bytes at the end that belong to no tensor", dataLen-at)
	}
	return nil
}

// checkNames sorts the index for lookups and wants every name to occur once.
func (p *part) checkNames() error {
	slices.SortFunc(p.index, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
	for i, a := range p.index {
		for _, b := range p.index[i+1:] {
			if a.hash != b.hash {
				break
			}
			if p.quotedAt(a.name).equal(p.quotedAt(b.name)) {
				return p.failTensor(a, "occurs twice in the header")
			}
		}
	}
	return nil
}
