package compat

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"mom/router"
)

// each calls f for 0..n-1, Parallel at a time, and ends at the first error. A
// panic in f is raised again here, where the server's own recovery is.
func (a *api) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 || a.Parallel == 1 {
		for i := range n {
			if err := f(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		next   atomic.Int64
		wg     sync.WaitGroup
		once   sync.Once
		first  error
		thrown any
	)
	worker := func() {
		defer func() {
			if r := recover(); r != nil {
				once.Do(func() { thrown = r; cancel(context.Canceled) })
			}
		}()
		for {
			i := int(next.Add(1)) - 1
			if i >= n || ctx.Err() != nil {
				return
			}
			if err := f(ctx, i); err != nil {
				once.Do(func() { first = err; cancel(err) })
				return
			}
		}
	}
	for range min(n, a.Parallel) {
		wg.Go(worker)
	}
	wg.Wait()
	if thrown != nil {
		panic(thrown)
	}
	if first == nil && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return first
}

// points turns offsets in bytes of text into offsets in code points.
type points struct {
	text string
	at   int // bytes
	n    int // code points before at
}

// of is fastest when offsets come in order.
func (p *points) of(b int) int {
	b = min(b, len(p.text))
	if b < p.at {
		p.at, p.n = 0, 0
	}
	p.n += utf8.RuneCountInString(p.text[p.at:b])
	p.at = b
	return p.n
}

// placeholders numbers equal values of a type equally: first is the number that
// the first one gets.
type placeholders struct {
	format string // of type and number
	first  int
	seen   map[string]string
	counts map[string]int
}

func newPlaceholders(format string, first int) *placeholders {
	return &placeholders{format: format, first: first, seen: map[string]string{}, counts: map[string]int{}}
}

func (p *placeholders) of(kind, value string) string {
	key := kind + "\x00" + value
	if have, ok := p.seen[key]; ok {
		return have
	}
	name := fmt.Sprintf(p.format, kind, p.first+p.counts[kind])
	p.counts[kind]++
	p.seen[key] = name
	return name
}

// masked is text with its spans replaced. Of overlapping spans the first one is
// replaced, and of the others what it leaves.
func masked(text string, spans []router.Span, with *placeholders) string {
	spans = append([]router.Span(nil), spans...)
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].Start < spans[j].Start })
	var b strings.Builder
	at := 0
	for _, s := range spans {
		start := max(s.Start, at)
		if start >= s.End {
			continue
		}
		b.WriteString(text[at:start])
		b.WriteString(with.of(s.Type, text[s.Start:s.End]))
		at = s.End
	}
	b.WriteString(text[at:])
	return b.String()
}
