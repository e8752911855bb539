// Package grammar constrains what a decoder writes: to a JSON Schema, to a
// regular expression, or to one of a list of labels. A [Grammar] is an automaton
// over bytes. Bound to the [Vocabulary] of a model it says for each [State] of a
// text which tokens may follow, as a bit set that a sampler applies to the
// logits before it chooses.
//
// Three things are promised. What is complete is valid. A token that was allowed leads to a text that can be
// completed. And no text is longer than [Grammar.MaxBytes]: what a schema leaves
// without an end, strings, arrays, digits, recursion, gets one from [Options], and
// a text that comes near the bound of the whole is led to its end.
//
// A vocabulary may lack bytes: of those that are no token of their own, [Grammar.Bind]
// leaves out every text that needs them, or says that none is left.
//
// A grammar may allow less than its schema does, never more. Text is compact,
// members come in the order of their declaration, and an object gets members that
// its schema does not name only if it asks for them (see [JSONSchema]). What
// cannot be held is an [Error] that names the place; no keyword is ignored.
//
// # How it works
//
// Everything regular (strings, numbers, literals, patterns) is a deterministic
// automaton with a range of bytes an edge. Objects, arrays and recursion are
// frames on a stack above which such an automaton runs. Where alternatives begin
// alike, several stacks are kept until all but one have died.
//
// A mask is made by one walk over a trie of the vocabulary. Within the automaton
// on top of the stack a walk does not depend on what lies below, so it is made
// once for each state of it and kept; only tokens that leave it, such as those
// that hold the quote that ends a string, are followed into what lies below.
// Both are kept in a bounded cache under a key in which counters that no token
// can exhaust look alike, so that a long string has one mask and not hundreds.
package grammar

import (
	"fmt"
	"math"
)

// Options bound what a grammar leaves open, and the work that a hostile one can
// cause. Zero fields have the defaults that stand behind them.
type Options struct {
	MaxBytes    int  // of an answer: 32768
	StringBytes int  // of a JSON string without maxLength, escaped, without its quotes: 256
	TextBytes   int  // of a text whose pattern has no end: 1024
	Items       int  // of an array without maxItems, members of an object beyond those it names: 32
	Digits      int  // of a number before its point, and after it: 18
	Depth       int  // of objects and arrays in each other: 32
	SchemaBytes int  // of the schema, the pattern, the labels together: 1 MiB
	States      int  // of all automata of a grammar: 262144
	Spaced      bool // a space after each comma and colon, as Python writes JSON
}

func (o Options) withDefaults() Options {
	set := func(p *int, v int) {
		if *p <= 0 || *p > math.MaxInt32/4 {
			*p = v
		}
	}
	set(&o.MaxBytes, 32<<10)
	set(&o.StringBytes, 256)
	set(&o.TextBytes, 1024)
	set(&o.Items, 32)
	set(&o.Digits, 18)
	set(&o.Depth, 32)
	set(&o.SchemaBytes, 1<<20)
	set(&o.States, 1<<18)
	return o
}

// An Error says why there is no grammar.
type Error struct {
	Pointer string // a JSON pointer into the schema, "" for its root and for other grammars
	Reason  string
	Limit   bool // a limit of Options or of this package was met
}

func (e *Error) Error() string {
	if e.Pointer == "" {
		return "grammar: " + e.Reason
	}
	return "grammar: #" + e.Pointer + ": " + e.Reason
}

func errorf(format string, args ...any) *Error { return &Error{Reason: fmt.Sprintf(format, args...)} }

func limitf(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Limit: true}
}

// A Grammar is a set of texts. It does not change and may be shared.
type Grammar struct {
	rules    []rule
	root     int32
	depth    int32 // of containers, at most
	maxBytes int32
	// The two limits that a text can run into although every part of it keeps its
	// own. Without them no step needs to look.
	deep, long bool
	spaced     bool
	grow       int32 // what one byte can add to the shortest end, at most
	deepest    int32 // the largest least depth of a rule
	options    Options
}

// MaxBytes is the length of the longest text.
func (g *Grammar) MaxBytes() int { return int(g.maxBytes) }

// MinBytes is the length of the shortest text.
func (g *Grammar) MinBytes() int { return int(g.rules[g.root].close) }

// Labels is the grammar of the given texts.
func Labels(labels []string) (*Grammar, error) { return Options{}.Labels(labels) }

// Labels is the grammar of the given texts, within the bounds of o.
func (o Options) Labels(labels []string) (*Grammar, error) {
	o = o.withDefaults()
	if len(labels) == 0 {
		return nil, errorf("no labels")
	}
	sum := 0
	for _, l := range labels {
		sum += len(l)
	}
	if sum > o.SchemaBytes {
		return nil, limitf("the labels have %d bytes, more than %d", sum, o.SchemaBytes)
	}
	d, err := literals(labels, o.States)
	if err != nil {
		return nil, err
	}
	return single(d, o, o.TextBytes)
}

// single is the grammar of one automaton.
func single(d *dfa, o Options, budget int) (*Grammar, error) {
	g := &Grammar{depth: int32(o.Depth), spaced: o.Spaced}
	g.rules = []rule{lexRule(d, budget)}
	return g, g.finish(o, nil)
}
