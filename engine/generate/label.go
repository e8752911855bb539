package generate

import (
	"context"
	"math"
	"slices"

	"mom/models"
	"mom/tensor"
)

// labels is a question which of some texts follows a prompt.
type labels struct {
	ids   [][]int32 // tokens of each
	probs []float64
}

// Score returns the probability of each label as the continuation of prompt,
// given that it is one of them: at every token where labels part, the share of
// each among those that are still possible. Only these rows of lm_head are read.
// labels are token sequences, all different; none may be empty.
func (m *Model) Score(ctx context.Context, prompt []int32, of [][]int32, a *models.Adapter) ([]float64, error) {
	r := &Request{Prompt: prompt, MaxTokens: 1, Adapter: a}
	if err := m.check(r); err != nil {
		return nil, err
	}
	l, err := m.labels(prompt, of)
	if err != nil {
		return nil, err
	}
	j := newJob(ctx, r)
	j.labels = l
	if err := m.submit(j); err != nil {
		return nil, err
	}
	if _, err := m.follow(j); err != nil {
		return nil, err
	}
	return l.probs, nil
}

// labels checks a question.
func (m *Model) labels(prompt []int32, of [][]int32) (*labels, error) {
	if len(of) == 0 {
		return nil, &RequestError{"no labels to choose from"}
	}
	l := &labels{probs: make([]float64, len(of))}
	for i, ids := range of {
		for _, id := range ids {
			if id < 0 || int(id) >= m.info.Vocab {
				return nil, &RequestError{"a token of a label is outside the vocabulary"}
			}
		}
		ids = slices.Clone(ids)
		// What another goes on from has to end where it does not.
		for k, other := range of {
			if k != i && len(other) >= len(ids) && slices.Equal(other[:len(ids)], ids) {
				if len(other) == len(ids) || len(m.ends) == 0 {
					return nil, &RequestError{"two labels cannot be told apart by their tokens"}
				}
				ids = append(ids, m.ends[0])
				break
			}
		}
		if len(ids) == 0 || len(prompt)+len(ids) > m.info.MaxTokens {
			return nil, &RequestError{"a label has no tokens, or too many"}
		}
		l.ids = append(l.ids, ids)
	}
	return l, nil
}

// choose asks for the next set of j's request, if one is left.
func (m *Model) choose(j *job) (err error) {
	j.labels = nil
	if n := len(j.choices); n < len(j.req.Choose) {
		j.labels, err = m.labels(j.ids, j.req.Choose[n])
	}
	return err
}

// chosen goes on with the most probable label of j's set.
func (m *Model) chosen(j *job) {
	c := Choice{P: j.labels.probs}
	for i, p := range c.P {
		if p > c.P[c.Label] {
			c.Label = i
		}
	}
	set := len(j.choices)
	from := len(j.ids)
	j.ids = append(j.ids, j.req.Choose[set][c.Label]...)
	if j.req.After != nil {
		ids := j.req.After(set, c)
		if err := m.fits(j.ids, ids); err != nil {
			m.end(j)
			j.fail(err)
			return
		}
		j.ids = append(j.ids, ids...)
	}
	j.sampler.See(j.ids[from:]...)
	j.chose(c)
	if err := m.choose(j); err != nil {
		m.end(j)
		j.fail(err)
	}
}

// fits checks tokens that follow others.
func (m *Model) fits(ids, more []int32) error {
	for _, id := range more {
		if id < 0 || int(id) >= m.info.Vocab {
			return &RequestError{"a token of After is outside the vocabulary"}
		}
	}
	if len(ids)+len(more) > m.info.MaxTokens {
		return &RequestError{"what After gives is longer than the model reads"}
	}
	return nil
}

// Pin reads a text that many prompts begin with and keeps its keys and values
// until the model is closed.
func (m *Model) Pin(ctx context.Context, text []int32, a *models.Adapter) error {
	r := &Request{Prompt: text, MaxTokens: 1, Adapter: a}
	if err := m.check(r); err != nil {
		return err
	}
	j := newJob(ctx, r)
	j.pin = true
	if err := m.submit(j); err != nil {
		return err
	}
	_, err := m.follow(j)
	return err
}

// fork is a place where labels part: the labels that have come so far, and the
// tokens that follow.
type fork struct {
	path   []int32
	labels []int
	next   []int32 // different tokens
}

// forks lists the places where labels part, the beginning first.
func (l *labels) forks() []fork {
	all := make([]int, len(l.ids))
	for i := range all {
		all[i] = i
	}
	var out []fork
	var walk func(depth int, among []int)
	walk = func(depth int, among []int) {
		if len(among) == 1 {
			return
		}
		f := fork{path: l.ids[among[0]][:depth], labels: among}
		by := map[int32][]int{}
		for _, i := range among {
			id := l.ids[i][depth]
			if by[id] == nil {
				f.next = append(f.next, id)
			}
			by[id] = append(by[id], i)
		}
		if len(f.next) > 1 {
			out = append(out, f)
		}
		for _, id := range f.next {
			walk(depth+1, by[id])
		}
	}
	walk(0, all)
	return out
}

// score computes the probabilities of j's labels; row is the hidden state of
// the last token of its prompt.
func (m *Model) score(j *job, row []float32) {
	l := j.labels
	for i := range l.probs {
		l.probs[i] = 1
	}
	d := len(row)
	forks := l.forks()
	b := models.DecodeBatch{Starts: []int32{0}, Cancel: j.gone}
	defer func() {
		for _, s := range b.Seqs {
			s.Free()
		}
	}()
	var later []fork
	for _, f := range forks {
		if len(f.path) == 0 {
			m.part(l, f, tensor.Mat{Rows: 1, Cols: d, Data: row})
			continue
		}
		later = append(later, f)
		s := j.seq.Fork()
		b.IDs = append(b.IDs, f.path...)
		b.Starts = append(b.Starts, int32(len(b.IDs)))
		b.Seqs = append(b.Seqs, s)
		b.Adapters = append(b.Adapters, j.adapter)
		b.Want = append(b.Want, int32(len(b.IDs)-1))
		if !m.reserve(j, s, len(f.path)) {
			return
		}
	}
	if len(later) > 0 {
		hidden, err := m.decoder.Decode(&m.ws, &b)
		if err != nil {
			m.end(j)
			j.fail(err)
			return
		}
		rows := slices.Clone(hidden.Data)
		for i, f := range later {
			m.part(l, f, tensor.Mat{Rows: 1, Cols: d, Data: rows[i*d : (i+1)*d]})
		}
	}
	if len(j.req.Choose) > 0 {
		m.chosen(j)
		return
	}
	m.done(j, Stop)
}

// part shares the probability of the labels at f among its tokens.
func (m *Model) part(l *labels, f fork, hidden tensor.Mat) {
	logits := make([]float32, len(f.next))
	m.decoder.Logits(&m.ws, tensor.Mat{Rows: 1, Cols: len(logits), Data: logits}, hidden, f.next)
	top, sum := float64(slices.Max(logits)), 0.0
	p := make([]float64, len(logits))
	for i, x := range logits {
		p[i] = math.Exp(float64(x) - top)
		sum += p[i]
	}
	for _, i := range f.labels {
		l.probs[i] *= p[slices.Index(f.next, l.ids[i][len(f.path)])] / sum
	}
}
