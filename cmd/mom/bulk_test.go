package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func openString(t *testing.T, text string, plain bool) *records {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := openRecords(&app{}, path, plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	return r
}

// TestRecords reads lines of every kind: the id and text, or what is wrong.
func TestRecords(t *testing.T) {
	big := strings.Repeat("x", 200<<10) // more than the reader's buffer
	for _, c := range []struct{ in, want string }{
		{`{"id":"a","text":"b"}`, `"a" b`},
		{"\ufeff" + `{"id":"a","text":"b"}` + "\r\n", `"a" b`},
		{`{"text":"b","id":1.50}`, `1.50 b`},
		{`{"id":null,"text":""}`, `1 `},
		{`{"text":"` + big + `"}`, "1 " + big},
		{"\n \n" + `{"text":"b"}`, `3 b`},
		{`  {"text":"a\u00e9\ud83d\udc4b"} `, `1 aé👋`},
		{`[1]`, `1 !line is not a JSON object {"id","text"}; --plain reads each line as a text`},
		{`{"id":"a"}`, `"a" !has no "text"`},
		{`{"id":[1],"text":"b"}`, `1 !"id" is neither a string nor a number`},
		{`{"id":"a","text":"b"} {}`, `1 !malformed JSON: invalid character '{' after top-level value`},
		{"{\"id\":\"a\",\"text\":\"\xff\"}", `1 !line is not valid UTF-8`},
	} {
		r := openString(t, c.in, false)
		var q record
		if err := r.next(&q); err != nil {
			t.Errorf("%.60q: %v", c.in, err)
			continue
		}
		got := string(q.id) + " " + q.text
		if q.bad != nil {
			got += "!" + q.bad.Error()
		}
		if got != c.want {
			t.Errorf("%.60q: got %.90s, want %.90s", c.in, got, c.want)
		}
		if err := r.next(&q); err != io.EOF {
			t.Errorf("%.60q: then %v, want the end", c.in, err)
		}
	}
}

// TestRecordsLongLine: a line over the limit is one bad record, however long
// it is, and the next line is read as if nothing had been.
func TestRecordsLongLine(t *testing.T) {
	r := openString(t, strings.Repeat("x", maxLine+3)+"\nnext\n", true)
	var q record
	if err := r.next(&q); err != nil || !errors.Is(q.bad, errLongLine) {
		t.Errorf("long line: %v, %v", err, q.bad)
	}
	if err := r.next(&q); err != nil || q.bad != nil || q.text != "next" || q.line != 2 {
		t.Errorf("line after it: %v, %v, %q", err, q.bad, q.text)
	}
}

// TestBulkOrder: answers keep the order of the input though they are ready in
// another one, and only so many records are taken from the input ahead of it.
func TestBulkOrder(t *testing.T) {
	const n, threads = 500, 4
	var in, want strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "%d\n", i)
		fmt.Fprintf(&want, "<%d>\n", i)
	}
	var out bytes.Buffer
	var started atomic.Int64
	b := &bulk{in: openString(t, in.String(), true), out: &out}
	for range threads {
		b.workers = append(b.workers, func(_ context.Context, r *record, line []byte) ([]byte, error) {
			started.Add(1)
			if r.line == 1 { // nothing can be written before this one
				time.Sleep(100 * time.Millisecond)
				if ahead := started.Load(); ahead > threads*queue {
					t.Errorf("%d records were taken before the first was done, more than %d", ahead, threads*queue)
				}
			}
			time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
			return fmt.Appendf(line, "<%s>\n", r.text), nil
		})
	}
	if err := b.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if out.String() != want.String() {
		t.Errorf("got %.200s", out.String())
	}
}

// TestBulkError: the answers before a failure are written, none after it.
func TestBulkError(t *testing.T) {
	var out bytes.Buffer
	b := &bulk{in: openString(t, "a\nb\nc\nd\n", true), out: &out}
	for range 3 {
		b.workers = append(b.workers, func(_ context.Context, r *record, line []byte) ([]byte, error) {
			if r.text == "c" {
				return line, errors.New("broken")
			}
			return append(append(line, r.text...), '\n'), nil
		})
	}
	err := b.run(context.Background())
	if err == nil || !strings.HasSuffix(err.Error(), "in:3: broken") {
		t.Errorf("error %v, want that of line 3", err)
	}
	if out.String() != "a\nb\n" {
		t.Errorf("output %q", out.String())
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		share float64
		want  string
	}{{0, "    "}, {1, "████"}, {0.5, "██  "}, {0.53125, "██▏ "}, {0.99, "████"}} {
		if got := bar(c.share, 4); got != c.want {
			t.Errorf("bar(%v) = %q, want %q", c.share, got, c.want)
		}
	}
}
