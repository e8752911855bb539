package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mom/router"
	"mom/server/web"
)

const tellingYAML = `decoders: [{name: why, path: /d/why}, {name: spare, path: /d/spare}]
upstreams: [{name: far, base_url: "%s/v1"}]
models:
  - {name: cheap, quality: 0.5, price: {input: 1, output: 1}, categories: {math: 0.9, law: 0.1}, upstreams: [{name: far}]}
  - {name: best, quality: 0.9, price: {input: 9, output: 9}, upstreams: [{name: far}]}
intent: {decoder: why, time_limit: 150ms}
recipes:
  - {name: auto}
  - {name: plain, intent: {}}
  - {name: one, models: [best]}
  - {name: other, intent: {decoder: spare, time_limit: 40ms}}
`

// telling serves a policy whose category is told by decoders.
func telling(t *testing.T) (*running, *inside) {
	t.Helper()
	m := newMock(t, whole("from far"))
	r, d := withDecoders(t, parsed(t, fmt.Sprintf(tellingYAML, m.URL)))
	d.say(law)
	return r, d
}

func (d *inside) say(f func(ctx context.Context, limit time.Duration) (*router.Told, error)) {
	d.tells.Lock()
	defer d.tells.Unlock()
	d.tell, d.heard = f, nil
}

func (d *inside) texts() []string {
	d.tells.Lock()
	defer d.tells.Unlock()
	return d.heard
}

func law(context.Context, time.Duration) (*router.Told, error) {
	return &router.Told{Intent: []router.Category{{Name: "law", P: 0.8}, {Name: "astrology", P: 0.2}}, Took: 12 * time.Millisecond}, nil
}

// late takes all of its time, as a decoder that is given up at the limit.
func late(ctx context.Context, limit time.Duration) (*router.Told, error) {
	select {
	case <-time.After(limit):
		return &router.Told{Late: true, Took: limit}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// told is what a decision says about who told its category.
func told(v map[string]any) string {
	i, _ := v["intent"].(map[string]any)
	return fmt.Sprint(i["by"], " ", i["decoder"], " ", i["late"], " ", i["failed"])
}

func TestDecoderTellsIntent(t *testing.T) {
	r, d := telling(t)
	const ask = `{"messages":[{"role":"system","content":"a"},{"role":"user","content":"first"},{"role":"assistant","content":"b"},{"role":"user","content":"is it valid?"},{"role":"user","content":" "}]}`
	a := r.post("/v1/route", ask)
	v := a.json(t)
	if a.status != 200 || v["category"] != "law" || v["confidence"] != 0.8 || v["model"] != "best" || told(v) != "decoder why <nil> <nil>" || a.header.Get("x-mom-intent-by") != "decoder" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if !strings.Contains(a.body, `So says the decoder why, after 12.0 ms; the encoder's likeliest is math with 0.90.`) ||
		!strings.Contains(a.body, `"decoder_intent":[{"label":"law","score":0.8}`) || !strings.Contains(a.body, `"signals":{"intent":[{"label":"math","score":0.9}`) {
		t.Errorf("%s", a.body)
	}
	if heard := d.texts(); len(heard) != 1 || heard[0] != "why: is it valid?" {
		t.Errorf("heard %q", heard)
	}
	// It can be asked for later.
	kept := r.do("GET", "/v1/decisions/"+v["id"].(string), "").json(t)["decision"].(map[string]any)
	if kept["category"] != "law" || told(kept) != "decoder why <nil> <nil>" || kept["intent"].(map[string]any)["ms"] != 12.0 {
		t.Errorf("%v", kept)
	}
	// A request that is sent on is decided the same way.
	a = r.post("/v1/chat/completions", strings.Replace(hello, "best", "auto", 1))
	if a.status != 200 || a.header.Get("x-mom-category") != "law" || a.header.Get("x-mom-model") != "best" || a.header.Get("x-mom-intent-by") != "decoder" {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	// As are questions of other servers' clients.
	if a = r.post("/api/v1/classify/intent", `{"text":"is it valid?"}`); !strings.Contains(a.body, `"recommended_model":"best"`) {
		t.Errorf("%s", a.body)
	}
	for _, line := range []string{`mom_decoder_intents_total{decoder="why",outcome="in_time"} 3`, `mom_decoder_intents_total{decoder="why",outcome="late"} 0`,
		`mom_decisions_total{action="route",category="law",model="best"} 2`} {
		if !r.exposed()[line] {
			t.Errorf("no %s", line)
		}
	}
	// Nobody else is asked, where nobody is to be, or where it does not matter.
	d.say(law)
	for _, model := range []string{"plain", "one", "best"} {
		a := r.post("/v1/route", `{"model":"`+model+`","input":"hello"}`)
		if v := a.json(t); v["category"] != "math" || v["intent"] != nil || a.header.Get("x-mom-intent-by") != "" {
			t.Errorf("%s: %s", model, a.body)
		}
	}
	r.post("/v1/route", `{"model":"other","input":"hello"}`)
	if heard := d.texts(); len(heard) != 1 || heard[0] != "spare: hello" {
		t.Errorf("heard %q", heard)
	}
}

// A decoder that is late, or fails, leaves the decision to the encoder.
func TestDecoderLate(t *testing.T) {
	r, d := telling(t)
	d.say(late)
	start := time.Now()
	a := r.post("/v1/route", `{"model":"other","input":"hello"}`)
	v := a.json(t)
	if took := time.Since(start); took < 40*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if v["category"] != "math" || v["confidence"] != 0.9 || v["model"] != "cheap" || told(v) != "encoder spare true <nil>" ||
		!strings.Contains(a.body, "The decoder spare was too late, with no answer within 40 ms, so the encoder's word stands.") {
		t.Errorf("%s", a.body)
	}
	kept := r.do("GET", "/v1/decisions/"+v["id"].(string), "").json(t)["decision"].(map[string]any)
	if told(kept) != "encoder spare true <nil>" || kept["intent"].(map[string]any)["limit_ms"] != 40.0 {
		t.Errorf("%v", kept)
	}
	if ms := v["latency_ms"].(map[string]any); ms["classify"].(float64) < 20 || ms["decide"].(float64) > 20 {
		t.Errorf("%v", ms)
	}
	for name, fail := range map[string]func(context.Context, time.Duration) (*router.Told, error){
		"busy": func(context.Context, time.Duration) (*router.Told, error) {
			return nil, &web.Error{Status: 429, Code: "overloaded", Message: "later"}
		},
		"panic": func(context.Context, time.Duration) (*router.Told, error) { panic("BUG: a decoder") },
	} {
		d.say(fail)
		a := r.post("/v1/route", `{"input":"hello"}`)
		if v := a.json(t); v["category"] != "math" || told(v) != "encoder why <nil> true" || !strings.Contains(a.body, "The decoder why could not answer, so the encoder's word stands.") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	for _, line := range []string{`mom_decoder_intents_total{decoder="spare",outcome="late"} 1`, `mom_decoder_intents_total{decoder="why",outcome="failed"} 2`} {
		if !r.exposed()[line] {
			t.Errorf("no %s", line)
		}
	}
	if log := r.log.String(); !strings.Contains(log, "reason=later") || strings.Contains(log, "hello") {
		t.Errorf("%s", log)
	}
}

// A request that is blocked, or whose client leaves, has its decoder stopped.
func TestDecoderStopped(t *testing.T) {
	r, d := telling(t)
	began, stopped := make(chan bool, 1), make(chan bool, 1)
	d.say(func(ctx context.Context, _ time.Duration) (*router.Told, error) {
		began <- true
		<-ctx.Done()
		stopped <- true
		return nil, ctx.Err()
	})
	a := r.post("/v1/route", `{"input":"an attack"}`)
	if v := a.json(t); v["action"] != "block" || v["intent"] != nil {
		t.Errorf("%s", a.body)
	}
	<-began
	<-stopped
	if a := r.post("/v1/route", `{"input":"panic!"}`); a.status != 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
	<-began
	<-stopped
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"input":"hello"}`
	fmt.Fprintf(c, "POST /v1/route HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	<-began
	c.Close()
	<-stopped
	eventually(t, 5*time.Second, "the request ends", func() bool { return r.InFlight() == 0 })
	if r.exposed()[`mom_decoder_intents_total{decoder="why",outcome="failed"} 1`] {
		t.Error("a decoder that was stopped counts as failed")
	}
}

// A policy that asks a decoder which cannot be asked is not taken over.
func TestDecoderNotReady(t *testing.T) {
	m := newMock(t, func(http.ResponseWriter, *http.Request, string) {})
	c := parsed(t, fmt.Sprintf(tellingYAML, m.URL))
	r, d := withDecoders(t, c)
	d.broken = "spare"
	if err := r.Reload(c); err == nil || err.Error() != "recipe other asks the decoder spare what requests are about: it is broken" {
		t.Errorf("%v", err)
	}
	_, err := New(Options{Config: c, Classifier: &reader{}})
	if err == nil || !strings.Contains(err.Error(), "there are no decoders") {
		t.Errorf("%v", err)
	}
}
