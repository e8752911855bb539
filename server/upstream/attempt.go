package upstream

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mom/server/config"
	"mom/server/web"
)

// A miss is an attempt that gave no answer, or one that is a failure of the
// upstream.
type miss struct {
	failure
	model      string
	final      bool // asking the same replica again will not help
	retryAfter time.Duration
}

// attempt asks one target. One of its results is set.
func (s *run) attempt(model string, t *target, pass pass, now time.Time) (*Response, *miss, error) {
	m, err := s.message(model, t, now)
	if err != nil {
		pass.done(neither)
		return nil, nil, err
	}
	s.sent++
	b, err := t.r.exchange(s.ctx, m)
	if err != nil {
		f := err.(*failure)
		return nil, s.lost(model, t, pass, now, 0, f), nil
	}
	b.pass = pass
	status := b.res.StatusCode
	why := verdict(t.r.up, b)
	switch {
	case status >= 500:
		b.news = bad
	case why == WhyStatus:
		b.news = neither // busy, and well
	}
	if why == WhyRedirect || why == WhyKey || why == WhyEncoding {
		o := bad
		if why == WhyKey {
			o = neither // asking again costs nothing, and says what is wrong
		}
		b.release(o)
		return nil, s.lost(model, t, pass, now, status, &failure{why: why}), nil
	}
	res := &Response{Status: status, Header: b.res.Header, Model: model, Upstream: t.r.up.Name, UpstreamModel: t.model, Kind: t.r.up.Kind, Attempts: s.sent}
	after := retryAfter(b.res.Header)
	if status < 400 {
		b.pass.head()
		res.Body = b
	} else if f := b.buffer(res); f != nil {
		return nil, s.lost(model, t, pass, now, status, f), nil
	}
	passDown(res.Header)
	s.tried = append(s.tried, Attempt{Model: model, Upstream: t.r.up.Name, Replica: t.r.index, Status: status, Milliseconds: ms(now), Why: why})
	res.Tried = s.tried
	if why == "" {
		return res, nil, nil
	}
	s.last = res
	return nil, &miss{failure: failure{why: why}, model: model, final: !slices.Contains(t.r.up.Retries.Statuses, status), retryAfter: after}, nil
}

// lost notes a failed attempt whose answer, if there is one, is not handed on.
func (s *run) lost(model string, t *target, pass pass, now time.Time, status int, f *failure) *miss {
	switch {
	case status != 0: // told with the body
	case f.why == WhyCanceled || f.why == WhyTotal || f.why == WhyBusy:
		pass.done(neither)
	default:
		pass.done(bad)
	}
	s.fail, s.name = f, t.r.up.Name
	s.tried = append(s.tried, Attempt{Model: model, Upstream: t.r.up.Name, Replica: t.r.index, Status: status, Milliseconds: ms(now), Why: f.why})
	// A redirect is there to stay, and so is a coding. Who did not answer in time
	// may still be at it, and would be asked to do the same twice.
	final := f.why == WhyRedirect || f.why == WhyEncoding || f.why == WhyTotal || f.why == WhyFirstByte
	return &miss{failure: *f, model: model, final: final}
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// verdict says whether an answer is a failure of the upstream.
func verdict(up *service, b *body) Why {
	status := b.res.StatusCode
	switch {
	case status >= 300 && status < 400:
		return WhyRedirect
	case status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired:
		return WhyKey
	case b.decode() != nil:
		return WhyEncoding
	case status >= 500 || slices.Contains(up.Retries.Statuses, status):
		return WhyStatus
	}
	return ""
}

// message makes the request for t.
func (s *run) message(model string, t *target, now time.Time) (*message, error) {
	up := t.r.up
	if want := (content{model, t.model, up.Kind}); s.body == nil || s.made != want {
		body, err := s.call.Body(model, up.Kind, t.model)
		if err != nil {
			return nil, err
		}
		s.body, s.made = body, want
	}
	accept := "application/json"
	if s.call.Stream {
		accept = "text/event-stream"
	}
	header := line(make([]byte, 0, 256), "Accept", accept)
	if s.call.Header["User-Agent"] == nil && up.headers["User-Agent"] == "" {
		header = line(header, "User-Agent", "mom")
	}
	if up.Kind == config.Anthropic && s.call.Header["Anthropic-Version"] == nil && up.headers["Anthropic-Version"] == "" {
		header = line(header, "Anthropic-Version", "2023-06-01")
	}
	header, err := passUp(header, s.call.Header, up.headers)
	if err != nil {
		return nil, err
	}
	path := s.call.Path(up.Kind)
	if path[0] != '/' || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, web.Invalid("", "the path has a character that a URL cannot have")
	}
	return &message{method: http.MethodPost, path: t.r.prefix + path, header: header, body: s.body, end: earlier(s.end, now.Add(up.Timeouts.Total))}, nil
}

// retryAfter is how long the answer asks to wait: seconds or a date (RFC 9110,
// 10.2.3), or milliseconds where the upstream says them too.
func retryAfter(h http.Header) time.Duration {
	if v := h.Get("Retry-After-Ms"); v != "" {
		if n, err := strconv.ParseFloat(v, 64); err == nil && n > 0 && n < 1e9 {
			return time.Duration(n * float64(time.Millisecond))
		}
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		if n > 0 { // not NaN
			return time.Duration(min(n, 1e6) * float64(time.Second))
		}
		return 0
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// buffer reads the body of an answer that is an error, within bounds, so that
// its connection is free and it can be handed on later.
func (b *body) buffer(res *Response) *failure {
	data, err := io.ReadAll(io.LimitReader(b, maxErrorBody+1))
	switch {
	case err != nil:
		e := err.(*StreamError)
		return &failure{e.Why, e.Cause}
	case len(data) > maxErrorBody:
		b.release(neither)
		return &failure{WhyErrorSize, nil}
	}
	res.Body = io.NopCloser(bytes.NewReader(data))
	return nil
}
