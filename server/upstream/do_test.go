package upstream

import (
	"io"
	"net/http"
	"testing"

	"mom/server/config"
)

func TestRequest(t *testing.T) {
	var got *http.Request
	var body string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r.Clone(r.Context()), string(b)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("X-Request-Id", "req-9")
		h.Set("Set-Cookie", "a=b")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "1")
		h.Set("X-Mom-Cost", "forged")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Openai-Organization", "ours")
		io.WriteString(w, `{"ok":true}`)
	})
	u := upstreamOf("a", url+"/")
	u.Headers = map[string]config.Secret{"x-team": "blue"}
	p := poolOf(t, u)
	c := ask("m")
	c.Header = http.Header{
		"Authorization": {"Bearer of-the-client"}, "X-Api-Key": {"of-the-client"}, "Cookie": {"c"}, "Openai-Organization": {"theirs"},
		"Connection": {"close, X-Private"}, "X-Private": {"1"}, "Keep-Alive": {"5"}, "Te": {"trailers"}, "Transfer-Encoding": {"chunked"},
		"Accept-Encoding": {"br"}, "Content-Length": {"999"}, "Host": {"evil"}, "X-Forwarded-For": {"10.0.0.1"}, "X-Mom-Recipe": {"auto"},
		"X-Team": {"red"}, "Traceparent": {"00-1-2-03"}, "User-Agent": {"OpenAI/Go"}, "Openai-Beta": {"a", "b"},
	}
	res, err := p.Do(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if s := text(t, res); s != `{"ok":true}` || res.Status != 200 || res.Upstream != "a" || res.Model != "m" || res.UpstreamModel != "real-a" || res.Attempts != 1 {
		t.Errorf("%q of %+v", s, res)
	}
	if got.URL.Path != "/v1/chat/completions" || got.Method != "POST" || "http://"+got.Host+"/v1" != url {
		t.Errorf("asked %s %s at %s", got.Method, got.URL, got.Host)
	}
	if body != `{"model":"real-a","asked":"m","kind":"openai"}` {
		t.Errorf("body %s", body)
	}
	want := http.Header{
		"Authorization": {"Bearer sk-of-the-server"}, "Accept": {"application/json"}, "Accept-Encoding": {"identity"}, "Content-Type": {"application/json"},
		"Content-Length": {"46"}, "X-Team": {"blue"}, "Traceparent": {"00-1-2-03"}, "User-Agent": {"OpenAI/Go"}, "Openai-Beta": {"a", "b"},
	}
	same(t, "request", got.Header, want)
	same(t, "answer", res.Header, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req-9"}})
}

func same(t *testing.T, what string, got, want http.Header) {
	t.Helper()
	for n, v := range got {
		if len(want[n]) != len(v) {
			t.Errorf("%s: %s: %q, want %q", what, n, v, want[n])
			continue
		}
		for i := range v {
			if v[i] != want[n][i] {
				t.Errorf("%s: %s: %q, want %q", what, n, v, want[n])
			}
		}
	}
	for n := range want {
		if got[n] == nil {
			t.Errorf("%s: %s is missing", what, n)
		}
	}
}

func TestAnthropic(t *testing.T) {
	var got *http.Request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.Clone(r.Context()) })
	u := upstreamOf("claude", url)
	u.Kind = config.Anthropic
	p := poolOf(t, u)
	res, err := p.Do(t.Context(), ask("m"))
	if err != nil {
		t.Fatal(err)
	}
	text(t, res)
	if h := got.Header; got.URL.Path != "/v1/messages" || h.Get("X-Api-Key") != "sk-of-the-server" || h["Authorization"] != nil || h.Get("Anthropic-Version") != "2023-06-01" {
		t.Errorf("%s %v", got.URL, h)
	}
}
