package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mom/server/web"
)

// explaining asks for an explanation in events over a socket.
func (r *running) explaining(body, accept string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /v1/route?explain=true HTTP/1.1\r\nHost: a\r\nAccept: %s\r\nContent-Length: %d\r\n\r\n%s", accept, len(body), body)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || resp.Header.Get("x-mom-category") != "math" {
		data, _ := io.ReadAll(resp.Body)
		r.t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, data)
	}
	return c, bufio.NewReader(resp.Body)
}

// event reads the next one, which has this name.
func event(t *testing.T, b *bufio.Reader, name string) map[string]any {
	t.Helper()
	text := readEvent(t, b)
	data, ok := strings.CutPrefix(text, "event: "+name+"\ndata: ")
	var v map[string]any
	if err := json.Unmarshal([]byte(data), &v); !ok || err != nil || strings.Count(text, "\n") != 2 {
		t.Fatalf("want an event %s: %v in %q", name, err, text)
	}
	return v
}

// Every event leaves before the decoder goes on.
func TestExplanationEventByEvent(t *testing.T) {
	r, d := withDecoders(t, parsed(t, decodersYAML))
	d.left = make(chan struct{}, 1)
	for body, accept := range map[string]string{
		`{"input":"is it valid?","stream":true}`: "*/*",
		`{"input":"is it valid?"}`:               "text/event-stream",
		`{"messages":[{"role":"user","content":"is it valid?"}],"model":"auto","stream":true}`: "application/json, text/event-stream",
	} {
		d.steps = make(chan string)
		_, b := r.explaining(body, accept)
		v := event(t, b, "decision")
		if v["object"] != "routing.decision" || v["category"] != "math" || v["explanation"] != nil || v["signals"] == nil || v["latency_ms"] == nil {
			t.Fatalf("%v", v)
		}
		for i := range 10 {
			piece := fmt.Sprintf(" word %d <&\n", i)
			d.steps <- piece
			if v := event(t, b, "reason"); len(v) != 1 || v["text"] != piece {
				t.Fatalf("%v, want %q", v, piece)
			}
		}
		close(d.steps)
		e := event(t, b, "explanation")
		if e["category"] != "law" || e["reason"] != "It names a contract." || e["by"] != "decoder" || e["model"] != v["model"] || e["ms"] != 40.0 {
			t.Fatalf("%v", e)
		}
		if _, err := b.ReadByte(); err != io.EOF {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "the decision is kept", func() bool {
			kept := r.do("GET", "/v1/decisions/"+v["id"].(string), "").json(t)
			return kept["stream"] == true && kept["status"] == 200.0
		})
	}
	d.steps = nil
	// A stream of nothing but a decision is none.
	for _, accept := range []string{"text/event-stream", "application/json"} {
		if a := r.post("/v1/route", `{"input":"hello","stream":true}`, "Accept", accept); a.json(t)["object"] != "routing.decision" {
			t.Errorf("%s", a.body)
		}
	}
	if a := r.post("/v1/route?explain=true", `{"input":"hello"}`, "Accept", "application/json, text/event-stream"); a.json(t)["explanation"] == nil {
		t.Errorf("%s", a.body)
	}
}

// What is late, or goes wrong, ends the stream with an event that says so.
func TestExplanationStreamEnds(t *testing.T) {
	r, d := withDecoders(t, parsed(t, decodersYAML))
	d.left = make(chan struct{}, 1)
	const body = `{"input":"hello","stream":true}`
	d.steps = make(chan string, 2)
	d.said = web.Explanation{Late: true, Category: "law", MS: 80}
	d.steps <- "it is"
	close(d.steps)
	_, b := r.explaining(body, "*/*")
	event(t, b, "decision")
	event(t, b, "reason")
	if e := event(t, b, "explanation"); e["late"] != true || e["reason"] != "" || !strings.Contains(e["note"].(string), "within 80ms") {
		t.Errorf("%v", e)
	}

	d.err = &web.Error{Status: 429, Code: "overloaded", Message: "later"}
	_, b = r.explaining(body, "*/*")
	event(t, b, "decision")
	if e := event(t, b, "error")["error"].(map[string]any); e["code"] != "overloaded" || e["message"] != "later" {
		t.Errorf("%v", e)
	}
	d.err, d.steps = nil, make(chan string, 1)
	d.steps <- "panic"
	_, b = r.explaining(body, "*/*")
	event(t, b, "decision")
	if e := event(t, b, "error")["error"].(map[string]any); e["type"] != "server_error" || strings.Contains(fmt.Sprint(e), "BUG") {
		t.Errorf("%v", e)
	}
	// What is known before the decision is no stream.
	d.cannot = &web.Error{Status: 501, Code: "no_decoder", Message: "none"}
	if a := r.post("/v1/route?explain=true", body); a.status != 501 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/route?explain=true", `{"stream":true}`); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A client that leaves, and a server that stops, end the decoder's work.
func TestExplanationStreamLeft(t *testing.T) {
	r, d := withDecoders(t, parsed(t, decodersYAML))
	d.left, d.steps = make(chan struct{}, 1), make(chan string)
	const body = `{"input":"hello","stream":true}`
	c, b := r.explaining(body, "*/*")
	event(t, b, "decision")
	c.Close()
	<-d.left
	eventually(t, 5*time.Second, "the request ends", func() bool { return r.InFlight() == 0 })

	_, b = r.explaining(body, "*/*")
	event(t, b, "decision")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		r.once.Do(func() {
			r.client.CloseIdleConnections()
			r.Shutdown(ctx)
			<-r.Server.alive.Done()
		})
	}()
	if e := event(t, b, "error")["error"].(map[string]any); e["code"] != "draining" {
		t.Errorf("%v", e)
	}
	<-d.left
	<-ended
	<-r.ended
}

func TestExplanationStreamIsDocumented(t *testing.T) {
	r := start(t, nil, nil)
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Responses  map[string]struct {
				Content map[string]struct {
					Events map[string]struct{ Data map[string]any } `json:"x-events"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(r.do("GET", "/openapi.json", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	op := doc.Paths["/v1/route"]["post"]
	events := op.Responses["200"].Content["text/event-stream"].Events
	if len(op.Parameters) != 1 || op.Parameters[0].Name != "explain" || op.Parameters[0].In != "query" || len(events) != 4 || events["explanation"].Data["$ref"] != "#/components/schemas/Explanation" {
		t.Errorf("%+v", op)
	}
}
