package eval

import "slices"

// Finds are the figures of a finder of spans.
type Finds struct {
	Strict    SpanFigures            `json:"strict"`   // same stretch, same label
	Partial   SpanFigures            `json:"partial"`  // touching, same label
	Macro     float64                `json:"macro_f1"` // strict, over the types that occur
	PerType   map[string]SpanFigures `json:"per_type"`
	Sources   map[string]SpanFigures `json:"sources,omitempty"`
	Languages map[string]SpanFigures `json:"languages,omitempty"`
	FalseRate float64                `json:"false_per_2000"` // wrong spans in 2,000 code points
}

// SpanFigures count spans. An interval is for F1, over texts.
type SpanFigures struct {
	Gold      int     `json:"gold"`
	Said      int     `json:"said"`
	Right     int     `json:"right"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	F1Low     float64 `json:"f1_low,omitempty"`
	F1High    float64 `json:"f1_high,omitempty"`
}

func (f *SpanFigures) add(gold, said, right int) {
	f.Gold, f.Said, f.Right = f.Gold+gold, f.Said+said, f.Right+right
	f.Precision, f.Recall = ratio(f.Right, f.Said), ratio(f.Right, f.Gold)
	f.F1 = f1(f.Precision, f.Recall)
}

func overlap(a, b Span) bool { return a.Start < b.End && b.Start < a.End }

// MeasureSpans compares found spans with the rows'. Found spans that touch an
// ignored stretch are not counted.
func MeasureSpans(rows []Row, said [][]Span) Finds {
	f := Finds{PerType: map[string]SpanFigures{}, Sources: map[string]SpanFigures{}, Languages: map[string]SpanFigures{}}
	per := make([]SpanFigures, len(rows)) // strict
	wrong, length := 0, 0
	for i := range rows {
		r := &rows[i]
		ignored := func(s Span) bool { return slices.ContainsFunc(r.Ignore, func(x Span) bool { return overlap(s, x) }) }
		gold := r.Spans
		found := slices.DeleteFunc(slices.Clone(said[i]), ignored)
		right := 0
		for _, s := range found {
			hit := slices.Contains(gold, s)
			t := f.PerType[s.Label]
			t.add(0, 1, btoi(hit))
			f.PerType[s.Label] = t
			right += btoi(hit)
		}
		for _, s := range gold {
			t := f.PerType[s.Label]
			t.add(1, 0, 0)
			f.PerType[s.Label] = t
		}
		f.Strict.add(len(gold), len(found), right)
		f.Partial.add(len(gold), len(found), touching(gold, found))
		per[i].add(len(gold), len(found), right)
		for _, m := range []struct {
			to  map[string]SpanFigures
			key string
		}{{f.Sources, r.Source}, {f.Languages, r.Lang}} {
			if m.key != "" {
				t := m.to[m.key]
				t.add(len(gold), len(found), right)
				m.to[m.key] = t
			}
		}
		wrong += len(found) - right
		length += len([]rune(r.Text))
	}
	if length > 0 {
		f.FalseRate = 2000 * float64(wrong) / float64(length)
	}
	occur := 0
	for _, t := range f.PerType {
		if t.Gold > 0 {
			occur++
			f.Macro += t.F1
		}
	}
	f.Macro /= float64(max(occur, 1))
	r := bootstrap(f.Strict.F1, len(rows), func(i int) string { return rows[i].Group }, func(cases []int) float64 {
		var s SpanFigures
		for _, i := range cases {
			s.Gold, s.Said, s.Right = s.Gold+per[i].Gold, s.Said+per[i].Said, s.Right+per[i].Right
		}
		return f1(ratio(s.Right, s.Said), ratio(s.Right, s.Gold))
	})
	f.Strict.F1Low, f.Strict.F1High = r.Low, r.High
	return f
}

// touching counts pairs of a gold and a found span of one label that overlap,
// each used once.
func touching(gold, found []Span) int {
	used := make([]bool, len(gold))
	n := 0
	for _, s := range found {
		for i, g := range gold {
			if !used[i] && g.Label == s.Label && overlap(g, s) {
				used[i] = true
				n++
				break
			}
		}
	}
	return n
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
