package web

import (
	"context"

	"github.com/valyala/fasthttp"
)

type (
	contextKey struct{}
	idKey      struct{}
	tenantKey  struct{}
)

// Bind gives a request what its handlers ask for with Context, RequestID and
// Tenant. The server calls it before any handler.
func Bind(ctx *fasthttp.RequestCtx, c context.Context, requestID, tenant string) {
	ctx.SetUserValue(contextKey{}, c)
	ctx.SetUserValue(idKey{}, requestID)
	ctx.SetUserValue(tenantKey{}, tenant)
}

// Context is the life of the request: it ends when the client leaves, when the
// server's patience does, or when a drain has no time left (its cause is
// ErrDraining then). Outside a server it never ends.
func Context(ctx *fasthttp.RequestCtx) context.Context {
	if c, ok := ctx.UserValue(contextKey{}).(context.Context); ok {
		return c
	}
	return context.Background()
}

// RequestID is the id that the answer's x-request-id and the log carry; ""
// outside a server.
func RequestID(ctx *fasthttp.RequestCtx) string {
	id, _ := ctx.UserValue(idKey{}).(string)
	return id
}

// Tenant is the name of the key that the client showed; "" without
// authentication.
func Tenant(ctx *fasthttp.RequestCtx) string {
	t, _ := ctx.UserValue(tenantKey{}).(string)
	return t
}
