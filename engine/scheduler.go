package engine

import (
	"errors"
	"sync"

	"mom/models"
	"mom/models/nn"
)

// scheduler hands out the slots, one a core. A request whose turn has come
// leads: it runs its windows on its own goroutine and takes along requests that
// wait, as many whole ones as the token budget holds. There is no goroutine of
// the scheduler's own, and nobody waits for a batch to fill.
type scheduler struct {
	mu      sync.Mutex
	free    []*slot
	head    *request // of the queue
	tail    *request
	running int // slots in use
	met     int // how often requests met another lately, of metAlways
	threads int
	team    *nn.Team
	teamOf  *slot // who has the team
	idle    []*request
}

// slot is the memory of one forward pass.
type slot struct {
	ws      nn.Workspace
	batch   models.Batch
	members []*request
	spans   []span // the windows of each member in the batch
}

// span is the windows [w0,w1) of a member and its first sequence and token in
// the batch.
type span struct {
	w0, w1, seq, tok int
}

// A team shortens a pass, but two cores that share one do less than two with a
// pass each. So it is for times when requests come one at a time: when fewer than
// metOften of the last ones, the latest counting most, found another running.
const (
	metAlways = 256
	metOften  = metAlways / 4
	metLast   = 8 // about so many requests count
)

// Batching gains little beyond this many tokens a forward pass, and makes
// everybody in the batch wait for the last.
const tokenBudget = 512

// keepBytes is the workspace that an idle slot may hold on to.
const keepBytes = 64 << 20

var errAbandoned = errors.New("engine: request given up while another's forward pass carries it")

func (s *scheduler) start(threads int) {
	s.threads = threads
	s.team = nn.NewTeam(threads)
	for range threads {
		sl := &slot{}
		sl.batch.Cancelled = sl.cancelled
		s.free = append(s.free, sl)
	}
}

func (s *scheduler) close() { s.team.Close() }

// get returns a request with memory of earlier ones.
func (s *scheduler) get() *request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		q := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return q
	}
	return &request{ready: make(chan struct{}, 1)}
}

func (s *scheduler) put(q *request) {
	s.mu.Lock()
	s.recycle(q)
	s.mu.Unlock()
}

// recycle keeps as many requests as can be of use; mu is held.
func (s *scheduler) recycle(q *request) {
	q.ctx, q.slot, q.err, q.state, q.abandoned = nil, nil, nil, idle, false
	clear(q.views)
	q.views, q.viewIDs, q.viewOffsets = q.views[:0], q.viewIDs[:0], q.viewOffsets[:0]
	held := 0
	for _, l := range q.logits {
		held += 4 * cap(l)
	}
	if len(s.idle) < 64 && held < keepBytes {
		s.idle = append(s.idle, q)
	}
}

// submit runs q's windows and returns when all are done, or q's context is.
func (e *Engine) submit(q *request) error {
	e.mu.Lock()
	e.meet()
	at := queued
	if n := len(e.free); n > 0 {
		q.slot, q.state, at = e.free[n-1], leading, leading
		e.free = e.free[:n-1]
		e.running++
		e.share()
	} else {
		e.enqueue(q)
	}
	e.mu.Unlock()
	// Only the holder of mu may look at q.state: what it was is in at.
	for at != done {
		if at == queued {
			var err error
			if at, err = e.wait(q); err != nil {
				return err
			}
			continue
		}
		at = e.lead(q)
	}
	return q.err
}

// wait blocks until q has a slot, is done, or its context ends.
func (e *Engine) wait(q *request) (state, error) {
	select {
	case <-q.ready:
		return q.state, q.err // nobody else has q now
	case <-q.ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch q.state {
	case queued:
		e.unlink(q)
	case leading:
		<-q.ready
		e.release(q.slot)
		q.slot = nil
	case done:
		<-q.ready
	case riding:
		q.abandoned = true
		return done, errAbandoned
	}
	return done, q.ctx.Err()
}

// lead runs one forward pass with q and those that fit beside it. Then q is
// done, stands in the queue again, or leads on.
func (e *Engine) lead(q *request) state {
	s := q.slot
	e.mu.Lock()
	if e.teamOf == nil && e.running == 1 && e.met < metOften {
		e.teamOf = s
	}
	s.ws.Team = nil
	if e.teamOf == s {
		s.ws.Team = e.team
	}
	e.gather(s, q)
	e.mu.Unlock()

	err := e.forward(s)

	e.mu.Lock()
	defer e.mu.Unlock()
	for i, m := range s.members {
		if m == q {
			continue
		}
		m.next = s.spans[i].w1
		m.err, m.state = err, done
		if err != nil && m.ctx.Err() != nil {
			m.err = m.ctx.Err()
		}
		if m.abandoned {
			e.recycle(m)
		} else {
			m.ready <- struct{}{}
		}
	}
	q.next = s.spans[0].w1
	clear(s.members)
	s.members = s.members[:0]
	if err != nil || q.ctx.Err() != nil || q.next == len(q.windows) {
		if q.err = err; q.ctx.Err() != nil {
			q.err = q.ctx.Err()
		}
		q.slot, q.state = nil, done
		e.release(s)
		return done
	}
	if e.head != nil { // a long text takes turns
		q.slot = nil
		e.enqueue(q)
		e.release(s)
		return queued
	}
	return leading
}

// gather fills s with windows of q and of whole requests that wait.
func (e *Engine) gather(s *slot, q *request) {
	b := &s.batch
	b.IDs, b.Starts = b.IDs[:0], append(b.Starts[:0], 0)
	s.members, s.spans = append(s.members[:0], q), s.spans[:0]
	budget := tokenBudget
	if s.ws.Team != nil {
		budget *= e.threads
	}
	w1 := q.next
	for tokens := 0; w1 < len(q.windows); w1++ {
		if tokens += e.length(q.windows[w1]); tokens > budget && w1 > q.next {
			break
		}
	}
	s.add(e, q, q.next, w1)
	for m := e.head; m != nil; {
		next := m.nextIn
		tokens := len(b.IDs)
		for _, w := range m.windows[m.next:] {
			if tokens += e.length(w); tokens > tokenBudget {
				break
			}
		}
		if tokens <= tokenBudget {
			e.unlink(m)
			m.state = riding
			s.members = append(s.members, m)
			s.add(e, m, m.next, len(m.windows))
		}
		m = next
	}
}

func (s *slot) add(e *Engine, q *request, w0, w1 int) {
	b := &s.batch
	s.spans = append(s.spans, span{w0, w1, b.Len(), len(b.IDs)})
	for _, w := range q.windows[w0:w1] {
		b.IDs = append(b.IDs, e.prefix...)
		b.IDs = append(b.IDs, q.ids(w)...)
		b.IDs = append(b.IDs, e.suffix...)
		b.Starts = append(b.Starts, int32(len(b.IDs)))
	}
}

// cancelled reports that nobody wants the pass's result any more.
func (s *slot) cancelled() bool {
	for _, m := range s.members {
		if m.ctx.Err() == nil {
			return false
		}
	}
	return true
}

// forward runs the trunk once and every head on what it gave.
func (e *Engine) forward(s *slot) error {
	defer s.ws.Release(keepBytes)
	hidden, err := e.model.Trunk.Encode(&s.ws, &s.batch)
	if err != nil {
		return err
	}
	heads := false
	for i, m := range s.members {
		if !m.embed {
			heads = true
			continue
		}
		pooled := models.Pool(&s.ws, hidden, &s.batch, e.pooling)
		sp := s.spans[i]
		copy(m.pooled[sp.w0*hidden.Cols:sp.w1*hidden.Cols], pooled.Data[sp.seq*hidden.Cols:])
	}
	if !heads {
		return nil
	}
	for h, head := range e.model.Heads {
		logits := head.Apply(&s.ws, hidden, &s.batch)
		for i, m := range s.members {
			if m.embed {
				continue
			}
			row := s.spans[i].tok
			if head.Task == models.Sequence {
				row = s.spans[i].seq
			}
			e.keep(m, h, logits, row, s.spans[i].w0, s.spans[i].w1)
		}
	}
	return nil
}

// The rest needs mu to be held.

// meet counts a request that has come.
func (s *scheduler) meet() {
	now := 0
	if s.running > 0 {
		now = metAlways
	}
	s.met += (now - s.met) / metLast
}

// share tells the team how many cores other requests leave it.
func (s *scheduler) share() { s.team.SetHelpers(s.threads - max(s.running, 1)) }

// release passes a slot to the next in the queue, or frees it.
func (s *scheduler) release(sl *slot) {
	if s.teamOf == sl {
		s.teamOf = nil
	}
	if q := s.head; q != nil {
		s.unlink(q)
		q.slot, q.state = sl, leading
		q.ready <- struct{}{}
		return
	}
	s.free = append(s.free, sl)
	s.running--
	s.share()
}

func (s *scheduler) enqueue(q *request) {
	q.state, q.nextIn, q.prev = queued, nil, s.tail
	if s.tail == nil {
		s.head = q
	} else {
		s.tail.nextIn = q
	}
	s.tail = q
}

func (s *scheduler) unlink(q *request) {
	if q.prev == nil {
		s.head = q.nextIn
	} else {
		q.prev.nextIn = q.nextIn
	}
	if q.nextIn == nil {
		s.tail = q.prev
	} else {
		q.nextIn.prev = q.prev
	}
	q.prev, q.nextIn = nil, nil
}
