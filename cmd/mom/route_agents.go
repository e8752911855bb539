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
	"mom/server/config"
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

func (f *agentFlags) check(c *cobra.Command, explain bool) error {
	switch {
	case f.agents != "" && explain:
		return misuse("--agents and --explain: want one of them")
	case f.agents == "" && c.Flags().Changed("agents-limit"):
		return misuse("--agents-limit goes with --agents")
	case f.limit < 0:
		return misuse("--agents-limit %v: want 0 or more", f.limit)
	}
	return nil
}

// agents are those that a decision asks: of the command line, which also say why, or
// of the configuration, as in the server.
type agents struct {
	*explain.Agents
	limit time.Duration
	why   bool
}

// open opens the agents of the command line, else those of c that the recipe asks;
// nil when there are none.
func (f *agentFlags) open(c *config.Config, asked bool, threads int) (*agents, error) {
	switch {
	case f.agents != "":
		all, err := explain.OpenAgents(f.agents, explain.Options{Options: generate.Options{Threads: threads}})
		return &agents{all, f.limit, true}, err
	case asked:
		all, err := openAgents(c)
		return &agents{all, c.Agents.TimeLimit, false}, err
	}
	return nil, nil
}

func (a *agents) close() {
	if a != nil && a.Agents != nil {
		a.Agents.Close()
	}
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
// says; d is the decision without it. It returns what the agent says about it, where
// it was asked for that.
func (a *agents) choose(ctx context.Context, text string, d *router.Decision, decide func(*router.Difficulty) router.Decision) (*chosen, error) {
	if a == nil || !d.Gradable() {
		return nil, nil
	}
	field := explain.FieldOf(d.Category)
	agent := a.For(field)
	switch {
	case agent == nil:
		return &chosen{Field: field, Model: d.Model, Note: fmt.Sprintf("no agent of the field %s", field)}, nil
	case !a.why:
		v, err := agent.Grade(ctx, text, a.limit)
		if err == nil && v.Difficulties != nil {
			*d = decide(difficulty(agent, v))
		}
		return nil, ctx.Err() // as in the server, an agent that cannot answer changes nothing
	}
	v, err := agent.Choose(ctx, &explain.AgentRequest{Text: text, Limit: a.limit, Pick: func(found *explain.Verdict) int {
		*d = decide(difficulty(agent, found))
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
	c := &chosen{Agent: agent.Name, Field: field, Model: d.Model, Difficulty: v.Difficulty, Reason: v.Reason, Late: v.Late, Cut: v.Cut,
		MS: milliseconds(v.Total), FirstTokenMS: milliseconds(v.FirstToken)}
	if v.Tools != agent.Tools[0] {
		c.NeedsTools = v.Tools
	}
	if v.Late {
		c.Note = fmt.Sprintf("the agent did not finish within %v", a.limit)
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
	Agent *chosen `json:"agent,omitempty"` // none where nothing is to be chosen
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
