package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/admin"
	"mom/server/config"
	"mom/server/protocol"
	"mom/server/web"
)

// answerGuard is what is read in an answer and what is done about it: the
// configuration's wish, or the client's where that is stricter.
type answerGuard struct {
	config.ResponseGuard
	score bool // the client wants verdicts
}

func newAnswerGuard(c config.ResponseGuard, m *protocol.ModerationParams) answerGuard {
	g := answerGuard{ResponseGuard: c, score: m != nil}
	if m != nil && m.Output == "block" {
		g.Jailbreak, g.PII = config.JailbreakBlock, config.PIIBlock
	}
	return g
}

func (g *answerGuard) on() bool {
	return g.score || g.tasks() != 0
}

func (g *answerGuard) tasks() web.Task {
	var t web.Task
	if g.score || g.Jailbreak != config.JailbreakOff && g.Jailbreak != "" {
		t |= web.Guard
	}
	if g.score || g.PII != config.PIIOff && g.PII != "" {
		t |= web.PII
	}
	return t
}

// withholds reports whether an answer may have to be kept from the client, so
// that a stream must be read to its end first.
func (g *answerGuard) withholds() bool {
	return g.Jailbreak == config.JailbreakBlock || g.PII == config.PIIBlock || g.PII == config.PIIMask
}

// findings are what was found in an answer.
type findings struct {
	guard   answerGuard
	read    bool
	parts   []router.Part
	attack  bool
	pii     []router.PartSpan
	verdict moderationResult
}

// guardAnswer reads the texts of an answer.
func (s *Server) guardAnswer(p *passage, texts []protocol.Text) (*findings, error) {
	f := &findings{guard: p.guard}
	tasks := p.guard.tasks()
	if tasks == 0 {
		return f, nil
	}
	for _, t := range texts {
		f.parts = append(f.parts, router.Part{Role: t.Role, Text: t.Text})
	}
	tokens := p.x.tokensIn
	err := s.read(p.x, f.parts, tasks)
	p.x.tokensIn = tokens // of the request
	if err != nil {
		return nil, err
	}
	f.read = true
	for i := range f.parts {
		r := &f.parts[i].Reading
		verdict := judge(r)
		if f.verdict.Categories == nil {
			f.verdict = verdict
		} else {
			f.verdict.merge(verdict)
		}
		if v := r.Guard; v != nil {
			least := p.guard.JailbreakThreshold
			f.attack = f.attack || least > 0 && v.Score >= least || least == 0 && v.Label == "jailbreak"
		}
		for _, span := range r.PII {
			if p.counts(&f.parts[i], span) {
				f.pii = append(f.pii, router.PartSpan{Part: i, Span: span})
			}
		}
	}
	return f, nil
}

// counts reports whether personal data in an answer is of those types that
// count, and was not in the request.
func (p *passage) counts(part *router.Part, span router.Span) bool {
	g := &p.guard
	if span.Score < g.PIIThreshold || len(g.PIITypes) > 0 && !slices.Contains(g.PIITypes, span.Type) {
		return false
	}
	value := part.Text[span.Start:span.End]
	return !slices.ContainsFunc(p.q.parts, func(asked router.Part) bool { return strings.Contains(asked.Text, value) })
}

// act gives what to replace, or the refusal of an answer that is withheld.
func (f *findings) act() ([]router.PartSpan, error) {
	if err := f.block(); err != nil {
		return nil, err
	}
	if f.guard.PII == config.PIIMask {
		return f.pii, nil
	}
	return nil, nil
}

// actStream is act for a stream, in which nothing can be replaced any more.
func (f *findings) actStream() error {
	if f.guard.PII == config.PIIMask && len(f.pii) > 0 {
		return withheld("personal data, which cannot be masked within a stream")
	}
	return f.block()
}

func (f *findings) block() error {
	switch {
	case f.attack && f.guard.Jailbreak == config.JailbreakBlock:
		return withheld("what the guard takes for a jailbreak")
	case len(f.pii) > 0 && f.guard.PII == config.PIIBlock:
		return withheld("personal data")
	}
	return nil
}

func withheld(what string) error {
	return &web.Error{Status: 403, Type: "invalid_request_error", Code: "answer_blocked", Message: "the answer is withheld by the response guard: it has " + what}
}

// flags are what was found in an answer that is passed on.
func (f *findings) flags() (flags []string) {
	if f.attack && f.guard.Jailbreak != config.JailbreakOff {
		flags = append(flags, "jailbreak")
	}
	for _, s := range f.pii {
		if flag := "pii:" + s.Type; f.guard.PII != config.PIIOff && !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// headers tells them to the client.
func (f *findings) headers(ctx *fasthttp.RequestCtx) {
	if flags := f.flags(); len(flags) > 0 {
		ctx.Response.Header.Set("x-mom-response-flags", joined(flags))
	}
}

// note adds them to the decision, and counts them.
func (f *findings) note(x *exchange) {
	done := admin.Flagged
	if f.guard.PII == config.PIIMask {
		done = admin.Masked
	}
	flags := f.flags()
	all := slices.Clone(x.decision.Flags) // the store has the old ones
	for _, flag := range flags {
		all = append(all, "response:"+flag)
		if kind, ok := strings.CutPrefix(flag, "pii:"); ok {
			x.s.metrics.Security(done, kind, x.model)
		} else {
			x.s.metrics.Security(admin.Flagged, admin.Jailbreak, x.model)
		}
	}
	x.decision.Flags = all
}

// refused is the refusal of a request that the policy, or the client's own wish
// for moderation, blocks.
func (p *passage) refused(d *router.Decision) error {
	p.guard = newAnswerGuard(p.x.p.config.ResponseGuard, p.request.Moderation)
	if d.Action == router.Block {
		return blocked(d)
	}
	if d.Model == "" {
		return p.x.nobody(d)
	}
	if p.request.Moderation == nil {
		return nil
	}
	for i := range p.q.parts {
		if v := judge(&p.q.parts[i].Reading); p.input.Categories == nil {
			p.input = v
		} else {
			p.input.merge(v)
		}
	}
	if p.request.Moderation.Input == "block" && p.input.Flagged {
		var why []string
		for c, yes := range p.input.Categories {
			if yes {
				why = append(why, c)
			}
		}
		slices.Sort(why)
		return &web.Error{Status: 403, Type: "invalid_request_error", Code: "content_blocked", Param: "moderation",
			Message: "the request is blocked by its own moderation policy: " + strings.Join(why, ", ")}
	}
	return nil
}

// nobody is the refusal of a request that no model can serve.
func (x *exchange) nobody(d *router.Decision) error {
	var why []string
	failing, unserved := x.p.upstreams.Unavailable(), true
	soon := false
	for _, c := range d.Candidates {
		if c.RuledOut != "" {
			why = append(why, c.Model+": "+c.RuledOut)
		}
		down := slices.Contains(failing, c.Model)
		soon = soon || down
		unserved = unserved && (down || !x.p.served[c.Model])
	}
	e := &web.Error{Status: 400, Type: "invalid_request_error", Param: "model", Code: "no_model", Message: "no model can serve this request"}
	if len(why) > 0 {
		e.Message += " (" + strings.Join(why, "; ") + ")"
	}
	switch {
	case soon: // it may be served again soon
		e.Status, e.Type, e.Code, e.RetryAfter = 503, "server_error", "upstream_unavailable", time.Second
	case unserved:
		e.Status, e.Code = 404, "no_upstream"
	}
	return e
}

// blocked is the refusal of a request by the policy.
func blocked(d *router.Decision) error {
	why := ""
	for _, r := range d.Reasons {
		if r.Stage == "security" {
			why = ": " + r.Detail
		}
	}
	return &web.Error{Status: 403, Type: "invalid_request_error", Code: "content_blocked", Message: "the request is blocked by the security policy" + why}
}

// moderation is the JSON of the member "moderation" that the client asked for.
func (s *Server) moderation(p *passage, f *findings) string {
	if p.request.Moderation == nil {
		return ""
	}
	output := f.verdict
	if output.Categories == nil {
		output = judge(&router.Reading{})
	}
	return encode(map[string]any{"input": s.moderated(p, p.input), "output": s.moderated(p, output)})
}

// moderationFailed is the member when the answer could not be read.
func (s *Server) moderationFailed(p *passage, err error) string {
	e := web.AsError(p.x.reason(err))
	return encode(map[string]any{
		"input":  s.moderated(p, p.input),
		"output": map[string]any{"type": "error", "code": fmt.Sprint(e.Status), "message": e.Message},
	})
}

// moderated is one side: responses have the result itself, chats a list of one.
func (s *Server) moderated(p *passage, m moderationResult) any {
	result := struct {
		Type  string `json:"type"`
		Model string `json:"model"`
		moderationResult
	}{"moderation_result", s.guardName(), m}
	if p.request.Kind == protocol.Responses {
		return result
	}
	return map[string]any{"type": "moderation_results", "model": s.guardName(), "results": []any{result}}
}

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: server: " + err.Error())
	}
	return string(data)
}
