package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"unicode/utf8"
)

// maxLine bounds one line of input.
const maxLine = 64 << 20

// A record is one text to work on. bad says why its line cannot be used; such a
// record has only its line number and, when that much could be read, an id.
type record struct {
	line int
	id   json.RawMessage // a JSON string or number
	text string
	bad  error
}

// records reads texts: lines of {"id","text"}, or of plain text.
type records struct {
	name  string
	plain bool
	size  int64        // bytes, 0 when not known
	read  atomic.Int64 // bytes so far
	in    *bufio.Reader
	close func() error
	line  int    // read so far
	long  []byte // of a line that is longer than the reader's buffer
}

// openRecords opens a file, or standard input for "-".
func openRecords(a *app, name string, plain bool) (*records, error) {
	r := &records{name: name, plain: plain, close: func() error { return nil }}
	f := a.in
	if name == "-" {
		r.name = "stdin"
	} else {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
		r.close = f.Close
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		r.close()
		return nil, fmt.Errorf("%s: is a folder; want a file of JSON lines", name)
	}
	if err == nil && info.Mode().IsRegular() {
		r.size = info.Size()
	}
	r.in = bufio.NewReaderSize(f, 64<<10)
	return r, nil
}

// next stores the next record in dst. It returns io.EOF at the end, and other
// errors when the input itself fails. Blank lines are skipped.
func (r *records) next(dst *record) error {
	for {
		line, err := r.readLine()
		if err != nil && !errors.Is(err, errLongLine) {
			return err
		}
		r.line++
		if r.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		*dst = record{line: r.line, id: strconv.AppendInt(nil, int64(r.line), 10), bad: err}
		if err == nil {
			dst.bad = dst.parse(line, r.plain)
		}
		return nil
	}
}

var errLongLine = fmt.Errorf("line is longer than %d MiB", maxLine>>20)

// readLine returns a line without its end. It stays valid until the next call.
func (r *records) readLine() ([]byte, error) {
	r.long = r.long[:0]
	for tooLong := false; ; {
		part, err := r.in.ReadSlice('\n')
		r.read.Add(int64(len(part)))
		if tooLong = tooLong || len(r.long)+len(part) > maxLine; tooLong {
			r.long = r.long[:0]
		}
		if err == bufio.ErrBufferFull {
			if !tooLong {
				r.long = append(r.long, part...)
			}
			continue
		}
		if tooLong && (err == nil || err == io.EOF) {
			return nil, errLongLine
		}
		if err != nil && (err != io.EOF || len(part)+len(r.long) == 0) {
			return nil, err
		}
		line := part
		if len(r.long) > 0 {
			r.long = append(r.long, part...)
			line = r.long
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		return bytes.TrimSuffix(line, []byte("\r")), nil
	}
}

// parse fills the record from its line. Other keys than id and text are let be:
// data sets carry labels along.
func (r *record) parse(line []byte, plain bool) error {
	if !utf8.Valid(line) {
		return errors.New("line is not valid UTF-8")
	}
	if plain {
		r.text = string(line)
		return nil
	}
	if first := bytes.TrimSpace(line)[0]; first != '{' {
		return errors.New(`line is not a JSON object {"id","text"}; --plain reads each line as a text`)
	}
	var fields struct {
		ID   json.RawMessage `json:"id"`
		Text *string         `json:"text"`
	}
	err := json.Unmarshal(line, &fields)
	if len(fields.ID) > 0 && !bytes.Equal(fields.ID, []byte("null")) {
		if c := fields.ID[0]; c == '{' || c == '[' || c == 't' || c == 'f' {
			return errors.New(`"id" is neither a string nor a number`)
		}
		r.id = fields.ID
	}
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%q is a JSON %s, not a string", kind.Field, kind.Value)
	case err != nil:
		return fmt.Errorf("malformed JSON: %w", err)
	case fields.Text == nil:
		return errors.New(`has no "text"`)
	}
	r.text = *fields.Text
	return nil
}
