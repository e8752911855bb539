package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// wantsEvents reports whether a client asks for a stream by its Accept.
func wantsEvents(ctx *fasthttp.RequestCtx) bool {
	accept := string(ctx.Request.Header.Peek("Accept"))
	return strings.Contains(accept, "text/event-stream") && !strings.Contains(accept, "application/json")
}

// reasonEvent is the data of an event with a piece of a reason.
type reasonEvent struct {
	Text string `json:"text"`
}

// errorEvent is the data of the event that ends a stream which broke.
type errorEvent struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

// explaining is an answer of /v1/route in events: the decision, the reason in
// pieces as a decoder writes it, and the whole explanation.
type explaining struct {
	x        *exchange
	decision *router.Decision
	first    []byte // the decision's event; nil when it was sent
	out      []byte
	ended    bool

	cancel context.CancelFunc
	done   chan struct{} // the decoder has ended
	news   chan struct{} // there are pieces
	mu     sync.Mutex
	pieces []byte
	// Of the decoder's goroutine, until done.
	said  *web.Explanation
	limit time.Duration
	err   error
}

// streamExplanation answers with a decision and goes on to explain it. The
// decoder never waits for a client that reads slowly: a reason is short.
func (s *Server) streamExplanation(ctx *fasthttp.RequestCtx, x *exchange, parts []router.Part, signals *router.Signals) {
	e := &explaining{x: x, decision: x.decision, done: make(chan struct{}), news: make(chan struct{}, 1)}
	e.first = appendEvent(nil, "decision", x.explain(parts, signals))
	text := fieldText(parts)
	var life context.Context
	life, e.cancel = context.WithCancel(x.life)
	go func() {
		defer close(e.done)
		defer func() {
			if r := recover(); r != nil {
				e.err = fmt.Errorf("panic in a decoder: %T", r)
			}
		}()
		e.said, e.limit, e.err = s.decoders.Explain(life, text, e.piece)
	}()
	x.headers(ctx)
	x.stream(ctx, e)
}

// piece is called with each piece of the reason.
func (e *explaining) piece(text string) error {
	e.mu.Lock()
	e.pieces = append(e.pieces, text...)
	e.mu.Unlock()
	select {
	case e.news <- struct{}{}:
	default:
	}
	return nil
}

// Next waits for what is to be sent next.
func (e *explaining) Next() ([]byte, error) {
	if first := e.first; first != nil {
		e.first = nil
		return first, nil
	}
	for !e.ended {
		done := false
		select {
		case <-e.news:
		case <-e.done:
			done = true
		}
		e.mu.Lock()
		text := string(e.pieces)
		e.pieces = e.pieces[:0]
		e.mu.Unlock()
		if text != "" {
			e.out = appendEvent(e.out[:0], "reason", reasonEvent{text})
			return e.out, nil
		}
		if done {
			e.ended = true
			return e.end(), io.EOF
		}
	}
	return nil, io.EOF
}

// end is the last event.
func (e *explaining) end() []byte {
	if e.err == nil {
		e.said.Join(e.decision, e.limit)
		return appendEvent(e.out[:0], "explanation", e.said)
	}
	err := web.AsError(e.x.reason(e.err))
	e.x.failed(err)
	return appendEvent(e.out[:0], "error", err.Body(web.OpenAI, e.x.id))
}

// Close ends the decoder's work, and waits for that.
func (e *explaining) Close() error {
	e.cancel()
	<-e.done
	return nil
}

// appendEvent appends a server-sent event whose data is a line of JSON.
func appendEvent(dst []byte, name string, data any) []byte {
	b := bytes.NewBuffer(append(append(append(dst, "event: "...), name...), "\ndata: "...))
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		panic("BUG: server: " + err.Error())
	}
	return append(b.Bytes(), '\n')
}
