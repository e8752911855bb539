package router

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func told(category string, p float64) *Told {
	return &Told{Decoder: "why", Intent: []Category{{category, p}, {"other", 1 - p}}, Took: 43210 * time.Microsecond, Limit: 200 * time.Millisecond}
}

// A decoder that answers in time replaces the encoder's categories, and only it.
func TestDecoderTells(t *testing.T) {
	c := Default()
	c.Intent = Intent{Decoder: "why", TimeLimit: 200 * time.Millisecond}
	c.Recipes = append(c.Recipes, Recipe{Name: "one", Models: []string{"small"}}, Recipe{Name: "own", Intent: &Intent{}},
		Recipe{Name: "quick", Intent: &Intent{Decoder: "spare", TimeLimit: time.Millisecond}})
	r := open(t, c)
	for name, want := range map[string]Intent{"auto": c.Intent, "one": {}, "own": {}, "quick": {"spare", time.Millisecond}, "small": {}, "nothing": {}} {
		if got := r.Intent(name); got != want {
			t.Errorf("%s asks %+v, want %+v", name, got, want)
		}
	}

	signals := about("other", 0.9)
	signals.Told = told("law", 0.95)
	d := r.Decide(Request{Model: "auto"}, signals)
	alone := r.Decide(Request{Model: "auto"}, about("law", 0.95))
	if d.Category != "law" || d.Confidence != 0.95 || d.Model != alone.Model || !reflect.DeepEqual(d.Candidates, alone.Candidates) {
		t.Errorf("%+v, want as if the encoder had said so: %+v", d, alone)
	}
	want := &Teller{By: "decoder", Decoder: "why", MS: 43.21, LimitMS: 200, Encoder: &Category{"other", 0.9}}
	if !reflect.DeepEqual(d.Intent, want) {
		t.Errorf("%+v, want %+v", d.Intent, want)
	}
	detail := reason(t, d, "intent").Detail
	if detail != "The request is about law. So says the decoder why, after 43.2 ms; the encoder's likeliest is other with 0.90." {
		t.Errorf("%q", detail)
	}
	if s := reason(t, d, "intent").Scores; s[0] != (Score{"law", 0.95}) {
		t.Errorf("scores %v", s)
	}
	data, err := json.Marshal(d)
	if err != nil || !strings.Contains(string(data), `"intent":{"by":"decoder","decoder":"why","ms":43.21,"limit_ms":200,"encoder":{"label":"other","score":0.9}}`) {
		t.Errorf("%v %s", err, data)
	}

	// Security hears the encoder alone.
	signals.Guard = &Verdict{Score: 0.99, Label: jailbreak}
	if d = r.Decide(Request{Model: "auto"}, signals); d.Action != Block {
		t.Errorf("%+v", d)
	}
	// A client that names its model is asked nothing.
	signals = about("other", 0.9)
	signals.Told = told("law", 0.95)
	if d = r.Decide(Request{Model: "small"}, signals); d.Category != "other" || d.Intent != nil {
		t.Errorf("%+v", d)
	}
}

// What came too late, or not at all, changes nothing but what is said about it.
func TestDecoderLate(t *testing.T) {
	r := open(t, Default())
	for _, c := range []struct {
		told *Told
		want string
	}{
		{&Told{Decoder: "why", Took: 201 * time.Millisecond, Limit: 200 * time.Millisecond, Late: true}, "The decoder why was too late, with no answer within 200 ms"},
		{&Told{Decoder: "why", Took: time.Millisecond, Limit: 1500 * time.Microsecond, Late: true}, "no answer within 1.5 ms"},
		{&Told{Decoder: "why", Limit: 200 * time.Millisecond}, "The decoder why could not answer"},
	} {
		for _, signals := range []Signals{about("law", 0.95), about("law", 0.2), {}} {
			plain := r.Decide(Request{Model: "auto"}, signals)
			signals.Told = c.told
			d := r.Decide(Request{Model: "auto"}, signals)
			if i := d.Intent; i == nil || i.By != "encoder" || i.Late != c.told.Late || i.Failed == c.told.Late {
				t.Errorf("%+v", d.Intent)
			}
			detail := reason(t, d, "intent").Detail
			if !strings.Contains(detail, c.want) || strings.Contains(detail, "encoder's word stands") != (signals.Intent != nil) {
				t.Errorf("%q, want %q", detail, c.want)
			}
			d.Intent, d.Reasons, plain.Reasons = nil, nil, nil
			if !reflect.DeepEqual(d, plain) {
				t.Errorf("%+v\nwithout a decoder %+v", d, plain)
			}
		}
	}
}

func TestIntentProblems(t *testing.T) {
	c := Default()
	c.Intent = Intent{Decoder: "why"}
	c.Recipes[0].Intent = &Intent{Decoder: "why", TimeLimit: -1}
	var all *ConfigError
	if !errors.As(c.Validate(), &all) || len(all.Problems) != 2 || all.Problems[0].Path != "recipes[0].intent.time_limit" || all.Problems[1].Path != "intent.time_limit" {
		t.Errorf("%v", c.Validate())
	}
}
