package protocol

import (
	"strings"
	"testing"
)

const agentBody = `{"model":"auto","stream":true,"temperature":0.2,"tools":[{"type":"function","function":{"name":"weather","description":"The weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}],"messages":[{"role":"system","content":"You are a helpful assistant.\nBe brief."},{"role":"user","content":"What is the weather in Oslo? My address is ann@x.org."},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"{\"temperature\": -3, \"sky\": \"clear\"}"},{"role":"user","content":[{"type":"text","text":"And tomorrow?"}]}]}`

// What a request and an event of a stream may allocate. The gateway has 60 us of
// CPU for a whole request.
const (
	mostOfParse   = 16
	mostOfRewrite = 6
	mostOfRelay   = 4
)

func TestAllocations(t *testing.T) {
	body := []byte(agentBody)
	if n := testing.AllocsPerRun(100, func() { Parse(Chat, body) }); n > mostOfParse {
		t.Errorf("parsing allocates %v times", n)
	}
	r := mustParse(t, Chat, agentBody)
	if n := testing.AllocsPerRun(100, func() { r.Rewrite(Rewrite{Model: "gpt", Usage: true}) }); n > mostOfRewrite {
		t.Errorf("rewriting allocates %v times", n)
	}
	s, err := NewRelay(r, Chat, RelayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var dst []byte
	e := Event{Data: lanes()[0].piece("token", 0)}
	if n := testing.AllocsPerRun(100, func() { dst, _ = s.Event(dst[:0], e) }); n > mostOfRelay {
		t.Errorf("relaying an event allocates %v times", n)
	}
}

func BenchmarkParse(b *testing.B) {
	long := `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat(`The quick brown fox jumps over the lazy dog.\n`, 800) + `"}]}`
	for _, c := range []struct {
		name, body string
	}{
		{"short", `{"model":"auto","messages":[{"role":"user","content":"What is the capital of Norway?"}]}`},
		{"agent", agentBody},
		{"36KB", long},
	} {
		body := []byte(c.body)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := Parse(Chat, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	r := mustParse(b, Chat, agentBody)
	mask := NewMask(r, spansOf(r.Texts, people))
	b.ReportAllocs()
	for b.Loop() {
		r.Rewrite(Rewrite{Model: "gpt", Usage: true, Mask: mask})
	}
}

func BenchmarkRelay(b *testing.B) {
	for _, name := range []string{"as it is", "restored"} {
		b.Run(name, func(b *testing.B) {
			r, m := testMaskOf(b, Chat)
			if name == "as it is" {
				m = nil
			}
			s, err := NewRelay(r, Chat, RelayOptions{Mask: m})
			if err != nil {
				b.Fatal(err)
			}
			e := Event{Data: lanes()[0].piece("a <PERSON_1> b", 0)}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = s.Event(dst[:0], e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
