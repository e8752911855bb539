package explain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mom/engine/adapter"
	"mom/engine/generate"
)

// Agents are adapters over one decoder, each of which knows a field: how hard its
// requests are, which tools they need, and why a model is the right one for them.
// Their methods may be called from any goroutine.
type Agents struct {
	by    map[string]*Agent
	model *generate.Model
}

// An Agent chooses models for the requests of its field.
type Agent struct {
	Name         string
	Field        string
	Difficulties []string  // the easiest first
	Tools        []string  // that an answer may need; the first stands for none
	Tiers        []string  // the cheapest candidate, one between, the best
	Shift        []float64 // what each difficulty adds to the log-odds of a right answer

	e *Explainer
}

// agentPattern is how the folders of agents are called.
const agentPattern = "mom-dec-agent-*"

// OpenAgents opens the agents among the folders in dir, and the decoder beside them
// that they are for, once. It is an error if there is none, or two of a field.
func OpenAgents(dir string, o Options) (*Agents, error) {
	found, err := filepath.Glob(filepath.Join(dir, agentPattern))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("%s: no folder %s in it", dir, agentPattern)
	}
	all := &Agents{by: map[string]*Agent{}}
	base := ""
	for _, path := range found {
		name, err := adapter.Base(path)
		if err == nil && base != "" && name != base {
			err = fmt.Errorf("%s: is for %s; the other agents are for %s", path, name, base)
		}
		if err == nil && all.model == nil {
			base = name
			all.model, err = generate.Open(filepath.Join(dir, base), o.Options)
		}
		var a *Agent
		if err == nil {
			a, err = openAgent(all.model, path, o.TextTokens)
		}
		if err == nil && all.by[a.Field] != nil {
			err = fmt.Errorf("%s: the field %s has another agent, %s", path, a.Field, all.by[a.Field].Name)
		}
		if err != nil {
			all.Close()
			return nil, err
		}
		all.by[a.Field] = a
	}
	return all, nil
}

func openAgent(m *generate.Model, path string, textTokens int) (*Agent, error) {
	q, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	if q == nil || q.Function != agentFunction {
		return nil, fmt.Errorf("%s: has no %s of an agent", path, ManifestFile)
	}
	lora, err := m.OpenAdapter(path)
	if err != nil {
		return nil, err
	}
	e, err := newExplainer(m, path, q, lora, textTokens)
	if err != nil {
		return nil, err
	}
	return &Agent{Name: q.Name, Field: q.Field, Difficulties: q.Difficulties, Tools: q.Tools, Tiers: q.Tiers, Shift: q.Shift, e: e}, nil
}

// Close closes the decoder.
func (a *Agents) Close() {
	if a.model != nil {
		a.model.Close()
	}
}

// For is the agent of a field; nil if there is none.
func (a *Agents) For(field string) *Agent { return a.by[field] }

// Fields are those that have an agent.
func (a *Agents) Fields() (fields []string) {
	for f := range a.by {
		fields = append(fields, f)
	}
	return fields
}

// The places of Agent.Tiers.
const (
	Cheapest = iota
	Between
	Strongest
)

// An AgentRequest is a request to choose a model for.
type AgentRequest struct {
	Text string
	// Pick chooses among the candidates by how likely each difficulty is. It says
	// what it took, Cheapest, Between or Strongest, and must not wait.
	Pick func(difficulties []float64) (tier int)
	// Limit is how long it may take; 0 means as long as its context lives. What is
	// not known by then is missing; if nothing is, Pick was not called.
	Limit time.Duration
	Emit  func(text string) error // of the reason, as in Request
}

// A Verdict is what an agent says about a request.
type Verdict struct {
	Difficulty   string    // the most probable
	Difficulties []float64 // how likely each is
	Tools        string    // what an answer needs
	NeedsTools   float64   // how likely it needs any
	Tier         string    // what Pick took; "" when the limit came before
	Written
}

// Choose reads a request, has r.Pick choose, and says why. An error is ctx's, or of
// a text that cannot be read, never that the limit was reached.
func (a *Agent) Choose(ctx context.Context, r *AgentRequest) (*Verdict, error) {
	began := time.Now()
	prompt, cut, err := a.e.prompt(r.Text)
	if err != nil {
		return nil, err
	}
	within, cancel := limited(ctx, began, r.Limit)
	defer cancel()
	v := &Verdict{Written: Written{Cut: cut}}
	tier := -1
	q := &generate.Request{Prompt: prompt, Choose: a.e.choices, Adapter: a.e.adapter}
	var difficulties []float64
	q.After = func(set int, c generate.Choice) []int32 {
		if set == 0 {
			difficulties = temper(c.P, a.e.temperature)
		}
		if set != a.e.after {
			return nil
		}
		tier = min(max(r.Pick(difficulties), 0), len(a.Tiers)-1)
		return a.e.inserted[tier]
	}
	q.Chosen = func(set int, c generate.Choice) error {
		if set == 0 {
			v.Difficulty, v.Difficulties = a.Difficulties[c.Label], temper(c.P, a.e.temperature)
			return nil
		}
		v.Tools, v.NeedsTools, v.Tier = a.Tools[c.Label], 1-c.P[0], a.Tiers[tier]
		return nil
	}
	err = a.e.write(within, q, r.Text, &v.Written, began, func(text string) error {
		if r.Emit == nil {
			return nil
		}
		return r.Emit(text)
	})
	if tooLate(ctx, within, err) {
		v.Late, v.Reason, err = true, "", nil
	}
	if err != nil {
		return nil, err
	}
	v.Total = time.Since(began)
	return v, nil
}

// Grade has the difficulty of a text and the tools that it needs, as Choose has
// them, and nothing is written. It takes no longer than limit; 0 means as long as
// ctx lives.
func (a *Agent) Grade(ctx context.Context, text string, limit time.Duration) (*Verdict, error) {
	began := time.Now()
	prompt, cut, err := a.e.prompt(text)
	if err != nil {
		return nil, err
	}
	within, cancel := limited(ctx, began, limit)
	defer cancel()
	v := &Verdict{Written: Written{Cut: cut}}
	q := &generate.Request{Prompt: prompt, MaxTokens: 1, Choose: a.e.choices, Adapter: a.e.adapter}
	q.Chosen = func(set int, c generate.Choice) error {
		if set == 0 {
			v.Difficulty, v.Difficulties = a.Difficulties[c.Label], temper(c.P, a.e.temperature)
			return nil
		}
		v.Tools, v.NeedsTools = a.Tools[c.Label], 1-c.P[0]
		return errEnough
	}
	_, err = a.e.model.Generate(within, q)
	if tooLate(ctx, within, err) {
		v.Late = true
	} else if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	v.Total = time.Since(began)
	return v, nil
}

// Assess has how likely each difficulty of a text is, and nothing else.
func (a *Agent) Assess(ctx context.Context, text string, limit time.Duration) ([]float64, error) {
	began := time.Now()
	prompt, _, err := a.e.prompt(text)
	if err != nil {
		return nil, err
	}
	within, cancel := limited(ctx, began, limit)
	defer cancel()
	p, err := a.e.model.Score(within, prompt, a.e.choices[0], a.e.adapter)
	if err != nil {
		return nil, err
	}
	return temper(p, a.e.temperature), nil
}

// fieldOf are the fields of the agents, by the category of a request.
var fieldOf = map[string]string{
	"biology": "sci", "chemistry": "sci", "physics": "sci", "engineering": "sci", "health": "sci", "computer science": "sci",
	"math": "math", "history": "hum", "philosophy": "hum", "psychology": "soc", "economics": "soc", "business": "soc", "law": "law",
}

// FieldOf is the field of an agent by the category of a request: sci, math, hum,
// soc, law or gen.
func FieldOf(category string) string {
	if f, ok := fieldOf[strings.ToLower(category)]; ok {
		return f
	}
	return "gen"
}
