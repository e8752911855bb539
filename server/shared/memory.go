package shared

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// MemoryOptions bound a Memory.
type MemoryOptions struct {
	MaxPins  int   // conversations; 0 means 100,000
	MaxBytes int64 // of values that Put keeps, with their keys; 0 means 64 MiB
	MaxKeys  int   // clients with limits; 0 means 100,000

	now func() time.Time // for tests
}

// Memory is a Store of this process. It has no goroutine.
type Memory struct {
	now func() time.Time

	mu      sync.Mutex
	clients map[string]*client
	maxKeys int

	pins   *lru[string]
	values *lru[[]byte]

	granted, refused, evicted atomic.Int64
}

var _ Store = (*Memory)(nil)

type client struct{ requests, tokens bucket }

// NewMemory makes a Memory.
func NewMemory(o MemoryOptions) (*Memory, error) {
	if o.MaxPins < 0 || o.MaxBytes < 0 || o.MaxKeys < 0 {
		return nil, errors.New("shared: bounds may not be negative")
	}
	or := func(n, otherwise int64) int64 {
		if n == 0 {
			return otherwise
		}
		return n
	}
	m := &Memory{now: o.now, clients: map[string]*client{}, maxKeys: int(or(int64(o.MaxKeys), 100_000))}
	if m.now == nil {
		m.now = time.Now
	}
	// A pin counts as one, a value as its bytes.
	m.pins = newLRU(or(int64(o.MaxPins), 100_000), func(string, string) int64 { return 1 })
	m.values = newLRU(or(o.MaxBytes, 64<<20), func(key string, v []byte) int64 { return int64(len(key)+len(v)) + lruOverhead })
	return m, nil
}

// Take is described by Store.
func (m *Memory) Take(_ context.Context, key string, l Limits, tokens int) (Grant, error) {
	if l.none() {
		m.granted.Add(1)
		return grant(l, true, 0, 0, 0), nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	c := m.client(key, now)
	need := l.need(tokens)
	ok := true
	if l.Requests > 0 {
		c.requests.fill(now, l.Requests)
		ok = c.requests.level >= 1
	}
	if l.Tokens > 0 {
		c.tokens.fill(now, l.Tokens)
		ok = ok && c.tokens.level >= float64(need)
	}
	if ok {
		c.requests.level--
		c.tokens.level -= float64(need)
		m.granted.Add(1)
	} else {
		m.refused.Add(1)
	}
	return grant(l, ok, c.requests.level, c.tokens.level, need), nil
}

// Settle is described by Store.
func (m *Memory) Settle(_ context.Context, key string, l Limits, reserved, used int) error {
	if l.Tokens <= 0 || reserved == used {
		return nil
	}
	if reserved < 0 || used < 0 {
		return fmt.Errorf("BUG: shared: settle of %d tokens for %d", used, reserved)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	c := m.client(key, now)
	c.tokens.fill(now, l.Tokens)
	c.tokens.level = min(c.tokens.level+float64(reserved-used), float64(l.Tokens))
	return nil
}

// client returns the buckets of key. When there are too many clients it forgets
// those that were idle for so long that their buckets are full or nearly so,
// and failing that any.
func (m *Memory) client(key string, now time.Time) *client {
	if c := m.clients[key]; c != nil {
		return c
	}
	if len(m.clients) >= m.maxKeys {
		for k, c := range m.clients {
			if now.Sub(c.requests.at) > time.Minute && now.Sub(c.tokens.at) > time.Minute && c.tokens.level >= 0 {
				delete(m.clients, k)
			}
		}
		for k := range m.clients {
			if len(m.clients) < m.maxKeys {
				break
			}
			delete(m.clients, k)
			m.evicted.Add(1)
		}
	}
	c := new(client)
	m.clients[key] = c
	return c
}

// Pin is described by Store.
func (m *Memory) Pin(_ context.Context, conversation string) (string, bool) {
	return m.pins.get(conversation, m.now())
}

// SetPin is described by Store.
func (m *Memory) SetPin(_ context.Context, conversation, model string, ttl time.Duration) {
	m.evicted.Add(m.pins.put(conversation, model, m.now(), ttl))
}

// Get is described by Store.
func (m *Memory) Get(_ context.Context, key string) ([]byte, bool) {
	v, ok := m.values.get(key, m.now())
	return append([]byte(nil), v...), ok
}

// Put is described by Store. A value that is larger than a quarter of the room
// is not kept.
func (m *Memory) Put(_ context.Context, key string, value []byte, ttl time.Duration) {
	m.evicted.Add(m.values.put(key, append([]byte(nil), value...), m.now(), ttl))
}

// Stats is described by Store.
func (m *Memory) Stats() Stats {
	return Stats{Granted: m.granted.Load(), Refused: m.refused.Load(), Evicted: m.evicted.Load(), Bytes: m.values.used(), Up: true}
}

// Close does nothing.
func (m *Memory) Close() error { return nil }
