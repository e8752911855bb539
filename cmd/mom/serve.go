package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"mom/server"
	"mom/server/admin"
	"mom/server/config"
	"mom/weights"
)

const aboutServe = `Serve requests to language models: read them, decide which model should answer,
and pass them on.

Without a configuration the server listens on this machine only, with the models
inside this program and a built-in policy. It answers what a request is about and
which model should have it, and needs no network:

  mom serve
  curl localhost:8080/v1/route -d '{"input":"Prove that there is no largest prime"}'

and http://127.0.0.1:8080/ is a page to try prompts in. With upstreams in a
configuration it is a gateway that any OpenAI or Anthropic client can use as its
base URL (http://127.0.0.1:8080/v1): model "auto" is the choice of the policy.

  mom config init > mom.yaml      a configuration to begin with
  mom config check mom.yaml
  mom serve --config mom.yaml

The file is read again when it changes and on SIGHUP; a file with a mistake in it
is reported and changes nothing. SIGTERM and Ctrl-C let requests under way end
(timeouts.drain); a second one ends them at once. Beyond this machine clients
need a key (auth). GET /openapi.json describes every route.

systemd: listen: systemd takes the socket of a .socket unit, and Type=notify
units are told when the server is ready.`

const serveExamples = `  mom serve
  mom serve --listen 127.0.0.1:9000
  mom serve --config mom.yaml --threads 4`

type serveFlags struct {
	modelFlags
	config string
	listen string
}

func serveCommand(a *app) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:     "serve",
		Short:   "Serve: an OpenAI-compatible gateway that guards, routes and explains",
		Long:    aboutServe,
		Example: serveExamples,
		Args:    arguments(0, 0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), a) },
	}
	c.Flags().StringVarP(&f.config, "config", "c", "", "configuration `FILE`; mom config init writes one")
	c.Flags().StringVarP(&f.listen, "listen", "l", "", "listen at `ADDRESS` instead of the configuration's: host:port or unix:/path")
	f.modelFlags.addServing(c)
	return c
}

// addServing adds those flags that make sense for a server.
func (f *modelFlags) addServing(c *cobra.Command) {
	var all cobra.Command
	f.add(&all, autoModel)
	for _, name := range []string{"model", "precision", "adapter", "threads", "mmap"} {
		c.Flags().AddFlag(all.Flags().Lookup(name))
	}
}

func (f *serveFlags) run(ctx context.Context, a *app) error {
	if err := f.check(); err != nil {
		return err
	}
	c, err := f.load()
	if err != nil {
		return err
	}
	listeners, err := listen(c)
	if err != nil {
		return err
	}
	log := newLog(a.err, c.Log)
	p := &process{app: a, flags: f, config: c, log: log, listeners: listeners}
	if err := p.open(); err != nil {
		closeAll(listeners)
		return err
	}
	return p.serve(ctx)
}

// load reads the configuration; flags count for more.
func (f *serveFlags) load() (*config.Config, error) {
	c := config.Default()
	if f.config != "" {
		var err error
		if c, err = config.Load(f.config); err != nil {
			return nil, err
		}
	}
	return c, f.override(c)
}

func (f *serveFlags) override(c *config.Config) error {
	if f.listen == "" {
		return nil
	}
	if err := c.Listen.UnmarshalText([]byte(f.listen)); err != nil {
		return misuse("--listen: %v", err)
	}
	if c.Listen == "off" {
		return misuse("--listen: off is for the admin listener")
	}
	return nil
}

func newLog(w *os.File, c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: map[config.LogLevel]slog.Level{
		config.Debug: slog.LevelDebug, config.Info: slog.LevelInfo, config.Warn: slog.LevelWarn, config.Error: slog.LevelError,
	}[c.Level]}
	if c.Format == config.JSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// listen opens what the configuration names.
func listen(c *config.Config) ([]net.Listener, error) {
	network, address := c.Listen.Network()
	if network == "systemd" {
		list, err := systemdListeners(os.Getenv)
		if err == nil && len(list) == 0 {
			err = errors.New("listen: systemd: no socket was passed; start mom by a .socket unit")
		}
		return list, err
	}
	l, err := listenAt(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", reasonOf(err))
	}
	return []net.Listener{l}, nil
}

// listenAt takes over the path of a unix socket that nobody serves any more.
func listenAt(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if network != "unix" || !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if c, dialErr := net.DialTimeout(network, address, time.Second); dialErr == nil {
		c.Close()
		return nil, err
	}
	if info, statErr := os.Lstat(address); statErr != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, err
	}
	if err := os.Remove(address); err != nil {
		return nil, err
	}
	return net.Listen(network, address)
}

// reasonOf says what to do about a port that is taken.
func reasonOf(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; another address is given by --listen, or listen in the configuration", err)
	}
	return err
}

func closeAll(list []net.Listener) {
	for _, l := range list {
		l.Close()
	}
}

// process is a server with all that belongs to it.
type process struct {
	app       *app
	flags     *serveFlags
	config    *config.Config
	log       *slog.Logger
	listeners []net.Listener

	brain   *brain
	inside  *inside
	server  *server.Server
	admin   *admin.Server
	adminAt net.Listener
}

func (p *process) open() (err error) {
	if p.flags.model == autoModel && p.config.Cache.Mode == config.CacheSemantic {
		p.flags.model = weights.Default // cache.threshold belongs to its embeddings
	}
	if p.brain, err = openBrain(&p.flags.modelFlags, p.config.Limits.Tokens); err != nil {
		return err
	}
	if p.inside, err = openInside(p.config, p.log); err != nil {
		p.brain.Close()
		return err
	}
	p.server, err = server.New(server.Options{Config: p.config, Classifier: p.brain, Decoders: p.inside, Log: p.log, Version: version})
	if err != nil {
		p.inside.Close()
		p.brain.Close()
		return err
	}
	if err := p.openAdmin(); err != nil {
		p.server.Close()
		p.inside.Close()
		p.brain.Close()
		return err
	}
	return nil
}

func (p *process) openAdmin() error {
	if !p.config.Admin.On() {
		return nil
	}
	network, address := p.config.Admin.Listen.Network()
	l, err := listenAt(network, address)
	if err != nil && p.flags.config == "" {
		// Nobody asked for it: a second server on this machine goes without.
		p.log.Warn("no admin listener", "reason", err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("admin.listen: %w", err)
	}
	p.adminAt = l
	p.admin = admin.New(admin.Options{
		Metrics: p.server.Metrics(), Ready: p.server.Ready, Pprof: p.config.Admin.Pprof, Log: p.log,
	})
	return nil
}

// serve runs until ctx ends, then drains.
func (p *process) serve(ctx context.Context) error {
	defer p.brain.Close()
	defer p.inside.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failed := make(chan error, len(p.listeners)+1)
	for _, l := range p.listeners {
		go func() { failed <- p.server.Serve(l) }()
	}
	running := len(p.listeners)
	if p.admin != nil {
		running++
		go func() { failed <- p.admin.Serve(p.adminAt) }()
	}
	watched := make(chan struct{})
	go func() { defer close(watched); p.watch(ctx) }()
	p.announce()
	p.tell("READY=1")

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	p.tell("STOPPING=1")
	p.drain()
	cancel(nil)
	<-watched
	for range running {
		err = errors.Join(err, <-failed)
	}
	return err
}

// drain stops the listeners. A second signal ends it early.
func (p *process) drain() {
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	ctx, cancel := context.WithTimeout(context.Background(), p.config.Timeouts.Drain)
	defer cancel()
	go func() {
		select {
		case <-again:
			cancel()
		case <-ctx.Done():
		}
	}()
	if n := p.server.InFlight(); n > 0 {
		p.log.Info("stopping; requests under way may end", "requests", n, "for_at_most", p.config.Timeouts.Drain.String())
	}
	if err := p.server.Shutdown(ctx); err != nil {
		p.log.Warn("stopped", "reason", err.Error())
	}
	if p.admin != nil {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.admin.Shutdown(end)
	}
}

// watch takes over changes of the configuration and keeps the service manager's
// watchdog quiet, until ctx ends.
func (p *process) watch(ctx context.Context) {
	if every := watchdogInterval(os.Getenv); every > 0 {
		go p.live(ctx, every)
	}
	if p.flags.config == "" {
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		for {
			select {
			case <-hup:
				p.log.Info("SIGHUP: there is no configuration file to read again")
			case <-ctx.Done():
				return
			}
		}
	}
	p.config.Watch(ctx, func(c *config.Config, err error) {
		if err == nil {
			err = p.flags.override(c)
		}
		if err == nil {
			err = p.server.Reload(c)
		}
		p.server.Metrics().Reloaded(err == nil)
		if err != nil {
			p.log.Error("the configuration was not taken over; the last good one stays", "reason", err.Error())
			return
		}
		p.log.Info("the configuration was taken over", "file", p.flags.config)
	})
}

func (p *process) live(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.tell("WATCHDOG=1")
		case <-ctx.Done():
			return
		}
	}
}

func (p *process) tell(state string) {
	if err := notify(os.Getenv, state); err != nil {
		p.log.Warn("the service manager was not told", "state", state, "reason", err.Error())
	}
}

// announce says, to people, where the server is and what is on.
func (p *process) announce() {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s%s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "mom %s\n", version)
	base := ""
	for _, l := range p.listeners {
		at := p.url(l)
		who := "clients need a key"
		if !p.server.AuthOn() {
			who = "no key needed"
			if p.config.Listen.Local() {
				who = "this machine only, no key needed"
			}
		}
		line("listening", "%s  (%s)", at, who)
		if base == "" && strings.HasPrefix(at, "http") {
			base = at
		}
	}
	if base != "" {
		line("clients", "base URL %s/v1, model %q", base, "auto")
		if p.config.Playground {
			line("playground", "%s/", base)
		}
		line("try", `curl %s/v1/route -d '{"input":"Prove that there is no largest prime"}'`, base)
	}
	var heads []string
	for _, m := range p.brain.Models() {
		heads = append(heads, m.Task)
	}
	line("classifiers", "%s, %s: %s", p.brain.e.Name, p.brain.e.Precision(), strings.Join(heads, ", "))
	if names := p.decoders(); names != "" {
		line("decoders", "%s", names)
	}
	line("upstreams", "%s", p.upstreams())
	if p.admin != nil {
		line("admin", "http://%s/metrics, /health, /ready", p.adminAt.Addr())
	}
	p.app.err.WriteString(b.String())
}

func (p *process) decoders() string {
	var names []string
	for i, q := range p.config.Decoders {
		name := fmt.Sprintf("%s, %s", q.Name, p.inside.models[i].Precision())
		if q.Explain {
			name += " (explains)"
		}
		names = append(names, name)
	}
	return strings.Join(names, "; ")
}

func (p *process) upstreams() string {
	var names []string
	for _, u := range p.config.Upstreams {
		if u.Kind != config.Local {
			names = append(names, u.Name)
		}
	}
	if len(names) == 0 {
		return "none: requests are classified and routed, not passed on (mom config init)"
	}
	return strings.Join(names, ", ")
}

// url is how a client on this machine names a listener.
func (p *process) url(l net.Listener) string {
	scheme := "http"
	if p.config.TLS.On() {
		scheme = "https"
	}
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return "unix:" + l.Addr().String()
	}
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, fmt.Sprint(a.Port)))
}
