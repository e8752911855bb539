package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An Event is one server-sent event, or a comment between events.
type Event struct {
	Name    string // "" when the stream does not name it
	Data    string // lines joined by \n
	Comment string // of a line that begins with a colon; Name and Data are empty then
}

// Done is the data that ends streams of OpenAI.
const Done = "[DONE]"

// ErrEventTooLarge is the error of a stream with an event above the limit.
var ErrEventTooLarge = errors.New("an event of the stream is larger than the limit")

// An EventReader splits a stream into events. Each is returned as soon as the
// blank line that ends it has arrived. The fields id and retry are left out: no
// client of these APIs resumes a stream.
type EventReader struct {
	r        io.Reader
	buf      []byte
	from, to int // what is read and not yet used
	looked   int // bytes from "from" that hold no end of a line
	max      int
	skipLF   bool // the line before ended with CR
	begun    bool
	err      error // of r

	name    string
	data    []byte
	hasData bool
	pending bool // a field of an event was read
}

// NewEventReader reads events of at most max bytes.
func NewEventReader(r io.Reader, max int) *EventReader {
	return &EventReader{r: r, max: max, buf: make([]byte, min(max+2, 4096))}
}

// Next is the next event or comment. The error is io.EOF at the end of the
// stream, io.ErrUnexpectedEOF when it ends inside an event, ErrEventTooLarge, or
// that of the reader.
func (e *EventReader) Next() (Event, error) {
	for {
		line, ok := e.line()
		if !ok {
			if err := e.fill(); err != nil {
				return e.last(err)
			}
			continue
		}
		ev, done, err := e.field(line)
		if done || err != nil {
			return ev, err
		}
	}
}

// line takes a line out of the buffer, without its end.
func (e *EventReader) line() ([]byte, bool) {
	if e.skipLF && e.from < e.to {
		if e.skipLF = false; e.buf[e.from] == '\n' {
			e.from++
		}
	}
	rest := e.buf[e.from:e.to]
	i := bytes.IndexAny(rest[min(e.looked, len(rest)):], "\r\n")
	if i < 0 {
		e.looked = len(rest)
		return nil, false
	}
	i += e.looked
	e.looked = 0
	e.skipLF = rest[i] == '\r'
	e.from += i + 1
	return rest[:i], true
}

func (e *EventReader) fill() error {
	if e.err != nil {
		return e.err
	}
	if e.to-e.from+len(e.data) > e.max {
		e.err = fmt.Errorf("%w of %d bytes", ErrEventTooLarge, e.max)
		return e.err
	}
	if e.from > 0 {
		copy(e.buf, e.buf[e.from:e.to])
		e.from, e.to = 0, e.to-e.from
	}
	if e.to == len(e.buf) {
		e.buf = append(e.buf, make([]byte, len(e.buf))...)
	}
	for range 100 {
		n, err := e.r.Read(e.buf[e.to:])
		e.to += n
		if n > 0 {
			e.err = err // after what came with it
			return nil
		}
		if err != nil {
			e.err = err
			return err
		}
	}
	e.err = io.ErrNoProgress
	return e.err
}

// field reads a line; done says that an event or a comment is complete.
func (e *EventReader) field(line []byte) (ev Event, done bool, err error) {
	if !e.begun {
		e.begun = true
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if len(line) == 0 {
		if !e.pending {
			return Event{}, false, nil
		}
		return e.take(), true, nil
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "":
		return Event{Comment: string(value)}, true, nil
	case "event":
		e.name, e.pending = string(value), true
	case "data":
		if e.hasData {
			e.data = append(e.data, '\n')
		}
		e.data, e.hasData, e.pending = append(e.data, value...), true, true
		if len(e.data) > e.max {
			e.err = fmt.Errorf("%w of %d bytes", ErrEventTooLarge, e.max)
			return Event{}, false, e.err
		}
	}
	return Event{}, false, nil
}

func (e *EventReader) take() Event {
	ev := Event{Name: e.name, Data: string(e.data)}
	e.name, e.hasData, e.pending = "", false, false
	if e.data = e.data[:0]; cap(e.data) > 1<<16 {
		e.data = nil
	}
	return ev
}

// last is what is left when the stream ends: an event whose lines are complete
// counts, even without the blank line.
func (e *EventReader) last(err error) (Event, error) {
	if err != io.EOF {
		return Event{}, err
	}
	if e.from < e.to {
		line := e.buf[e.from:e.to]
		e.from = e.to
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok && string(bytes.TrimSpace(value)) == Done && !e.pending {
			return Event{Data: Done}, nil
		}
		e.pending = false
		return Event{}, io.ErrUnexpectedEOF
	}
	if e.pending {
		return e.take(), nil
	}
	return Event{}, io.EOF
}

// AppendEvent appends the event as it is sent. A comment is a line without a
// blank line, which no client takes for an event.
func AppendEvent(dst []byte, e Event) []byte {
	if e.Name == "" && e.Data == "" && e.Comment != "" {
		return appendLines(dst, ": ", e.Comment)
	}
	if e.Name != "" {
		dst = appendLines(dst, "event: ", e.Name)
	}
	dst = appendLines(dst, "data: ", e.Data)
	return append(dst, '\n')
}

func appendLines(dst []byte, field, value string) []byte {
	for {
		line, rest, more := strings.Cut(value, "\n")
		dst = append(append(append(dst, field...), strings.TrimSuffix(line, "\r")...), '\n')
		if !more {
			return dst
		}
		value = rest
	}
}
