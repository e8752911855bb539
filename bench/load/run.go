package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"
)

// run executes one command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "run" && args[0] != "upstream" {
		return errors.New("want run or upstream; each has --help")
	}
	if args[0] == "upstream" {
		return runUpstream(ctx, args[1:], out)
	}
	return runLoad(ctx, args[1:], out)
}

func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return nil
}

func runUpstream(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("upstream", flag.ContinueOnError)
	var u upstream
	listen := f.String("listen", "127.0.0.1:9000", "address")
	f.DurationVar(&u.latency, "latency", 20*time.Millisecond, "time until an answer")
	f.DurationVar(&u.gap, "gap", 5*time.Millisecond, "time before each event of a stream")
	f.IntVar(&u.events, "events", 32, "events of a stream")
	if err := parse(f, args); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "upstream at http://%s\n", ln.Addr())
	return u.serve(ctx, ln)
}

type loadFlags struct {
	direct, through, path string
	model, key            string
	rate                  float64
	length                time.Duration
	rounds, tokens, pid   int
	unique, stream        bool
}

func runLoad(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	var l loadFlags
	f.StringVar(&l.direct, "direct", "", "base `URL` of the upstream; empty leaves the comparison out")
	f.StringVar(&l.through, "through", "http://127.0.0.1:8080", "base `URL` of the gateway")
	f.StringVar(&l.path, "path", "/v1/chat/completions", "of the requests")
	f.StringVar(&l.model, "model", "mock", "that the requests name")
	f.StringVar(&l.key, "key", "", "for the gateway")
	f.Float64Var(&l.rate, "rate", 1000, "requests a second")
	f.DurationVar(&l.length, "for", 9*time.Second, "length of each side, over all rounds")
	f.IntVar(&l.rounds, "rounds", 3, "how often the two sides take turns")
	f.IntVar(&l.tokens, "tokens", 32, "words of a prompt")
	f.BoolVar(&l.unique, "unique", false, "every prompt is another")
	f.BoolVar(&l.stream, "stream", false, "ask for streams")
	f.IntVar(&l.pid, "pid", 0, "process of the gateway, for its CPU time")
	if err := parse(f, args); err != nil {
		return err
	}
	if l.rate <= 0 || l.rounds < 1 || l.tokens < 1 || l.length <= 0 {
		return errors.New("--rate, --rounds, --tokens and --for must be above 0")
	}
	return l.run(ctx, out)
}

func (l *loadFlags) run(ctx context.Context, out io.Writer) error {
	through, err := l.target("through", l.through, l.key)
	if err != nil {
		return err
	}
	var direct *target
	if l.direct != "" {
		if direct, err = l.target("direct", l.direct, ""); err != nil {
			return err
		}
	}
	each := l.length / time.Duration(l.rounds)
	var d, t result
	t.cpu = -1
	for _, side := range []*target{direct, through} { // connections, caches
		if side != nil {
			side.round(ctx, new(result), min(l.rate, 200), time.Second/2)
		}
	}
	for range l.rounds {
		if direct != nil {
			direct.round(ctx, &d, l.rate, each)
		}
		before, err := cpuTime(l.pid)
		through.round(ctx, &t, l.rate, each)
		if after, err2 := cpuTime(l.pid); l.pid != 0 && err == nil && err2 == nil {
			t.cpu = max(t.cpu, 0) + after - before
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	report(out, direct != nil, &d, &t)
	return nil
}

func (l *loadFlags) target(name, base, key string) (*target, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" {
		return nil, fmt.Errorf("--%s: want http://host:port", name)
	}
	return &target{
		name: name, url: base + l.path, key: key, stream: l.stream,
		bodies: chats(l.model, l.tokens, l.unique, l.stream),
		client: &fasthttp.HostClient{
			Addr: u.Host, MaxConns: 8192, ReadTimeout: time.Minute, StreamResponseBody: l.stream,
			MaxIdleConnDuration: time.Minute, MaxIdemponentCallAttempts: 1, NoDefaultUserAgentHeader: true,
		},
	}, nil
}

func report(out io.Writer, compare bool, d, t *result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\trequests\tper s\tp50 ms\tp90 ms\tp99 ms\tp99.9 ms\tmax ms\tfailed\t")
	row := func(name string, h *histogram, r *result) {
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t%d\t\n", name, h.n.Load(), float64(h.n.Load())/r.took.Seconds(),
			ms(h.quantile(0.5)), ms(h.quantile(0.9)), ms(h.quantile(0.99)), ms(h.quantile(0.999)), ms(time.Duration(h.most.Load())*time.Microsecond), r.failed.Load())
	}
	if compare {
		row("direct", &d.latency, d)
	}
	row("through", &t.latency, t)
	for _, extra := range []struct {
		name   string
		h1, h2 *histogram
	}{{"first byte", &d.first, &t.first}, {"event's age", &d.event, &t.event}, {"generator's lag", &d.lag, &t.lag}} {
		if extra.h1.n.Load() > 0 {
			row(extra.name+", direct", extra.h1, d)
		}
		if extra.h2.n.Load() > 0 {
			row(extra.name+", through", extra.h2, t)
		}
	}
	w.Flush()
	if compare {
		fmt.Fprintf(out, "added: p50 %s ms, p99 %s ms\n", ms(t.latency.quantile(0.5)-d.latency.quantile(0.5)), ms(t.latency.quantile(0.99)-d.latency.quantile(0.99)))
	}
	if n := t.latency.n.Load(); t.cpu >= 0 && n > 0 {
		fmt.Fprintf(out, "server CPU: %.1f us a request\n", float64(t.cpu.Microseconds())/float64(n))
	}
	var codes []int
	t.statuses.Range(func(code, _ any) bool { codes = append(codes, code.(int)); return true })
	slices.Sort(codes)
	for _, c := range codes {
		n, _ := t.statuses.Load(c)
		fmt.Fprintf(out, "status %d: %d\n", c, n.(*atomic.Int64).Load())
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()*1000) }
