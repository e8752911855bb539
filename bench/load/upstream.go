package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// The answers of the upstream, those of a chat.
const (
	plainAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"A short answer of a few words.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":32,"completion_tokens":8,"total_tokens":40}}`
	streamEvent = "data: {\"id\":\"chatcmpl-%d\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
	streamEnd   = "data: [DONE]\n\n"
)

// upstream answers every request after latency; streams send an event each gap.
type upstream struct {
	latency, gap time.Duration
	events       int
}

// serve answers until ctx ends.
func (u *upstream) serve(ctx context.Context, ln net.Listener) error {
	s := &fasthttp.Server{Handler: u.answer, NoDefaultServerHeader: true}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		stopped <- s.ShutdownWithContext(end)
	}()
	err := s.Serve(ln)
	if ctx.Err() != nil {
		<-stopped
		return nil
	}
	return err
}

// hasStream reports whether a request asks for a stream; it is the generator's
// own, so its spelling is known.
func hasStream(body []byte) bool { return bytes.Contains(body, []byte(`"stream":true`)) }

func (u *upstream) answer(ctx *fasthttp.RequestCtx) {
	if string(ctx.Path()) == "/health" {
		return
	}
	time.Sleep(u.latency)
	if !hasStream(ctx.Request.Body()) {
		ctx.SetContentType("application/json")
		ctx.SetBodyString(plainAnswer)
		return
	}
	ctx.SetContentType("text/event-stream")
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStream(&ticking{u: u}, -1)
}

// ticking is the body of a stream: an event a Read.
type ticking struct {
	u    *upstream
	sent int
}

func (t *ticking) Read(p []byte) (int, error) {
	switch t.sent++; {
	case t.sent <= t.u.events:
		time.Sleep(t.u.gap)
		// The time of sending travels with the event, for the receiver.
		return copy(p, fmt.Sprintf(streamEvent, time.Now().UnixNano())), nil
	case t.sent == t.u.events+1:
		return copy(p, streamEnd), nil
	}
	return 0, io.EOF
}
