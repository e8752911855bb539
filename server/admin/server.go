package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"
)

// Options are what the admin listener serves.
type Options struct {
	Metrics *Metrics
	// Healthy says why the process cannot go on and should be started again, nil
	// when it can. Not being ready is no reason.
	Healthy func() error
	// Ready says why the server takes no requests now, nil when it does: it is
	// starting, draining, or has no model or upstream that works.
	Ready func() error
	// Pprof serves Go's profiles under /debug/pprof/, on loopback only.
	Pprof bool
	// Log gets failures of the listener itself; nil means none.
	Log *slog.Logger
}

// A Server is the admin listener.
type Server struct {
	http  http.Server
	pprof bool
}

// New returns a server that Serve starts.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{pprof: o.Pprof}
	s.http = http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	if o.Pprof {
		// A CPU profile takes as long as it is asked to.
		s.http.WriteTimeout = 5 * time.Minute
	}
	s.http.Handler = s.handler(o)
	return s
}

// Serve answers until Shutdown; then it returns nil. Profiles are refused on a
// listener beyond loopback, since they show the memory of other people's
// requests.
func (s *Server) Serve(ln net.Listener) error {
	local := Loopback(ln.Addr())
	if s.pprof && !local {
		return fmt.Errorf("admin: profiles are served on loopback and unix sockets only, not on %s: set admin.pprof to false or listen on 127.0.0.1", ln.Addr())
	}
	if local {
		s.http.Handler = sameHost(s.http.Handler)
	}
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// Shutdown ends Serve. Requests in flight are waited for until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// Loopback reports whether an address can be reached from this machine only.
func Loopback(a net.Addr) bool {
	if a.Network() == "unix" {
		return true
	}
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

func (s *Server) handler(o Options) http.Handler {
	mux := http.NewServeMux()
	if o.Metrics != nil {
		mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", TextFormat)
			if err := o.Metrics.Write(w); err != nil {
				o.Log.Warn("metrics could not be written", "error", err)
			}
		})
	}
	mux.HandleFunc("GET /health", probe("ok", "failing", o.Healthy))
	mux.HandleFunc("GET /ready", probe("ready", "not ready", o.Ready))
	if o.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

type status struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// probe answers 200 or 503.
func probe(good, bad string, check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		code, body := http.StatusOK, status{Status: good}
		if check != nil {
			if err := check(); err != nil {
				code, body = http.StatusServiceUnavailable, status{bad, err.Error()}
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(body)
	}
}

// sameHost refuses requests that name another host: a web page whose name was
// made to resolve to 127.0.0.1 must not read what is for this machine.
func sameHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil && host != "localhost" && host != "" {
			http.Error(w, "this listener is for its own machine: ask for localhost or an address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
