package server

import (
	"context"
	"sync"
	"time"
)

// tick is how often connections are looked at. A client that leaves is noticed
// after two of them at most.
const tick = 200 * time.Millisecond

// A life is the time in which a request is of use: until it is answered, its
// client leaves, or it has taken too long.
type life struct {
	context.Context
	cancel     context.CancelCauseFunc
	deadline   time.Time
	fd         int // of the client's socket; -1 when there is none to watch
	prev, next *life
}

// watcher looks at the sockets of all requests under way, all at once, since
// nobody reads from a socket while its request is answered.
type watcher struct {
	mu     sync.Mutex
	root   life // of a ring
	n      int
	quit   chan struct{}
	ended  chan struct{}
	socket func(fds []int, gone []bool) // marks those whose peer has left
}

func newWatcher() *watcher {
	w := &watcher{quit: make(chan struct{}), ended: make(chan struct{}), socket: peersGone}
	w.root.prev, w.root.next = &w.root, &w.root
	go w.run()
	return w
}

func (w *watcher) close() {
	close(w.quit)
	<-w.ended
}

// begin starts the life of a request within parent.
func (w *watcher) begin(parent context.Context, fd int, timeout time.Duration) *life {
	l := &life{fd: fd, deadline: time.Now().Add(timeout)}
	l.Context, l.cancel = context.WithCancelCause(parent)
	w.mu.Lock()
	l.prev, l.next = w.root.prev, &w.root
	l.prev.next, l.next.prev = l, l
	w.n++
	w.mu.Unlock()
	return l
}

// end must be called before the socket may be closed or used again.
func (w *watcher) end(l *life) {
	w.mu.Lock()
	if l.next != nil {
		l.prev.next, l.next.prev = l.next, l.prev
		l.prev, l.next = nil, nil
		w.n--
	}
	w.mu.Unlock()
	l.cancel(nil)
}

func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

func (w *watcher) run() {
	defer close(w.ended)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-w.quit:
			return
		case now := <-t.C:
			w.look(now)
		}
	}
}

// look cancels what is of no use any more. The lock keeps every socket open
// meanwhile.
func (w *watcher) look(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n == 0 {
		return
	}
	var fds []int
	var who []*life
	for l := w.root.next; l != &w.root; l = l.next {
		if now.After(l.deadline) {
			l.cancel(context.DeadlineExceeded)
		}
		if l.fd >= 0 && l.Err() == nil {
			fds, who = append(fds, l.fd), append(who, l)
		}
	}
	if len(fds) == 0 {
		return
	}
	gone := make([]bool, len(fds))
	w.socket(fds, gone)
	for i, g := range gone {
		if g {
			who[i].cancel(context.Canceled)
		}
	}
}
