package shared

import (
	"container/list"
	"sync"
	"time"
)

// lruOverhead is what an entry costs beside its key and value, about: list
// element, map slot, headers.
const lruOverhead = 160

// lru keeps values until their time is over or there is no room; what was used
// longest ago goes first.
type lru[V any] struct {
	mu    sync.Mutex
	room  int64
	size  int64
	cost  func(key string, v V) int64
	byKey map[string]*list.Element
	order *list.List // of *lruEntry[V], the last used in front
}

type lruEntry[V any] struct {
	key   string
	value V
	cost  int64
	ends  time.Time
}

func newLRU[V any](room int64, cost func(string, V) int64) *lru[V] {
	return &lru[V]{room: room, cost: cost, byKey: map[string]*list.Element{}, order: list.New()}
}

func (l *lru[V]) get(key string, now time.Time) (v V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	el := l.byKey[key]
	if el == nil {
		return v, false
	}
	e := el.Value.(*lruEntry[V])
	if !now.Before(e.ends) {
		l.remove(el)
		return v, false
	}
	l.order.MoveToFront(el)
	return e.value, true
}

// put returns how many other entries had to go before their time.
func (l *lru[V]) put(key string, v V, now time.Time, ttl time.Duration) (evicted int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if el := l.byKey[key]; el != nil {
		l.remove(el)
	}
	e := &lruEntry[V]{key: key, value: v, cost: l.cost(key, v), ends: now.Add(ttl)}
	if ttl <= 0 || e.cost > max(l.room/4, 1) {
		return 0
	}
	l.byKey[key] = l.order.PushFront(e)
	l.size += e.cost
	for l.size > l.room {
		last := l.order.Back()
		if now.Before(last.Value.(*lruEntry[V]).ends) {
			evicted++
		}
		l.remove(last)
	}
	return evicted
}

func (l *lru[V]) remove(el *list.Element) {
	e := l.order.Remove(el).(*lruEntry[V])
	delete(l.byKey, e.key)
	l.size -= e.cost
}

func (l *lru[V]) used() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}
