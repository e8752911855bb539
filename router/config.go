package router

import "time"

// A Config is a policy: the models there are, the recipes that choose between
// them, who tells what a request is about, and what is done with attacks and
// personal data.
type Config struct {
	// The models to choose from.
	Models []Model `yaml:"models" json:"models"`
	// The policies that a client can ask for by name; "auto" is the usual one.
	Recipes []Recipe `yaml:"recipes" json:"recipes"`
	// Who tells what a request is about, unless a recipe says otherwise.
	Intent Intent `yaml:"intent" json:"intent"`
	// What is done with attacks and personal data, unless a recipe says otherwise.
	Security Security `yaml:"security" json:"security"`
	// How long a conversation stays with its model.
	Session Session `yaml:"session" json:"session"`
}

// A Model is one that can answer requests.
type Model struct {
	// What requests and recipes call it.
	Name string `yaml:"name" json:"name"`
	// What it costs.
	Price Price `yaml:"price" json:"price"`
	// The share of requests that it answers well, 0 to 1, over all fields.
	Quality float64 `yaml:"quality" json:"quality"`
	// The same by category, where it is known: {math: 0.8, law: 0.6}.
	Categories map[string]float64 `yaml:"categories" json:"categories,omitempty"`
	// Tokens that a prompt and its answer may have together; 0 means no limit.
	Context int `yaml:"context" json:"context,omitempty"`
	// It is asked by those who name it; a recipe chooses it only if it lists the
	// whole name.
	ByName bool `yaml:"by_name" json:"by_name,omitempty"`
	// What it can do beside text: tools, vision, json_schema.
	Capabilities []Capability `yaml:"capabilities" json:"capabilities,omitempty"`
}

// A Price is in US dollars for a million tokens.
type Price struct {
	// Of the prompt.
	Input float64 `yaml:"input" json:"input"`
	// Of the answer.
	Output float64 `yaml:"output" json:"output"`
	// Of prompt tokens that the upstream has cached; without it, as other input.
	CachedInput *float64 `yaml:"cached_input" json:"cached_input,omitempty"`
}

// A Capability is something that not every model can do.
type Capability string

const (
	Tools      Capability = "tools"       // call functions
	Vision     Capability = "vision"      // read images
	JSONSchema Capability = "json_schema" // answer in a given form
)

// A Recipe is a way to choose a model.
type Recipe struct {
	// What a request gives as its model.
	Name string `yaml:"name" json:"name"`
	// Models to choose from, with * as wildcard; empty means all.
	Models []string `yaml:"models" json:"models,omitempty"`
	// cost_quality_tradeoff of requests that bring none: 0 takes the best
	// model, 10 the cheapest.
	Tradeoff float64 `yaml:"cost_quality_tradeoff" json:"cost_quality_tradeoff"`
	// Below this probability of the likeliest category the recipe abstains.
	MinConfidence float64 `yaml:"min_confidence" json:"min_confidence"`
	// The model of requests on which it abstains; empty means that the models
	// are compared by their quality over all fields.
	Default string `yaml:"default" json:"default,omitempty"`
	// Tokens that an answer is expected to have, if the client allows as many.
	ExpectedOutput int `yaml:"expected_output" json:"expected_output"`
	// Rules for single categories.
	Domains []Domain `yaml:"domains" json:"domains,omitempty"`
	// Ask the agent of the request's field how hard the request is, and expect of
	// each model what it does with such requests.
	Agents bool `yaml:"agents" json:"agents,omitempty"`
	// Replaces the intent that is configured for all recipes.
	Intent *Intent `yaml:"intent" json:"intent,omitempty"`
	// Replaces the security that is configured for all recipes.
	Security *Security `yaml:"security" json:"security,omitempty"`
}

// A Domain changes a recipe for requests of some categories.
type Domain struct {
	// The categories, as the classifier calls them.
	Categories []string `yaml:"categories" json:"categories"`
	// Models to choose from, with * as wildcard; empty means those of the recipe.
	Models []string `yaml:"models" json:"models,omitempty"`
	// Replaces the recipe's cost_quality_tradeoff.
	Tradeoff *float64 `yaml:"cost_quality_tradeoff" json:"cost_quality_tradeoff,omitempty"`
}

// An Intent says who tells what a request is about. The encoder always reads it;
// a decoder can have the last word on its category.
type Intent struct {
	// The decoder whose category counts instead of the encoder's; empty means that
	// the encoder's counts.
	Decoder string `yaml:"decoder" json:"decoder,omitempty"`
	// How long the decoder may take; then the encoder's category stands.
	TimeLimit time.Duration `yaml:"time_limit" json:"time_limit" default:"200ms"`
}

// Security says what is done with attacks and personal data in a request.
type Security struct {
	// Attempts to take a model out of its instructions.
	Jailbreak Jailbreak `yaml:"jailbreak" json:"jailbreak"`
	// Personal data.
	PII PII `yaml:"pii" json:"pii"`
}

// A Jailbreak is the rule for attacks.
type Jailbreak struct {
	// block, flag or off; empty means off.
	Action Response `yaml:"action" json:"action"`
	// The score from which on a text is an attack; without it the guard's own.
	Threshold *float64 `yaml:"threshold" json:"threshold,omitempty"`
}

// A PII is the rule for personal data.
type PII struct {
	// block, mask, flag or off; empty means off.
	Action Response `yaml:"action" json:"action"`
	// The score from which on a span counts.
	Threshold float64 `yaml:"threshold" json:"threshold"`
	// Rules for single types, such as EMAIL_ADDRESS: {action: mask}.
	Types map[string]PIIRule `yaml:"types" json:"types,omitempty"`
}

// A PIIRule is the rule for one type of personal data.
type PIIRule struct {
	// block, mask, flag or off.
	Action Response `yaml:"action" json:"action"`
	// The score from which on a span counts; without it as for all types.
	Threshold *float64 `yaml:"threshold" json:"threshold,omitempty"`
}

// A Response is what is done about a finding.
type Response string

const (
	Off     Response = "off"   // not looked for
	Flag    Response = "flag"  // let through and noted
	Mask    Response = "mask"  // hidden from the upstream; personal data only
	Blocked Response = "block" // the request is refused
)

// Session says when a conversation changes its model. A change loses what the
// upstream has cached of the conversation, which the costs account for.
type Session struct {
	// Stay with a conversation's model as long as it is good enough.
	Affinity bool `yaml:"affinity" json:"affinity"`
	// The share of the expected cost that a change must save, 0 to 1.
	MinSaving float64 `yaml:"min_saving" json:"min_saving"`
}

// Default is the policy of a server without configuration: three abstract
// models whose prices and qualities are examples, to be replaced by those of
// the models that are really served.
func Default() Config {
	tier := func(name string, input, output, quality float64, context int, caps []Capability, byCategory ...float64) Model {
		m := Model{Name: name, Price: Price{Input: input, Output: output}, Quality: quality, Context: context,
			Capabilities: caps, Categories: map[string]float64{}}
		for i, c := range Categories() {
			m.Categories[c] = byCategory[i]
		}
		return m
	}
	return Config{
		Models: []Model{
			//                                        biol  bus   chem  cs    econ  eng   hlth  hist  law   math  other phil  phys  psych
			tier("small", 0.10, 0.40, 0.57, 32768, []Capability{Tools},
				0.70, 0.58, 0.46, 0.55, 0.63, 0.42, 0.58, 0.53, 0.34, 0.60, 0.80, 0.50, 0.50, 0.66),
			tier("medium", 0.60, 2.40, 0.72, 131072, []Capability{Tools, Vision, JSONSchema},
				0.84, 0.75, 0.72, 0.74, 0.78, 0.60, 0.73, 0.66, 0.52, 0.80, 0.86, 0.66, 0.75, 0.78),
			tier("large", 3.00, 15.00, 0.83, 200000, []Capability{Tools, Vision, JSONSchema},
				0.91, 0.85, 0.86, 0.85, 0.86, 0.73, 0.81, 0.78, 0.72, 0.90, 0.90, 0.80, 0.87, 0.84),
		},
		Recipes: []Recipe{{Name: "auto", Tradeoff: 4, MinConfidence: 0.3, ExpectedOutput: 400}},
		Intent:  Intent{TimeLimit: 200 * time.Millisecond},
		Security: Security{
			Jailbreak: Jailbreak{Action: Blocked},
			PII:       PII{Action: Flag, Threshold: 0.5},
		},
		Session: Session{Affinity: true, MinSaving: 0.2},
	}
}

// Categories are the fields that the embedded classifier tells apart.
func Categories() []string {
	return []string{"biology", "business", "chemistry", "computer science", "economics", "engineering", "health",
		"history", "law", "math", "other", "philosophy", "physics", "psychology"}
}
