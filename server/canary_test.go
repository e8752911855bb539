package server

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mom/server/config"
)

// TestCanaries sends prompts, keys and personal data the usual and all wrong
// ways, and looks for them in everything that the server writes: its log, its
// metrics, the errors that it answers, and its database.
func TestCanaries(t *testing.T) {
	const (
		prompt    = "canaryprompt"
		mail      = "canarymail@example.org"
		clientKey = "sk-canaryclient-0123456789"
		otherKey  = "sk-canarywrong-0123456789"
		serverKey = "sk-canaryupstream-0123456789"
	)
	canaries := []string{prompt, "canarymail", "canaryclient", "canarywrong", "canaryupstream", "canarykey"}
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		if !strings.Contains(fmt.Sprint(r.Header), serverKey) {
			t.Error("the upstream was asked without its key")
		}
		switch {
		case strings.Contains(body, "refuse"):
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":{"message":"cannot read %s","type":"invalid_request_error","param":null,"code":null}}`, prompt)
		case strings.Contains(body, "unauthorized"):
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, serverKey)
		case strings.Contains(body, "crash"):
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		case strings.Contains(body, "garbage"):
			io.WriteString(w, prompt+" is no JSON")
		case strings.Contains(body, "grumble"):
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"error\":{\"message\":\"cannot go on with %s\",\"type\":\"server_error\",\"code\":null}}\n\ndata: [DONE]\n\n", prompt)
		case strings.Contains(body, `"stream":true`):
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, chunk(prompt)+"data: "+prompt+" is no JSON\n\n")
		default:
			whole(prompt)(w, r, body)
		}
	}
	c := gatewayConfig(m, config.OpenAI)
	mask(c)
	c.Upstreams[0].APIKey = config.Secret(serverKey)
	c.Auth.Mode = config.On
	c.Auth.Keys = []config.Key{{Name: "alice", SHA256: config.DigestOf(clientKey)}}
	c.State.Path = filepath.Join(t.TempDir(), "state.db")
	r := start(t, c, nil)
	auth := []string{"Authorization", "Bearer " + clientKey, "User-Agent", prompt}

	// Answers of errors are searched; those that go well hold the client's texts.
	var errors strings.Builder
	ask := func(path, body string, headers ...string) {
		if a := r.post(path, body, headers...); a.status >= 400 && !strings.Contains(body, "refuse") {
			fmt.Fprintf(&errors, "%d %s %v\n", a.status, a.body, a.header)
		}
	}
	text := prompt + " " + mail
	for _, path := range []string{"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/moderations", "/v1/route"} {
		for _, body := range []string{
			`{"model":"best","max_tokens":9,"messages":[{"role":"user","content":"` + text + `"}]}`,
			`{"model":"best","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"` + text + `"}]}`,
			`{"model":"best","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"grumble ` + text + `"}]}`,
			`{"model":"best","input":"` + text + `"}`,
			`{"model":"best","prompt":"` + text + `"}`,
			`{"model":"` + prompt + `","input":"a","prompt":"a","max_tokens":9,"messages":[{"role":"user","content":"a"}]}`,
			`{"canarykey":1,"canarykey":2}`, `{"canarykey":1,"CanaryKey":2,"model":"best"}`,
			`{"model":["` + prompt + `"],"messages":"` + prompt + `"}`, `{"model":"best","messages":[{"role":"` + prompt + `","content":1}]}`,
			prompt, `{"model":"` + prompt, `{"model":"best","messages":[{"role":"user","content":"` + text + ` attack"}]}`,
			`{"model":"best","messages":[{"role":"user","content":"panic! ` + text + `"}]}`,
			`{"model":"best","messages":[{"role":"user","content":"refuse ` + text + `"}]}`,
			`{"model":"best","messages":[{"role":"user","content":"unauthorized ` + text + `"}]}`,
			`{"model":"best","messages":[{"role":"user","content":"crash ` + text + `"}]}`,
			`{"model":"best","messages":[{"role":"user","content":"garbage ` + text + `"}]}`,
		} {
			ask(path, body, auth...)
			ask(path, body, "x-api-key", otherKey)
		}
	}
	ask("/v1/"+prompt, "{}", auth...)
	for _, raw := range []string{
		"GET /" + prompt + " HTTP/9\r\n\r\n", prompt + " / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /v1/route HTTP/1.1\r\nHost: a\r\n" + prompt + " : x\r\n\r\n", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: " + prompt + "\r\n\r\n",
		"POST /v1/route HTTP/1.1\r\nHost: a\r\nx-request-id: a b " + prompt + "\r\nTransfer-Encoding: " + prompt + "\r\n\r\n",
	} {
		a := r.raw(raw)
		fmt.Fprintf(&errors, "%d %s %v\n", a.status, a.body, a.header)
	}

	var metrics strings.Builder
	if err := r.metrics.Write(&metrics); err != nil {
		t.Fatal(err)
	}
	r.stop(5e9)
	written := map[string]string{"log": r.log.String(), "metrics": metrics.String(), "errors": errors.String()}
	files, _ := filepath.Glob(c.State.Path + "*")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		written[filepath.Base(f)] = string(data)
	}
	if len(files) == 0 || !strings.Contains(written["log"], "client=alice") || !strings.Contains(written["metrics"], "mom_decisions_total") || strings.Count(written["errors"], "\n") < 50 {
		t.Fatalf("too little was written to say anything: %v", files)
	}
	for name, data := range written {
		for _, canary := range canaries {
			if name == "errors" && canary == "canarykey" {
				continue // the client is told which key of its JSON is wrong
			}
			low := strings.ToLower(data)
			if at := strings.Index(low, canary); at >= 0 {
				t.Errorf("%s has %s: …%q…", name, canary, data[max(0, at-200):min(len(data), at+60)])
			}
		}
	}
}
