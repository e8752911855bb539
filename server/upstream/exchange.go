package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// A message is one request to one replica.
type message struct {
	method string
	path   string // whole
	header []byte // lines
	body   []byte
	end    time.Time // for all of it
}

// exchange sends m and reads the head of its answer. The answer's body is r's
// to end. Errors are a *failure.
func (r *replica) exchange(ctx context.Context, m *message) (*body, error) {
	if err := r.slot(ctx, m.end); err != nil {
		return nil, err
	}
	c := r.take(earlier(time.Now().Add(r.up.Timeouts.FirstByte), m.end))
	for {
		reused := c != nil
		if !reused {
			var err error
			if c, err = r.dial(ctx, m.end); err != nil {
				<-r.slots
				return nil, ended(ctx, err)
			}
		}
		b, err := r.over(ctx, c, m)
		if err == nil {
			return b, nil
		}
		// The peer closed an idle connection while the request was under way to
		// it: that says nothing about the replica.
		if stale := reused && !c.got && err.(*failure).why == WhyReset && ctx.Err() == nil; stale {
			c = nil
			continue
		}
		<-r.slots
		return nil, ended(ctx, err)
	}
}

// ended prefers the end of ctx as the reason of a failure.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &failure{WhyCanceled, context.Cause(ctx)}
	}
	return err
}

// slot waits until r may have one more connection.
func (r *replica) slot(ctx context.Context, end time.Time) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(min(r.up.Timeouts.Connect, time.Until(end)))
	defer t.Stop()
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-t.C:
		return &failure{WhyBusy, nil}
	case <-ctx.Done():
		return &failure{WhyCanceled, context.Cause(ctx)}
	}
}

// over is one exchange over c, which is closed when it fails.
func (r *replica) over(ctx context.Context, c *conn, m *message) (*body, error) {
	stop := context.AfterFunc(ctx, c.abort)
	res, err := r.talk(c, m)
	if err != nil {
		stop()
		c.tcp.Close()
		return nil, err
	}
	c.left, c.idle, c.end = -1, r.up.Timeouts.Idle, m.end
	return &body{c: c, r: r, ctx: ctx, stop: stop, res: res, src: res.Body, news: good}, nil
}

func (r *replica) talk(c *conn, m *message) (*http.Response, error) {
	c.left, c.got, c.err = maxHead, false, nil
	if !c.used {
		if err := c.SetDeadline(earlier(time.Now().Add(r.up.Timeouts.FirstByte), m.end)); err != nil {
			return nil, &failure{WhyReset, err}
		}
	}
	writing := c.send(r, m)
	if writing != nil {
		if timeout(writing) {
			return nil, headFailure(writing, m.end)
		}
		// It may have answered and closed without reading everything.
		c.SetReadDeadline(earlier(time.Now().Add(200*time.Millisecond), m.end))
	}
	res, err := head(c, m.method)
	if err != nil {
		switch {
		case writing != nil:
			err = writing
		case c.err != nil:
			err = c.err // half a line looks malformed
		}
		return nil, headFailure(err, m.end)
	}
	if writing != nil {
		res.Close = true
	}
	return res, nil
}

// small is how many bytes are copied rather than sent by a second write.
const small = 16 << 10

func (c *conn) send(r *replica, m *message) error {
	b := append(c.out[:0], m.method...)
	b = append(b, ' ')
	b = append(b, m.path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = append(b, r.lines...)
	b = append(b, m.header...)
	if m.method != http.MethodGet {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(m.body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if len(m.body) <= small {
		b = append(b, m.body...)
		c.out = b
		_, err := c.Write(b)
		return err
	}
	c.out = b
	parts := net.Buffers{b, m.body}
	_, err := parts.WriteTo(c.Conn) // one system call without TLS
	return err
}

// head reads the head of the answer, past provisional ones.
func head(c *conn, method string) (*http.Response, error) {
	ask := http.Request{Method: method}
	for {
		res, err := http.ReadResponse(c.br, &ask)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("it switches protocols, which was not asked for")
		case res.StatusCode < 100 || res.StatusCode > 599:
			return nil, errors.New("its status is not within 100 and 599")
		case res.StatusCode >= 200:
			return res, nil
		}
	}
}

func headFailure(err error, end time.Time) *failure {
	switch {
	case timeout(err) && !time.Now().Before(end):
		return &failure{WhyTotal, err}
	case timeout(err):
		return &failure{WhyFirstByte, err}
	case errors.Is(err, errHeadSize):
		return &failure{WhyHeadSize, err}
	case gone(err):
		return &failure{WhyReset, err}
	}
	// What the parser says may quote the answer.
	return &failure{WhyMalformed, errors.New("the head of the answer is not valid HTTP/1.1")}
}

// gone reports whether err is the end of a connection.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}
