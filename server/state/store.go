package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Off is the path of a store that keeps nothing but the ring in memory.
const Off = "off"

// Options bound a Store. The zero value keeps everything for ever.
type Options struct {
	// Entries older than this go; 0 keeps them for ever. state.retention of the
	// configuration.
	Retention time.Duration
	// The oldest entries go when the database's file, without its log of up to
	// 4 MiB, would be larger; 0 means no bound. At least 1 MiB. state.max_size of
	// the configuration.
	MaxBytes int64
	// The oldest decisions go when there are more; 0 means no bound.
	MaxRows int64
	// Entries in memory: those that Get answers at once, and those that may wait
	// for the database. 0 means 4096.
	Ring int
	// What Open and the writer do with a damaged file: rename it and begin a new
	// one, or with Refuse, Open fails and the writer stops.
	Refuse bool
	// Where a change of the database's health is told; nil means nowhere. What
	// is written never holds anything of an entry.
	Log *slog.Logger

	now  func() time.Time // for tests
	wait time.Duration    // between looks at a database in trouble, for tests
}

// Errors that callers may want to tell apart.
var (
	ErrNotFound    = errors.New("no decision has this id, or it was too long ago")
	ErrOff         = errors.New("state is off (state.path)")
	ErrClosed      = errors.New("state: the store is closed")
	ErrBusy        = errors.New("state: too much feedback at once")
	ErrUnavailable = errors.New("state: the database cannot be read now")
)

// A Store keeps entries until Close. Its methods may be called concurrently.
type Store struct {
	path string
	o    Options
	log  *slog.Logger

	ring     *ring
	feedback chan Feedback
	wake     chan struct{} // there is something to write
	full     chan struct{} // there is a whole batch
	flushes  chan chan error
	stop     chan struct{} // closed by Close
	stopped  chan struct{} // closed by the writer
	closing  sync.Once
	hurry    context.Context // ends when Close's time is over
	give     context.CancelFunc

	mu    sync.RWMutex // of db, against its replacement
	db    *database    // nil while there is none
	usage usage
	count counters
	bad   atomic.Int32 // trouble of now
	left  int64        // entries that were lost at the end; set before stopped is closed
}

// readTimeout bounds every query of a reader.
const readTimeout = 2 * time.Second

// Open opens or makes the SQLite file path, whose folder must exist; ":memory:"
// keeps everything until Close, and Off nothing but the ring. A file that is
// locked, or on a full disk, is no error: entries wait in the ring, and the
// store tries again. Close must follow.
func Open(path string, o Options) (*Store, error) {
	if path == "" {
		return nil, errors.New("state.path is empty; give a file, :memory: or off")
	}
	if o.MaxBytes != 0 && o.MaxBytes < 1<<20 {
		return nil, fmt.Errorf("state.max_size is %d bytes; the least is %d", o.MaxBytes, 1<<20)
	}
	if o.Retention < 0 || o.MaxRows < 0 || o.Ring < 0 {
		return nil, errors.New("state: retention, rows and ring may not be negative")
	}
	if o.Ring == 0 {
		o.Ring = 4096
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.wait == 0 {
		o.wait = time.Second
	}
	s := &Store{path: path, o: o, log: o.Log, ring: newRing(o.Ring)}
	s.usage.pending = map[usageKey]*aggregate{}
	s.hurry, s.give = context.WithCancel(context.Background())
	if path == Off {
		return s, nil
	}
	if err := s.open(); err != nil {
		if t := troubleOf(err); t != locked && t != full {
			s.give()
			return nil, err
		}
		s.note(err)
	}
	s.feedback = make(chan Feedback, 256)
	s.wake = make(chan struct{}, 1)
	s.full = make(chan struct{}, 1)
	s.flushes = make(chan chan error)
	s.stop = make(chan struct{})
	s.stopped = make(chan struct{})
	go s.write()
	return s, nil
}

// open makes s.db, setting a damaged file aside.
func (s *Store) open() error {
	ctx, cancel := context.WithTimeout(s.hurry, 10*time.Second)
	defer cancel()
	db, err := openDatabase(ctx, s.path, s.o.MaxBytes)
	if troubleOf(err) == corrupt {
		if db, err = s.replace(ctx, err); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.db = db
	s.mu.Unlock()
	return nil
}

// replace begins a new file in place of a damaged one.
func (s *Store) replace(ctx context.Context, why error) (*database, error) {
	s.count.errors[corrupt].Add(1)
	if s.o.Refuse || s.path == memory {
		return nil, fmt.Errorf("%s is damaged or no SQLite database (%w); move it away, or let a new one be made in its place", s.path, why)
	}
	name, err := moveAside(s.path, s.o.now())
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%v), and cannot be moved away: %w", s.path, why, err)
	}
	s.count.setAside.Add(1)
	s.log.Error("the database of decisions was damaged; it was moved away and a new one begun", "path", s.path, "moved_to", name, "error", why)
	return openDatabase(ctx, s.path, s.o.MaxBytes)
}

// Record keeps an entry. It never waits: what cannot be written is counted. An
// id is recorded once, when its request has ended; Announce shows it earlier.
// The slices and maps of e belong to the store from now on.
func (s *Store) Record(e Entry) {
	s.count.recorded.Add(1)
	if s.path == Off {
		s.ring.put(&e, false)
		return
	}
	switch n := s.ring.put(&e, true); {
	case n == 1:
		poke(s.wake)
	case n >= min(batchSize, s.o.Ring/2):
		poke(s.full)
	}
}

// Announce makes an entry known to Get before its request has ended. It is not
// written and not counted, and Record replaces it.
func (s *Store) Announce(e Entry) { s.ring.put(&e, false) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it will look anyway
	}
}

// Get returns an entry with its feedback, or ErrNotFound. Whether the caller
// may see it is the caller's to check (Entry.Tenant). What it returns is
// shared: it must not be changed.
func (s *Store) Get(ctx context.Context, id string) (Entry, error) {
	var e Entry
	held, ok := s.ring.get(id)
	if ok {
		e = *held
	}
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		if !ok {
			var err error
			if e, err = selectEntry(ctx, db, id); err != nil {
				return err
			}
		}
		var err error
		e.Feedback, err = selectFeedback(ctx, db, "decision = ?", id, 100)
		return err
	})
	switch {
	case ok:
		return e, nil // with whatever feedback could be read
	case errors.Is(err, ErrOff):
		return Entry{}, ErrNotFound
	case err != nil:
		return Entry{}, err
	}
	return e, nil
}

// Recent returns up to n entries, newest first, of one tenant, or of all when
// tenant is nil. Their feedback is not filled in.
func (s *Store) Recent(ctx context.Context, n int, tenant *string) ([]Entry, error) {
	var list []Entry
	s.ring.newest(func(e *Entry) bool {
		if tenant == nil || e.Tenant == *tenant {
			list = append(list, *e)
		}
		return len(list) < n
	})
	if len(list) >= n {
		return list[:n], nil
	}
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		more, err := selectRecent(ctx, db, n, tenant)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for i := range list {
			known[list[i].ID] = true
		}
		for i := range more {
			if !known[more[i].ID] && len(list) < n {
				list = append(list, more[i])
			}
		}
		return nil
	})
	if err != nil && len(list) == 0 && !errors.Is(err, ErrOff) {
		return nil, err
	}
	return list, nil
}

// query runs f on the readers' side, with a bound on its time.
func (s *Store) query(ctx context.Context, f func(context.Context, *sql.DB) error) error {
	if s.path == Off {
		return ErrOff
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return ErrUnavailable
	}
	err := f(ctx, s.db.reader)
	if err != nil && !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	return err
}

// Feedback keeps feedback on a decision that is known: ErrNotFound when it is
// not, or is another tenant's. It is written soon after.
func (s *Store) Feedback(ctx context.Context, f Feedback) error {
	if s.path == Off {
		return ErrOff
	}
	if err := f.Check(); err != nil {
		return err
	}
	e, err := s.Get(ctx, f.DecisionID)
	if err != nil {
		return err
	}
	if e.Tenant != f.Tenant {
		return ErrNotFound
	}
	f.Time, f.Model, f.Category = s.o.now(), e.Model, e.Decision.Category
	select {
	case <-s.stop:
		return ErrClosed
	default:
	}
	select {
	case s.feedback <- f:
		poke(s.wake)
		return nil
	default:
		s.count.feedbackLost.Add(1)
		return ErrBusy
	}
}

// Feedbacks returns up to n entries of feedback since then, oldest first.
func (s *Store) Feedbacks(ctx context.Context, since time.Time, n int) (list []Feedback, err error) {
	err = s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		list, err = selectFeedback(ctx, db, "time >= ?", since.UnixMicro(), n)
		return err
	})
	return list, err
}

// Flush waits until everything recorded so far is written, or ctx ends.
func (s *Store) Flush(ctx context.Context) error {
	if s.path == Off {
		return nil
	}
	done := make(chan error, 1)
	select {
	case s.flushes <- done:
	case <-s.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close writes what waits, gives up when ctx ends, and closes the database. The
// error says how many entries were lost at the end.
func (s *Store) Close(ctx context.Context) error {
	if s.path == Off {
		s.give()
		return nil
	}
	s.closing.Do(func() { close(s.stop) })
	select {
	case <-s.stopped:
	case <-ctx.Done():
		s.give()
		<-s.stopped
	}
	s.give()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.db != nil {
		err = s.db.close()
		s.db = nil
	}
	if s.left > 0 {
		err = errors.Join(err, fmt.Errorf("state: %d entries could not be written before the end", s.left))
	}
	return err
}
