package upstream

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// A body is what is left of an answer after its head.
type body struct {
	c    *conn
	r    *replica
	ctx  context.Context
	stop func() bool // the watch of ctx
	res  *http.Response
	src  io.Reader // decodes res.Body
	pass pass
	news outcome // of a whole answer
	eof  bool    // of res.Body
	over bool    // c was given back or closed
	err  error
}

// decode prepares reading what a coding was put on.
func (b *body) decode() error {
	codings := b.res.Header["Content-Encoding"]
	if len(codings) == 0 {
		return nil
	}
	switch strings.ToLower(strings.Join(codings, ",")) {
	case "", "identity":
	case "gzip", "x-gzip":
		b.src = &unzip{src: raw{b}}
	default:
		return &failure{WhyEncoding, nil}
	}
	return nil
}

// raw notes the end of the coded bytes.
type raw struct{ b *body }

func (r raw) Read(p []byte) (int, error) {
	n, err := r.b.res.Body.Read(p)
	if err == io.EOF {
		r.b.eof = true
	}
	return n, err
}

// unzip begins with the first read, which may wait.
type unzip struct {
	src io.Reader
	z   *gzip.Reader
}

func (u *unzip) Read(p []byte) (int, error) {
	if u.z == nil {
		z, err := gzip.NewReader(u.src)
		if err != nil {
			return 0, err
		}
		u.z = z
	}
	return u.z.Read(p)
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.eof, b.err = true, io.EOF
		b.release(b.news)
		return n, io.EOF
	}
	why, cause := b.reason(err)
	b.err = &StreamError{Upstream: b.r.up.Name, Why: why, Cause: cause}
	o := bad
	if why == WhyCanceled || why == WhyTotal {
		o = neither
	}
	b.release(o)
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

func (b *body) reason(err error) (Why, error) {
	switch {
	case b.ctx.Err() != nil:
		return WhyCanceled, context.Cause(b.ctx)
	case timeout(err) && !time.Now().Before(b.c.end):
		return WhyTotal, err
	case timeout(err):
		return WhyIdle, err
	case gone(err):
		return WhyCut, err
	}
	return WhyMalformed, errors.New("the body of the answer is not valid")
}

// Close gives the connection back when all of the answer was read, or what is
// left of it has arrived already; else it closes the connection.
func (b *body) Close() error {
	if b.over {
		return nil
	}
	if !b.eof && b.c.br.Buffered() > 0 {
		b.c.end = time.Unix(1, 0) // nothing more is read from the socket
		var rest [64]byte
		for range readBuffer / len(rest) {
			if _, err := b.res.Body.Read(rest[:]); err != nil {
				b.eof = err == io.EOF
				break
			}
		}
	}
	if b.err == nil {
		b.err = errClosed
	}
	b.release(b.news)
	return nil
}

var errClosed = errors.New("upstream: read of a closed answer")

// release ends the exchange.
func (b *body) release(o outcome) {
	if b.over {
		return
	}
	b.over = true
	b.pass.done(o)
	// The end of an answer that only its connection marks tells nothing.
	marked := b.res.ContentLength >= 0 || len(b.res.TransferEncoding) > 0
	if b.stop() && b.eof && marked && !b.res.Close && !b.c.ended.Load() && b.c.br.Buffered() == 0 {
		b.r.put(b.c)
	} else {
		b.c.tcp.Close()
	}
	<-b.r.slots
}
