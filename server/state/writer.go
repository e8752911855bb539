package state

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

const (
	// A large batch costs less an entry: it rewrites the same pages of the index
	// of ids. Nobody waits for it, for the ring answers meanwhile.
	batchSize = 1024
	linger    = 200 * time.Millisecond // that a batch is given to fill
	tick      = time.Second            // between writes of usage and looks at the size
	maxWait   = 30 * time.Second       // between looks at a database in trouble
	patience  = 5 * time.Second        // with a database in trouble at the end
)

// writer is what the writing goroutine holds on to.
type writer struct {
	*Store
	batch    []*Entry   // taken from the ring, not yet written
	fit      int        // of the batch, those that the last transaction took
	bad      int        // of fit, those that can never be written
	size     int64      // bytes of that transaction, about
	opinions []Feedback // the same of feedback
	failures int        // in a row
	retry    time.Time  // not before
	kept     time.Time  // retention was last seen to
}

// write is the goroutine that writes, until Close.
func (s *Store) write() {
	defer close(s.stopped)
	w := &writer{Store: s}
	ticks := time.NewTicker(min(tick, s.o.wait))
	defer ticks.Stop()
	for {
		select {
		case <-s.wake:
			done := w.fill()
			err := w.drain()
			if done != nil {
				done <- errors.Join(err, w.settle())
			}
		case f := <-s.feedback:
			w.opinions = append(w.opinions, f)
			w.drain()
		case <-ticks.C:
			w.drain()
			w.settle()
		case done := <-s.flushes:
			w.retry = time.Time{}
			done <- errors.Join(w.drain(), w.settle())
		case <-s.stop:
			w.last()
			return
		}
	}
}

// fill waits a little for a batch to become larger. It returns who asks for it
// to be written now.
func (w *writer) fill() (done chan error) {
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.full:
	case <-w.stop:
	case done = <-w.flushes:
		w.retry = time.Time{}
	}
	return done
}

// last writes what is left, as long as Close and its own patience allow.
func (w *writer) last() {
	for end := time.Now().Add(patience); ; {
		w.retry = time.Time{}
		err := errors.Join(w.drain(), w.settle())
		if err == nil || w.hurry.Err() != nil || time.Now().After(end) {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-w.hurry.Done():
		}
	}
	w.left = int64(len(w.batch)) + w.ring.abandon()
	w.count.lost.Add(w.left)
	w.count.feedbackLost.Add(int64(len(w.opinions) + len(w.feedback)))
}

// drain writes all that waits, or returns why it cannot now.
func (w *writer) drain() error {
	for {
		if w.o.now().Before(w.retry) {
			return ErrUnavailable
		}
		if len(w.batch) == 0 {
			var lost int64
			w.batch, lost = w.usage.take(w.ring, w.batch, batchSize)
			w.count.usageLost.Add(lost)
		}
		for len(w.feedback) > 0 && len(w.opinions) < cap(w.feedback) {
			w.opinions = append(w.opinions, <-w.feedback)
		}
		if len(w.batch) == 0 && len(w.opinions) == 0 {
			return nil
		}
		if err := w.attempt(w.writeBatch); err != nil {
			return err
		}
		w.count.written.Add(int64(w.fit - w.bad))
		w.count.lost.Add(int64(w.bad))
		w.count.feedbackWritten.Add(int64(len(w.opinions)))
		w.opinions = w.opinions[:0]
		left := copy(w.batch, w.batch[w.fit:])
		clear(w.batch[left:])
		w.batch = w.batch[:left]
		w.trim()
	}
}

// settle writes usage and removes what is too old or too much.
func (w *writer) settle() error {
	if w.o.now().Before(w.retry) {
		return ErrUnavailable
	}
	err := w.attempt(func(ctx context.Context) error { return w.usage.flush(ctx, w.db) })
	if err == nil && w.o.now().Sub(w.kept) >= time.Minute {
		if err = w.attempt(w.retain); err == nil {
			w.kept = w.o.now()
		}
	}
	return err
}

// attempt does something with the database and notes how it went. A lock or a
// full disk is waited out; a damaged file is replaced; anything else costs the
// batch, for it would fail again.
func (w *writer) attempt(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(w.hurry, 30*time.Second)
	defer cancel()
	err := error(nil)
	if w.db == nil {
		err = w.open()
	}
	if err == nil {
		err = f(ctx)
	}
	if troubleOf(err) == full && w.db != nil && w.makeRoom(ctx) {
		err = f(ctx)
	}
	w.note(err)
	switch troubleOf(err) {
	case none:
		w.failures, w.retry = 0, time.Time{}
		return nil
	case corrupt:
		w.drop()
		w.begin(ctx, err)
	case other:
		if w.failures >= 3 && ctx.Err() == nil { // an error of I/O may pass
			w.count.lost.Add(int64(len(w.batch)))
			w.count.feedbackLost.Add(int64(len(w.opinions)))
			w.batch, w.opinions = w.batch[:0], w.opinions[:0]
			w.drop()
		}
	}
	w.failures++
	wait := min(w.o.wait<<min(w.failures-1, 10), maxWait)
	w.retry = w.o.now().Add(wait)
	return err
}

// drop closes the database, so that the next attempt opens it again.
func (w *writer) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.db != nil {
		w.db.close()
		w.db = nil
	}
}

// begin makes a new database in place of one that turned out to be damaged.
func (w *writer) begin(ctx context.Context, why error) {
	db, err := w.replace(ctx, why)
	if err != nil {
		w.note(err)
		return
	}
	w.mu.Lock()
	w.db = db
	w.mu.Unlock()
}

// note counts trouble, and tells when its kind changes.
func (s *Store) note(err error) {
	t := troubleOf(err)
	if t != none {
		s.count.errors[t].Add(1)
	}
	if before := trouble(s.bad.Swap(int32(t))); before != t {
		if t == none {
			s.log.Info("the database of decisions can be written again", "path", s.path)
		} else {
			s.log.Error("the database of decisions cannot be written; requests go on, and what cannot be kept is counted", "path", s.path, "trouble", t.String(), "error", err)
		}
	}
}

// writeBatch writes the batch, or as much of it as a small database takes at
// once.
func (w *writer) writeBatch(ctx context.Context) error {
	w.fit, w.bad, w.size = 0, 0, 0
	return w.db.within(ctx, func() error {
		for _, e := range w.batch {
			if err := w.insert(ctx, e); err != nil {
				return err
			}
			if w.fit++; w.o.MaxBytes > 0 && w.size > w.o.MaxBytes/transactionShare {
				break
			}
		}
		for i := range w.opinions {
			f := &w.opinions[i]
			_, err := w.db.opinion.ExecContext(ctx, f.DecisionID, f.Time.UnixMicro(), f.Tenant, f.Score, f.Label, f.Comment, f.Model, f.Category)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *writer) insert(ctx context.Context, e *Entry) error {
	decision, err := json.Marshal(&e.Decision)
	size := int64(len(decision)) + 512 // with indexes
	if err != nil || w.o.MaxBytes > 0 && size > w.o.MaxBytes/transactionShare {
		// A NaN among the scores, or larger than the database should be: one entry
		// is lost, not its batch.
		w.bad++
		return nil
	}
	w.size += size
	d, l := &e.Decision, &e.Latency
	_, err = w.db.insert.ExecContext(ctx, e.ID, e.Time.UnixMicro(), e.RequestID, e.Route, e.Tenant, d.Recipe, e.Model, e.Upstream,
		d.Category, string(d.Action), e.Status, e.flags(), e.TokensIn, e.TokensOut, e.Cost, e.BaselineCost,
		l.Parse.Microseconds(), l.Classify.Microseconds(), l.Decide.Microseconds(), l.FirstByte.Microseconds(), l.Upstream.Microseconds(),
		l.Total.Microseconds(), string(decision))
	return err
}

const (
	flagCached = 1 << iota
	flagStream
	flagDryRun
)

func (e *Entry) flags() (f int) {
	if e.Cached {
		f |= flagCached
	}
	if e.Stream {
		f |= flagStream
	}
	if e.DryRun {
		f |= flagDryRun
	}
	return f
}
