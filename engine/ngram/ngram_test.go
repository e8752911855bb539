package ngram

import (
	"slices"
	"strings"
	"testing"
)

// The numbers are those that train/ngrams.py prints for the same texts.
func TestBuckets(t *testing.T) {
	for _, c := range golden {
		var s Set
		s.Read(c.text, 1<<16)
		got := slices.Sorted(slices.Values(s.Buckets))
		if !slices.Equal(got, c.buckets) {
			t.Errorf("%q: buckets %v, want %v", c.text, got, c.buckets)
		}
	}
}

func TestReuse(t *testing.T) {
	var s, other Set
	for _, c := range golden {
		s.Read(c.text, 1<<16)
		other = Set{}
		other.Read(c.text, 1<<16)
		if !slices.Equal(s.Buckets, other.Buckets) {
			t.Errorf("%q: %v after other texts, %v alone", c.text, s.Buckets, other.Buckets)
		}
	}
	long := strings.Repeat("a rather long text about kinetics, ", 100)
	s.Read(long, 1<<16)
	if n := testing.AllocsPerRun(20, func() { s.Read(long, 1<<16) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range golden {
		f.Add(c.text)
	}
	var s Set
	f.Fuzz(func(t *testing.T, text string) {
		s.Read(text, 1000)
		seen := map[uint32]bool{}
		for _, b := range s.Buckets {
			if b >= 1000 || seen[b] {
				t.Fatalf("bucket %d of %q is too high or occurs twice", b, text)
			}
			seen[b] = true
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var s Set
	text := "could you walk me through the Krebs cycle and say where the electrons go? I never got that part"
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Read(text, 1<<16)
	}
}
