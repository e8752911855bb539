package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// windowSize is how much of the file a scanner holds at a time.
const windowSize = 32 << 10

// A scanner walks over the header. It holds a window of the file, never the
// header as a whole: a vocabulary can be most of a file. The first error stays,
// and makes every later call return zero at once.
type scanner struct {
	r    io.ReaderAt
	size int64 // of the file
	at   int64 // the next byte
	lo   int64 // the window is file[lo : lo+len(buf)]
	buf  []byte
	mem  []byte // that buf is a part of
	err  error
}

func newScanner(r io.ReaderAt, size, at int64) *scanner {
	return &scanner{r: r, size: size, at: at, mem: make([]byte, min(windowSize, max(size-at, 0)))}
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// left is how many bytes follow.
func (s *scanner) left() int64 { return s.size - s.at }

// bytes is the next n bytes, n at most the window's; valid until the next call.
// what names them in errors.
func (s *scanner) bytes(n int, what string) []byte {
	if s.err != nil {
		return nil
	}
	if int64(n) > s.left() {
		s.fail("the file ends within %s, at byte %d", what, s.size)
		return nil
	}
	if s.at < s.lo || s.at+int64(n) > s.lo+int64(len(s.buf)) {
		s.lo = s.at
		s.buf = s.mem[:min(int64(len(s.mem)), s.left())]
		if _, err := s.r.ReadAt(s.buf, s.lo); err != nil {
			s.buf = nil
			s.fail("%v while reading %s", err, what)
			return nil
		}
	}
	b := s.buf[s.at-s.lo:][:n]
	s.at += int64(n)
	return b
}

// skip passes over n bytes.
func (s *scanner) skip(n uint64, what string) {
	if s.err != nil {
		return
	}
	if n > uint64(s.left()) {
		s.fail("%s has %d bytes, but only %d follow in the file", what, n, s.left())
		return
	}
	s.at += int64(n)
}

func (s *scanner) u32(what string) uint32 {
	if b := s.bytes(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (s *scanner) u64(what string) uint64 {
	if b := s.bytes(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// text is a string of at most limit bytes of UTF-8; valid until the next call.
func (s *scanner) text(limit int, what string) []byte {
	n := s.u64(what)
	if s.err != nil {
		return nil
	}
	if n > uint64(s.left()) {
		s.fail("%s has a length of %d, but only %d bytes follow in the file", what, n, s.left())
		return nil
	}
	if n > uint64(limit) {
		s.fail("%s has %d bytes, more than %d", what, n, limit)
		return nil
	}
	var b []byte
	if n <= uint64(len(s.mem)) {
		b = s.bytes(int(n), what)
	} else {
		b = make([]byte, n)
		if _, err := s.r.ReadAt(b, s.at); err != nil {
			s.fail("%v while reading %s", err, what)
			return nil
		}
		s.at += int64(n)
	}
	if s.err == nil && !utf8.Valid(b) {
		s.fail("%s is not valid UTF-8", what)
		return nil
	}
	return b
}
