package attn

import (
	"math"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
)

func TestPagedStore(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, f := range formats {
			for _, d := range []int{1, 8, 63, 64, 65, 128, 200} {
				s := newDialogue(t, f, PageTokens, 1, d, uint64(d))
				for i := range PageTokens {
					if i == 7 {
						clear(s.key(i))
						s.value(i)[d/2] = 0x1p-101
						clear(s.value(i)[:d/2])
						clear(s.value(i)[d/2+1:])
						s.store(i)
					}
					k, v := s.stored(i)
					s.near(t, s.key(i), k)
					s.near(t, s.value(i), v)
				}
			}
		}
	})
}

// near checks that got is want in the dialogue's format.
func (s *dialogue) near(t *testing.T, want, got []float32) {
	t.Helper()
	var most float64
	for _, x := range want {
		most = max(most, math.Abs(float64(x)))
	}
	for c, x := range want {
		bound := 0.0
		switch s.Format {
		case BF16:
			x = roundBF16(x)
		case I8:
			bound = most*(1.0/254+0x1p-21) + 0x1p-100
		}
		if !(math.Abs(float64(got[c])-float64(x)) <= bound) {
			t.Fatalf("%s d=%d: column %d: stored %v, is %v ± %v", s.Format, s.d, c, want[c], got[c], bound)
		}
	}
}

// TestPagedStoreTouchesOneSlot stores twice and compares the other bytes.
func TestPagedStoreTouchesOneSlot(t *testing.T) {
	for _, f := range formats {
		s := newDialogue(t, f, PageTokens, 1, 24, 1)
		for slot := range PageTokens {
			before := slices.Clone(s.Pages[0])
			kerneltest.Fill(s.key(slot), uint64(slot))
			kerneltest.Fill(s.value(slot), uint64(slot+1))
			s.store(slot)
			changed := 0
			for i := range before {
				if before[i] != s.Pages[0][i] {
					changed++
				}
			}
			if most := PageBytes(f, 24) / PageTokens; changed == 0 || changed > most {
				t.Errorf("%s slot %d: %d bytes changed, a token has %d", f, slot, changed, most)
			}
			for i := range PageTokens {
				k, v := s.stored(i)
				s.near(t, s.key(i), k)
				s.near(t, s.value(i), v)
			}
		}
	}
}
