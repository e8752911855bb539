package server

import (
	"fmt"
	"io"

	"github.com/valyala/fasthttp"
)

// events gives one event a call, io.EOF after the last. The bytes are good
// until the next call.
type events interface {
	Next() ([]byte, error)
	Close() error
}

// body makes a body of events that fasthttp sends an event a chunk: it flushes
// after each Read. An event longer than the buffer takes several.
type body struct {
	events
	x    *exchange
	rest []byte
	err  error
}

// stream answers with events as they come. The request lives until the last.
func (x *exchange) stream(ctx *fasthttp.RequestCtx, ev events) {
	h := &ctx.Response.Header
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	ctx.Response.ImmediateHeaderFlush = true
	x.streaming = true
	ctx.Response.SetBodyStream(&body{events: ev, x: x}, -1)
}

func (b *body) Read(p []byte) (n int, err error) {
	defer func() {
		// Nobody above would survive it.
		if r := recover(); r != nil {
			b.x.panicked(r)
			n, err = 0, fmt.Errorf("panic in a stream")
		}
	}()
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.rest, b.err = b.Next()
		if b.err != nil && b.err != io.EOF {
			b.x.failed(b.err)
		}
	}
	n = copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close is called by fasthttp when the answer is written, or cannot be.
func (b *body) Close() (err error) {
	defer b.x.finish()
	defer func() {
		if r := recover(); r != nil {
			b.x.panicked(r)
		}
	}()
	return b.events.Close()
}
