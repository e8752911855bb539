// Package kv keeps the keys and values that decoders have computed, in pages of
// 32 tokens that sequences share.
//
// A pool has a bound in bytes and hands out pages from a free list. A page holds
// every layer and every kv head of its tokens:
//
//	page[layer][kv head]: what package attn calls a page of one head
//
// Sequences that begin alike share pages: Fork gives a new sequence the pages of
// an old one and counts the reference. Nobody writes into a page that has two
// owners: Reserve, which comes before any write, copies the part page at the end
// of a sequence if somebody else holds it too. So a page is copied once at most
// for a fork, and not at all when its other owner is gone by then.
package kv

import (
	"errors"
	"fmt"
	"sync"

	"mom/kernels/attn"
)

// PageTokens is the number of tokens of a page.
const PageTokens = attn.PageTokens

// A Format is the number format of keys and values.
type Format = attn.Format

// F32 keeps them as they are, BF16 rounds them to bfloat16, I8 quantises them
// with a scale for each token and head, of keys and of values.
const (
	F32  = attn.F32
	BF16 = attn.BF16
	I8   = attn.I8
)

// ParseFormat is the inverse of Format.String.
func ParseFormat(s string) (Format, error) {
	for f := F32; f <= I8; f++ {
		if s == f.String() {
			return f, nil
		}
	}
	return 0, fmt.Errorf("format of keys and values %q: want f32, bf16 or int8", s)
}

// ErrFull reports that the pool has no page left.
var ErrFull = errors.New("kv: no page is left in the pool of keys and values")

// Options describe the decoder that a pool serves, and its bound.
type Options struct {
	Layers, KVHeads, HeadDim int
	Format                   Format
	Bytes                    int // of all pages at most; one page is always allowed
}

// A Pool owns pages. Its methods may be called from any goroutine; a sequence is
// for one goroutine at a time.
type Pool struct {
	o         Options
	pageBytes int
	headBytes int // a page of one layer and kv head
	limit     int // pages

	mu    sync.Mutex
	made  int // pages that exist
	free  []*page
	stats Stats
}

// A page is the memory of PageTokens tokens. refs is guarded by the pool's lock.
type page struct {
	data []byte
	refs int
}

// Stats counts pages.
type Stats struct {
	PageBytes int
	Total     int // the bound
	Made      int // that have memory
	Used      int // held by a sequence
	Shared    int // held by two sequences or more
	Copied    int // part pages copied after a Fork, ever
	Sequences int // that were not freed
}

// NewPool makes an empty pool. Memory is taken when pages are first used, and
// kept.
func NewPool(o Options) *Pool {
	if o.Layers < 1 || o.KVHeads < 1 || o.HeadDim < 1 || o.Format > I8 {
		panic("BUG: kv: NewPool: impossible options")
	}
	p := &Pool{o: o, headBytes: attn.PageBytes(o.Format, o.HeadDim), pageBytes: o.PageBytes()}
	p.limit = max(1, o.Bytes/p.pageBytes)
	return p
}

// PageBytes is the memory of a page of all layers and heads, which holds
// PageTokens tokens.
func (o *Options) PageBytes() int { return o.Layers * o.KVHeads * attn.PageBytes(o.Format, o.HeadDim) }

// Options returns what the pool was made with.
func (p *Pool) Options() Options { return p.o }

// Stats returns the counts of now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.PageBytes, s.Total, s.Made = p.pageBytes, p.limit, p.made
	return s
}

// take returns a page with one reference. The lock is held.
func (p *Pool) take() *page {
	var g *page
	switch n := len(p.free); {
	case n > 0:
		g, p.free = p.free[n-1], p.free[:n-1]
	case p.made < p.limit:
		g = &page{data: aligned(p.pageBytes)}
		p.made++
	default:
		return nil
	}
	g.refs = 1
	p.stats.Used++
	return g
}

// share adds a reference. The lock is held.
func (p *Pool) share(g *page) {
	if g.refs++; g.refs == 2 {
		p.stats.Shared++
	}
}

// drop gives a reference back. The lock is held.
func (p *Pool) drop(g *page) {
	switch g.refs--; g.refs {
	case 1:
		p.stats.Shared--
	case 0:
		p.stats.Used--
		p.free = append(p.free, g)
	}
}
