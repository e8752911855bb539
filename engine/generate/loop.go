package generate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"mom/engine/sample"
	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
	"mom/tokenizer"
)

// A loop runs passes while there are jobs. Its goroutine lives only as long.
type loop struct {
	mu      sync.Mutex
	waiting []*job
	running bool
	closed  bool
	idle    sync.Cond // of mu: the goroutine has ended

	// Of the goroutine.
	active   []*job // in the order of their admission
	prefixes prefixes
	ws       nn.Workspace
	batch    models.DecodeBatch
	members  []*job // of the pass
	wanting  []*job // whose logits the pass gives
	rows     []int32
	logits   []float32
	forced   []byte
	encoding tokenizer.Encoding
}

func threads(n int) int {
	most := runtime.GOMAXPROCS(0)
	if n > 0 {
		most = min(n, most)
	}
	return most
}

// submit queues a job and sees that the loop runs.
func (m *Model) submit(j *job) error {
	if j.adapter == nil {
		j.adapter = m.own
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrClosed
	case len(m.waiting) >= m.o.Queue:
		return ErrBusy
	}
	m.waiting = append(m.waiting, j)
	if !m.running {
		m.running = true
		go m.run()
	}
	return nil
}

// abandon tells the loop that nobody waits for a job.
func (m *Model) abandon(j *job) {
	j.mu.Lock()
	j.abandoned = true
	j.mu.Unlock()
}

// Close ends the helper threads. Requests under way get ErrClosed.
func (m *Model) Close() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	m.idle.L = &m.mu
	for m.running {
		m.idle.Wait()
	}
	m.mu.Unlock()
	m.prefixes.clear()
	m.ws.Team.Close()
}

// run makes passes until no job is left.
func (m *Model) run() {
	for {
		m.mu.Lock()
		if m.closed {
			for _, j := range append(m.active, m.waiting...) {
				j.free()
				j.fail(ErrClosed)
			}
			m.active, m.waiting = nil, nil
		}
		m.admit()
		if len(m.active) == 0 {
			m.running = false
			m.idle.L = &m.mu
			m.idle.Broadcast()
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		m.step()
	}
}

// admit takes waiting jobs in; mu is held.
func (m *Model) admit() {
	n := 0
	for _, j := range m.waiting {
		switch {
		case j.gone():
			j.fail(context.Canceled)
		case len(m.active) < m.o.Sequences:
			m.active = append(m.active, j)
		default:
			m.waiting[n], n = j, n+1
		}
	}
	clear(m.waiting[n:])
	m.waiting = m.waiting[:n]
}

// step is one pass.
func (m *Model) step() {
	m.active = slices.DeleteFunc(m.active, func(j *job) bool {
		if j.gone() {
			j.free()
			j.fail(context.Canceled)
			return true
		}
		return false
	})
	m.gather()
	if len(m.members) == 0 {
		return
	}
	hidden, err := m.decoder.Decode(&m.ws, &m.batch)
	switch {
	case errors.Is(err, models.ErrCancelled):
		return // gone, all of them
	case err != nil:
		for _, j := range m.members {
			m.end(j)
			j.fail(err)
		}
		return
	}
	m.finish(hidden)
}

// finish uses the hidden states of a pass: those who write get their logits, by
// one read of lm_head for all; others have asked for something else.
func (m *Model) finish(hidden tensor.Mat) {
	n, rest := 0, m.members[:0] // the members are not needed any more
	for i, j := range m.wanting {
		if j.pin || j.labels != nil {
			j.hidden = append(j.hidden[:0], hidden.Row(i)...)
			rest = append(rest, j)
			continue
		}
		copy(hidden.Row(n), hidden.Row(i))
		m.wanting[n], n = j, n+1
	}
	if n > 0 {
		hidden.Rows, hidden.Data = n, hidden.Data[:n*hidden.Cols]
		v := m.info.Vocab
		m.logits = slices.Grow(m.logits[:0], n*v)[:n*v]
		m.decoder.Logits(&m.ws, tensor.Mat{Rows: n, Cols: v, Data: m.logits}, hidden, nil)
		for i, j := range m.wanting[:n] {
			m.next(j, m.logits[i*v:(i+1)*v])
		}
	}
	for _, j := range rest {
		if j.seq == nil {
			continue // it stepped back for another, and is read again
		}
		if j.pin {
			m.prefixes.keep(j.ids, j.adapter, j.seq, true)
			m.done(j, Stop)
			continue
		}
		m.score(j, j.hidden)
	}
}

// end takes a job out of the active ones and frees its pages.
func (m *Model) end(j *job) {
	j.free()
	if i := slices.Index(m.active, j); i >= 0 {
		m.active = slices.Delete(m.active, i, i+1)
	}
}

// gather chooses what the next pass reads: a token of everybody who writes
// first, then prompts, oldest first, as far as the budget goes.
func (m *Model) gather() {
	m.members, m.wanting = m.members[:0], m.wanting[:0]
	b := &m.batch
	b.IDs, b.Starts, b.Seqs, b.Adapters, b.Want = b.IDs[:0], append(b.Starts[:0], 0), b.Seqs[:0], b.Adapters[:0], b.Want[:0]
	if b.Cancel == nil {
		b.Cancel = func() bool {
			return !slices.ContainsFunc(m.members, func(j *job) bool { return !j.gone() })
		}
	}
	budget := m.o.Budget
	for _, j := range m.active {
		j.feed = 0
		if j.seq != nil && len(j.ids)-j.seq.Len() == 1 {
			j.feed = 1
			budget--
		}
	}
	for i := 0; i < len(m.active); i++ {
		j := m.active[i]
		if j.seq == nil {
			if budget <= 0 {
				continue
			}
			m.begin(j)
		}
		if j.feed == 0 {
			if j.feed = min(len(j.ids)-j.seq.Len(), budget); j.feed <= 0 {
				j.feed = 0
				continue
			}
			budget -= j.feed
		}
		if !m.reserve(j, j.seq, j.feed) {
			// It steps back, or has failed and is gone from m.active.
			if i < len(m.active) && m.active[i] != j {
				i--
			}
			continue
		}
	}
	for _, j := range m.active {
		if j.seq == nil || j.feed == 0 {
			continue
		}
		at := j.seq.Len()
		b.IDs = append(b.IDs, j.ids[at:at+j.feed]...)
		b.Starts = append(b.Starts, int32(len(b.IDs)))
		b.Seqs = append(b.Seqs, j.seq)
		b.Adapters = append(b.Adapters, j.adapter)
		m.members = append(m.members, j)
		if at+j.feed == len(j.ids) {
			b.Want = append(b.Want, int32(len(b.IDs)-1))
			m.wanting = append(m.wanting, j)
		}
	}
}

// begin gives a job a sequence, with as much of its prompt as is known.
func (m *Model) begin(j *job) {
	j.seq = m.prefixes.find(j.ids, j.adapter)
	if j.seq == nil {
		j.seq = m.pool.New()
	}
	if j.steps == 0 {
		j.result.CachedTokens = min(j.seq.Len(), j.prompt)
	}
}

// reserve makes room for n tokens more in s, which is j's or goes on from it.
// Kept prefixes go first, then the youngest of all starts again later. It reports
// whether j can go on.
func (m *Model) reserve(j *job, s *kv.Sequence, n int) bool {
	for {
		err := s.Reserve(n)
		if err == nil {
			return true
		}
		if !errors.Is(err, kv.ErrFull) {
			m.end(j)
			j.fail(err)
			return false
		}
		if m.prefixes.evict() {
			continue
		}
		victim, others := j, false
		for _, o := range m.active {
			if o.seq != nil && (o.seq.Len() > 0 || o.feed > 0) {
				victim = o
				others = others || o != j
			}
		}
		if !others {
			m.end(j)
			j.fail(&RequestError{fmt.Sprintf("the memory for keys and values holds %d tokens, and the text has come to %d",
				m.pool.Stats().Total*pageTokens, len(j.ids))})
			return false
		}
		victim.free()
		victim.feed = 0
		if victim == j {
			return false
		}
	}
}

// next samples a token of j and decides how it goes on.
func (m *Model) next(j *job, logits []float32) {
	r := j.req
	if !j.kept && !r.IgnoreEnd {
		j.kept = true
		if m.o.Prefixes > 0 {
			m.prefixes.keep(j.ids[:j.prompt], j.adapter, j.seq, false)
		}
	}
	if r.Logits != nil {
		r.Logits(j.steps, logits)
	}
	var tok Token
	if r.Top > 0 {
		tok.Top = sample.Top(nil, logits, r.Top)
	}
	var raw float64 // before a penalty changes it
	if r.LogProbs {
		raw = sample.LogSum(logits)
	}
	if r.RepetitionPenalty == 0 || r.RepetitionPenalty == 1 {
		j.logits = nil
	} else if r.LogProbs {
		j.logits = append(j.logits[:0], logits...)
	}
	var mask []uint64
	if c := r.Constraint; c != nil {
		// A token is a byte at least, so what ends within as many bytes as there are
		// tokens left will be whole. A form that needs more ends where it must.
		const near = 48
		if left := r.MaxTokens - len(j.result.Tokens); c.MinBytes()+near > left {
			_ = c.Limit(left)
		}
		mask = c.Mask()
	}
	tok.ID = j.sampler.Next(logits, mask)
	if tok.ID < 0 {
		m.end(j)
		j.fail(errors.New("BUG: generate: a constraint allows no token"))
		return
	}
	if r.LogProbs {
		from := logits
		if j.logits != nil {
			from = j.logits
		}
		tok.LogProb = float64(from[tok.ID]) - raw
	}
	if j.steps == 0 {
		j.result.First = time.Since(j.began)
	}
	j.steps++
	if !r.IgnoreEnd && slices.Contains(m.ends, tok.ID) {
		m.done(j, Stop)
		return
	}
	if r.Constraint != nil {
		if err := r.Constraint.Accept(tok.ID); err != nil {
			m.end(j)
			j.fail(err)
			return
		}
	}
	if m.write(j, tok) {
		return
	}
	if r.Constraint != nil && m.force(j) {
		return
	}
	if r.streams() {
		j.tell(j.text.certain(false), false)
	}
}

// write appends a token to the answer. It reports whether that ended it.
func (m *Model) write(j *job, tok Token) bool {
	j.ids = append(j.ids, tok.ID)
	j.result.Tokens = append(j.result.Tokens, tok)
	if j.req.EmitTokens != nil {
		j.ends = append(j.ends, len(j.text.all)+len(m.pieces[tok.ID]))
	}
	switch {
	case j.text.add(m.pieces[tok.ID]):
		m.done(j, Stop)
	case len(j.result.Tokens) >= j.req.MaxTokens, len(j.ids) >= m.info.MaxTokens:
		why := Length
		if c := j.req.Constraint; c != nil && c.Done() && m.onlyEnds(c.Mask()) {
			why = Stop
		}
		m.done(j, why)
	default:
		return false
	}
	return true
}

// force writes what a constraint leaves no choice about, to be read in one pass.
// It reports whether the answer is complete.
func (m *Model) force(j *job) bool {
	c := j.req.Constraint
	m.forced = c.Forced(m.forced[:0])
	if len(m.forced) > 0 && m.Tokenizer.Encode(&m.encoding, string(m.forced)) == nil && m.spells(m.encoding.IDs, m.forced) {
		for _, id := range m.encoding.IDs {
			if err := c.Accept(id); err != nil {
				m.end(j)
				j.fail(err)
				return true
			}
			j.sampler.See(id)
			if m.write(j, Token{ID: id}) {
				return true
			}
		}
	}
	if c.Done() && m.onlyEnds(c.Mask()) {
		m.done(j, Stop)
		return true
	}
	return false
}

// spells reports whether tokens are just these bytes: some tokenizers add a
// space to a text, and special tokens have no text.
func (m *Model) spells(ids []int32, text []byte) bool {
	for _, id := range ids {
		p := m.pieces[id]
		if len(p) == 0 || len(p) > len(text) || string(p) != string(text[:len(p)]) {
			return false
		}
		text = text[len(p):]
	}
	return len(text) == 0
}

// onlyEnds reports whether a mask allows nothing but the end.
func (m *Model) onlyEnds(mask []uint64) bool {
	for w, set := range mask {
		for _, id := range m.ends {
			if int(id)/64 == w {
				set &^= 1 << (id % 64)
			}
		}
		if set != 0 {
			return false
		}
	}
	return true
}

// done ends a job whose answer is whole. What it read is kept for a prompt that
// goes on from it.
func (m *Model) done(j *job, why Finish) {
	if m.o.Prefixes > 0 && !j.req.IgnoreEnd {
		m.prefixes.keep(j.ids[:j.seq.Len()], j.adapter, j.seq, false)
	}
	m.end(j)
	j.finish(why)
}
