package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"mom/engine/explain"
	"mom/engine/generate"
	"mom/router"
	"mom/server/web"
)

// explainFlags say whether a decoder explains, and which.
type explainFlags struct {
	explain bool
	decoder string
	limit   time.Duration
	format  string // of the decoder's linear layers
}

func (f *explainFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.BoolVar(&f.explain, "explain", false, "let a decoder say what the text is about, how hard it is, and why")
	s.StringVar(&f.decoder, "decoder", "", "with --explain: `FOLDER` of a decoder, or a .gguf file (default $MOM_DECODERS, else "+anExplainer+" in weights or models next to mom, else inside it)")
	s.StringVar(&f.format, "decoder-precision", "auto", "with --explain: `P` is f32, bf16, int8, int4 or auto")
	s.DurationVar(&f.limit, "explain-limit", 500*time.Millisecond, "with --explain: after `TIME` the encoder's category stands; 0 waits")
}

func (f *explainFlags) check() error {
	if !f.explain {
		if f.decoder != "" {
			return misuse("--decoder goes with --explain")
		}
		return nil
	}
	if f.limit < 0 {
		return misuse("--explain-limit %v: want 0 or more", f.limit)
	}
	return oneOf("decoder-precision", f.format, "f32", "bf16", "int8", "int4", "auto")
}

func (f *explainFlags) open(threads int) (*explain.Explainer, error) {
	path, err := findDecoder(f.decoder)
	if err != nil {
		return nil, err
	}
	return explain.Open(path, explain.Options{Options: generate.Options{Precision: f.format, Threads: threads}})
}

// explained is the answer to one text with --explain.
type explained struct {
	ID json.RawMessage `json:"id"`
	web.Explanation
}

// appendExplained is an explanation for a reader, after the decision.
func appendExplained(out []byte, e *explained) []byte {
	out = fmt.Appendf(out, "category    %s %.2f, by the %s\n", e.Category, e.Confidence, e.By)
	if e.RunnerUp != "" {
		out = fmt.Appendf(out, "runner-up   %s\n", e.RunnerUp)
	}
	if e.Difficulty != "" {
		out = fmt.Appendf(out, "difficulty  %s\n", e.Difficulty)
	}
	if e.Reason != "" {
		out = fmt.Appendf(out, "reason      %s\n", e.Reason)
	}
	if e.Cut > 0 {
		out = fmt.Appendf(out, "not read    %d bytes in the middle of the text\n", e.Cut)
	}
	if e.Note != "" {
		out = fmt.Appendf(out, "note        %s\n", e.Note)
	}
	return fmt.Appendf(out, "explained   %.1f ms, the reason's first word %.1f ms\n", e.MS, e.FirstTokenMS)
}

// appendExplainedRow is one of many: id, action, model, category, difficulty,
// reason.
func appendExplainedRow(out []byte, q *record, d *router.Decision, e *explained) []byte {
	return fmt.Appendf(out, "%s\t%s\t%s\t%s %.3f\t%s\t%s\n", idText(q.id), d.Action, orDash(d.Model), orDash(e.Category), e.Confidence, orDash(e.Difficulty), orDash(e.Reason))
}

// say asks the decoder about a text that was decided on.
func (f *explainFlags) say(ctx context.Context, e *explain.Explainer, q *record, d *router.Decision, before time.Duration) (explained, error) {
	r, err := e.Explain(ctx, &explain.Request{Text: q.text, Limit: f.limit})
	if err != nil {
		return explained{}, err
	}
	say := explained{q.id, *explanation(r, before)}
	say.Join(d, f.limit)
	return say, nil
}
