// Package server is the gateway: it reads requests of several APIs, has them
// classified, decides by the policy what becomes of them, and passes them to
// the upstreams.
//
// A request goes: connection (conn.go) -> route and admission (dispatch.go) ->
// texts and signals (reading.go) -> decision (decide.go) -> upstream and answer
// (forward.go), or an answer given before (caching.go). It keeps the
// configuration that it began with (plane.go) and ends when it is answered, its
// client leaves, or it takes too long (watch.go).
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/admin"
	"mom/server/cache"
	"mom/server/config"
	"mom/server/openapi"
	"mom/server/shared"
	"mom/server/state"
	"mom/server/web"
)

// Options make a Server. Config, Classifier and Log are needed.
type Options struct {
	Config     *config.Config
	Classifier web.Classifier
	Decoders   web.Decoders // nil for none
	Log        *slog.Logger
	Version    string
	Routes     []web.Route // beside the server's own
}

// A Server answers until Shutdown.
type Server struct {
	log      *slog.Logger
	version  string
	started  time.Time
	http     *fasthttp.Server
	tls      *tls.Config // nil speaks plain HTTP
	table    *table
	plane    atomic.Pointer[plane]
	reload   sync.Mutex
	document func() ([]byte, error) // OpenAPI
	metrics  *admin.Metrics
	counted  map[*web.Route]*admin.RouteMetrics
	other    *admin.RouteMetrics // requests without a route

	classifier *memo    // asks gate, which asks the models
	judges     []string // their names
	decoders   web.Decoders
	gate       *gate
	store      *state.Store
	shared     shared.Store
	cache      *cache.Cache // nil when it is off

	watch    *watcher
	alive    context.Context // of all requests
	kill     context.CancelCauseFunc
	draining atomic.Bool
	inFlight atomic.Int64
}

// memoRoom is the memory for verdicts of texts seen before.
const memoRoom = 32 << 20

// New makes a server of a configuration that config has checked.
func New(o Options) (*Server, error) {
	s := &Server{log: o.Log, version: o.Version, started: time.Now(), decoders: o.Decoders}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.tls, err = openTLS(o.Config.TLS); err != nil {
		return nil, err
	}
	for _, m := range o.Classifier.Models() {
		s.judges = append(s.judges, m.Name+" "+m.Precision)
	}
	p, err := s.newPlane(o.Config)
	if err != nil {
		return nil, err
	}
	s.plane.Store(p)
	// As many texts inside the engine as make full batches on every core.
	s.gate = newGate(o.Classifier, 4*runtime.GOMAXPROCS(0), o.Config.Limits.QueueWait)
	s.classifier = newMemo(s.gate, memoRoom)
	if err := s.openStore(o.Config.State); err != nil {
		p.release()
		return nil, err
	}
	if s.shared, err = openShared(o.Config, s.log); err != nil {
		s.store.Close(context.Background())
		p.release()
		return nil, err
	}
	if s.cache, err = openCache(o.Config, s.shared); err != nil {
		s.shared.Close()
		s.store.Close(context.Background())
		p.release()
		return nil, err
	}
	s.alive, s.kill = context.WithCancelCause(context.Background())
	s.table = newTable(append(s.routes(), o.Routes...))
	s.document = sync.OnceValues(func() ([]byte, error) { return openapi.Document(s.table.list, s.version) })
	s.startMetrics(p)
	s.watch = newWatcher()
	c := o.Config
	s.http = &fasthttp.Server{
		Handler:      s.handle,
		ErrorHandler: s.broken,
		Logger:       quiet{s.log},

		ReadBufferSize:     int(c.Limits.Header),
		MaxRequestBodySize: int(c.Limits.Body),
		ReadTimeout:        c.Timeouts.Read,
		IdleTimeout:        c.Timeouts.Idle,
		Concurrency:        max(c.Limits.Connections, fasthttp.DefaultConcurrency),
		// An idle connection gives its buffers back: 10,000 of them would hold
		// as many times limits.header.
		ReduceMemoryUsage: true,

		SecureErrorLogMessage:         true,
		DisablePreParseMultipartForm:  true,
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
		CloseOnShutdown:               true,
		DisableHeaderNamesNormalizing: false,
	}
	return s, nil
}

// Serve answers the connections of ln until Shutdown. It may be called for
// several listeners.
func (s *Server) Serve(ln net.Listener) error {
	shed := func() { s.metrics.Shed(admin.ShedConnections) }
	l := &listener{Listener: ln, limits: s.connLimits, shed: shed, plain: s.tls == nil}
	ln = l
	if s.tls != nil {
		ln = tls.NewListener(l, s.tls)
	}
	// fasthttp does not stop what begins after it was told to.
	defer context.AfterFunc(s.alive, func() { l.Close() })()
	err := s.http.Serve(ln)
	if s.draining.Load() && (err == nil || errors.Is(err, net.ErrClosed)) {
		return nil
	}
	return err
}

func (s *Server) connLimits() (int, time.Duration) {
	c := s.plane.Load().config
	return c.Limits.Connections, c.Timeouts.Write
}

// Ready says why the server takes no requests now; nil when it does.
func (s *Server) Ready() error {
	if s.draining.Load() {
		return web.ErrDraining
	}
	return nil
}

// InFlight is the number of requests being answered.
func (s *Server) InFlight() int { return int(s.inFlight.Load()) }

// Routes is what is served.
func (s *Server) Routes() []web.Route { return s.table.list }

// endTime is what streams get to end properly when the drain's time is over.
const endTime = 2 * time.Second

// Shutdown says by /ready that the server stops (timeouts.unready), takes no
// more connections, lets requests under way end until ctx does, then ends
// streams with an error event and answers the rest with 503.
func (s *Server) Shutdown(ctx context.Context) error {
	if !s.draining.CompareAndSwap(false, true) {
		return nil
	}
	defer s.Close()
	if d := s.plane.Load().config.Timeouts.Unready; d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	// fasthttp can be told once only; what happens at ctx's end is up to us.
	last, stop := context.WithCancel(context.Background())
	defer stop()
	ending := context.AfterFunc(ctx, func() {
		if n := s.InFlight(); n > 0 {
			s.log.Warn("the drain's time is over", "requests_ended_early", n)
		}
		s.kill(web.ErrDraining)
		timer := time.AfterFunc(endTime, stop)
		context.AfterFunc(last, func() { timer.Stop() })
	})
	defer ending()
	if err := s.http.ShutdownWithContext(last); err != nil {
		return fmt.Errorf("%d connections did not end in time", s.http.GetOpenConnectionsCount())
	}
	return nil
}

// Close gives back what New took, of a server that is not serving. Shutdown
// does it too.
func (s *Server) Close() {
	s.draining.Store(true)
	s.kill(web.ErrDraining)
	s.watch.close()
	s.plane.Load().release()
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	if err := s.shared.Close(); err != nil {
		s.log.Warn("the shared state was not closed", "reason", err.Error())
	}
	if err := s.store.Close(ctx); err != nil {
		s.log.Warn("decisions at the end were not kept", "reason", err.Error())
	}
}

// Reload replaces the configuration. Requests under way keep the one they
// began with. When c cannot be used, nothing changes. What listens, TLS and
// where state is kept need a restart: changes there are told as an error too,
// after everything else has been taken over.
func (s *Server) Reload(c *config.Config) error {
	s.reload.Lock()
	defer s.reload.Unlock()
	if s.draining.Load() {
		return web.ErrDraining
	}
	old := s.plane.Load()
	fixed := restartNeeded(old.config, c)
	p, err := s.newPlane(c)
	if err != nil {
		return err
	}
	s.gate.patience.Store(int64(c.Limits.QueueWait))
	s.metrics.Configure(s.labels(p))
	s.plane.Store(p)
	old.release()
	if fixed != "" {
		s.log.Warn("a change needs a restart to take effect", "keys", fixed)
	}
	return nil
}

// quiet keeps fasthttp's messages, which may repeat bytes of a request, out of
// the log: what matters is told by broken.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, _ ...any) {
	q.log.Debug("fasthttp", "format", format)
}
