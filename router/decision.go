package router

import (
	"encoding/json"
	"fmt"
)

// A Request is what the policy needs to know of a request beside its signals.
type Request struct {
	Model           string   // "auto", the name of a recipe, or of a model
	InputTokens     int      // of the whole prompt, estimated
	MaxOutputTokens int      // that the client allows; 0 when it does not say
	Tools           bool     // the request brings tools
	Vision          bool     // the request brings images
	JSONSchema      bool     // the answer must follow a schema
	Allowed         []string // models to choose from, with * wildcards; empty means all
	Excluded        []string // models not to choose, with * wildcards
	Tradeoff        *float64 // cost_quality_tradeoff: 0 the best model .. 10 the cheapest; nil means the recipe's
	Pinned          string   // the model that served this conversation so far
	CachedTokens    int      // prompt tokens that the pinned model has probably cached
	Unavailable     []string // models without a working upstream now
}

// An Action is what happens to a request.
type Action string

// Route sends the request to a model; Block refuses it for what it holds; Refuse
// means that no model can serve it, and the candidates say why.
const (
	Route  Action = "route"
	Block  Action = "block"
	Refuse Action = "refuse"
)

// A Decision is what is done with a request, and why.
type Decision struct {
	Action    Action   `json:"action"`
	Model     string   `json:"model,omitempty"`     // chosen; empty when blocked
	Fallbacks []string `json:"fallbacks,omitempty"` // tried in this order when Model fails before the first byte
	Recipe    string   `json:"recipe"`              // the policy that was used
	Category  string   `json:"category,omitempty"`
	// Confidence is the probability of Category; Abstained says it was too low
	// to be used, and the default model was taken.
	Confidence float64     `json:"confidence"`
	Abstained  bool        `json:"abstained,omitempty"`
	Intent     *Teller     `json:"intent,omitempty"` // whose Category is, where the policy asks a decoder
	Mask       []PartSpan  `json:"-"`                // personal data to hide from the upstream
	Flags      []string    `json:"flags,omitempty"`  // what was noticed and let through: jailbreak, pii:EMAIL_ADDRESS
	Reasons    []Reason    `json:"reasons"`          // a stage each, in order: security, intent, domain, cost
	Candidates []Candidate `json:"candidates,omitempty"`
	Cost       float64     `json:"cost"`          // expected, of the chosen model, US dollars
	BestCost   float64     `json:"baseline_cost"` // expected, of the candidate with the highest quality
}

// A Teller says whose category a decision has, of encoder and decoder.
type Teller struct {
	By      string    `json:"by"`                // decoder or encoder
	Decoder string    `json:"decoder"`           // that was asked
	MS      float64   `json:"ms"`                // that it took
	LimitMS float64   `json:"limit_ms"`          // that it might take
	Late    bool      `json:"late,omitempty"`    // the limit came before its answer
	Failed  bool      `json:"failed,omitempty"`  // it could not answer
	Encoder *Category `json:"encoder,omitempty"` // the encoder's likeliest
}

// A Reason is what one stage found and did.
type Reason struct {
	Stage   string `json:"stage"` // security, intent, domain, cost
	Verdict string `json:"verdict"`
	Detail  string `json:"detail"` // a sentence for people
	Scores  Scores `json:"scores,omitempty"`
}

// Scores are the numbers that a stage looked at, in the order of their weight.
// In JSON they are an object.
type Scores []Score

// A Score is a number with its name.
type Score struct {
	Name  string
	Value float64
}

// MarshalJSON writes {"name": value, ...} in the order of s.
func (s Scores) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, x := range s {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, fmt.Errorf("score %s: %w", x.Name, err)
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, sorted by name.
func (s *Scores) UnmarshalJSON(b []byte) error {
	var m map[string]float64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*s = nil
	for _, name := range sortedKeys(m) {
		*s = append(*s, Score{name, m[name]})
	}
	return nil
}

// A Candidate is a model that was looked at.
type Candidate struct {
	Model    string  `json:"model"`
	Quality  float64 `json:"quality"`             // expected, 0..1, for this request
	Cost     float64 `json:"cost"`                // expected, US dollars
	RuledOut string  `json:"ruled_out,omitempty"` // why it cannot serve; empty when it can
}
