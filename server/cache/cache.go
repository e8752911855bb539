// Package cache gives answers again without asking an upstream: to the same
// request (exact), and, where switched on, to one whose last question means the
// same (semantic).
//
// Whatever could make two answers differ is part of an entry's key: the client,
// the model or recipe, the policy, the system prompt, the conversation before
// the last question, and every parameter; see Read. So no answer crosses from
// one client to another, or from one system prompt to another.
//
// These are never cached: requests with tools, images or other files, with more
// than one choice, with a temperature above Options.MaxTemperature, with log
// probabilities, or with state at the upstream; answers that are errors, were
// blocked or changed by a guard, hold personal data that was put back, ended
// for another reason than being complete, or hold anything but text.
package cache

import (
	"container/list"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options bound a Cache.
type Options struct {
	// Compare what the last question means, beside exact equality.
	Semantic bool
	// Cosine similarity from which two questions mean the same: above 0, at most
	// 1. It belongs to the embedding. For Semantic.
	Threshold float64
	// How long an answer is kept; positive.
	TTL time.Duration
	// Memory for answers, keys and embeddings, about; at least 64 KiB. What was
	// used longest ago goes first. An answer larger than a quarter is not kept.
	MaxBytes int64
	// A request with a higher temperature wants variety, and is not cached. A
	// request without one counts as 1. 0 means 1; negative, that only a
	// temperature of 0 is cached.
	MaxTemperature float64
	// Where other servers find exact answers; nil means nowhere.
	Shared Backend

	now func() time.Time // for tests
}

// Backend keeps values for several servers; shared.Store is one.
type Backend interface {
	Get(ctx context.Context, key string) (value []byte, ok bool)
	Put(ctx context.Context, key string, value []byte, ttl time.Duration)
}

// An Answer is a whole answer to a client, in the protocol that the client
// speaks.
type Answer struct {
	Body      []byte    `json:"body"` // JSON; it must not be changed
	Model     string    `json:"model"`
	Upstream  string    `json:"upstream"`
	TokensIn  int       `json:"tokens_in"`
	TokensOut int       `json:"tokens_out"`
	Cost      float64   `json:"cost"` // that it had, US dollars: what a hit saves
	Created   time.Time `json:"created"`
}

// A Hit is how an answer was found.
type Hit string

const (
	Miss     Hit = ""
	Exact    Hit = "exact"
	Semantic Hit = "semantic"
)

// Embedder gives a text's embedding. What it returns is copied.
type Embedder func(ctx context.Context, text string) ([]float32, error)

// overhead is what an entry costs beside its answer and embedding, about: the
// entry, the list's element, slots of maps.
const overhead = 512

// A Cache keeps answers. Its methods may be called concurrently. It has no
// goroutine and needs no closing.
type Cache struct {
	o   Options
	now func() time.Time

	mu     sync.RWMutex
	exact  map[digest]*list.Element
	groups map[digest]*group // of entries that can be compared
	order  *list.List        // of *entry, the last used in front
	size   int64
	oldest time.Time // no entry ended before it

	count counters
}

type entry struct {
	key    *Key
	answer Answer
	size   int64
	ends   time.Time
	group  *group // nil without an embedding
	row    int    // of group
}

// New makes a Cache.
func New(o Options) (*Cache, error) {
	switch {
	case o.Semantic && !(o.Threshold > 0 && o.Threshold <= 1):
		return nil, fmt.Errorf("cache.threshold is %v; it must be above 0 and at most 1", o.Threshold)
	case o.TTL <= 0:
		return nil, fmt.Errorf("cache.ttl is %v; it must be positive", o.TTL)
	case o.MaxBytes < 64<<10:
		return nil, fmt.Errorf("cache.max_size is %d bytes; the least is %d", o.MaxBytes, 64<<10)
	}
	switch {
	case o.MaxTemperature == 0:
		o.MaxTemperature = 1
	case o.MaxTemperature < 0:
		o.MaxTemperature = 0
	}
	c := &Cache{o: o, now: o.now}
	if c.now == nil {
		c.now = time.Now
	}
	c.clear()
	return c, nil
}

func (c *Cache) clear() {
	c.exact, c.groups, c.order, c.size = map[digest]*list.Element{}, map[digest]*group{}, list.New(), 0
}

// Purge forgets everything in memory. What other servers share goes by its time.
func (c *Cache) Purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// Get looks for an answer. embed is asked only when a semantic comparison is
// possible and nothing equal was found; when it fails, that is a miss. The
// embedding is kept in k for Put. nil for embed means exact only.
func (c *Cache) Get(ctx context.Context, k *Key, embed Embedder) (Answer, Hit) {
	if a, ok := c.getExact(ctx, k); ok {
		c.count.exact.Add(1)
		return a, Exact
	}
	if c.o.Semantic && k.text != "" && embed != nil {
		v, err := embed(ctx, k.text)
		if err == nil && len(v) > 0 {
			k.vector, err = normal(v)
		}
		if err != nil {
			c.count.embedFailed.Add(1)
		} else if a, ok := c.nearest(k); ok {
			c.count.semantic.Add(1)
			return a, Semantic
		}
	}
	c.count.misses.Add(1)
	return Answer{}, Miss
}

func (c *Cache) getExact(ctx context.Context, k *Key) (Answer, bool) {
	c.mu.Lock()
	if el := c.exact[k.exact]; el != nil {
		e := el.Value.(*entry)
		if c.now().Before(e.ends) {
			c.order.MoveToFront(el)
			a := e.answer
			c.mu.Unlock()
			return a, true
		}
		c.remove(el)
		c.count.expired.Add(1)
	}
	c.mu.Unlock()
	if c.o.Shared == nil {
		return Answer{}, false
	}
	data, ok := c.o.Shared.Get(ctx, sharedKey(k))
	if !ok {
		return Answer{}, false
	}
	var a Answer
	if err := json.Unmarshal(data, &a); err != nil || !json.Valid(a.Body) {
		c.count.sharedBad.Add(1)
		return Answer{}, false
	}
	if !c.now().Before(a.Created.Add(c.o.TTL)) {
		return Answer{}, false
	}
	c.count.shared.Add(1)
	c.add(k, a)
	return a, true
}

func sharedKey(k *Key) string { return "answer:" + hex.EncodeToString(k.exact[:]) }

// An Outcome is what is to be known of an answer beside its body.
type Outcome struct {
	Status   int  // HTTP
	Blocked  bool // by a guard, in the request or in the answer
	Changed  bool // by a guard: something was masked in the answer
	Restored bool // personal data that was hidden from the upstream was put back
}

// Reasons for which Put does not keep an answer.
var (
	ErrStatus     = errors.New("the answer is an error")
	ErrBlocked    = errors.New("the answer was blocked")
	ErrChanged    = errors.New("a guard changed the answer")
	ErrRestored   = errors.New("the answer holds personal data of its request")
	ErrIncomplete = errors.New("the answer is not complete")
	ErrForm       = errors.New("the answer is not plain text")
	ErrTooLarge   = errors.New("the answer is too large for the cache")
)

// Put keeps an answer to the request that k was read from, or says why not.
func (c *Cache) Put(ctx context.Context, k *Key, a Answer, o Outcome) error {
	err := c.put(ctx, k, a, o)
	if err != nil {
		c.count.refused.Add(1)
	} else {
		c.count.stored.Add(1)
	}
	return err
}

func (c *Cache) put(ctx context.Context, k *Key, a Answer, o Outcome) error {
	switch {
	case o.Status != 200:
		return ErrStatus
	case o.Blocked:
		return ErrBlocked
	case o.Changed:
		return ErrChanged
	case o.Restored:
		return ErrRestored
	}
	if err := storable(k.kind, a.Body); err != nil {
		return err
	}
	if a.Created.IsZero() {
		a.Created = c.now()
	}
	a.Body = append([]byte(nil), a.Body...)
	if !c.add(k, a) {
		return ErrTooLarge
	}
	if c.o.Shared != nil {
		data, err := json.Marshal(&a)
		if err != nil {
			return err
		}
		c.o.Shared.Put(ctx, sharedKey(k), data, c.o.TTL)
	}
	return nil
}

// add makes an entry and room for it.
func (c *Cache) add(k *Key, a Answer) bool {
	e := &entry{key: &Key{kind: k.kind, exact: k.exact, scope: k.scope, vector: k.vector}, answer: a, ends: a.Created.Add(c.o.TTL)}
	e.size = overhead + int64(len(a.Body)+len(a.Model)+len(a.Upstream)+4*len(k.vector))
	if e.size > c.o.MaxBytes/4 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.exact[k.exact]; old != nil {
		c.remove(old)
	}
	c.exact[k.exact] = c.order.PushFront(e)
	c.size += e.size
	if len(k.vector) > 0 {
		id := groupOf(k)
		g := c.groups[id]
		if g == nil {
			g = &group{id: id, width: len(k.vector)}
			c.groups[id] = g
		}
		g.add(e, k.vector)
		e.key.vector = nil // the group has it
	}
	c.makeRoom()
	return true
}

// makeRoom removes what has ended, now and then, and what there is no room for.
func (c *Cache) makeRoom() {
	now := c.now()
	if c.size > c.o.MaxBytes && now.Sub(c.oldest) > c.o.TTL/8 {
		c.oldest = now
		for el := c.order.Back(); el != nil; {
			before := el.Prev()
			if !now.Before(el.Value.(*entry).ends) {
				c.remove(el)
				c.count.expired.Add(1)
			}
			el = before
		}
	}
	for c.size > c.o.MaxBytes {
		c.remove(c.order.Back())
		c.count.evicted.Add(1)
	}
}

func (c *Cache) remove(el *list.Element) {
	e := c.order.Remove(el).(*entry)
	delete(c.exact, e.key.exact)
	c.size -= e.size
	if e.group != nil {
		if e.group.remove(e); len(e.group.entries) == 0 {
			delete(c.groups, e.group.id)
		}
	}
}
