package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mom/server/config"
)

// clientsFolder is where testdata/clients/install.sh puts the official clients.
func clientsFolder() string {
	if dir := os.Getenv("MOM_CLIENTS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "mom-clients")
}

// speaking is an upstream that does what the last message says: it calls the
// tool that it is offered, answers in the form that it is asked for, or fails.
func speaking(t *testing.T) *mock {
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		var q struct {
			Stream bool              `json:"stream"`
			Tools  []json.RawMessage `json:"tools"`
		}
		if err := json.Unmarshal([]byte(body), &q); err != nil {
			t.Errorf("the upstream got %q", body)
		}
		has := func(s string) bool { return strings.Contains(body, s) }
		switch {
		case has("please hang"):
			<-r.Context().Done()
			m.gone <- struct{}{}
			return
		case has("please limit"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(429)
			io.WriteString(w, `{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`)
			return
		case has("please refuse"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			io.WriteString(w, `{"error":{"message":"bad value","type":"invalid_request_error","param":"temperature","code":"invalid_value"}}`)
			return
		case has("please fail"):
			w.WriteHeader(500)
			return
		}
		how := "text"
		switch {
		case len(q.Tools) > 0 && !has(`"role":"tool"`) && !has(`function_call_output`) && !has("tool_result"):
			how = "tool"
		case has("json_schema"):
			how = "json"
		}
		kind := strings.TrimPrefix(r.URL.Path, "/v1/")
		if !q.Stream {
			w.Header().Set("Content-Type", "application/json")
			w.Write(spoken(t, kind, how+".json"))
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		events := bytes.SplitAfter(spoken(t, kind, how+".sse"), []byte("\n\n"))
		for i, e := range events {
			if i == len(events)/2 {
				switch {
				case has("please cut"):
					c, _, _ := w.(http.Hijacker).Hijack()
					c.Close()
					return
				case has("please stop"): // in the middle of the stream
					<-r.Context().Done()
					m.gone <- struct{}{}
					return
				}
			}
			w.Write(e)
			w.(http.Flusher).Flush()
		}
	}
	return m
}

// spoken is an answer in testdata/clients/answers.
func spoken(t *testing.T, kind, name string) []byte {
	path := filepath.Join("testdata", "clients", "answers", strings.ReplaceAll(kind, "/", "-"), name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return data
}

// clientsGateway asks for keys and has an upstream of each kind.
func clientsGateway(t *testing.T) (*running, *mock) {
	m := speaking(t)
	c := gatewayConfig(m, config.OpenAI)
	c.Upstreams[0].Retries.Max = 0
	c.Upstreams[0].CircuitBreaker.Failures = 0
	other := c.Upstreams[0]
	other.Name, other.Kind = "anthropic", config.Anthropic
	c.Upstreams = append(c.Upstreams, other)
	setModels(c, "mock", "best", "cheap", "claude")
	c.Models[2].Upstreams[0].Name = "anthropic"
	c.Auth.Mode = config.On
	c.Auth.Keys = []config.Key{{Name: "alice", SHA256: config.DigestOf(testKey)}, {Name: "slow", SHA256: config.DigestOf("sk-one-a-minute"), RequestsPerMinute: 1}}
	return start(t, c, nil), m
}

// runClient runs a program of testdata/clients, which fails when an answer is
// not as it should be. Each line "gone" that it prints says that it has left an
// answer: the upstream must notice within a second.
func runClient(t *testing.T, m *mock, cmd *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	gone := strings.Count(string(out), "gone\n")
	for i := range gone {
		select {
		case <-m.gone:
		case <-time.After(time.Second):
			t.Errorf("%d of %d requests that the client has left go on at the upstream", gone-i, gone)
			return
		}
	}
	checks := strings.Count(string(out), "ok ")
	if checks == 0 {
		t.Fatalf("nothing was checked: %s%s", out, stderr.String())
	}
	t.Logf("%d checks, %d cancelled, %v: %s", checks, gone, time.Since(began).Round(time.Millisecond), strings.SplitN(string(out), "\n", 2)[0])
}

func (r *running) environment() []string {
	return append(os.Environ(), "MOM_BASE=http://"+r.addr, "MOM_KEY="+testKey, "OPENAI_API_KEY="+testKey, "ANTHROPIC_API_KEY="+testKey, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
}

// TestPythonClients has the clients of OpenAI and Anthropic for Python ask.
func TestPythonClients(t *testing.T) {
	python := filepath.Join(clientsFolder(), "py", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("no clients for Python on this machine: server/testdata/clients/install.sh puts them there")
	}
	for _, script := range []string{"openai_client.py", "anthropic_client.py"} {
		t.Run(script, func(t *testing.T) {
			r, m := clientsGateway(t)
			cmd := exec.Command(python, filepath.Join("testdata", "clients", script))
			cmd.Env = r.environment()
			runClient(t, m, cmd)
		})
	}
}

// TestNodeClients has the clients of OpenAI and Anthropic, and Vercel's, ask.
func TestNodeClients(t *testing.T) {
	modules := filepath.Join(clientsFolder(), "node", "node_modules")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(modules); err != nil || missing != nil {
		t.Skip("no clients for Node on this machine: server/testdata/clients/install.sh puts them there")
	}
	for _, script := range []string{"openai_client.mjs", "anthropic_client.mjs", "vercel_client.mjs"} {
		t.Run(script, func(t *testing.T) {
			r, m := clientsGateway(t)
			// Node looks for modules beside the script.
			dir := t.TempDir()
			if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{script, "check.mjs"} {
				data, err := os.ReadFile(filepath.Join("testdata", "clients", name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(node, filepath.Join(dir, script))
			cmd.Env = r.environment()
			runClient(t, m, cmd)
		})
	}
}

// TestGoClient has OpenAI's client for Go ask. It is a module of its own, so
// that who uses mom does not get it.
func TestGoClient(t *testing.T) {
	bin := filepath.Join(clientsFolder(), "openai-go")
	if _, err := os.Stat(bin); err != nil {
		t.Skip("no openai-go on this machine: server/testdata/clients/install.sh puts it there")
	}
	r, m := clientsGateway(t)
	cmd := exec.Command(bin)
	cmd.Env = r.environment()
	runClient(t, m, cmd)
}
