package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestRun measures the upstream against itself: the two sides must agree.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{latency: 5 * time.Millisecond, gap: time.Millisecond, events: 3}
	ended := make(chan error, 1)
	go func() { ended <- u.serve(ctx, ln) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	base := "http://" + ln.Addr().String()
	for _, stream := range []string{"--stream=false", "--stream=true"} {
		var out strings.Builder
		args := []string{"run", "--direct", base, "--through", base, "--rate", "100", "--for", "400ms", "--rounds", "2", stream}
		if err := run(ctx, args, &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "status 200: 40") || !strings.Contains(out.String(), "added: p50") {
			t.Errorf("%s: %s", stream, out.String())
		}
		if strings.Contains(stream, "true") && !strings.Contains(out.String(), "event's age, through") {
			t.Errorf("no ages of events: %s", out.String())
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range []string{"", "walk", "run --rate 0", "run --through localhost", "run more", "upstream --listen nowhere"} {
		if err := run(context.Background(), strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
