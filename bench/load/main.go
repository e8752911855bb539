// Command load measures what a gateway adds to requests, and how it bears load.
//
// It starts an upstream of its own that answers after a fixed time, sends
// requests in an open loop (they leave by the clock, whether or not earlier ones
// were answered, so that a slow server cannot hide its queue), and compares the
// times of requests sent straight to the upstream with those sent through the
// gateway:
//
//	go run ./bench/load upstream --listen 127.0.0.1:9000 --latency 20ms
//	mom serve --config bench/load/mom.yaml
//	go run ./bench/load run --direct http://127.0.0.1:9000 --through http://127.0.0.1:8080 --rate 5000 --for 10s
//
// It knows nothing of the gateway but its address and, for the CPU time of each
// request, the number of its process.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
