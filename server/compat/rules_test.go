package compat

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"regexp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"mom/router"
	"mom/server/web"
)

// rules is a classifier of fixed rules, so that answers can be told exactly.
type rules struct {
	mu    sync.Mutex
	vocab map[int32]string
	calls atomic.Int64
	fail  atomic.Pointer[error]
}

const (
	clsToken  = 1
	sepToken  = 2
	maxTokens = 64
	hidden    = 26
)

func intents() []string { return []string{"biology", "math", "other"} }

var piiRules = []struct {
	kind string
	re   *regexp.Regexp
	p    float64
	by   string
}{
	{"EMAIL_ADDRESS", regexp.MustCompile(`[a-z.]+@[a-z]+\.[a-z]+`), 1, "pattern"},
	{"PERSON", regexp.MustCompile(`John Smith|Jane Doe|Zoë Müller`), 0.85, "model"},
	{"US_DRIVER_LICENSE", regexp.MustCompile(`AC\d{6}`), 0.65, "model"},
	{"GPE", regexp.MustCompile(`Paris|Berlin`), 0.9, "model"},
}

func (c *rules) Classify(ctx context.Context, text string, tasks web.Task) (router.Reading, error) {
	c.calls.Add(1)
	if err := c.fail.Load(); err != nil {
		return router.Reading{}, *err
	}
	if ctx.Err() != nil {
		return router.Reading{}, context.Cause(ctx)
	}
	if strings.Contains(text, "panic now: a bug") {
		panic("a bug of the classifier")
	}
	n := len(strings.Fields(text)) + 2
	if n > maxTokens {
		return router.Reading{}, &web.Error{Status: 413, Code: "text_too_long", Message: fmt.Sprintf("the text has %d tokens; the limit is %d", n, maxTokens)}
	}
	r := router.Reading{Tokens: n, Windows: 1, PII: []router.Span{}}
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "prime"), strings.Contains(lower, "learning"):
		r.Intent = []router.Category{{Name: "math", P: 0.9}, {Name: "other", P: 0.06}, {Name: "biology", P: 0.04}}
	case strings.Contains(lower, "cell"):
		r.Intent = []router.Category{{Name: "biology", P: 0.8}, {Name: "math", P: 0.15}, {Name: "other", P: 0.05}}
	default:
		r.Intent = []router.Category{{Name: "other", P: 0.5}, {Name: "math", P: 0.25}, {Name: "biology", P: 0.25}}
	}
	r.Guard = &router.Verdict{Score: 0.01, Label: "benign"}
	if strings.Contains(lower, "ignore all previous") {
		r.Guard = &router.Verdict{Score: 0.97, Label: "jailbreak"}
	} else if strings.Contains(lower, "pretend") {
		r.Guard.Score = 0.6
	}
	for _, p := range piiRules {
		for _, m := range p.re.FindAllStringIndex(text, -1) {
			r.PII = append(r.PII, router.Span{Start: m[0], End: m[1], Type: p.kind, Score: p.p, By: p.by})
		}
	}
	sort.Slice(r.PII, func(i, j int) bool { return r.PII[i].Start < r.PII[j].Start })
	return r, nil
}

// Embed counts letters.
func (c *rules) Embed(_ context.Context, text string, dst []float32) ([]float32, error) {
	if len(strings.Fields(text))+2 > maxTokens {
		return nil, &web.Error{Status: 413, Code: "text_too_long", Message: "the text is too long"}
	}
	var v [hidden]float64
	sum := 1e-9
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' {
			v[r-'a']++
		}
	}
	for _, x := range v {
		sum += x * x
	}
	for _, x := range v {
		dst = append(dst, float32(x/math.Sqrt(sum)))
	}
	return dst, nil
}

var word = regexp.MustCompile(`\S+`)

func (c *rules) Tokenize(text string, special bool) ([]web.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []web.Token
	if special {
		out = append(out, web.Token{ID: clsToken, Text: "[CLS]", Special: true})
	}
	for _, m := range word.FindAllStringIndex(text, -1) {
		w := text[m[0]:m[1]]
		h := fnv.New32a()
		h.Write([]byte(w))
		id := int32(h.Sum32()>>2) + 3
		c.vocab[id] = w
		out = append(out, web.Token{ID: id, Text: "▁" + w, Start: m[0], End: m[1]})
	}
	if special {
		out = append(out, web.Token{ID: sepToken, Text: "[SEP]", Special: true, Start: len(text), End: len(text)})
	}
	return out, nil
}

func (c *rules) decode(ids []int32, skipSpecial bool) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var words []string
	for _, id := range ids {
		switch w, ok := c.vocab[id]; {
		case id == clsToken && !skipSpecial:
			words = append(words, "[CLS]")
		case id == sepToken && !skipSpecial:
			words = append(words, "[SEP]")
		case id == clsToken, id == sepToken:
		case !ok:
			return "", &web.Error{Status: 400, Code: "tokenizer", Message: "an id is not in the vocabulary"}
		default:
			words = append(words, w)
		}
	}
	return strings.Join(words, " "), nil
}

func (c *rules) Models() []web.Model {
	m := web.Model{Precision: "int8", Hidden: hidden, MaxTokens: maxTokens, Window: 32, Language: "en"}
	one := func(name, task string, labels ...string) web.Model {
		m := m
		m.Name, m.Task, m.Labels = name, task, labels
		return m
	}
	return []web.Model{
		one("rules-intent", "intent", intents()...),
		one("rules-guard", "jailbreak", "benign", "jailbreak"),
		one("rules-pii", "pii", "EMAIL_ADDRESS", "PERSON", "US_DRIVER_LICENSE", "GPE"),
		one("rules-embed", "embedding"),
	}
}

// decide blocks jailbreaks and masks e-mail addresses.
func (c *rules) decide(ctx context.Context, text string) (router.Decision, router.Signals, error) {
	r, err := c.Classify(ctx, text, web.All)
	if err != nil {
		return router.Decision{}, router.Signals{}, err
	}
	s := router.Signals{Intent: r.Intent, Guard: r.Guard, Tokens: r.Tokens, Windows: 1}
	d := router.Decision{Action: router.Route, Model: "small", Recipe: "auto", Category: r.Intent[0].Name, Confidence: r.Intent[0].P}
	d.Reasons = []router.Reason{{Stage: "security", Verdict: "pass", Detail: "nothing found"}, {Stage: "cost", Verdict: "small", Detail: "the cheapest"}}
	for _, p := range r.PII {
		s.PII = append(s.PII, router.PartSpan{Span: p})
		if p.Type == "EMAIL_ADDRESS" {
			d.Mask = append(d.Mask, router.PartSpan{Span: p})
		}
	}
	if r.Guard.Label == "jailbreak" {
		d.Action, d.Model = router.Block, ""
		d.Reasons[0] = router.Reason{Stage: "security", Verdict: "block", Detail: "a jailbreak with probability 0.97"}
	}
	return d, s, nil
}
