package state

import "sync"

// ring holds the newest entries, and is the queue to the writer at once: what
// is overwritten before the writer took it is lost. So an entry that was just
// recorded can always be found, whatever the database does.
type ring struct {
	mu    sync.Mutex
	slots []slot
	byID  map[string]int64 // sequence of the newest slot with that id
	next  int64            // sequence of the next slot
	taken int64            // slots before it were seen by the writer
	lost  int64
	wait  int64 // to be written
}

type slot struct {
	entry *Entry
	write bool
}

func newRing(n int) *ring {
	return &ring{slots: make([]slot, n), byID: make(map[string]int64, n)}
}

func (r *ring) at(seq int64) *slot { return &r.slots[seq%int64(len(r.slots))] }

// put adds an entry, and reports how many wait for the writer.
func (r *ring) put(e *Entry, write bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := int64(len(r.slots))
	s := r.at(r.next)
	if old := s.entry; old != nil {
		seq := r.next - n
		if r.byID[old.ID] == seq {
			delete(r.byID, old.ID)
		}
		if seq >= r.taken {
			r.taken = seq + 1
			if s.write {
				r.lost++
				r.wait--
			}
		}
	}
	*s = slot{e, write}
	r.byID[e.ID] = r.next
	r.next++
	if write {
		r.wait++
	}
	return int(r.wait)
}

// take appends up to most entries to be written to batch, oldest first.
func (r *ring) take(batch []*Entry, most int) []*Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; r.taken < r.next && len(batch) < most; r.taken++ {
		if s := r.at(r.taken); s.write {
			batch = append(batch, s.entry)
			s.write = false
			r.wait--
		}
	}
	return batch
}

// waiting returns the entries that take has not seen yet and that are to be
// written, oldest first.
func (r *ring) waiting() []*Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Entry, 0, r.wait)
	for seq := r.taken; seq < r.next; seq++ {
		if s := r.at(seq); s.write {
			list = append(list, s.entry)
		}
	}
	return list
}

func (r *ring) get(id string) (*Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seq, ok := r.byID[id]
	if !ok {
		return nil, false
	}
	return r.at(seq).entry, true
}

// newest calls f with entries, newest first, until it returns false.
func (r *ring) newest(f func(*Entry) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := r.next - 1; seq >= 0 && seq >= r.next-int64(len(r.slots)); seq-- {
		if e := r.at(seq).entry; r.byID[e.ID] == seq && !f(e) {
			return
		}
	}
}

func (r *ring) counts() (held, lost int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.byID)), r.lost
}

// abandon gives up what still waits, and returns how much that is.
func (r *ring) abandon() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.wait
	r.wait = 0
	r.taken = r.next
	return n
}
