package upstream

import (
	"errors"
	"fmt"
	"time"

	"mom/server/web"
)

// An Error says that no upstream gave an answer. It unwraps to the *web.Error
// for the client.
type Error struct {
	Tried []Attempt
	web   *web.Error
}

func (e *Error) Error() string { return e.web.Message }

func (e *Error) Unwrap() error { return e.web }

// A StreamError is the end of an answer that is not complete. It unwraps to a
// *web.Error, or, when the call's context has ended, to the cause of that.
type StreamError struct {
	Upstream string
	Why      Why // cut, idle_time, total_time, malformed, client_gone
	Cause    error
}

func (e *StreamError) Error() string {
	return fmt.Sprintf("upstream %s: %s", e.Upstream, e.Why.sentence())
}

func (e *StreamError) Unwrap() error {
	if e.Why == WhyCanceled {
		return e.Cause
	}
	return refusal(e.Why, e.Error(), e.Cause, 0)
}

// sentence is w for people.
func (w Why) sentence() string {
	switch w {
	case WhyRefused:
		return "no connection"
	case WhyConnect:
		return "no connection in time"
	case WhyBusy:
		return "all connections are in use"
	case WhyTLS:
		return "no TLS connection"
	case WhyReset:
		return "the connection ended before an answer came"
	case WhyFirstByte:
		return "no answer in time"
	case WhyMalformed:
		return "the answer is not valid HTTP"
	case WhyHeadSize:
		return fmt.Sprintf("the head of the answer is larger than %d bytes", maxHead)
	case WhyErrorSize:
		return fmt.Sprintf("the body of an error is larger than %d bytes", maxErrorBody)
	case WhyEncoding:
		return "the answer has a content coding that was not asked for; identity and gzip are understood"
	case WhyRedirect:
		return "it redirects, which is not followed"
	case WhyKey:
		return "it refused this server's key"
	case WhyStatus:
		return "it answered with an error"
	case WhyOpen:
		return "it failed too often and is left alone for a while"
	case WhyUnhealthy:
		return "it fails its health check"
	case WhyKind:
		return "its protocol cannot serve this request"
	case WhyTotal:
		return "the whole answer took too long"
	case WhyCut:
		return "the connection ended within the answer"
	case WhyIdle:
		return "the answer stalled"
	case WhyCanceled:
		return "the client has left"
	}
	return string(w)
}

// refusal is what the client is told of a failure.
func refusal(w Why, message string, cause error, after time.Duration) *web.Error {
	e := &web.Error{Status: 502, Code: "upstream_error", Message: message, Cause: cause, RetryAfter: after}
	switch w {
	case WhyConnect, WhyFirstByte, WhyTotal, WhyIdle:
		e.Status, e.Code = 504, "upstream_timeout"
	case WhyBusy, WhyOpen, WhyUnhealthy:
		e.Status, e.Code = 503, "upstream_unavailable"
	case WhyKey:
		e.Code = "upstream_key"
	case WhyCut:
		e.Code = "upstream_cut"
	case WhyKind:
		e.Status, e.Code = 400, "unsupported_endpoint"
	}
	return e
}

// failure is why one attempt failed.
type failure struct {
	why   Why
	cause error
}

func (f *failure) Error() string { return string(f.why) }

// timeout reports whether err is the end of a deadline of a connection.
func timeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
