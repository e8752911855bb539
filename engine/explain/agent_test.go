package explain

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mom/engine/enginetest"
	"mom/engine/generate"
	"mom/tokenizer"
)

const agentManifest = `{"version":1,"name":"NAME","function":"agent","field":"FIELD","difficulties":["easy","medium","hard"],
	"tools":["none","code"],"tiers":["the cheapest","one between","the best"],"shift":[1,0,-1],
	"prompt":"<|im_start|>user\nFIELD\n{text}<|im_end|>\n<|im_start|>assistant\n","answer":"{difficulty}, {tools}, {tier}: {reason}"}`

// agentFolder has a base and an agent for each field.
func agentFolder(t *testing.T, fields ...string) string {
	t.Helper()
	dir := filepath.Dir(enginetest.Decoder(t, "base"))
	for _, f := range fields {
		name := "mom-dec-agent-" + f + "-v1"
		if err := enginetest.WriteAdapted(filepath.Join(dir, name), "base"); err != nil {
			t.Fatal(err)
		}
		enginetest.Write(t, filepath.Join(dir, name), ManifestFile, strings.NewReplacer("NAME", name, "FIELD", f).Replace(agentManifest))
	}
	return dir
}

func TestAgents(t *testing.T) {
	all, err := OpenAgents(agentFolder(t, "law", "math"), Options{Options: generate.Options{Precision: "f32"}})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if all.For("law").Name != "mom-dec-agent-law-v1" || all.For("math").Field != "math" || all.For("gen") != nil {
		t.Fatalf("%+v", all.by)
	}
	a := all.For("law")
	const text = "Is a contract valid without a signature?"
	for tier, name := range a.Tiers {
		var asked Verdict
		var told strings.Builder
		v, err := a.Choose(context.Background(), &AgentRequest{
			Text: text, Pick: func(found *Verdict) int { asked = *found; return tier },
			Emit: func(text string) error { told.WriteString(text); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, p := range v.Difficulties {
			sum += p
		}
		if v.Tier != name || !slices.Equal(asked.Difficulties, v.Difficulties) || asked.Tools != v.Tools || math.Abs(sum-1) > 1e-9 || !slices.Contains(a.Difficulties, v.Difficulty) ||
			!slices.Contains(a.Tools, v.Tools) || v.Reason == "" || strings.TrimSpace(told.String()) != v.Reason || v.Late {
			t.Errorf("%+v, asked %v, told %q", v, asked, told.String())
		}
		p, err := a.Assess(context.Background(), text)
		if err != nil || !slices.Equal(p, v.Difficulties) {
			t.Errorf("assessed %v %v, want %v", p, err, v.Difficulties)
		}
		g, err := a.Grade(context.Background(), text, 0)
		if err != nil || !slices.Equal(g.Difficulties, v.Difficulties) || g.Difficulty != v.Difficulty || g.Tools != v.Tools || g.Reason != "" || g.Tier != "" {
			t.Errorf("graded %+v %v, want %+v", g, err, v)
		}
		// The answer is what the base writes with the adapter after the whole text.
		whole := "<|im_start|>user\nlaw\n" + text + "<|im_end|>\n<|im_start|>assistant\n" + v.Difficulty + ", " + v.Tools + ", " + name + ":"
		var enc tokenizer.Encoding
		if err := all.model.Tokenizer.Encode(&enc, whole); err != nil {
			t.Fatal(err)
		}
		want, err := all.model.Generate(context.Background(), &generate.Request{Prompt: enc.IDs, MaxTokens: 60, Stop: []string{"\n"}, Adapter: a.e.adapter})
		if err != nil || strings.TrimSpace(want.Text) != v.Reason {
			t.Errorf("reason %q, of the whole text %v %v", v.Reason, want, err)
		}
	}
	pick := func(*Verdict) int { return Cheapest }
	v, err := a.Choose(context.Background(), &AgentRequest{Text: text, Limit: 1, Pick: pick})
	if err != nil || !v.Late || v.Reason != "" {
		t.Errorf("%+v %v", v, err)
	}
	// The limit comes while Pick is at work: what it took is in the verdict, and
	// nothing is asked any more.
	busy, picked := false, 0
	for limit := time.Millisecond; picked == 0 && limit < 4*time.Second; limit *= 2 {
		v, err = a.Choose(context.Background(), &AgentRequest{Text: text, Limit: limit, Pick: func(*Verdict) int {
			busy, picked = true, picked+1
			time.Sleep(limit + 20*time.Millisecond)
			busy = false
			return Strongest
		}})
		if err != nil || !v.Late || busy {
			t.Fatalf("%+v %v, busy %v", v, err, busy)
		}
	}
	if picked != 1 || v.Tier != a.Tiers[Strongest] || v.Difficulty == "" || v.Tools == "" || v.Reason != "" {
		t.Errorf("picked %d times: %+v", picked, v)
	}
	if g, err := a.Grade(context.Background(), text, 1); err != nil || !g.Late || g.Difficulties != nil {
		t.Errorf("%+v %v", g, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.Choose(ctx, &AgentRequest{Text: text, Limit: time.Hour, Pick: pick}); !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
}

func TestAgentFolders(t *testing.T) {
	refused := func(want string, dir string) {
		t.Helper()
		if all, err := OpenAgents(dir, Options{}); err == nil {
			all.Close()
			t.Errorf("no error, want %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	refused("mom-dec-agent-*", t.TempDir())
	refused("no such file", filepath.Join(t.TempDir(), "none"))
	dir := agentFolder(t, "law", "math")
	file := filepath.Join(dir, "mom-dec-agent-math-v1", ManifestFile)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"field":"math"`, `"field":"law"`, "another agent"},
		{`"field":"math"`, `"field":""`, "a field"},
		{`"one between",`, ``, "tiers: want 3"},
		{`"shift":[1,0,-1]`, `"shift":[1,0]`, "shift: want"},
		{`"shift":[1,0,-1]`, `"shift":[1,0,-21]`, "shift[2]"},
		{`"tools":["none","code"]`, `"tools":["none"]`, "tools: want 2"},
		{`["easy","medium","hard"]`, `["easy","so so","hard"]`, "its difficulties are"},
		{`"difficulties"`, `"labels":["x","y"],"difficulties"`, "no labels"},
		{`{tier}: `, ``, "answer: want"},
		{string(text), manifest, "of an agent"},
	} {
		enginetest.Write(t, filepath.Dir(file), ManifestFile, strings.Replace(string(text), c.old, c.new, 1))
		refused(c.want, dir)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	refused("of an agent", dir)
	enginetest.Write(t, filepath.Dir(file), ManifestFile, string(text))
	config := filepath.Join(filepath.Dir(file), "adapter_config.json")
	old, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	enginetest.Write(t, filepath.Dir(file), "adapter_config.json", strings.Replace(string(old), `somewhere/base`, `somewhere/other`, 1))
	refused("other agents are for base", dir)
	// Archives and unfinished folders are no agents.
	enginetest.Write(t, filepath.Dir(file), "adapter_config.json", string(old))
	if err := os.Rename(filepath.Dir(file), filepath.Dir(file)+".part"); err != nil {
		t.Fatal(err)
	}
	enginetest.Write(t, dir, "mom-dec-agent-gen-v1.tar.gz", "x")
	enginetest.Write(t, dir, "mom-dec-agent-soc-v1", "a file")
	all, err := OpenAgents(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if all.For("law") == nil || all.For("math") != nil {
		t.Errorf("%+v", all.by)
	}
	// An agent is no explainer.
	if _, err := Open(filepath.Join(dir, "mom-dec-agent-law-v1"), Options{}); err == nil || !strings.Contains(err.Error(), "function is agent") {
		t.Errorf("err %v", err)
	}
}
