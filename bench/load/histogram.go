package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets whose width is 1/64 of their value at
// most, from 1 us up to hours. It may be added to concurrently.
type histogram struct {
	counts [64 * 40]atomic.Int64
	n      atomic.Int64
	sum    atomic.Int64 // microseconds
	most   atomic.Int64
}

// bucket is linear up to 64 us, and has 64 steps for each doubling after it.
func bucket(us int64) int {
	if us < 64 {
		return int(max(us, 0))
	}
	e := bits.Len64(uint64(us)) - 7 // us>>e is 64 to 127
	return min(64*e+int(us>>e), 64*40-1)
}

// floor is the least value of a bucket, in microseconds.
func floor(b int) int64 {
	if b < 128 {
		return int64(b)
	}
	e := b/64 - 1
	return int64(b-64*e) << e
}

func (h *histogram) add(d time.Duration) {
	us := d.Microseconds()
	h.counts[bucket(us)].Add(1)
	h.n.Add(1)
	h.sum.Add(us)
	for {
		m := h.most.Load()
		if us <= m || h.most.CompareAndSwap(m, us) {
			return
		}
	}
}

// quantile is the value below which the share q of all lies.
func (h *histogram) quantile(q float64) time.Duration {
	want := int64(q * float64(h.n.Load()))
	var seen int64
	for b := range h.counts {
		if seen += h.counts[b].Load(); seen > want {
			return time.Duration((floor(b)+floor(b+1))/2) * time.Microsecond
		}
	}
	return time.Duration(h.most.Load()) * time.Microsecond
}

func (h *histogram) mean() time.Duration {
	n := h.n.Load()
	if n == 0 {
		return 0
	}
	return time.Duration(h.sum.Load()/n) * time.Microsecond
}
