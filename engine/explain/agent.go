package explain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"mom/engine/adapter"
	"mom/engine/generate"
	"mom/files"
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

// agentPrefix is how the names of agents' folders begin; those that have a dot are
// archives, or unfinished.
const agentPrefix = "mom-dec-agent-"

// OpenAgents opens the agents among the folders in dir, and the decoder beside them
// that they are for, once. It is an error if there is none, or two of a field.
func OpenAgents(dir string, o Options) (*Agents, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, files.Error(dir, err)
	}
	all := &Agents{by: map[string]*Agent{}}
	base := ""
	var first *Agent
	var words *quotes
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), agentPrefix) || filepath.Ext(entry.Name()) != "" {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		name, err := adapter.Base(path)
		if err == nil && base != "" && name != base {
			err = fmt.Errorf("%s: is for %s; the other agents are for %s", path, name, base)
		}
		if err == nil && all.model == nil {
			base = name
			if all.model, err = generate.Open(filepath.Join(dir, base), o.Options); err == nil {
				words = newQuotes(all.model)
			}
		}
		var a *Agent
		if err == nil {
			a, err = openAgent(all.model, path, words, o.TextTokens)
		}
		switch {
		case err != nil:
		case all.by[a.Field] != nil:
			err = fmt.Errorf("%s: the field %s has another agent, %s", path, a.Field, all.by[a.Field].Name)
		case first == nil:
			first = a
		case !slices.Equal(a.Difficulties, first.Difficulties):
			err = fmt.Errorf("%s: its difficulties are %v; those of %s are %v", path, a.Difficulties, first.Name, first.Difficulties)
		}
		if err != nil {
			all.Close()
			return nil, err
		}
		all.by[a.Field] = a
	}
	if first == nil {
		return nil, fmt.Errorf("%s: no folder %s* in it", dir, agentPrefix)
	}
	return all, nil
}

func openAgent(m *generate.Model, path string, words *quotes, textTokens int) (*Agent, error) {
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
	e, err := newExplainer(m, path, q, lora, words, textTokens)
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

// The places of Agent.Tiers.
const (
	Cheapest = iota
	Between
	Strongest
)

// An AgentRequest is a request to choose a model for.
type AgentRequest struct {
	Text string
	// Pick chooses among the candidates by what the agent found: the difficulties and
	// the tools of its argument. It says what it took, Cheapest, Between or Strongest.
	// It is called once, or not at all when the limit came first, never after Choose
	// has returned, and must not wait.
	Pick func(found *Verdict) (tier int)
	// Limit is how long it may take; 0 means as long as its context lives. What is
	// not known by then is missing.
	Limit time.Duration
	Emit  func(text string) error // of the reason, as in Request
}

// A Verdict is what an agent says about a request.
type Verdict struct {
	Difficulty   string    // the most probable; "" when the limit came before it
	Difficulties []float64 // how likely each is
	Tools        string    // what an answer needs; "" when the limit came before it
	Tier         string    // what Pick took; "" when it was not called
	Written
}

// choose notes the choice of a set.
func (v *Verdict) choose(a *Agent, set int, c generate.Choice) {
	if set == 0 {
		v.Difficulty, v.Difficulties = a.Difficulties[c.Label], temper(c.P, a.e.temperature)
	} else {
		v.Tools = a.Tools[c.Label]
	}
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
	// What follows choices is asked by the model's loop, which may go on for a moment
	// when nobody waits any more.
	var lock sync.Mutex
	var found Verdict
	over, tier := false, Cheapest
	q := &generate.Request{Prompt: prompt, Choose: a.e.choices, Adapter: a.e.adapter}
	q.After = func(set int, c generate.Choice) []int32 {
		lock.Lock()
		defer lock.Unlock()
		if !over {
			found.choose(a, set, c)
		}
		if set != a.e.after {
			return nil
		}
		if !over {
			tier = min(max(r.Pick(&found), Cheapest), Strongest)
			found.Tier = a.Tiers[tier]
		}
		return a.e.inserted[tier]
	}
	w := Written{Cut: cut}
	err = a.e.write(within, q, r.Text, &w, began, func(text string) error {
		if r.Emit == nil {
			return nil
		}
		return r.Emit(text)
	})
	lock.Lock()
	over = true
	v := found
	lock.Unlock()
	v.Written = w
	if tooLate(ctx, within, err) {
		v.Late, v.Reason, err = true, "", nil
	}
	if err != nil {
		return nil, err
	}
	v.Total = time.Since(began)
	return &v, nil
}

// Grade has the difficulty of a text and the tools that it needs, as Choose has
// them, and nothing is written. It takes no longer than limit; 0 means as long as
// ctx lives. What is not known by then is missing.
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
		if within.Err() != nil {
			return within.Err() // it is there, and too late all the same
		}
		v.choose(a, set, c)
		if v.Tools == "" {
			return nil
		}
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
func (a *Agent) Assess(ctx context.Context, text string) ([]float64, error) {
	prompt, _, err := a.e.prompt(text)
	if err != nil {
		return nil, err
	}
	p, err := a.e.model.Score(ctx, prompt, a.e.choices[0], a.e.adapter)
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
