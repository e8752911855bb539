// Package router is the routing policy: what a request asks for and what the
// classifiers read in it go in, a decision with its reasons comes out. It does
// no I/O and keeps no state, so the same input always gives the same decision.
package router

import "time"

// A Category is a field of knowledge with its probability.
type Category struct {
	Name string  `json:"label"`
	P    float64 `json:"score"`
}

// A Verdict is what the guard says about a text.
type Verdict struct {
	Score  float64 `json:"score"`          // probability of a jailbreak or an injection
	Label  string  `json:"label"`          // benign or jailbreak, by the guard's own threshold
	Window int     `json:"window"`         // of the text or its view, the one that decided
	View   string  `json:"view,omitempty"` // the reading of the text that decided: base64, ...; "" for the text itself
}

// A Span is a stretch of a text that holds personal data.
type Span struct {
	Start int     `json:"start"` // bytes of the text
	End   int     `json:"end"`
	Type  string  `json:"label"` // EMAIL_ADDRESS, PERSON, ...
	Score float64 `json:"score"`
	By    string  `json:"by"` // model or pattern
}

// A Reading is what the classifiers read in one text. A nil field was not asked
// for, or no model answers it.
type Reading struct {
	Intent  []Category // highest first
	Guard   *Verdict
	PII     []Span // in the order of the text
	Tokens  int
	Windows int
}

// A Part is one text of a request with its reading.
type Part struct {
	Role    string // user, system, assistant, tool
	Text    string
	Reading Reading
}

// Signals are what the classifiers say about a whole request.
type Signals struct {
	Intent []Category // highest first; empty when unknown
	Told   *Told      // what a decoder said of it; nil when none was asked
	// Difficulty is what an agent said; nil when none was asked, or was late.
	Difficulty *Difficulty
	Guard      *Verdict // the worst of the parts
	// GuardPart is the index of the part with the worst verdict.
	GuardPart int
	PII       []PartSpan
	Tokens    int
	Windows   int
}

// A PartSpan is personal data in one of the parts of a request.
type PartSpan struct {
	Part int
	Span
}

// Told is what a decoder said about the field of a request.
type Told struct {
	Decoder string     // its name
	Intent  []Category // highest first; empty when it was late, or could not answer
	Took    time.Duration
	Limit   time.Duration
	Late    bool // the limit came before the answer
}
