package upstream

import (
	"context"
	"io"
	"net/http"
	"time"

	"mom/server/config"
)

// A Call is one request for an answer of a model.
type Call struct {
	// Models are tried in this order. The next one is asked only when nothing of
	// an answer has arrived, and the failure was not the request's fault.
	Models []string
	// Path is what follows the base URL of an upstream of that kind, such as
	// /chat/completions; "" when upstreams of that kind cannot serve the call.
	Path func(kind config.Kind) string
	// Body makes the body for an upstream: the model as it was asked for, the
	// protocol, and the upstream's name of the model. It is called once for each
	// of the three that differ, and not after Do has returned. Its error ends the
	// call and is returned as it is.
	Body func(model string, kind config.Kind, upstreamModel string) ([]byte, error)
	// Header holds what to pass on of the client's headers. Credentials, headers
	// of the connection, and those that the pool writes itself are left out.
	Header http.Header
	// Stream says that the answer is a stream of events.
	Stream bool
	// Timeout bounds the whole call, retries and the reading of the answer
	// included, beside the timeouts of the upstreams. 0 means no further bound.
	Timeout time.Duration
}

// A Response is the answer of an upstream. Its status may be any that is not a
// failure of the upstream itself, 400 to 499 included, and also the last failure
// when no attempt went well.
type Response struct {
	Status int
	// Header has no headers of the connection, of framing, of cookies, nor any
	// that belong to the upstream's relation with this server.
	Header        http.Header
	Model         string // of Call.Models
	Upstream      string // its name
	UpstreamModel string // its name of the model
	Kind          config.Kind
	// Attempts counts the requests that were sent, this one included.
	Attempts int
	// Tried is every attempt in order, this one included.
	Tried []Attempt
	// Body gives the bytes as they arrive. An error other than io.EOF is a
	// *StreamError: the answer is not complete. It must be closed; Close before
	// io.EOF closes the connection to the upstream, unless the rest has arrived.
	// Not safe for concurrent use.
	Body io.ReadCloser
}

// An Attempt is one try to get an answer, for the explanation of a decision.
type Attempt struct {
	Model    string `json:"model"`
	Upstream string `json:"upstream"`
	// Replica is its number in the upstream's list, from 0.
	Replica int `json:"replica"`
	// Status is that of the answer; 0 when there was none.
	Status int `json:"status,omitempty"`
	// Milliseconds until the answer's head, or until the failure.
	Milliseconds float64 `json:"ms"`
	// Why it failed: a Why; empty when it did not.
	Why Why `json:"why,omitempty"`
}

// A Why is the reason of a failure, from a fixed set, fit for a metric's label.
type Why string

const (
	WhyRefused   Why = "refused"      // no connection
	WhyConnect   Why = "connect_time" // no connection in time
	WhyBusy      Why = "connections"  // all connections are in use
	WhyTLS       Why = "tls"          // no TLS, or a certificate that is not trusted
	WhyReset     Why = "reset"        // the connection ended before an answer
	WhyFirstByte Why = "first_byte"   // no head of an answer in time
	WhyMalformed Why = "malformed"    // the answer is not HTTP
	WhyHeadSize  Why = "head_size"    // the head of the answer is too large
	WhyErrorSize Why = "error_size"   // the body of an error is too large
	WhyEncoding  Why = "encoding"     // the answer has a content coding that was not asked for
	WhyRedirect  Why = "redirect"     // redirects are not followed
	WhyKey       Why = "key"          // the upstream refused this server's key
	WhyStatus    Why = "status"       // a status that is a failure of the upstream
	WhyOpen      Why = "circuit_open" // not asked: the circuit breaker is open
	WhyUnhealthy Why = "unhealthy"    // not asked: it fails the health check
	WhyKind      Why = "kind"         // not asked: its protocol cannot serve the call
	WhyTotal     Why = "total_time"   // the time for the whole answer is over
	WhyCut       Why = "cut"          // the connection ended within the answer
	WhyIdle      Why = "idle_time"    // nothing came for too long within the answer
	WhyCanceled  Why = "client_gone"  // the call's context has ended
)

// Do gets an answer. Errors are an *Error, whose text and whose *web.Error are
// fit for clients, or the cause of the end of ctx, or the error of call.Body.
// When ctx ends, the connection to the upstream is closed at once.
func (p *Pool) Do(ctx context.Context, call Call) (*Response, error) {
	return p.do(ctx, &call)
}
