package eval

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"mom/engine"
	"mom/tokenizer"
)

// A Hidden is how many attacks are still found when each was hidden in one way.
type Hidden struct {
	Name    string         `json:"name"` // clean, a mutator, or pad and the number of tokens before it
	HeldOut bool           `json:"held_out,omitempty"`
	Recall  Rate           `json:"recall"`          // at the threshold
	AtOne   Rate           `json:"at_1"`            // at that of 1 % false alarms among the benign rows as they are
	Mean    float64        `json:"mean"`            // of the scores
	Views   map[string]int `json:"views,omitempty"` // which views decided, but for the text itself
}

// clean is the name of attacks that were left as they are.
const clean = "clean"

// hide measures the attacks of rows again, hidden in each of the ways of o.
func hide(ctx context.Context, e *engine.Engine, rows []Row, at int, a *Alarms, o Options) error {
	var attacks []Row
	for i := range rows {
		if rows[i].Attack {
			attacks = append(attacks, rows[i])
		}
	}
	ways := []Mutator{{Name: clean, Mutate: func(_ *rand.Rand, s string) string { return s }}}
	ways = append(ways, o.Mutators...)
	for _, n := range o.Pad {
		pad, err := padding(e.Tokenizer(), rows, n)
		if err != nil {
			return err
		}
		ways = append(ways, Mutator{Name: fmt.Sprintf("pad %d", n), Mutate: pad})
	}
	for _, way := range ways {
		h, err := a.hidden(ctx, e, attacks, at, way, o)
		if err != nil {
			return err
		}
		a.Hidden = append(a.Hidden, h)
	}
	return nil
}

// hidden measures attacks hidden in one way.
func (a *Alarms) hidden(ctx context.Context, e *engine.Engine, attacks []Row, at int, way Mutator, o Options) (Hidden, error) {
	scores, views := make([]float64, len(attacks)), make([]string, len(attacks))
	o.Progress = nil
	err := each(ctx, len(attacks), o, func() func(ctx context.Context, i int) error {
		var r engine.Result
		return func(ctx context.Context, i int) error {
			text := way.Mutate(rand.New(rand.NewPCG(1, uint64(i))), attacks[i].Text)
			if err := e.Classify(ctx, text, &r); err != nil {
				return fmt.Errorf("row %s, %s: %w", attacks[i].ID, way.Name, err)
			}
			scores[i], views[i] = float64(r.Heads[at].Scores[1]), r.Heads[at].View
			return nil
		}
	})
	if err != nil {
		return Hidden{}, err
	}
	h := Hidden{Name: way.Name, HeldOut: way.HeldOut, Views: map[string]int{}}
	found, atOne := 0, 0
	for i, s := range scores {
		found += btoi(s >= a.Threshold)
		atOne += btoi(s >= a.one())
		h.Mean += s / float64(len(scores))
		if views[i] != "" {
			h.Views[views[i]]++
		}
	}
	h.Recall, h.AtOne = NewRate(found, len(scores)), NewRate(atOne, len(scores))
	return h, nil
}

// padding puts n tokens of benign rows before a text: rows drawn anew for each
// text, cut at a token.
func padding(t *tokenizer.Tokenizer, rows []Row, n int) (func(rnd *rand.Rand, s string) string, error) {
	var benign []string
	var lengths []int
	var enc tokenizer.Encoding
	for i := range rows {
		if rows[i].Attack || strings.TrimSpace(rows[i].Text) == "" {
			continue
		}
		if err := t.Encode(&enc, rows[i].Text); err != nil {
			return nil, fmt.Errorf("row %s: %w", rows[i].ID, err)
		}
		if len(enc.IDs) > 0 {
			benign, lengths = append(benign, rows[i].Text), append(lengths, len(enc.IDs))
		}
	}
	if len(benign) == 0 {
		return nil, fmt.Errorf("no benign rows to hide attacks behind")
	}
	return func(rnd *rand.Rand, s string) string {
		var b strings.Builder
		for left := n; left > 0; {
			k := rnd.IntN(len(benign))
			text := benign[k]
			if lengths[k] > left {
				var enc tokenizer.Encoding
				if t.Encode(&enc, text) == nil {
					text = text[:enc.Offsets[left-1].End]
				}
			}
			left -= lengths[k]
			b.WriteString(text)
			b.WriteString("\n\n")
		}
		return b.String() + s
	}, nil
}
