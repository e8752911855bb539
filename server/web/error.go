package web

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// An Error is a refusal as a client sees it. Message must not carry the
// client's text, a key or an upstream's secrets: it is logged too.
type Error struct {
	Status     int           // of HTTP, 400 to 599
	Type       string        // of OpenAI and Anthropic; "" means the usual one of Status
	Code       string        // machine readable; "" is null
	Param      string        // path of the field that is wrong; "" is null
	Message    string        // a sentence
	RetryAfter time.Duration // 0 when waiting does not help
	// Cause is what happened inside, for the log of the server only.
	Cause error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// Invalid is the refusal of a request whose field param is wrong.
func Invalid(param, message string) *Error {
	return &Error{Status: 400, Param: param, Message: message}
}

// StatusGone is the status in logs of a request whose client has left.
const StatusGone = 499

// AsError says what a client is told of err. An error that is no *Error is a
// fault of ours whose text stays inside, or the end of a context.
func AsError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrDraining):
		return &Error{Status: 503, Code: "draining", Message: "the server is stopping", RetryAfter: time.Second, Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: 504, Type: "timeout_error", Code: "timeout", Message: "the request took longer than the server allows", Cause: err}
	case errors.Is(err, context.Canceled):
		return &Error{Status: StatusGone, Code: "client_gone", Message: "the client closed the connection", Cause: err}
	}
	return &Error{Status: 500, Message: "internal error; the server's log has it under this request's id", Cause: err}
}

// ErrDraining is the cause of contexts that end because the server stops.
var ErrDraining = errors.New("the server is stopping")

// WriteError answers with err in the form of d. It replaces what was written
// before.
func WriteError(ctx *fasthttp.RequestCtx, d Dialect, err error) {
	e := AsError(err)
	ctx.SetUserValue(errorKey{}, e)
	status := e.Status
	if status < 400 || status > 599 {
		status = 500
	}
	ctx.Response.ResetBody()
	if e.RetryAfter > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if status == fasthttp.StatusUnauthorized {
		ctx.Response.Header.Set("WWW-Authenticate", "Bearer")
	}
	WriteJSON(ctx, status, e.Body(d, RequestID(ctx)))
}

type errorKey struct{}

// Refusal is the error that the request was answered with, or nil.
func Refusal(ctx *fasthttp.RequestCtx) *Error {
	e, _ := ctx.UserValue(errorKey{}).(*Error)
	return e
}

// Body is the JSON body of e in the form of d.
func (e *Error) Body(d Dialect, requestID string) any {
	switch d {
	case Anthropic:
		return anthropicError{"error", anthropicDetail{e.anthropicType(), e.Message}, requestID}
	case TEI:
		return teiError{e.Message, e.teiType()}
	case VLLMSR:
		return vllmsrError{vllmsrDetail{e.vllmsrCode(), e.Message, time.Now().UTC().Format(time.RFC3339)}}
	case Plain:
		return plainError{e.Message}
	}
	return openaiError{openaiDetail{e.Message, e.openaiType(), orNull(e.Param), orNull(e.Code)}}
}

type openaiError struct {
	Error openaiDetail `json:"error"`
}

type openaiDetail struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

type anthropicError struct {
	Type      string          `json:"type"`
	Error     anthropicDetail `json:"error"`
	RequestID string          `json:"request_id,omitempty"`
}

type anthropicDetail struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

type teiError struct {
	Error string `json:"error"`
	Type  string `json:"error_type"`
}

type vllmsrError struct {
	Error vllmsrDetail `json:"error"`
}

type vllmsrDetail struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Timestamp string `json:"timestamp"`
}

type plainError struct {
	Detail string `json:"detail"`
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (e *Error) openaiType() string {
	switch {
	case e.Type != "":
		return e.Type
	case e.Status == 401:
		return "authentication_error"
	case e.Status == 403:
		return "permission_error"
	case e.Status == 429:
		return "rate_limit_error"
	case e.Status >= 500:
		return "server_error"
	}
	return "invalid_request_error"
}

func (e *Error) anthropicType() string {
	switch e.Status {
	case 401:
		return "authentication_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case 503, 529:
		return "overloaded_error"
	case 504:
		return "timeout_error"
	}
	if e.Status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

func (e *Error) teiType() string {
	switch {
	case e.Status == 429:
		return "overloaded"
	case e.Status == 503:
		return "unhealthy"
	case e.Status >= 500 || e.Status == 424:
		return "backend"
	case e.Code == "tokenizer" || e.Code == "empty":
		return e.Code
	}
	return "validation"
}

func (e *Error) vllmsrCode() string {
	switch {
	case e.Status == 401:
		return "UNAUTHORIZED"
	case e.Status == 404:
		return "NOT_FOUND"
	case e.Status == 405:
		return "METHOD_NOT_ALLOWED"
	case e.Status == 429:
		return "RATE_LIMITED"
	case e.Status >= 500:
		return "CLASSIFICATION_ERROR"
	}
	return "INVALID_INPUT"
}
