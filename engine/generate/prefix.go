package generate

import (
	"slices"

	"mom/models"
	"mom/models/kv"
)

const pageTokens = kv.PageTokens

// prefixes keeps the keys and values of texts that others may begin with.
// Entries are whole pages, but for pinned ones. It belongs to the loop.
type prefixes struct {
	entries []*prefix
	clock   int
	most    int // entries
}

type prefix struct {
	ids     []int32
	adapter *models.Adapter
	seq     *kv.Sequence
	used    int // by clock
	pinned  bool
}

// find returns a sequence that holds the longest known beginning of ids, but not
// all of them: the last token has to be read for its logits.
func (p *prefixes) find(ids []int32, a *models.Adapter) *kv.Sequence {
	var best *prefix
	length := 0
	for _, e := range p.entries {
		if e.adapter != a {
			continue
		}
		n := common(e.ids, ids[:len(ids)-1])
		if !e.pinned && n < len(e.ids) {
			n = n / pageTokens * pageTokens // part pages of others are not worth the copy
		}
		if n > length {
			best, length = e, n
		}
	}
	if best == nil {
		return nil
	}
	p.clock++
	best.used = p.clock
	seq := best.seq.Fork()
	seq.Truncate(length)
	return seq
}

func common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// keep remembers the first n tokens of seq, in whole pages unless pinned. The
// sequence stays the caller's.
func (p *prefixes) keep(ids []int32, a *models.Adapter, seq *kv.Sequence, pinned bool) {
	n := len(ids)
	if !pinned {
		n = n / pageTokens * pageTokens
	}
	if n == 0 {
		return
	}
	p.clock++
	for i := 0; i < len(p.entries); i++ {
		e := p.entries[i]
		if e.adapter != a {
			continue
		}
		switch same := common(e.ids, ids[:n]); {
		case same == n && (e.pinned || !pinned): // known already
			e.used = p.clock
			return
		case same == len(e.ids) && !e.pinned: // the new one holds it
			e.seq.Free()
			p.entries = slices.Delete(p.entries, i, i+1)
			i--
		}
	}
	for len(p.entries) >= p.most && p.evict() {
	}
	kept := seq.Fork()
	kept.Truncate(n)
	p.entries = append(p.entries, &prefix{ids: slices.Clone(ids[:n]), adapter: a, seq: kept, used: p.clock, pinned: pinned})
}

// evict forgets the entry that was not used for longest, if any may go.
func (p *prefixes) evict() bool {
	at := -1
	for i, e := range p.entries {
		if !e.pinned && (at < 0 || e.used < p.entries[at].used) {
			at = i
		}
	}
	if at < 0 {
		return false
	}
	p.entries[at].seq.Free()
	p.entries = slices.Delete(p.entries, at, at+1)
	return true
}

// unpin forgets what was pinned for an adapter or text.
func (p *prefixes) clear() {
	for _, e := range p.entries {
		e.seq.Free()
	}
	p.entries = nil
}
