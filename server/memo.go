package server

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"mom/router"
	"mom/server/web"
)

// memo remembers what the classifiers said of texts seen before: a chat sends
// its whole history again with each request. A text is known by two keyed
// hashes of 64 bits, so the memory holds no text, and who does not know the
// seeds cannot make two texts meet.
type memo struct {
	web.Classifier
	seeds  [2]maphash.Seed
	shards [16]memoShard

	hits, misses atomic.Uint64
}

type memoKey struct{ a, b uint64 }

type memoShard struct {
	mu    sync.Mutex
	known map[memoKey]*memoEntry
	// A ring of entries, newest first; root is no entry.
	root memoEntry
	size int // bytes
	room int
}

type memoEntry struct {
	key        memoKey
	tasks      web.Task
	reading    router.Reading
	prev, next *memoEntry
}

// newMemo puts a memory of about room bytes before c.
func newMemo(c web.Classifier, room int) *memo {
	m := &memo{Classifier: c, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	for i := range m.shards {
		s := &m.shards[i]
		s.known = map[memoKey]*memoEntry{}
		s.root.prev, s.root.next = &s.root, &s.root
		s.room = room / len(m.shards)
	}
	return m
}

func (m *memo) Classify(ctx context.Context, text string, tasks web.Task) (router.Reading, error) {
	key, s := m.find(text)
	if r, ok := s.get(key, tasks); ok {
		m.hits.Add(1)
		return r, nil
	}
	m.misses.Add(1)
	r, err := m.Classifier.Classify(ctx, text, tasks)
	if err == nil {
		s.put(key, tasks, r)
	}
	return r, err
}

// known returns what is remembered of text.
func (m *memo) known(text string, tasks web.Task) (router.Reading, bool) {
	key, s := m.find(text)
	r, ok := s.get(key, tasks)
	if ok {
		m.hits.Add(1)
	}
	return r, ok
}

func (m *memo) find(text string) (memoKey, *memoShard) {
	key := memoKey{maphash.String(m.seeds[0], text), maphash.String(m.seeds[1], text)}
	return key, &m.shards[key.a%uint64(len(m.shards))]
}

func (s *memoShard) get(key memoKey, tasks web.Task) (router.Reading, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.known[key]
	if e == nil || e.tasks&tasks != tasks {
		return router.Reading{}, false
	}
	e.unlink()
	s.front(e)
	return e.reading, true
}

func (s *memoShard) put(key memoKey, tasks web.Task, r router.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.known[key]; old != nil {
		tasks |= old.tasks & answered(r)
		s.drop(old)
	}
	e := &memoEntry{key: key, tasks: tasks, reading: r}
	s.known[key] = e
	s.front(e)
	s.size += e.bytes()
	for s.size > s.room && s.root.prev != &s.root {
		s.drop(s.root.prev)
	}
}

// answered are the tasks that a reading answers.
func answered(r router.Reading) web.Task {
	var t web.Task
	if r.Intent != nil {
		t |= web.Intent
	}
	if r.Guard != nil {
		t |= web.Guard
	}
	if r.PII != nil {
		t |= web.PII
	}
	return t
}

func (s *memoShard) drop(e *memoEntry) {
	e.unlink()
	delete(s.known, e.key)
	s.size -= e.bytes()
}

func (s *memoShard) front(e *memoEntry) {
	e.prev, e.next = &s.root, s.root.next
	e.prev.next, e.next.prev = e, e
}

func (e *memoEntry) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// bytes is what an entry costs, about: names of labels are shared.
func (e *memoEntry) bytes() int {
	return 320 + 24*len(e.reading.Intent) + 64*len(e.reading.PII)
}
