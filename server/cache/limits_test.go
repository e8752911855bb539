package cache

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTTL(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(t, Options{Semantic: true, TTL: time.Minute, now: func() time.Time { return now }})
	body := chatBody("", "hello", "")
	k := key(t, c, "a", body)
	c.Get(t.Context(), k, direction(0))
	put(t, c, k, chatReply)
	now = now.Add(59 * time.Second)
	if _, how := c.Get(t.Context(), key(t, c, "a", chatBody("", "hello!", "")), direction(1)); how != Semantic {
		t.Error(how)
	}
	now = now.Add(time.Second)
	if _, how := c.Get(t.Context(), key(t, c, "a", chatBody("", "hello!", "")), direction(1)); how != Miss {
		t.Error(how)
	}
	if _, how := c.Get(t.Context(), key(t, c, "a", body), nil); how != Miss {
		t.Error(how)
	}
	if st := c.Stats(); st.Entries != 0 || st.Expired != 1 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
}

// The bound holds whatever is stored, the least used goes first, and groups
// agree with the index.
func TestBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	now := time.Unix(1e9, 0)
	c := newCache(t, Options{Semantic: true, Threshold: 0.999, MaxBytes: 100 << 10, TTL: 5 * time.Minute, now: func() time.Time { return now }})
	for i := range 3000 {
		now = now.Add(time.Duration(r.IntN(20)) * time.Second)
		k := key(t, c, fmt.Sprint(r.IntN(3)), chatBody("", strings.Repeat("a", 1+r.IntN(200)), ""))
		c.Get(t.Context(), k, direction(float64(r.IntN(360))))
		body := strings.Replace(chatReply, "42", strings.Repeat("x", r.IntN(3000)), 1)
		if err := c.Put(t.Context(), k, Answer{Body: []byte(body)}, good); err != nil {
			t.Fatal(err)
		}
		if i%97 == 0 {
			checkShape(t, c)
		}
		if _, how := c.Get(t.Context(), k, nil); how != Exact {
			t.Fatal("what was just stored is gone")
		}
	}
	if st := c.Stats(); st.Evicted == 0 || st.Expired == 0 || st.Entries < 10 {
		t.Errorf("%+v", st)
	}
}

func checkShape(t *testing.T, c *Cache) {
	t.Helper()
	var size int64
	rows := 0
	for el := c.order.Front(); el != nil; el = el.Next() {
		e := el.Value.(*entry)
		size += e.size
		if c.exact[e.key.exact] != el {
			t.Fatal("the index does not know an entry")
		}
		if e.group != nil {
			if c.groups[e.group.id] != e.group || e.group.entries[e.row] != e {
				t.Fatal("a group does not know its entry")
			}
			rows++
		}
	}
	for _, g := range c.groups {
		rows -= len(g.entries)
		if len(g.vectors) != len(g.entries)*g.width || len(g.entries) == 0 {
			t.Fatalf("%d numbers of %d rows", len(g.vectors), len(g.entries))
		}
	}
	if rows != 0 || size != c.size || size > c.o.MaxBytes || len(c.exact) != c.order.Len() {
		t.Fatalf("rows differ by %d, size %d of %d", rows, c.size, size)
	}
}

// Everything at once, for the race detector.
func TestConcurrent(t *testing.T) {
	c := newCache(t, Options{Semantic: true, MaxBytes: 100 << 10, TTL: time.Millisecond})
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			for i := range 200 {
				k, err := c.Read(Request{Kind: Chat, Body: chatBody("", strings.Repeat("a", 1+(i+g*7)%50), "")})
				if err != nil {
					t.Error(err)
					return
				}
				if a, how := c.Get(t.Context(), k, direction(float64(i))); how != Miss && !json.Valid(a.Body) {
					t.Errorf("%s", a.Body)
				}
				if err := c.Put(t.Context(), k, Answer{Body: []byte(chatReply)}, good); err != nil {
					t.Error(err)
				}
				if i%100 == 99 {
					c.Purge()
				}
				c.Stats()
			}
		})
	}
	wg.Wait()
	checkShape(t, c)
}
