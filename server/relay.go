package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/valyala/fasthttp"

	"mom/server/cache"
	"mom/server/protocol"
	"mom/server/web"
)

// maxEvent bounds one event of a stream, in bytes.
const maxEvent = 16 << 20

// relayed passes the events of an upstream on, one by one.
type relayed struct {
	s     *Server
	p     *passage
	in    *protocol.EventReader
	relay *protocol.Relay
	whole *cache.Assembler // of what the client gets; nil when it is not kept
	out   []byte
	ended bool
	held  []byte // what is kept back until the whole answer has been read
	found findings
}

func (s *Server) replyStream(ctx *fasthttp.RequestCtx, p *passage) error {
	r := &relayed{s: s, p: p, in: protocol.NewEventReader(p.reply.Body, maxEvent)}
	o := protocol.RelayOptions{Mask: p.mask, Collect: p.guard.on()}
	if p.request.Moderation != nil {
		o.Moderate = r.moderate
	}
	var err error
	if r.relay, err = protocol.NewRelay(p.request, p.from, o); err != nil {
		p.reply.Body.Close()
		s.finished(p)
		return err
	}
	if p.key != nil {
		r.whole = s.cache.NewAssembler(cacheKinds[p.request.Kind])
	}
	p.x.stream(ctx, r)
	return nil
}

// moderate is called before the last event of the answer.
func (r *relayed) moderate() string {
	if err := r.read(); err != nil {
		return r.s.moderationFailed(r.p, err)
	}
	return r.s.moderation(r.p, &r.found)
}

// read has the answer's texts classified, once.
func (r *relayed) read() error {
	if r.found.read || !r.p.guard.on() {
		return nil
	}
	found, err := r.s.guardAnswer(r.p, r.relay.Texts())
	if err == nil {
		r.found = *found
	}
	return err
}

// Next is what is sent next.
func (r *relayed) Next() ([]byte, error) {
	out, err := r.next()
	if r.whole != nil {
		r.whole.Write(out)
	}
	return out, err
}

// next holds back all of an answer that may still be withheld: the client gets a
// comment with each event instead, so that it and proxies wait.
func (r *relayed) next() ([]byte, error) {
	for !r.ended {
		r.out = r.out[:0]
		event, err := r.in.Next()
		if err == nil {
			r.out, err = r.relay.Event(r.out, event)
		}
		if err != nil {
			r.end(err)
		}
		if r.p.guard.withholds() {
			if r.out = r.hold(); len(r.out) == 0 && !r.ended {
				continue
			}
		}
		if len(r.out) > 0 {
			if r.ended {
				return r.out, io.EOF
			}
			return r.out, nil
		}
	}
	return nil, io.EOF
}

// hold keeps r.out back, and lets all go at the end.
func (r *relayed) hold() []byte {
	r.held = append(r.held, r.out...)
	if !r.ended {
		return append(r.out[:0], ":\n"...)
	}
	if r.p.x.err != nil { // it broke: what came before may not have been read
		return r.out
	}
	err := r.read()
	if err == nil {
		err = r.found.actStream()
	}
	if err != nil {
		e := web.AsError(r.p.x.reason(err))
		r.p.x.failed(e)
		return r.relay.Fail(nil, e)
	}
	return r.held
}

// end is reached once: at the upstream's end, or where something broke.
func (r *relayed) end(err error) {
	r.ended = true
	x := r.p.x
	if errors.Is(err, io.EOF) {
		r.out = r.relay.End(r.out)
		if r.relay.Done() {
			if f := r.relay.Failure(); f != nil {
				// The client has it in the upstream's words. Those may repeat the
				// prompt, and the log must not.
				x.failed(&web.Error{Status: 502, Code: "upstream_error", Message: "the upstream reported an error within its stream"})
			}
			return
		}
		err = &web.Error{Status: 502, Code: "upstream_cut", Message: "the upstream closed the connection within its answer"}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = &web.Error{Status: 502, Code: "upstream_cut", Message: "the upstream closed the connection within its answer", Cause: err}
	}
	e := web.AsError(x.reason(err))
	x.failed(e)
	r.out = r.relay.Fail(r.out, e)
}

// Close ends the exchange with the upstream, at whatever point it is.
func (r *relayed) Close() error {
	err := r.p.reply.Body.Close()
	r.p.used(r.relay.Usage())
	r.note()
	r.keep()
	r.s.finished(r.p)
	return err
}

// note reads an answer that was passed on as it came, where the guard only notes
// what is in it.
func (r *relayed) note() {
	if r.p.x.err == nil && r.read() == nil {
		r.found.note(r.p.x)
	}
}

// keep gives the cache an answer that came to its end.
func (r *relayed) keep() {
	x := r.p.x
	if r.whole == nil || x.err != nil {
		return
	}
	if body, err := r.whole.Body(x.tokensIn, x.tokensOut); err == nil {
		r.s.remember(r.p, body, &r.found)
	}
}

// replyError passes an upstream's refusal of the request on: as it is when it is
// in the client's protocol, else with what it says.
func (s *Server) replyError(ctx *fasthttp.RequestCtx, p *passage, data []byte) error {
	var known struct {
		Error struct {
			Message string          `json:"message"`
			Type    string          `json:"type"`
			Param   string          `json:"param"`
			Code    json.RawMessage `json:"code"`
		} `json:"error"`
	}
	e := &web.Error{Status: p.reply.Status, Code: "upstream_error", Message: "the upstream refused the request without saying why"}
	switch {
	case e.Status < 400:
		e.Status = 502
	case e.Status >= 500:
		e.Message = "the upstream failed without saying why"
	}
	if json.Unmarshal(data, &known) == nil && known.Error.Message != "" {
		e.Message, e.Type, e.Param = known.Error.Message, known.Error.Type, known.Error.Param
		if json.Unmarshal(known.Error.Code, &e.Code) != nil {
			e.Code = ""
		}
		if p.from.Anthropic() == p.request.Kind.Anthropic() {
			// The message is the upstream's and may repeat the client's text.
			p.x.err = &web.Error{Status: e.Status, Code: "upstream_refused", Message: "the upstream refused the request"}
			ctx.SetStatusCode(e.Status)
			ctx.SetContentType("application/json")
			ctx.SetBody(data)
			return nil
		}
	}
	p.x.err = &web.Error{Status: e.Status, Code: "upstream_refused", Message: "the upstream refused the request"}
	return e
}

// withMember adds a member to a JSON object.
func withMember(object []byte, key string, value any) []byte {
	data, err := json.Marshal(value)
	open := bytes.TrimRight(object, " \t\r\n")
	if err != nil || len(open) < 2 || open[len(open)-1] != '}' {
		return object
	}
	out := append([]byte{}, open[:len(open)-1]...)
	if bytes.TrimRight(out, " \t\r\n")[len(bytes.TrimRight(out, " \t\r\n"))-1] != '{' {
		out = append(out, ',')
	}
	out = append(out, '"')
	out = append(out, key...)
	out = append(out, '"', ':')
	return append(append(out, data...), '}')
}
