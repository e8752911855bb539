package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestWriteError(t *testing.T) {
	limit := &Error{Status: 429, Code: "rate_limit", Message: "slow down", RetryAfter: 1500 * time.Millisecond}
	for _, c := range []struct {
		name    string
		dialect Dialect
		err     error
		status  int
		want    string
	}{
		{"openai", OpenAI, Invalid("messages[0]", "wrong"), 400, `{"error":{"message":"wrong","type":"invalid_request_error","param":"messages[0]","code":null}}`},
		{"openai limit", OpenAI, limit, 429, `{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit"}}`},
		{"anthropic", Anthropic, limit, 429, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"req-1"}`},
		{"tei", TEI, limit, 429, `{"error":"slow down","error_type":"overloaded"}`},
		{"plain", Plain, limit, 429, `{"detail":"slow down"}`},
		{"timeout", OpenAI, fmt.Errorf("while reading: %w", context.DeadlineExceeded), 504, `"code":"timeout"`},
		{"drain", OpenAI, ErrDraining, 503, `"code":"draining"`},
		{"inside", OpenAI, errors.New("secret of ours"), 500, `"type":"server_error"`},
		{"vllm-sr", VLLMSR, Invalid("", "wrong"), 400, `{"error":{"code":"INVALID_INPUT","message":"wrong","timestamp":"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ctx fasthttp.RequestCtx
			Bind(&ctx, context.Background(), "req-1", "")
			ctx.WriteString("begun")
			WriteError(&ctx, c.dialect, c.err)
			body := string(ctx.Response.Body())
			if ctx.Response.StatusCode() != c.status || !strings.Contains(body, c.want) {
				t.Fatalf("got %d %s", ctx.Response.StatusCode(), body)
			}
			if !json.Valid([]byte(body)) || strings.Contains(body, "secret") {
				t.Fatalf("body %s", body)
			}
			if c.err == error(limit) && string(ctx.Response.Header.Peek("Retry-After")) != "2" {
				t.Fatal("Retry-After is not rounded up")
			}
			if Refusal(&ctx) == nil {
				t.Fatal("the refusal was not kept for the log")
			}
		})
	}
}
