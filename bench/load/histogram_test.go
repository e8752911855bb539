package main

import (
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	last := -1
	for us := int64(0); us < 1<<22; us += 1 + us/1000 {
		b := bucket(us)
		if b < last {
			t.Fatalf("%d us is in bucket %d, before %d", us, b, last)
		}
		last = b
		if lo, hi := floor(b), floor(b+1); us < lo || us >= hi || hi-lo > 1+us/64 {
			t.Fatalf("%d us is in [%d,%d)", us, lo, hi)
		}
	}
}

func TestQuantile(t *testing.T) {
	var h histogram
	for i := 1; i <= 10000; i++ {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for _, q := range []float64{0.5, 0.9, 0.99} {
		want := q * 10000
		got := float64(h.quantile(q).Microseconds())
		if got < want*0.98 || got > want*1.02 {
			t.Errorf("quantile %v is %v us, want about %v", q, got, want)
		}
	}
	if m := h.mean(); m < 4990*time.Microsecond || m > 5010*time.Microsecond {
		t.Errorf("mean %v", m)
	}
}
