package upstream

import (
	"context"
	"io"
	"net/http"
	"time"
)

// watch asks r whether it is well until ctx ends. The first good answer after
// bad ones brings it back.
func (r *replica) watch(ctx context.Context) {
	bads := 0
	ask := func() {
		if r.well(ctx) {
			bads = 0
		} else if ctx.Err() == nil {
			bads++
		}
		r.sick.Store(bads >= r.up.Health.Failures)
	}
	ask()
	every(ctx, r.up.Health.Interval, ask)
}

// well asks once. An answer that begins in time with a status below 400 is good.
func (r *replica) well(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, r.up.Health.Timeout)
	defer cancel()
	m := &message{method: http.MethodGet, path: r.up.Health.Path, end: time.Now().Add(r.up.Health.Timeout)}
	b, err := r.exchange(ctx, m)
	if err != nil {
		return false
	}
	io.CopyN(io.Discard, b, maxErrorBody)
	b.Close()
	return b.res.StatusCode < 400
}
