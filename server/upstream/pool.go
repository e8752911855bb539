package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mom/server/config"
)

// A Pool asks upstreams. It is safe for concurrent use.
type Pool struct {
	routes   map[string]*route // by model
	models   []string          // with a route, as configured
	replicas []*replica
	quit     context.CancelFunc
	workers  sync.WaitGroup
	closed   atomic.Bool
}

// A service is an upstream.
type service struct {
	config.Upstream
	index   int
	headers map[string]string // configured, by canonical name
}

// A replica is one place of a service, with its connections.
type replica struct {
	up      *service
	index   int
	address string // host:port
	local   Dialer // instead of it
	prefix  string // path of the base URL
	lines   []byte // of the head of each request
	tls     *tls.Config
	weight  int
	breaker breaker
	sick    atomic.Bool   // by its health check
	slots   chan struct{} // one taken for each connection in use

	mu     sync.Mutex
	idle   []*conn // the last was used last
	closed bool
}

// A Dialer connects to the decoders inside the server, which speak OpenAI's API.
type Dialer func(ctx context.Context) (net.Conn, error)

// inside is what the place of an upstream of kind local is called.
const inside = "http://decoders/v1"

// New makes the pool of c's upstreams; those of kind local are reached by local,
// which may be nil where there is none. c must be valid and must not change
// afterwards. Nothing is connected until it is needed, but replicas with a
// health path are asked from now on, until Close.
func New(c *config.Config, local Dialer) (*Pool, error) {
	p := &Pool{routes: map[string]*route{}}
	services := map[string][]*replica{}
	for i := range c.Upstreams {
		s := &service{Upstream: c.Upstreams[i], index: i, headers: map[string]string{}}
		for name, value := range s.Headers {
			s.headers[http.CanonicalHeaderKey(name)] = string(value)
		}
		if s.Kind == config.Local {
			if local == nil {
				return nil, fmt.Errorf("upstream %s: kind local: there are no decoders", s.Name)
			}
			s.Replicas = []config.Replica{{BaseURL: inside, Weight: 1}}
		}
		for j, place := range s.Replicas {
			r, err := newReplica(s, j, place)
			if err != nil {
				return nil, fmt.Errorf("upstream %s: replicas[%d].base_url: %w", s.Name, j, err)
			}
			if s.Kind == config.Local {
				r.local = local
			}
			services[s.Name] = append(services[s.Name], r)
			p.replicas = append(p.replicas, r)
		}
	}
	for _, m := range c.Models {
		if len(m.Upstreams) == 0 {
			continue
		}
		rt, err := newRoute(m, services)
		if err != nil {
			return nil, err
		}
		p.routes[m.Name] = rt
		p.models = append(p.models, m.Name)
	}
	p.start()
	return p, nil
}

func newReplica(s *service, index int, place config.Replica) (*replica, error) {
	u, err := url.Parse(place.BaseURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("want a URL such as https://api.openai.com/v1")
	}
	r := &replica{up: s, index: index, prefix: strings.TrimRight(u.EscapedPath(), "/"), weight: max(place.Weight, 1)}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	r.address = net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "https" {
		r.tls = &tls.Config{
			ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(32),
		}
	}
	r.slots = make(chan struct{}, max(s.Connections, 1))
	r.breaker.CircuitBreaker = s.CircuitBreaker
	r.breaker.Probes = max(s.CircuitBreaker.Probes, 1)
	r.lines = line(nil, "Host", u.Host)
	r.lines = line(r.lines, "Accept-Encoding", "identity")
	if key := string(s.APIKey); key != "" {
		name, value := "Authorization", "Bearer "+key
		if s.Kind == config.Anthropic {
			name, value = "X-Api-Key", key
		}
		if _, given := s.headers[name]; !given {
			if !isValue(value) {
				return nil, fmt.Errorf("the key of the upstream holds a control character")
			}
			r.lines = line(r.lines, name, value)
		}
	}
	for name, value := range s.headers {
		if !isToken(name) || !isValue(value) {
			return nil, fmt.Errorf("the headers of the upstream hold a name or a value that HTTP does not allow")
		}
		r.lines = line(r.lines, name, value)
	}
	return r, nil
}

// start runs what goes on beside requests.
func (p *Pool) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.quit = cancel
	if len(p.replicas) > 0 {
		p.workers.Go(func() {
			every(ctx, 10*time.Second, func() {
				since := time.Now().Add(-keep)
				for _, r := range p.replicas {
					r.reap(since)
				}
			})
		})
	}
	for _, r := range p.replicas {
		if r.up.Health.Path != "" {
			p.workers.Go(func() { r.watch(ctx) })
		}
	}
}

// every calls f until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}

// Close ends health checks and closes idle connections. Calls under way go on,
// and close theirs when they end, so that a pool that another one replaces loses
// no request.
func (p *Pool) Close() {
	if p.closed.Swap(true) {
		return
	}
	p.quit()
	p.workers.Wait()
	for _, r := range p.replicas {
		r.close()
	}
}

// Unavailable lists the models that have upstreams of which none works now: all
// circuit breakers are open, or all health checks fail. It is cheap enough to be
// asked for each request, and nil when all is well.
func (p *Pool) Unavailable() []string {
	var out []string
	var now time.Time
	for _, m := range p.models {
		works := false
		for _, t := range p.routes[m].targets {
			if t.r.breaker.until.Load() == 0 && !t.r.sick.Load() {
				works = true
				break
			}
			if now.IsZero() {
				now = time.Now()
			}
			if ready, _ := t.r.ready(now); ready {
				works = true
				break
			}
		}
		if !works {
			out = append(out, m)
		}
	}
	return out
}

// Breaker is the state of the circuit breakers of an upstream's replicas, that of
// the worst: open, or half open when requests are let through to try.
func (p *Pool) Breaker(upstream string) (open, half bool) {
	for _, r := range p.replicas {
		if r.up.Name != upstream || r.breaker.until.Load() == 0 {
			continue
		}
		ready, _ := r.breaker.ready(time.Now())
		open, half = open || !ready, half || ready
	}
	return open, half && !open
}

// ready reports whether r may be asked, and how long until then.
func (r *replica) ready(now time.Time) (bool, time.Duration) {
	if r.sick.Load() {
		return false, r.up.Health.Interval
	}
	return r.breaker.ready(now)
}
