package protocol

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func readEvents(r io.Reader, max int) (events []Event, err error) {
	e := NewEventReader(r, max)
	for {
		ev, err := e.Next()
		if err != nil {
			return events, err
		}
		events = append(events, ev)
	}
}

// splitReader gives its text in two reads.
type splitReader struct{ parts []string }

func (s *splitReader) Read(p []byte) (int, error) {
	for len(s.parts) > 0 && s.parts[0] == "" {
		s.parts = s.parts[1:]
	}
	if len(s.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.parts[0])
	s.parts[0] = s.parts[0][n:]
	return n, nil
}

func TestEvents(t *testing.T) {
	const stream = "\ufeffdata: one\n\n: hello\n" +
		"event: two\r\ndata: a\r\ndata:b\r\ndata\r\n\r\n" +
		"id: 7\rretry: 9\rdata: \u00e9\r\r" +
		"\n\n\nevent: empty\n\nunknown: x\n\ndata: [DONE]\n\n"
	want := []Event{{Data: "one"}, {Comment: "hello"}, {Name: "two", Data: "a\nb\n"}, {Data: "é"}, {Name: "empty"}, {Data: Done}}
	check := func(r io.Reader) {
		t.Helper()
		got, err := readEvents(r, 1000)
		if err != io.EOF || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	for i := range len(stream) + 1 {
		check(&splitReader{[]string{stream[:i], stream[i:]}})
	}
	check(iotest.OneByteReader(strings.NewReader(stream)))
	check(iotest.DataErrReader(strings.NewReader(stream)))
	var wire []byte
	for _, e := range want {
		wire = AppendEvent(wire, e)
	}
	check(strings.NewReader(string(wire)))
}

func TestEventsEnd(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		stream string
		events int
		err    error
	}{
		{"", 0, io.EOF},
		{"data: a\n", 1, io.EOF},
		{"data: a\n\ndata: [DONE]", 2, io.EOF},
		{"data: a\n\ndata: {\"x", 1, io.ErrUnexpectedEOF},
		{"data: " + strings.Repeat("x", 100) + "\n\n", 1, io.EOF},
		{"data: " + strings.Repeat("x", 200) + "\n\n", 0, ErrEventTooLarge},
		{strings.Repeat("data: 0123456789\n", 20) + "\n", 0, ErrEventTooLarge},
	} {
		got, err := readEvents(strings.NewReader(c.stream), 128)
		if len(got) != c.events || !errors.Is(err, c.err) {
			t.Errorf("%q: %d events, %v", c.stream, len(got), err)
		}
	}
	got, err := readEvents(io.MultiReader(strings.NewReader("data: a\n\n"), iotest.ErrReader(broken)), 128)
	if len(got) != 1 || err != broken {
		t.Fatalf("%v %v", got, err)
	}
}

// TestEventsArrive asserts that an event is there before the next byte is asked
// for.
func TestEventsArrive(t *testing.T) {
	r, w := io.Pipe()
	go func() { w.Write([]byte("data: a\r\n\r\n")) }()
	if e, err := NewEventReader(r, 100).Next(); err != nil || e.Data != "a" {
		t.Fatal(e, err)
	}
	r.Close()
}

func FuzzEvents(f *testing.F) {
	f.Add("data: a\r\n\r\n: c\nevent: x\ndata: b\ndata: c\n\n", 5)
	f.Fuzz(func(t *testing.T, stream string, split int) {
		if split < 0 || split > len(stream) {
			return
		}
		whole, err1 := readEvents(strings.NewReader(stream), 1<<16)
		parts, err2 := readEvents(&splitReader{[]string{stream[:split], stream[split:]}}, 1<<16)
		if fmt.Sprint(whole, err1) != fmt.Sprint(parts, err2) {
			t.Fatalf("whole %v %v, in parts %v %v", whole, err1, parts, err2)
		}
		var wire []byte
		for _, e := range whole {
			wire = AppendEvent(wire, e)
		}
		again, _ := readEvents(strings.NewReader(string(wire)), 1<<17)
		n := 0
		for _, e := range whole {
			if e != (Event{}) {
				n++
			}
		}
		if err1 == io.EOF && len(again) < n {
			t.Fatalf("%v was written as %q", whole, wire)
		}
	})
}
