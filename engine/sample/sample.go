// Package sample picks the next token from logits.
//
// The steps are those of Hugging Face's generate and in its order: repetition
// penalty, constraint, temperature, top-k, top-p, min-p, then a draw. What a
// sampler picks depends on its parameters, its seed and the logits alone, so a
// request gives the same tokens whatever else runs beside it.
package sample

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Params say how tokens are picked. The zero value is greedy.
type Params struct {
	Temperature       float64 // 0 is greedy: the largest logit, the lowest id of equals
	TopK              int     // only the k most probable tokens; 0 for all
	TopP              float64 // only the most probable tokens that reach this mass together; 0 or 1 for all
	MinP              float64 // only tokens with this share of the largest probability
	RepetitionPenalty float64 // divides the positive logits of tokens seen, multiplies the negative; 0 or 1 for none
	Seed              uint64
}

// Check names the first parameter that is out of range.
func (p *Params) Check() error {
	switch {
	case !(p.Temperature >= 0 && p.Temperature <= 100):
		return fmt.Errorf("temperature: %v is outside 0 to 100", p.Temperature)
	case p.TopK < 0:
		return fmt.Errorf("top_k: %d is negative", p.TopK)
	case !(p.TopP >= 0 && p.TopP <= 1):
		return fmt.Errorf("top_p: %v is outside 0 to 1", p.TopP)
	case !(p.MinP >= 0 && p.MinP <= 1):
		return fmt.Errorf("min_p: %v is outside 0 to 1", p.MinP)
	case !(p.RepetitionPenalty >= 0 && p.RepetitionPenalty <= 100):
		return fmt.Errorf("repetition_penalty: %v is outside 0 to 100", p.RepetitionPenalty)
	}
	return nil
}

// A Sampler picks the tokens of one sequence. Its memory is reused by Reset.
type Sampler struct {
	p    Params
	rng  rand.PCG
	seen []uint64 // bit set of tokens, of a repetition penalty
	some []scored // candidates
}

type scored struct {
	id    int32
	logit float32
}

// Reset begins a new sequence.
func (s *Sampler) Reset(p Params) {
	s.p = p
	s.rng.Seed(p.Seed, 0x9e3779b97f4a7c15)
	clear(s.seen)
}

// See tells of tokens that are in the sequence already.
func (s *Sampler) See(ids ...int32) {
	if !s.penalises() {
		return
	}
	for _, id := range ids {
		w := int(id) / 64
		if w >= len(s.seen) {
			s.seen = append(s.seen, make([]uint64, w+1-len(s.seen))...)
		}
		s.seen[w] |= 1 << (id % 64)
	}
}

func (s *Sampler) penalises() bool { return s.p.RepetitionPenalty != 0 && s.p.RepetitionPenalty != 1 }

// Next picks a token and takes note of it. mask has a bit set for each token
// that is allowed; nil allows all. It is -1 if no token is allowed. The
// penalty changes logits in place.
func (s *Sampler) Next(logits []float32, mask []uint64) int32 {
	if s.penalises() {
		s.penalise(logits)
	}
	id := int32(-1)
	if s.p.Temperature == 0 || s.p.TopK == 1 {
		id = argmax(logits, mask)
	} else if s.candidates(logits, mask); len(s.some) > 0 {
		id = s.draw()
	}
	if id >= 0 {
		s.See(id)
	}
	return id
}

func (s *Sampler) penalise(logits []float32) {
	by := float32(s.p.RepetitionPenalty)
	for w, set := range s.seen {
		for ; set != 0; set &= set - 1 {
			i := 64*w + bits.TrailingZeros64(set)
			if i >= len(logits) {
				return
			}
			if logits[i] > 0 {
				logits[i] /= by
			} else {
				logits[i] *= by
			}
		}
	}
}

func argmax(logits []float32, mask []uint64) int32 {
	best, top := int32(-1), float32(math.Inf(-1))
	if mask == nil {
		for i, x := range logits {
			if x > top {
				best, top = int32(i), x
			}
		}
		return best
	}
	for w, set := range mask {
		for ; set != 0; set &= set - 1 {
			i := 64*w + bits.TrailingZeros64(set)
			if i < len(logits) && (logits[i] > top || best < 0) {
				best, top = int32(i), logits[i]
			}
		}
	}
	return best
}

func (s *Sampler) candidates(logits []float32, mask []uint64) {
	s.some = s.some[:0]
	if mask == nil {
		for i, x := range logits {
			s.some = append(s.some, scored{int32(i), x})
		}
		return
	}
	for w, set := range mask {
		for ; set != 0; set &= set - 1 {
			if i := 64*w + bits.TrailingZeros64(set); i < len(logits) {
				s.some = append(s.some, scored{int32(i), logits[i]})
			}
		}
	}
}

// before orders by logit, largest first, then by id, so that ties are decided.
func before(a, b scored) int {
	switch {
	case a.logit > b.logit:
		return -1
	case a.logit < b.logit:
		return 1
	}
	return int(a.id) - int(b.id)
}

// draw narrows the candidates and draws one.
func (s *Sampler) draw() int32 {
	c, p := s.some, &s.p
	if p.TopK > 0 && p.TopK < len(c) {
		first(c, p.TopK)
		c = c[:p.TopK]
	}
	top := c[0].logit
	for _, x := range c {
		top = max(top, x.logit)
	}
	weight := func(x scored) float64 { return math.Exp(float64(x.logit-top) / p.Temperature) }
	if p.TopP > 0 && p.TopP < 1 {
		sum := 0.0
		for _, x := range c {
			sum += weight(x)
		}
		c = nucleus(c, p.TopP*sum, weight)
	}
	if p.MinP > 0 {
		n := 0
		for _, x := range c {
			if weight(x) >= p.MinP {
				c[n], n = x, n+1
			}
		}
		c = c[:n]
	}
	slices.SortFunc(c, before) // so that the draw depends on no algorithm of choosing
	sum := 0.0
	for _, x := range c {
		sum += weight(x)
	}
	at := float64(s.rng.Uint64()>>11) / (1 << 53) * sum
	for _, x := range c {
		if at -= weight(x); at < 0 {
			return x.id
		}
	}
	return c[len(c)-1].id
}

// nucleus returns the fewest of the largest candidates whose weights reach mass.
func nucleus(c []scored, mass float64, weight func(scored) float64) []scored {
	for done, n := 0, 64; ; n *= 4 {
		n = min(n, len(c))
		first(c[done:], n-done)
		slices.SortFunc(c[done:n], before)
		for ; done < n; done++ {
			if mass -= weight(c[done]); mass <= 0 {
				return c[:done+1]
			}
		}
		if n == len(c) {
			return c
		}
	}
}

// first brings the n first of the order to the front.
func first(c []scored, n int) {
	lo, hi := 0, len(c)
	for n > 0 && hi-lo > 1 && n < hi {
		pivot := c[lo+(hi-lo)/2]
		i, j := lo, hi-1
		for i <= j {
			for before(c[i], pivot) < 0 {
				i++
			}
			for before(pivot, c[j]) < 0 {
				j--
			}
			if i <= j {
				c[i], c[j] = c[j], c[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			hi = j + 1
		case n > i:
			lo = i
		default:
			return
		}
	}
}

// A Choice is a token and its log-probability.
type Choice struct {
	ID      int32
	LogProb float64
}

// LogProb returns the log-probability of id among all tokens.
func LogProb(logits []float32, id int32) float64 {
	return float64(logits[id]) - LogSum(logits)
}

// Top appends the n most probable tokens to dst, in order.
func Top(dst []Choice, logits []float32, n int) []Choice {
	sum := LogSum(logits)
	at := len(dst)
	for i, x := range logits {
		c := Choice{int32(i), float64(x) - sum}
		if len(dst)-at == n {
			if n == 0 || c.LogProb <= dst[len(dst)-1].LogProb {
				continue
			}
			dst = dst[:len(dst)-1]
		}
		j := len(dst)
		for j > at && dst[j-1].LogProb < c.LogProb {
			j--
		}
		dst = slices.Insert(dst, j, c)
	}
	return dst
}

// LogSum returns the logarithm of the sum of the exponentials.
func LogSum(logits []float32) float64 {
	top := slices.Max(logits)
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x - top))
	}
	return float64(top) + math.Log(sum)
}
