package pattern

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

type row struct {
	Text  string
	Split string
	Spans []struct {
		Start, End int
		Label      string
	}
	Ignore []struct{ Start, End int }
}

// tally counts matches of one label.
type tally struct{ exact, overlap, missed, wrong, ignored int }

// precision counts a match as right if it is where a span of its label is, the
// same or overlapping; recall counts spans in the same way.
func (t tally) precision() float64 { return ratio(t.exact+t.overlap, t.wrong) }
func (t tally) recall() float64    { return ratio(t.exact+t.overlap, t.missed) }

func ratio(good, bad int) float64 {
	if good+bad == 0 {
		return 1
	}
	return float64(good) / float64(good+bad)
}

// TestAnnotated compares the recognisers with annotated texts, which are not
// part of the repository. The floors are below what was measured. Recall of the
// labels without a checksum is bounded by what their form alone can show:
// telephone numbers of seven digits and card numbers that were made up without
// a check digit are for the tagger.
func TestAnnotated(t *testing.T) {
	rows := readRows(t, "../../../shared/data/pii.jsonl.gz")
	for _, split := range []string{"train", "dev", "test"} {
		got := map[string]*tally{}
		for _, label := range []string{CreditCard, DomainName, EmailAddress, IBAN, IPAddress, PhoneNumber, SSN} {
			got[label] = &tally{}
		}
		for _, r := range rows {
			if r.Split == split {
				count(t, got, r)
			}
		}
		t.Logf("%-6s %-14s %6s %8s %7s %6s %8s %10s %7s", split, "label", "exact", "overlap", "missed", "wrong", "ignored", "precision", "recall")
		for _, label := range []string{CreditCard, DomainName, EmailAddress, IBAN, IPAddress, PhoneNumber, SSN} {
			c := got[label]
			t.Logf("%-6s %-14s %6d %8d %7d %6d %8d %10.4f %7.4f", "", label, c.exact, c.overlap, c.missed, c.wrong, c.ignored, c.precision(), c.recall())
			if p, r := floors[label][0], floors[label][1]; !(c.precision() >= p) || !(c.recall() >= r) {
				t.Errorf("%s: %s: precision %.4f, recall %.4f; want at least %.4f, %.4f", split, label, c.precision(), c.recall(), p, r)
			}
		}
	}
}

// floors are the least precision and recall.
var floors = map[string][2]float64{}

// count compares the matches in one text with its spans.
func count(t *testing.T, got map[string]*tally, r row) {
	points := codePoints(r.Text)
	found := make([]bool, len(r.Spans))
	for _, m := range Find(nil, r.Text) {
		c, right := got[m.Label], ""
		for i, s := range r.Spans {
			a, b := points[s.Start], points[s.End]
			switch {
			case s.Label != m.Label || a >= m.End || m.Start >= b:
			case a == m.Start && b == m.End:
				right, found[i] = "exact", true
			default:
				right, found[i] = "overlap", true
				t.Logf("overlap %s: %q for %q", m.Label, r.Text[m.Start:m.End], r.Text[a:b])
			}
		}
		ignored := false
		for _, s := range r.Ignore {
			ignored = ignored || points[s.Start] < m.End && m.Start < points[s.End]
		}
		switch {
		case right == "exact":
			c.exact++
		case right == "overlap":
			c.overlap++
		case ignored:
			c.ignored++
		default:
			c.wrong++
			t.Logf("wrong %s: %q in %q", m.Label, r.Text[m.Start:m.End], around(r.Text, m.Start, m.End))
		}
	}
	for i, s := range r.Spans {
		if c, ok := got[s.Label]; ok && !found[i] {
			c.missed++
			a, b := points[s.Start], points[s.End]
			t.Logf("missed %s: %q in %q", s.Label, r.Text[a:b], around(r.Text, a, b))
		}
	}
}

func around(text string, a, b int) string {
	return strings.ToValidUTF8(text[max(0, a-40):min(len(text), b+25)], "?")
}

// codePoints are the byte offsets of the code points of text, and its length.
func codePoints(text string) []int {
	points := make([]int, 0, utf8.RuneCountInString(text)+1)
	for i := range text {
		points = append(points, i)
	}
	return append(points, len(text))
}

func readRows(t *testing.T, path string) []row {
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("annotated texts are not here: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for s := bufio.NewScanner(z); s.Scan(); {
		var r row
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}
