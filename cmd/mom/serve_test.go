package main

import (
	"bufio"
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
	"syscall"
	"testing"
	"time"
)

// served is a process of mom serve.
type served struct {
	*exec.Cmd
	t    *testing.T
	base string // URL
	mu   sync.Mutex
	err  strings.Builder
	done chan struct{} // its standard error has ended
}

var listening = regexp.MustCompile(`(?m)^  listening +(\S+)`)

// serve starts the process and waits until it says where it listens.
func serve(t *testing.T, c *exec.Cmd) *served {
	t.Helper()
	s := &served{Cmd: c, t: t, done: make(chan struct{})}
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	go func() {
		defer close(s.done)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			s.mu.Lock()
			fmt.Fprintln(&s.err, lines.Text())
			s.mu.Unlock()
		}
	}()
	s.wait(10*time.Second, func(log string) bool {
		m := listening.FindStringSubmatch(log)
		if m != nil {
			s.base = m[1]
		}
		return m != nil
	})
	t.Logf("listening after %v", time.Since(began).Round(time.Millisecond))
	return s
}

func (s *served) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err.String()
}

func (s *served) wait(within time.Duration, ok func(log string) bool) {
	s.t.Helper()
	for end := time.Now().Add(within); !ok(s.log()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within %v; the log is\n%s", within, s.log())
		}
	}
}

// stop sends SIGTERM and wants a clean end.
func (s *served) stop() {
	s.t.Helper()
	s.Process.Signal(syscall.SIGTERM)
	<-s.done
	if err := s.Wait(); err != nil {
		s.t.Errorf("%v; the log is\n%s", err, s.log())
	}
}

func (s *served) route(text string) (int, string) {
	s.t.Helper()
	resp, err := http.Post(s.base+"/v1/route", "application/x-www-form-urlencoded", strings.NewReader(`{"input":"`+text+`"}`))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data)
}

func TestServe(t *testing.T) {
	s := serve(t, exec.Command("mom", "serve", "--listen", "127.0.0.1:0"))
	if code, body := s.route("Prove that there is no largest prime."); code != 200 || !strings.Contains(body, `"category":"math"`) {
		t.Fatalf("%d %s", code, body)
	}
	resp, err := http.Get(s.base + "/")
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	s.Process.Signal(syscall.SIGHUP) // nothing to read again, and no reason to end
	s.wait(2*time.Second, func(log string) bool { return strings.Contains(log, "SIGHUP") })
	if code, _ := s.route("Still there?"); code != 200 {
		t.Fatal(code)
	}
	s.stop()
	if strings.Contains(s.log(), "largest prime.") {
		t.Error("the log has the prompt")
	}
}

func TestServeReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mom.yaml")
	write := func(model string) {
		t.Helper()
		text := "listen: 127.0.0.1:0\nadmin: {listen: \"off\"}\nmodels:\n  - {name: " + model + ", price: {input: 1, output: 2}, quality: 0.5}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	s := serve(t, exec.Command("mom", "serve", "--config", file))
	if _, body := s.route("x"); !strings.Contains(body, `"model":"first"`) {
		t.Fatal(body)
	}
	write("second")
	s.Process.Signal(syscall.SIGHUP)
	s.wait(5*time.Second, func(log string) bool { return strings.Contains(log, "was taken over") })
	if _, body := s.route("x"); !strings.Contains(body, `"model":"second"`) {
		t.Fatal(body)
	}
	write("third\n    nonsense: 1}\n  - {name: x") // noticed without a signal
	s.wait(10*time.Second, func(log string) bool { return strings.Contains(log, "last good one stays") })
	if _, body := s.route("x"); !strings.Contains(body, `"model":"second"`) {
		t.Fatal(body)
	}
	s.stop()
}

// TestServeSystemd is what a service manager does: it opens the socket, and
// waits to hear that the server is ready.
func TestServeSystemd(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell to set the process's own number")
	}
	dir := t.TempDir()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	defer socket.Close()
	file := filepath.Join(dir, "mom.yaml")
	os.WriteFile(file, []byte("listen: systemd\nauth: {mode: \"off\"}\nadmin: {listen: \"off\"}\n"), 0o600)
	c := exec.Command("sh", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec mom serve --config "+file)
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "WATCHDOG_USEC=100000")
	c.ExtraFiles = []*os.File{socket}
	s := serve(t, c)
	heard := func(want string) {
		t.Helper()
		b := make([]byte, 100)
		for {
			manager.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, err := manager.Read(b)
			if err != nil {
				t.Fatalf("%v while waiting for %s", err, want)
			}
			if string(b[:n]) == want {
				return
			}
		}
	}
	heard("READY=1")
	heard("WATCHDOG=1")
	if code, body := s.route("x"); code != 200 {
		t.Fatal(code, body)
	}
	s.Process.Signal(syscall.SIGTERM)
	heard("STOPPING=1")
	s.stop()
}
