package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// target is where requests go, and what they are.
type target struct {
	name, url string
	key       string
	bodies    func(i int) []byte
	client    *fasthttp.HostClient
	stream    bool
}

// result is what one or more rounds at a target gave.
type result struct {
	latency  histogram // from when a request was due to its last byte
	first    histogram // to the first byte of a stream
	event    histogram // of a stream, from the upstream's sending to its arrival
	lag      histogram // from when a request was due to when it was sent
	statuses sync.Map  // int -> *atomic.Int64
	failed   atomic.Int64
	took     time.Duration
	cpu      time.Duration // of the server's process; negative when unknown
}

func (r *result) status(code int) {
	n, _ := r.statuses.LoadOrStore(code, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

// round sends rate requests a second for d and waits for all answers.
func (t *target) round(ctx context.Context, r *result, rate float64, d time.Duration) {
	// Sleeping exactly needs a thread of its own.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var group sync.WaitGroup
	start := time.Now()
	n := int(rate * d.Seconds())
	for i := 0; i < n && ctx.Err() == nil; i++ {
		due := start.Add(time.Duration(float64(i) / rate * 1e9))
		if wait := time.Until(due); wait > 0 {
			sleep(wait)
		}
		body := t.bodies(i)
		group.Go(func() {
			r.lag.add(time.Since(due))
			t.send(r, body, due)
		})
	}
	group.Wait()
	r.took += time.Since(start)
}

func (t *target) send(r *result, body []byte, due time.Time) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(t.url)
	req.Header.SetMethod("POST")
	req.Header.SetContentType("application/json")
	if t.key != "" {
		req.Header.Set("Authorization", "Bearer "+t.key)
	}
	req.SetBodyRaw(body)
	resp.StreamBody = t.stream
	if err := t.client.Do(req, resp); err != nil {
		r.failed.Add(1)
		return
	}
	r.status(resp.StatusCode())
	if t.stream && resp.StatusCode() == 200 {
		if err := readStream(r, resp.BodyStream(), due); err != nil {
			r.failed.Add(1)
			return
		}
	}
	r.latency.add(time.Since(due))
}

// readStream notes how old each event is when it arrives.
func readStream(r *result, body io.Reader, due time.Time) error {
	lines := bufio.NewReader(body)
	for first := true; ; first = false {
		line, err := lines.ReadBytes('\n')
		now := time.Now()
		if err == io.EOF {
			return fmt.Errorf("the stream ended without [DONE]")
		}
		if err != nil {
			return err
		}
		if first {
			r.first.add(now.Sub(due))
		}
		if bytes.HasPrefix(line, []byte("data: [DONE]")) {
			_, err := io.Copy(io.Discard, lines)
			return err
		}
		if _, rest, ok := bytes.Cut(line, []byte("chatcmpl-")); ok {
			digits, _, _ := bytes.Cut(rest, []byte(`"`))
			if sent, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
				r.event.add(now.Sub(time.Unix(0, sent)))
			}
		}
	}
}

// chats makes chat requests of about tokens words, distinct of each other where
// unique is set, so that nothing about them can be remembered.
func chats(model string, tokens int, unique, stream bool) func(int) []byte {
	words := strings.Fields("please explain how the new plan for our small team would change what we pay each month and why the older one did not work well for people who travel often between two cities in summer")
	one := func(seed uint64) []byte {
		r := rand.New(rand.NewPCG(seed, 1))
		var b strings.Builder
		for i := range tokens {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(words[r.IntN(len(words))])
		}
		return fmt.Appendf(nil, `{"model":%q,"stream":%t,"messages":[{"role":"user","content":%q}]}`, model, stream, b.String())
	}
	if unique {
		return func(i int) []byte { return one(uint64(i) + uint64(time.Now().UnixNano())) }
	}
	same := one(1)
	return func(int) []byte { return same }
}
