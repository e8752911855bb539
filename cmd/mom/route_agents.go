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
)

// agentFlags choose the agents that a decision asks.
type agentFlags struct {
	agents string
	limit  time.Duration
}

func (f *agentFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.agents, "agents", "", "let the agent of the text's field say how hard it is, choose by that, and say why: `FOLDER` that holds mom-dec-agent-* and the decoder that they are for")
	s.DurationVar(&f.limit, "agents-limit", 500*time.Millisecond, "with --agents: after `TIME` what is not known is left out; 0 waits")
}

func (f *agentFlags) check(explain bool) error {
	switch {
	case f.agents != "" && explain:
		return misuse("--agents and --explain: want one of them")
	case f.limit < 0:
		return misuse("--agents-limit %v: want 0 or more", f.limit)
	}
	return nil
}

func (f *agentFlags) open(threads int) (*explain.Agents, error) {
	if f.agents == "" {
		return nil, nil
	}
	return explain.OpenAgents(f.agents, explain.Options{Options: generate.Options{Threads: threads}})
}

// chosen is what an agent says about a text: how hard it is, which model it should
// go to, and why.
type chosen struct {
	Agent        string  `json:"agent"`
	Field        string  `json:"field"`
	Model        string  `json:"model"`
	Difficulty   string  `json:"difficulty"`
	NeedsTools   string  `json:"needs_tools,omitempty"` // which; "" for none
	Confidence   float64 `json:"confidence"`            // that the model answers well
	Reason       string  `json:"reason"`
	MS           float64 `json:"ms"`             // with the reason
	FirstTokenMS float64 `json:"first_token_ms"` // until the reason began; 0 if it did not
	Late         bool    `json:"late,omitempty"`
	Cut          int     `json:"cut,omitempty"` // bytes in the middle of the text that were not read
	Note         string  `json:"note,omitempty"`
}

// choose asks the agent of d's field about a text, and decides again by what it
// says. d is the decision without it.
func (f *agentFlags) choose(ctx context.Context, all *explain.Agents, text string, d *router.Decision, decide func(*router.Difficulty) router.Decision) (*chosen, error) {
	field := explain.FieldOf(d.Category)
	a := all.For(field)
	if a == nil {
		return &chosen{Field: field, Model: d.Model, Note: fmt.Sprintf("no agent of the field %s", field)}, nil
	}
	v, err := a.Choose(ctx, &explain.AgentRequest{Text: text, Limit: f.limit, Pick: func(p []float64) int {
		*d = decide(&router.Difficulty{Agent: a.Name, Names: a.Difficulties, P: p, Shift: a.Shift})
		switch cheapest, best := d.Tier(); {
		case cheapest:
			return explain.Cheapest
		case best:
			return explain.Strongest
		}
		return explain.Between
	}})
	if err != nil {
		return nil, err
	}
	c := &chosen{Agent: a.Name, Field: field, Model: d.Model, Difficulty: v.Difficulty, Reason: v.Reason, Late: v.Late, Cut: v.Cut,
		MS: milliseconds(v.Total), FirstTokenMS: milliseconds(v.FirstToken)}
	if v.Tools != a.Tools[0] {
		c.NeedsTools = v.Tools
	}
	if v.Late {
		c.Note = fmt.Sprintf("the agent did not finish within %v", f.limit)
	}
	for _, x := range d.Candidates {
		if x.Model == d.Model {
			c.Confidence = x.Quality
		}
	}
	return c, nil
}

// agentRouted is the answer to one text with --agents.
type agentRouted struct {
	ID json.RawMessage `json:"id"`
	router.Decision
	Agent *chosen `json:"agent,omitempty"` // none of a blocked text
	MS    float64 `json:"ms"`
}

// appendChosen is what an agent says, for a reader.
func appendChosen(out []byte, c *chosen) []byte {
	if c.Agent != "" {
		out = fmt.Appendf(out, "agent       %s\n", c.Agent)
	}
	if c.Difficulty != "" {
		out = fmt.Appendf(out, "difficulty  %s\n", c.Difficulty)
	}
	if c.NeedsTools != "" {
		out = fmt.Appendf(out, "tools       %s\n", c.NeedsTools)
	}
	if c.Reason != "" {
		out = fmt.Appendf(out, "reason      %s\n", c.Reason)
	}
	if c.Note != "" {
		out = fmt.Appendf(out, "note        %s\n", c.Note)
	}
	return fmt.Appendf(out, "chosen in   %.1f ms, the reason's first word %.1f ms\n", c.MS, c.FirstTokenMS)
}
