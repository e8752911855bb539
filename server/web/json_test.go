package web

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type inner struct {
	Role string `json:"role"`
	Text string `json:"text"`
}

type outer struct {
	Model    string          `json:"model"`
	N        int             `json:"n"`
	Messages []inner         `json:"messages"`
	Meta     map[string]any  `json:"meta"`
	Raw      json.RawMessage `json:"raw"`
	One      *inner          `json:"one"`
}

func TestParseJSON(t *testing.T) {
	var v outer
	err := ParseJSON([]byte(` {"model":"a\u0062","n":-3,"messages":[{"role":"user","text":"ü"}],"meta":{"K":[1.5e3,null,true,false,{}]},"raw":{"Model":1},"one":{"role":"x"},"later":[]} `), &v)
	if err != nil {
		t.Fatal(err)
	}
	if v.Model != "ab" || v.N != -3 || v.Messages[0].Text != "ü" || v.One.Role != "x" || string(v.Raw) != `{"Model":1}` {
		t.Fatalf("%+v", v)
	}
}

func TestParseJSONRefuses(t *testing.T) {
	deep := strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100)
	for _, c := range []struct{ name, body, param, message string }{
		{"empty", "  ", "", "empty"},
		{"twice", `{"model":"a","model":"b"}`, "model", "twice"},
		{"twice by escape", `{"model":"a","mod\u0065l":"b"}`, "model", "twice"},
		{"case", `{"Model":"a"}`, "Model", `this one is "model"`},
		{"case within", `{"messages":[{"role":"u"},{"ROLE":"u"}]}`, "messages[1].ROLE", "case sensitive"},
		{"case of unknown", `{"meta":{"a":1,"A":2}}`, "meta.A", "but for its case"},
		{"case by Unicode", `{"meta":{"k":1,"` + "\u212a" + `":2}}`, "meta.(a key)", "but for its case"},
		{"deep", `{"meta":{"x":` + deep + `}}`, "", "limit of 64"},
		{"early end", `{"model":"a"`, "model", "too early"},
		{"more", `{} {}`, "", "nothing more"},
		{"not UTF-8", "{\"model\":\"\xff\"}", "model", "UTF-8"},
		{"control", "{\"model\":\"\n\"}", "model", "control"},
		{"number", `{"n":01}`, "n", "comma"},
		{"NaN", `{"n":NaN}`, "n", "a value"},
		{"escape", `{"model":"\x"}`, "model", "escape"},
		{"hexadecimal", `{"model":"\u12g4"}`, "model", "hexadecimal"},
		{"type", `{"model":12345678}`, "model", "want a string, not number"},
		{"float", `{"n":1.5}`, "n", "want an integer, not number"},
		{"array", `[1]`, "", "want an object, not array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ParseJSON([]byte(c.body), new(outer))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Status != 400 || e.Param != c.param || !strings.Contains(e.Message, c.message) {
				t.Fatalf("got %d %q %q", e.Status, e.Param, e.Message)
			}
			if strings.Contains(e.Message, "12345678") {
				t.Fatal("the message repeats a value")
			}
		})
	}
}

func TestManyKeys(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"meta":{`)
	for i := range 1000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"k` + strings.Repeat("x", i) + `":1`)
	}
	if err := ParseJSON([]byte(b.String()+`}}`), new(outer)); err != nil {
		t.Fatal(err)
	}
	if err := ParseJSON([]byte(b.String()+`,"KX":2}}`), new(outer)); err == nil {
		t.Fatal("a case variant among many keys was taken")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":null}]}`, `"\u00e4"`, `-0.5e+10`, `[[]]`, `{"a":1,"A":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if Check(data, nil) == nil && !json.Valid(data) {
			t.Fatalf("%q passes and is no JSON", data)
		}
	})
}
