package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mom/server/config"
	"mom/server/official"
)

// steady starts a mock of OpenAI's API that is made of its own document and
// says of each request whether it satisfies it.
func steady(t *testing.T) string {
	t.Helper()
	command := filepath.Join(clientsFolder(), "node", "node_modules", ".bin", "steady")
	if _, err := os.Stat(command); err != nil {
		t.Skip("no strict mock on this machine: server/testdata/clients/install.sh puts it there")
	}
	path, err := official.Path()
	if err != nil {
		t.Skip(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, t.TempDir(), "openai.json", string(doc))
	addr := unused(t)
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.Command(command, "--host", host, "-p", port, "-q", file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	client := &http.Client{Timeout: 5 * time.Second}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the command only starts the mock
		cmd.Wait()
	})
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		resp, err := client.Get("http://" + addr + "/models")
		if err == nil {
			resp.Body.Close()
			client.CloseIdleConnections()
			return "http://" + addr
		}
		if time.Now().After(end) {
			t.Fatalf("the mock does not start: %v\n%s", err, out.String())
		}
	}
}

// TestStrictUpstream sees that what is passed on satisfies OpenAI's document
// when the client's request did, and so does what comes back.
func TestStrictUpstream(t *testing.T) {
	strict := steady(t)
	m := newMock(t, nil)
	client := &http.Client{Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	valid := ""
	m.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		path := strings.TrimPrefix(r.URL.Path, "/v1")
		resp, err := client.Post(strict+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		said, _ := io.ReadAll(resp.Body)
		if valid = resp.Header.Get("x-steady-request-valid"); valid != "true" {
			t.Errorf("%s: %s\n%s", path, said, body)
		}
		switch {
		case strings.Contains(body, `"stream":true`): // the strict one has no streams
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write(spoken(t, strings.Trim(path, "/"), "text.sse"))
		case path == "/embeddings":
			w.Header().Set("Content-Type", "application/json")
			w.Write(said)
		default: // what it makes up is not what a model would say
			w.Header().Set("Content-Type", "application/json")
			w.Write(spoken(t, strings.Trim(path, "/"), "text.json"))
		}
	}
	c := gatewayConfig(m, config.OpenAI)
	mask(c)
	setModels(c, "mock", "best", "cheap", "text-embedding-3-small")
	r := start(t, c, nil)
	mail := `write to eve@example.org`
	tools := `"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"string"}}}}}],"tool_choice":"auto"`
	for _, q := range []struct{ path, body, schema string }{
		{"/v1/chat/completions", `{"model":"best","messages":[{"role":"user","content":"` + mail + `"}]}`, "CreateChatCompletionResponse"},
		{"/v1/chat/completions", `{"model":"auto","mom":{"cost_quality_tradeoff":3,"session_id":"s"},"messages":[{"role":"system","content":"x"},{"role":"user","content":[{"type":"text","text":"` + mail + `"}]}],"temperature":0.5,"seed":1,"stop":["a"],"logit_bias":{"5":1},"metadata":{"a":"b"},"user":"u"}`, "CreateChatCompletionResponse"},
		{"/v1/chat/completions", `{"model":"best","moderation":{"model":"guard-1"},"messages":[{"role":"user","content":"hello"}]}`, "CreateChatCompletionResponse"},
		{"/v1/chat/completions", `{"model":"best","stream":true,"messages":[{"role":"user","content":"` + mail + `"}]}`, "CreateChatCompletionStreamResponse"},
		{"/v1/chat/completions", `{"model":"best","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}`, "CreateChatCompletionStreamResponse"},
		{"/v1/chat/completions", `{"model":"best",` + tools + `,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":\"eve@example.org\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"` + mail + `"}]}`, "CreateChatCompletionResponse"},
		{"/v1/chat/completions", `{"model":"best","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{},"additionalProperties":false}}},"messages":[{"role":"user","content":"a"}]}`, "CreateChatCompletionResponse"},
		{"/v1/completions", `{"model":"best","prompt":"` + mail + `"}`, "CreateCompletionResponse"},
		{"/v1/completions", `{"model":"best","prompt":["` + mail + `","b"],"stream":true}`, ""}, // the document knows no event without an end
		{"/v1/responses", `{"model":"best","input":"` + mail + `","instructions":"x","store":false}`, "Response"},
		{"/v1/responses", `{"model":"best","stream":true,"input":[{"role":"user","content":[{"type":"input_text","text":"` + mail + `"}]}]}`, "ResponseStreamEvent"},
		{"/v1/responses", `{"model":"best","input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"` + mail + `"}],"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]}`, "Response"},
		{"/v1/embeddings", `{"model":"text-embedding-3-small","input":["a"],"encoding_format":"float"}`, ""},
		// Translated from Anthropic's protocol.
		{"/v1/messages", `{"model":"best","max_tokens":9,"system":"x","messages":[{"role":"user","content":"` + mail + `"}],"stop_sequences":["a"],"temperature":0.5}`, ""},
		{"/v1/messages", `{"model":"best","max_tokens":9,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}]}`, ""},
		{"/v1/messages", `{"model":"best","max_tokens":9,"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto"},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"x":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"` + mail + `"}]}]}`, ""},
		{"/v1/messages", `{"model":"best","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},{"type":"text","text":"what is it?"}]}]}`, ""},
		// Ours.
		{"/v1/embeddings", `{"model":"embed-1","input":["a","b"]}`, "CreateEmbeddingResponse"},
		{"/v1/moderations", `{"input":["hello","an attack"]}`, ""},
		{"/v1/chat/completions", `{"model":"none","messages":[{"role":"user","content":"a"}]}`, "ErrorResponse"},
		{"/v1/chat/completions", `{"model":"best","messages":[{"role":"user","content":"an attack"}]}`, "ErrorResponse"},
		{"/v1/chat/completions", `{"model":"best"}`, "ErrorResponse"},
	} {
		valid = ""
		a := r.post(q.path, q.body)
		if body, _ := m.last(); valid != "" && (strings.Contains(body, "eve@") || strings.Contains(body, `"mom":`)) {
			t.Errorf("the upstream got %s", body)
		}
		if (a.status == 200) == (q.schema == "ErrorResponse") {
			t.Errorf("%s %s: %d %s", q.path, q.body, a.status, a.body)
			continue
		}
		if err := conforming(q.schema, a); err != nil {
			t.Errorf("%s %s: %v\n%s", q.path, q.body, err, a.body)
		}
	}
	for path, schema := range map[string]string{"/v1/models": "ListModelsResponse", "/v1/models/best": "Model"} {
		if err := conforming(schema, r.do("GET", path, "")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// conforming holds an answer, or each of its events, against a schema.
func conforming(schema string, a answer) error {
	if schema == "" {
		return nil
	}
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		return official.Conforms(schema, a.body)
	}
	n := 0
	for line := range strings.Lines(a.body) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		if err := official.Conforms(schema, data); err != nil {
			return fmt.Errorf("%w in %s", err, data)
		}
		n++
	}
	if n < 3 {
		return errors.New("too few events")
	}
	return nil
}
