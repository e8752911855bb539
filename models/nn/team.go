package nn

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"mom/kernels/cpu"
)

// A Task is work that splits into units, which may run at the same time on
// different workers. Do must not allocate on a hot path; worker is below the
// team's Size and names the scratch space that the unit may use.
type Task interface {
	Do(unit, worker int)
}

// A Team is a caller and some helper goroutines that share the units of one
// task at a time. Each worker has an equal range of them and takes units from
// others' ranges when its own is done, so an unequal split or a core lost to
// another process costs one unit, not the slowest half. Tasks of the same rows
// that are split the same way keep a row in the cache of one core.
//
// Waking a parked thread takes about 0.1 ms, a forward pass has hundreds of
// tasks and lasts a few milliseconds. So a helper spins between tasks for a
// bounded time and parks only when nothing more comes; Run wakes those that
// are parked. A nil *Team is the caller alone.
type Team struct {
	helpers int
	limit   atomic.Int32 // helpers that may work now; the others park

	shares []share // of the caller and of each helper
	task   Task
	done   atomic.Int64
	parked atomic.Int32
	wake   chan struct{}
	closed atomic.Bool
	exited sync.WaitGroup
}

// A share is the range of units that a worker begins with. It packs generation |
// end | next unit, so that one addition takes a unit and tells whether it exists.
// A range is replaced when it has been taken whole, so that an addition meant
// for the last task gets nothing or a unit of this one.
type share struct {
	atomic.Uint64
	_ [56]byte // a cache line each
}

func (s *share) set(generation uint64, next, end int) {
	s.Store(generation<<(2*unitBits) | uint64(end)<<unitBits | uint64(next))
}

func (s *share) generation() uint64 { return s.Load() >> (2 * unitBits) }

// take returns the next unit, or false when there is none.
func (s *share) take() (int, bool) {
	if v := s.Load(); v&unitMask >= v>>unitBits&unitMask {
		return 0, false
	}
	v := s.Add(1) - 1
	return int(v & unitMask), v&unitMask < v>>unitBits&unitMask
}

const (
	unitBits = 20
	unitMask = 1<<unitBits - 1
	maxUnits = unitMask / 2 // every worker may overshoot by one

	pauses    = 16                     // PAUSE instructions between looks, 0.1 to 0.5 us
	patience  = 150 * time.Microsecond // of a helper before it parks
	glances   = 32                     // looks between looks at the clock
	waitSpins = 2000                   // looks before a waiting caller yields
)

// NewTeam starts a team of size workers, the caller of Run among them.
func NewTeam(size int) *Team {
	if size <= 1 {
		return nil
	}
	t := &Team{helpers: size - 1, shares: make([]share, size), wake: make(chan struct{}, size)}
	t.limit.Store(int32(size - 1))
	t.exited.Add(t.helpers)
	for i := range t.helpers {
		go t.help(i + 1)
	}
	return t
}

// Size is the number of workers that may call Do at the same time.
func (t *Team) Size() int {
	if t == nil {
		return 1
	}
	return t.helpers + 1
}

// SetHelpers bounds how many helpers take part from the next task on.
func (t *Team) SetHelpers(n int) {
	if t != nil {
		t.limit.Store(int32(max(0, min(n, t.helpers))))
	}
}

// Active is the number of workers that the next task can count on.
func (t *Team) Active() int {
	if t == nil {
		return 1
	}
	return int(t.limit.Load()) + 1
}

// Run calls task.Do once for each unit in [0, units) and returns when all have
// returned. One Run at a time.
func (t *Team) Run(units int, task Task) {
	if t == nil || units == 1 || t.limit.Load() == 0 {
		for i := range units {
			task.Do(i, 0)
		}
		return
	}
	if units > maxUnits {
		panic("BUG: nn: Team.Run: too many units")
	}
	if units <= 0 {
		return
	}
	t.task = task
	t.done.Store(0)
	generation, active := t.shares[0].generation()+1, t.Active()
	for w := range t.shares {
		if w < active {
			t.shares[w].set(generation, w*units/active, (w+1)*units/active)
		} else {
			t.shares[w].set(generation, 0, 0)
		}
	}
	t.wakeParked()
	t.work(0)
	for i := 0; t.done.Load() != int64(units); i++ {
		if i < waitSpins {
			cpu.Pause(pauses)
		} else {
			runtime.Gosched()
		}
	}
}

// work takes units, the worker's own first, until none is left.
func (t *Team) work(worker int) {
	for i := range t.shares {
		s := &t.shares[(worker+i)%len(t.shares)]
		for unit, ok := s.take(); ok; unit, ok = s.take() {
			// The task cannot change before this unit is done.
			t.task.Do(unit, worker)
			t.done.Add(1)
		}
	}
}

func (t *Team) wakeParked() {
	for n := min(t.parked.Load(), t.limit.Load()); n > 0; n-- {
		select {
		case t.wake <- struct{}{}:
		default:
			return
		}
	}
}

func (t *Team) help(worker int) {
	defer t.exited.Done()
	mine := &t.shares[worker]
	seen := uint64(0)
	var since time.Time // it is idle
	for idle := 0; ; idle++ {
		if t.closed.Load() {
			return
		}
		g := mine.generation()
		if g != seen && int32(worker) <= t.limit.Load() {
			t.work(worker)
			seen, idle = g, -1
			continue
		}
		if idle == 0 {
			since = time.Now()
		}
		if idle%glances != glances-1 || time.Since(since) < patience {
			cpu.Pause(pauses)
			continue
		}
		t.parked.Add(1)
		// A task published before the line above saw nobody to wake.
		if mine.generation() == seen || int32(worker) > t.limit.Load() {
			<-t.wake
		}
		t.parked.Add(-1)
		idle = -1
	}
}

// Close ends the helpers. No Run may be under way.
func (t *Team) Close() {
	if t == nil {
		return
	}
	t.closed.Store(true)
	close(t.wake)
	t.exited.Wait()
}
