package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"

	"github.com/viterin/vek/vek32"
)

// group holds the embeddings of entries that may answer for each other, one
// after the other in memory, so that a search reads it once from end to end.
type group struct {
	id      digest
	width   int
	vectors []float32 // len(entries) rows of width
	entries []*entry
}

// groupOf is a scope, and the number of dimensions: a server whose embedding
// model was changed does not compare old with new.
func groupOf(k *Key) digest {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(k.vector)))
	return sha256.Sum256(append(n[:], k.scope[:]...))
}

func (g *group) add(e *entry, v []float32) {
	e.group, e.row = g, len(g.entries)
	g.vectors = append(g.vectors, v...)
	g.entries = append(g.entries, e)
}

// remove puts the last row where e was.
func (g *group) remove(e *entry) {
	last := len(g.entries) - 1
	moved := g.entries[last]
	copy(g.row(e.row), g.row(last))
	g.entries[e.row], moved.row = moved, e.row
	g.entries[last] = nil
	g.entries, g.vectors = g.entries[:last], g.vectors[:last*g.width]
	if n := len(g.vectors); cap(g.vectors) > 4096 && n < cap(g.vectors)/4 {
		g.vectors = append(make([]float32, 0, 2*n), g.vectors...)
	}
}

func (g *group) row(i int) []float32 { return g.vectors[i*g.width : (i+1)*g.width] }

// nearest is the row with the largest cosine; -1 when there is none.
func (g *group) nearest(v []float32) (row int, cosine float32) {
	row, cosine = -1, float32(math.Inf(-1))
	for i := range g.entries {
		if d := vek32.Dot(v, g.row(i)); d > cosine {
			row, cosine = i, d
		}
	}
	return row, cosine
}

// nearest finds the entry that k's question is nearest to. What has ended is
// looked past by removing it.
func (c *Cache) nearest(k *Key) (Answer, bool) {
	id := groupOf(k)
	for {
		c.mu.RLock()
		g := c.groups[id]
		if g == nil {
			c.mu.RUnlock()
			return Answer{}, false
		}
		row, cosine := g.nearest(k.vector)
		if row < 0 || float64(cosine) < c.o.Threshold {
			c.mu.RUnlock()
			return Answer{}, false
		}
		e := g.entries[row]
		c.mu.RUnlock()
		c.mu.Lock()
		el := c.exact[e.key.exact]
		switch {
		case el == nil || el.Value.(*entry) != e: // removed meanwhile
		case c.now().Before(e.ends):
			c.order.MoveToFront(el)
			c.mu.Unlock()
			return e.answer, true
		default:
			c.remove(el)
			c.count.expired.Add(1)
		}
		c.mu.Unlock()
	}
}

var errVector = errors.New("the embedding has no direction")

// normal copies a vector and gives it length 1.
func normal(v []float32) ([]float32, error) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 1e-12) || math.IsInf(sum, 0) {
		return nil, errVector
	}
	scale := float32(1 / math.Sqrt(sum))
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x * scale
	}
	return out, nil
}
