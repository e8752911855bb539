package cache

import "sync/atomic"

type counters struct {
	exact, semantic, shared, misses          atomic.Int64
	stored, refused, uncacheable             atomic.Int64
	evicted, expired, sharedBad, embedFailed atomic.Int64
}

// Stats counts from New.
type Stats struct {
	Exact       int64 `json:"exact"`        // hits, those from Shared included
	Semantic    int64 `json:"semantic"`     // hits
	Shared      int64 `json:"shared"`       // exact hits that another server had stored
	Misses      int64 `json:"misses"`       //
	Stored      int64 `json:"stored"`       // answers
	Refused     int64 `json:"refused"`      // answers, by Put
	Uncacheable int64 `json:"uncacheable"`  // requests, by Read
	Evicted     int64 `json:"evicted"`      // answers, for want of room
	Expired     int64 `json:"expired"`      // answers, by their time
	EmbedFailed int64 `json:"embed_failed"` // questions without an embedding
	SharedBad   int64 `json:"shared_bad"`   // shared values that could not be read
	Entries     int64 `json:"entries"`      // now
	Bytes       int64 `json:"bytes"`        // now, about
}

// Stats says how the cache does.
func (c *Cache) Stats() Stats {
	c.mu.RLock()
	entries, size := int64(len(c.exact)), c.size
	c.mu.RUnlock()
	n := &c.count
	return Stats{
		Exact: n.exact.Load(), Semantic: n.semantic.Load(), Shared: n.shared.Load(), Misses: n.misses.Load(), Stored: n.stored.Load(),
		Refused: n.refused.Load(), Uncacheable: n.uncacheable.Load(), Evicted: n.evicted.Load(), Expired: n.expired.Load(),
		EmbedFailed: n.embedFailed.Load(), SharedBad: n.sharedBad.Load(), Entries: entries, Bytes: size,
	}
}
