package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * 3)
		if i > 0 && rng.IntN(8) == 0 {
			x[i] = x[i-1] // ties
		}
	}
	return x
}

// allowed computes by sorting which tokens may be drawn, with their probability.
func allowed(logits []float32, mask []uint64, p Params) map[int32]float64 {
	var c []scored
	for i, x := range logits {
		if mask == nil || mask[i/64]>>(i%64)&1 == 1 {
			c = append(c, scored{int32(i), x})
		}
	}
	sort.Slice(c, func(i, j int) bool { return before(c[i], c[j]) < 0 })
	if p.TopK > 0 && p.TopK < len(c) {
		c = c[:p.TopK]
	}
	w := make([]float64, len(c))
	sum := 0.0
	for i, x := range c {
		w[i] = math.Exp(float64(x.logit-c[0].logit) / p.Temperature)
		sum += w[i]
	}
	keep := len(c)
	if p.TopP > 0 && p.TopP < 1 {
		mass := 0.0
		for i := range w {
			if mass += w[i]; mass >= p.TopP*sum*(1-1e-12) {
				keep = i + 1
				break
			}
		}
	}
	for keep > 1 && w[keep-1] < p.MinP {
		keep--
	}
	sum = 0
	for _, x := range w[:keep] {
		sum += x
	}
	out := map[int32]float64{}
	for i := range keep {
		out[c[i].id] = w[i] / sum
	}
	return out
}

func TestDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		n := 1 + rng.IntN(3000)
		logits := random(rng, n)
		var mask []uint64
		if rng.IntN(2) == 0 {
			mask = make([]uint64, (n+63)/64)
			for range 1 + rng.IntN(n) {
				i := rng.IntN(n)
				mask[i/64] |= 1 << (i % 64)
			}
		}
		p := Params{Temperature: 0.2 + rng.Float64()*2, Seed: rng.Uint64()}
		if rng.IntN(2) == 0 {
			p.TopK = 1 + rng.IntN(100)
		}
		if rng.IntN(2) == 0 {
			p.TopP = rng.Float64()
		}
		if rng.IntN(3) == 0 {
			p.MinP = rng.Float64() * 0.2
		}
		want := allowed(logits, mask, p)
		var s Sampler
		s.Reset(p)
		count := map[int32]int{}
		const draws = 400
		for range draws {
			id := s.Next(logits, mask)
			if _, ok := want[id]; !ok {
				t.Fatalf("%+v drew %d, which is not among the %d allowed", p, id, len(want))
			}
			count[id]++
		}
		for id, q := range want {
			sd := math.Sqrt(draws * q * (1 - q))
			if d := math.Abs(float64(count[id]) - draws*q); d > 6*sd+2 {
				t.Errorf("%+v drew %d %d times of %d, probability %.3f", p, id, count[id], draws, q)
			}
		}
	}
}

func TestSeeds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	logits := random(rng, 500)
	take := func(seed uint64) (ids []int32) {
		var s Sampler
		s.Reset(Params{Temperature: 1, TopP: 0.95, Seed: seed})
		for range 50 {
			ids = append(ids, s.Next(logits, nil))
		}
		return ids
	}
	if a, b := take(7), take(7); !slices.Equal(a, b) {
		t.Error("one seed gave two sequences")
	}
	if a, b := take(7), take(8); slices.Equal(a, b) {
		t.Error("two seeds gave one sequence")
	}
}

func TestGreedy(t *testing.T) {
	var s Sampler
	s.Reset(Params{})
	logits := []float32{1, 5, 5, -2}
	if id := s.Next(logits, nil); id != 1 {
		t.Errorf("picked %d, want the lowest id of the largest", id)
	}
	if id := s.Next(logits, []uint64{1<<3 | 1<<0}); id != 0 {
		t.Errorf("picked %d, want 0 under the mask", id)
	}
	if id := s.Next(logits, []uint64{0}); id != -1 {
		t.Errorf("picked %d of nothing", id)
	}
}

func TestRepetitionPenalty(t *testing.T) {
	var s Sampler
	s.Reset(Params{RepetitionPenalty: 2})
	s.See(1, 3)
	logits := []float32{1, 1.5, -1, -3}
	if id := s.Next(logits, nil); id != 0 {
		t.Errorf("picked %d", id)
	}
	if want := []float32{1, 0.75, -1, -6}; !slices.Equal(logits, want) {
		t.Errorf("penalised to %v, want %v", logits, want)
	}
	s.Reset(Params{RepetitionPenalty: 2})
	if id := s.Next([]float32{0, 1.5, -1}, nil); id != 1 {
		t.Error("Reset kept what was seen")
	}
}

func TestLogProbs(t *testing.T) {
	logits := random(rand.New(rand.NewPCG(5, 6)), 200)
	sum := 0.0
	for i := range logits {
		sum += math.Exp(LogProb(logits, int32(i)))
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("probabilities add up to %v", sum)
	}
	top := Top(nil, logits, 5)
	best := slices.Clone(logits)
	slices.Sort(best)
	for i, c := range top {
		if logits[c.ID] != best[len(best)-1-i] || math.Abs(c.LogProb-LogProb(logits, c.ID)) > 1e-9 {
			t.Errorf("place %d: %+v", i, c)
		}
	}
}

func TestAllocations(t *testing.T) {
	logits := random(rand.New(rand.NewPCG(7, 8)), 5000)
	for name, p := range map[string]Params{
		"greedy": {}, "all": {Temperature: 1, TopK: 40, TopP: 0.9, MinP: 0.01, RepetitionPenalty: 1.1}, "plain": {Temperature: 1},
	} {
		var s Sampler
		s.Reset(p)
		s.See(4999)
		s.Next(logits, nil)
		if n := testing.AllocsPerRun(20, func() { s.Next(logits, nil) }); n > 0 {
			t.Errorf("%s: %v allocations a token", name, n)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, p := range []Params{{Temperature: -1}, {Temperature: math.NaN()}, {TopK: -1}, {TopP: 1.1}, {MinP: -0.1}, {RepetitionPenalty: math.Inf(1)}} {
		if p.Check() == nil {
			t.Errorf("%+v passes", p)
		}
	}
	if err := (&Params{Temperature: 1, TopK: 40, TopP: 0.9}).Check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkNext(b *testing.B) {
	logits := random(rand.New(rand.NewPCG(9, 10)), 49152)
	for name, p := range map[string]Params{"greedy": {}, "top-p": {Temperature: 0.7, TopP: 0.9}, "top-k": {Temperature: 0.7, TopK: 40}} {
		b.Run(name, func(b *testing.B) {
			var s Sampler
			s.Reset(p)
			for b.Loop() {
				s.Next(logits, nil)
			}
		})
	}
}
