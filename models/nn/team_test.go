package nn

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// countTask counts how often each unit runs and checks that no two units share
// a worker at the same time.
type countTask struct {
	runs []atomic.Int32
	busy [8]atomic.Bool
	bad  atomic.Int32
	slow int // a unit to dawdle in, -1 for none
}

func (c *countTask) Do(unit, worker int) {
	if c.busy[worker].Swap(true) {
		c.bad.Add(1)
	}
	c.runs[unit].Add(1)
	if unit == c.slow {
		time.Sleep(time.Millisecond)
	}
	c.busy[worker].Store(false)
}

func TestTeamRunsEachUnitOnce(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5} {
		team := NewTeam(size)
		for round := range 300 {
			units := round % 41
			c := &countTask{runs: make([]atomic.Int32, units), slow: -1}
			if round%50 == 7 {
				c.slow = units / 2
			}
			if round%60 == 59 {
				time.Sleep(3 * time.Millisecond) // the helpers park
			}
			team.SetHelpers(round % size)
			team.Run(units, c)
			for u := range c.runs {
				if n := c.runs[u].Load(); n != 1 {
					t.Fatalf("team of %d, round %d: unit %d ran %d times", size, round, u, n)
				}
			}
			if c.bad.Load() != 0 {
				t.Fatalf("team of %d: two units ran on one worker at a time", size)
			}
		}
		team.Close()
	}
}

// TestTeamHelps: with enough work, helpers take some of it.
func TestTeamHelps(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one core")
	}
	team := NewTeam(2)
	defer team.Close()
	var helped atomic.Int32
	for range 200 {
		team.Run(4, taskFunc(func(_, worker int) {
			if worker > 0 {
				helped.Add(1)
			}
			time.Sleep(50 * time.Microsecond)
		}))
	}
	if helped.Load() == 0 {
		t.Error("the helper never took a unit")
	}
}

type taskFunc func(unit, worker int)

func (f taskFunc) Do(unit, worker int) { f(unit, worker) }

// TestTeamCloseEndsHelpers, parked or spinning.
func TestTeamCloseEndsHelpers(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 5 {
		team := NewTeam(4)
		team.Run(8, taskFunc(func(int, int) {}))
		if i%2 == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		team.Close()
	}
	// A goroutine counts for a moment after its last statement.
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestRunAllocates(t *testing.T) {
	team := NewTeam(2)
	defer team.Close()
	c := &countTask{runs: make([]atomic.Int32, 16), slow: -1}
	if n := testing.AllocsPerRun(100, func() { team.Run(16, c) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// BenchmarkTeamRun is the price of a hand-over: two units that do nothing.
func BenchmarkTeamRun(b *testing.B) {
	team := NewTeam(2)
	defer team.Close()
	c := &countTask{runs: make([]atomic.Int32, 2), slow: -1}
	for b.Loop() {
		team.Run(2, c)
	}
}
