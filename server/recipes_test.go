package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mom/server/config"
)

// recipe is the code block of docs/recipes.md that contains mark, with parts of
// it replaced.
func recipe(t *testing.T, mark string, replace ...string) string {
	t.Helper()
	doc, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```\\w+\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		if !strings.Contains(m[1], mark) {
			continue
		}
		for i := 0; i < len(replace); i += 2 {
			if !strings.Contains(m[1], replace[i]) {
				t.Fatalf("%q is not in the recipe %s", replace[i], mark)
			}
		}
		return strings.NewReplacer(replace...).Replace(m[1])
	}
	t.Fatalf("docs/recipes.md has no block with %s", mark)
	return ""
}

// proxy starts a server that is installed on this machine, or skips the test,
// and waits until something listens at addr.
func proxy(t *testing.T, addr, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path = "/usr/sbin/" + name; exec.Command(path, "-v").Run() != nil {
			t.Skip("no " + name + " on this machine")
		}
	}
	cmd := exec.Command(path, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s: %s", name, out.String())
		}
	})
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", name, err, out.String())
		case <-time.After(25 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen at %s", name, addr)
}

// unused is a free address on this machine.
func unused(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func writeFile(t *testing.T, dir, name, text string) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// throughProxy checks what a client of the proxy at addr sees.
func throughProxy(t *testing.T, r *running, m *mock, steps chan string, addr string) {
	direct := r.addr
	r.addr = addr
	defer func() { r.addr = direct }()
	if a := r.post("/v1/route", `{"input":"hello"}`); a.status != 200 || a.header.Get("x-vsr-selected-model") == "" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if a := r.post("/v1/chat/completions", `{"model":"best","messages":[{"role":"user","content":"an attack"}]}`); a.status != 403 && a.status != 400 {
		t.Errorf("an attack got %d %s", a.status, a.body)
	}
	// Longer than what proxies hold back by default.
	large := `{"input":"` + strings.Repeat("word ", 100_000) + `"}`
	if a := r.post("/v1/route", large); a.status != 200 {
		t.Errorf("%d bytes got %d %s", len(large), a.status, a.body)
	}
	c, b := openStream(t, r)
	var worst time.Duration
	for i := range 10 {
		sent := time.Now()
		steps <- chunk(fmt.Sprint("word ", i))
		if e := readEvent(t, b); !strings.Contains(e, fmt.Sprint("word ", i)) {
			t.Fatal(e)
		}
		worst = max(worst, time.Since(sent))
	}
	t.Logf("an event took at most %v", worst)
	c.Close()
	// A proxy may see that the client has left only when it has something to pass on.
	for end := time.After(2 * time.Second); ; {
		select {
		case steps <- chunk("more"):
			time.Sleep(20 * time.Millisecond)
			continue
		case <-m.gone:
		case <-end:
			t.Error("the upstream still answers two seconds after the client has left")
		}
		return
	}
}

func TestBehindNginx(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	addr, dir := unused(t), t.TempDir()
	block := recipe(t, "upstream mom {", "127.0.0.1:8080", r.addr, "listen 443;", "listen "+addr+";")
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	conf := writeFile(t, dir, "nginx.conf", user+fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s\n}\n", dir, block))
	proxy(t, addr, "nginx", "-c", conf, "-p", dir)
	throughProxy(t, r, m, steps, addr)
}

func TestBehindHAProxy(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	addr := unused(t)
	conf := writeFile(t, t.TempDir(), "haproxy.cfg", recipe(t, "default_backend mom", "127.0.0.1:8080", r.addr, "bind :8443", "bind "+addr)+"\n")
	proxy(t, addr, "haproxy", "-f", conf)
	throughProxy(t, r, m, steps, addr)
}

// TestHAProxyAsks has HAProxy take mom's decisions and act on them itself.
func TestHAProxyAsks(t *testing.T) {
	c := gatewayConfig(newMock(t, whole("not asked")), config.OpenAI)
	setModels(c, "mock", "large", "small")
	r := start(t, c, nil)
	large := newMock(t, func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, "from large") })
	small := newMock(t, func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, "from small") })
	addr, dir := unused(t), t.TempDir()
	lua := writeFile(t, dir, "mom.lua", recipe(t, "core.register_action", "127.0.0.1:8080", r.addr))
	conf := writeFile(t, dir, "route.cfg", recipe(t, "lua-load", "/etc/haproxy/mom.lua", lua, "bind :8443", "bind "+addr,
		"127.0.0.1:9001", strings.TrimPrefix(large.URL, "http://"), "127.0.0.1:9002", strings.TrimPrefix(small.URL, "http://"))+"\n")
	proxy(t, addr, "haproxy", "-f", conf)
	direct := r.addr
	defer func() { r.addr = direct }()
	for body, want := range map[string]string{
		`{"model":"auto","messages":[{"role":"user","content":"hello"}],"mom":{"cost_quality_tradeoff":0}}`:  "from large",
		`{"model":"auto","messages":[{"role":"user","content":"hello"}],"mom":{"cost_quality_tradeoff":10}}`: "from small",
		`{"messages":[{"role":"user","content":"an attack"}]}`:                                               "refused by the guard",
	} {
		r.addr = addr
		if a := r.post("/v1/chat/completions", body); !strings.Contains(a.body, want) {
			t.Errorf("%s got %d %s, want %s", body, a.status, a.body, want)
		}
	}
}

// TestHAProxyRestart stops one of two servers under load.
func TestHAProxyRestart(t *testing.T) {
	m := newMock(t, whole("hi"))
	c := gatewayConfig(m, config.OpenAI)
	c.Timeouts.Unready = time.Second
	one, two := start(t, c, nil), start(t, gatewayConfig(m, config.OpenAI), nil)
	addr := unused(t)
	const line = "    server mom1 127.0.0.1:8080 check inter 1s fall 2\n"
	both := fmt.Sprintf("    server mom1 %s check inter 100ms fall 2\n    server mom2 %s check inter 100ms fall 2\n", one.addr, two.addr)
	conf := writeFile(t, t.TempDir(), "haproxy.cfg", recipe(t, "default_backend mom", line, both, "bind :8443", "bind "+addr)+"\n")
	proxy(t, addr, "haproxy", "-f", conf)
	var group sync.WaitGroup
	var done, lost atomic.Int64
	stop := make(chan struct{})
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := two.client.Post("http://"+addr+"/v1/chat/completions", "application/json", strings.NewReader(hello))
				if err != nil || resp.StatusCode != 200 {
					lost.Add(1)
				}
				if err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				done.Add(1)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	one.stop(5 * time.Second)
	time.Sleep(500 * time.Millisecond)
	close(stop)
	group.Wait()
	if lost.Load() > 0 || done.Load() < 20 {
		t.Errorf("%d of %d requests were lost", lost.Load(), done.Load())
	}
}
