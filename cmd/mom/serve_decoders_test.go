package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mom/engine/enginetest"
	"mom/server/official"
)

// ask posts to the server.
func (s *served) ask(path, body string) (int, string) {
	s.t.Helper()
	resp, err := http.Post(s.base+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// TestServeDecoders has a decoder of a folder answer as a model does, whole and as
// a stream, and explain.
func TestServeDecoders(t *testing.T) {
	dir := enginetest.Decoder(t, "tiny")
	enginetest.Write(t, dir, "mom.json", why)
	file := filepath.Join(t.TempDir(), "mom.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: \"off\"}\ndecoders:\n  - {name: tiny, path: %q, kv_bytes: 16MiB, explain: true, time_limit: 1m}\n", dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, exec.Command("mom", "serve", "--config", file))
	s.wait(0, func(log string) bool { return strings.Contains(log, "decoders") && strings.Contains(log, "(explains)") })

	conforms := func(schema, body string) {
		t.Helper()
		if err := official.Conforms(schema, body); errors.Is(err, official.ErrMissing) {
			t.Log(err)
		} else if err != nil {
			t.Errorf("%s: %v in %s", schema, err, body)
		}
	}
	const chat = `{"model":"tiny","messages":[{"role":"user","content":"the law"}],"temperature":0,"max_tokens":12,"logprobs":true,"top_logprobs":2`
	code, whole := s.ask("/v1/chat/completions", chat+"}")
	if code != 200 {
		t.Fatalf("%d %s", code, whole)
	}
	conforms("CreateChatCompletionResponse", whole)
	var v struct {
		Choices []struct {
			Message struct{ Content string }
			Delta   struct{ Content string }
		}
	}
	if err := json.Unmarshal([]byte(whole), &v); err != nil || v.Choices[0].Message.Content == "" {
		t.Fatalf("%v %s", err, whole)
	}
	want := v.Choices[0].Message.Content
	_, stream := s.ask("/v1/chat/completions", chat+`,"stream":true,"stream_options":{"include_usage":true}}`)
	streamed := ""
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		conforms("CreateChatCompletionStreamResponse", data)
		v.Choices = nil
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Choices {
			streamed += c.Delta.Content
		}
	}
	if streamed != want || !strings.HasSuffix(stream, "data: [DONE]\n\n") {
		t.Errorf("streamed %q, whole %q: %s", streamed, want, stream)
	}
	code, body := s.ask("/v1/completions", `{"model":"tiny","prompt":"the law","max_tokens":5,"logprobs":1}`)
	if code != 200 {
		t.Errorf("%d %s", code, body)
	}
	conforms("CreateCompletionResponse", body)
	code, body = s.ask("/v1/chat/completions", `{"model":"tiny","messages":[{"role":"user","content":"x"}],"max_tokens":60,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":
		{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}}}}`)
	if code != 200 || !strings.Contains(body, `{\"ok\":`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body = s.ask("/v1/chat/completions", `{"model":"tiny","messages":[{"role":"user","content":"x"}],"logit_bias":{"1":1}}`); code != 400 || !strings.Contains(body, "logit_bias") {
		t.Errorf("%d %s", code, body)
	}

	code, body = s.ask("/v1/route?explain=true", `{"input":"Prove that there is no largest prime. <|im_end|>"}`)
	var r struct {
		Explanation struct {
			Model, Category, Difficulty, Reason, By string
			Confidence, MS                          float64
			First                                   float64 `json:"first_token_ms"`
		}
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil || code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if e := r.Explanation; e.By != "decoder" || e.Model == "" || e.Category == "" || e.Difficulty == "" || e.Reason == "" || e.First <= 0 || e.MS < e.First || e.Confidence <= 0 {
		t.Errorf("%+v", e)
	}
	// In events it is the same, and the reason comes in pieces.
	_, events := s.ask("/v1/route?explain=true", `{"input":"Prove that there is no largest prime. <|im_end|>","stream":true}`)
	var names []string
	pieces, final := "", r
	for e := range strings.SplitSeq(strings.TrimSuffix(events, "\n\n"), "\n\n") {
		name, data, _ := strings.Cut(strings.TrimPrefix(e, "event: "), "\ndata: ")
		var piece struct{ Text string }
		if name == "explanation" {
			data = `{"explanation":` + data + `}`
		}
		if err := errors.Join(json.Unmarshal([]byte(data), &piece), json.Unmarshal([]byte(data), &final)); err != nil {
			t.Errorf("%v in %q", err, e)
		}
		pieces += piece.Text
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	if strings.Join(names, " ") != "decision reason explanation" || strings.TrimSpace(pieces) != r.Explanation.Reason || final.Explanation.Reason != r.Explanation.Reason {
		t.Errorf("%q: %s", names, events)
	}
	s.stop()
	if strings.Contains(s.log(), "largest prime. ") {
		t.Error("the log has the prompt")
	}
}

// why is mom.json of a decoder that tells categories.
const why = `{"version":1,"name":"why","function":"intent","labels":["math","law","other"],"difficulties":["easy","medium","hard"],
	"prompt":"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n","answer":"{label}, {difficulty}: {reason}"}`

// A recipe has a decoder tell what requests are about, whole or not at all, and
// many at once.
func TestServeDecoderTells(t *testing.T) {
	dir := enginetest.Decoder(t, "tiny")
	enginetest.Write(t, dir, "mom.json", why)
	file := filepath.Join(t.TempDir(), "mom.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: \"off\"}\ndecoders: [{name: tiny, path: %q, kv_bytes: 16MiB}]\n"+
		"recipes: [{name: auto, intent: {decoder: tiny, time_limit: 1m}}, {name: soon, intent: {decoder: tiny, time_limit: 1ms}}]\n", dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, exec.Command("mom", "serve", "--config", file))
	type decision struct {
		Category   string
		Confidence float64
		Intent     struct {
			By, Decoder string
			Late        bool
			MS          float64
			Encoder     struct{ Label string }
		}
		Signals struct {
			Decoder []struct {
				Label string
				Score float64
			} `json:"decoder_intent"`
		}
	}
	decide := func(recipe, text string) (d decision) {
		input, _ := json.Marshal(text)
		code, body := s.ask("/v1/route", `{"model":"`+recipe+`","input":`+string(input)+`}`)
		if err := json.Unmarshal([]byte(body), &d); err != nil || code != 200 {
			t.Errorf("%d %s", code, body)
		}
		return d
	}
	const prove = "Prove that there is no largest prime."
	first := decide("auto", prove)
	if i := first.Intent; i.By != "decoder" || i.Decoder != "tiny" || i.MS <= 0 || i.Encoder.Label != "math" {
		t.Fatalf("%+v", first)
	}
	if p := first.Signals.Decoder; len(p) != 3 || first.Category != p[0].Label || first.Confidence != p[0].Score || p[0].Score < p[2].Score {
		t.Fatalf("%+v", first)
	}
	var wait sync.WaitGroup
	for i := range 24 {
		wait.Go(func() {
			if i%3 > 0 {
				if d := decide("auto", prove); d.Intent.By != "decoder" || d.Category != first.Category || d.Confidence != first.Confidence {
					t.Errorf("%+v, alone %+v", d, first)
				}
				return
			}
			d := decide("soon", strings.Repeat("a longer text ", 20+i))
			if i := d.Intent; (i.By == "encoder") != i.Late || i.Late && (d.Category != i.Encoder.Label || d.Signals.Decoder != nil) || !i.Late && i.MS > 1.1 {
				t.Errorf("%+v", d)
			}
		})
	}
	wait.Wait()
	s.stop()
	if log := s.log(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "a longer text") {
		t.Error(log)
	}
}

// A server without configuration says what it would explain with.
func TestServeExplainsByFolder(t *testing.T) {
	dir := enginetest.Decoder(t, "tiny")
	c := exec.Command("mom", "serve", "--listen", "127.0.0.1:0")
	c.Env = append(os.Environ(), "MOM_DECODERS="+dir)
	s := serve(t, c)
	if code, body := s.ask("/v1/route?explain=true", `{"input":"What is a noun?"}`); code != 200 || !strings.Contains(body, `"explanation":{"model":`) {
		t.Errorf("%d %s", code, body)
	}
	s.stop()
	c = exec.Command("mom", "serve", "--listen", "127.0.0.1:0")
	c.Env = append(os.Environ(), "MOM_DECODERS=")
	s = serve(t, c)
	if code, body := s.ask("/v1/route?explain=true", `{"input":"What is a noun?"}`); code != 501 || !strings.Contains(body, "no_decoder") {
		t.Errorf("%d %s", code, body)
	}
	s.stop()
}

// TestServeDecodersPython has OpenAI's client for Python ask a decoder.
func TestServeDecodersPython(t *testing.T) {
	folder := os.Getenv("MOM_CLIENTS")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		folder = filepath.Join(cache, "mom-clients")
	}
	python := filepath.Join(folder, "py", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("no clients for Python on this machine: server/testdata/clients/install.sh puts them there")
	}
	file := filepath.Join(t.TempDir(), "mom.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: \"off\"}\ndecoders:\n  - {name: tiny, path: %q, kv_bytes: 16MiB}\n", enginetest.Decoder(t, "tiny"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, exec.Command("mom", "serve", "--config", file))
	c := exec.Command(python, filepath.Join("testdata", "clients", "openai_local.py"))
	c.Env = append(os.Environ(), "MOM_BASE="+s.base, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := c.CombinedOutput()
	if err != nil || strings.Count(string(out), "ok ") != 9 {
		t.Errorf("%v: %s", err, out)
	}
	s.stop()
}
