package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// filled has n entries that can be compared, with vectors in all directions.
func filled(tb testing.TB, n int) (*Cache, Embedder) {
	c, err := New(Options{Semantic: true, Threshold: 0.99, TTL: time.Hour, MaxBytes: 1 << 30})
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	random := func(context.Context, string) ([]float32, error) {
		v := make([]float32, 384)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v, nil
	}
	word := func(i int) string {
		return strings.Map(func(d rune) rune { return d - '0' + 'a' }, fmt.Sprint(i))
	}
	for i := range n {
		k, err := c.Read(Request{Kind: Chat, Body: chatBody("", word(i), "")})
		if err != nil {
			tb.Fatal(err)
		}
		c.Get(context.Background(), k, random)
		if err := c.Put(context.Background(), k, Answer{Body: []byte(chatReply)}, good); err != nil {
			tb.Fatal(err)
		}
	}
	if len(c.groups) != 1 {
		tb.Fatalf("%d groups", len(c.groups))
	}
	return c, random
}

// BenchmarkScan compares one question with 10,000 of 384 dimensions.
func BenchmarkScan(b *testing.B) {
	c, random := filled(b, 10_000)
	k, err := c.Read(Request{Kind: Chat, Body: chatBody("", "question", "")})
	if err != nil {
		b.Fatal(err)
	}
	v, _ := random(context.Background(), "")
	if k.vector, err = normal(v); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.nearest(k); ok {
			b.Fatal("a hit")
		}
	}
	b.ReportMetric(float64(10_000*384*4)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}

func BenchmarkRead(b *testing.B) {
	c, _ := filled(b, 0+1)
	body := chatBody(strings.Repeat("be short and kind. ", 20), strings.Repeat("what is the height of Mont Blanc? ", 10), `,"temperature":0.2`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := c.Read(Request{Kind: Chat, Tenant: "a", Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExactHit(b *testing.B) {
	c, _ := filled(b, 1000)
	k, _ := c.Read(Request{Kind: Chat, Body: chatBody("", "a", "")})
	b.ReportAllocs()
	for b.Loop() {
		if _, how := c.Get(context.Background(), k, nil); how != Exact {
			b.Fatal(how)
		}
	}
}
