package grammar

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// JSONSchema is the grammar of JSON values that a schema describes. Supported are
//
//	type (one or several), enum, const, nullable, title and other annotations
//	properties, required, additionalProperties
//	items, prefixItems, minItems, maxItems
//	minLength, maxLength, pattern, format
//	minimum, maximum, exclusiveMinimum, exclusiveMaximum
//	anyOf, allOf, oneOf where its alternatives provably exclude each other
//	$ref to a place in the same schema, recursion included
//
// and the formats date, time, date-time, duration, email, hostname, ipv4, ipv6, uri
// and uuid. Any other keyword or format is an [Error] with its place. A pattern is
// a search in the string, as in JSON Schema, in the syntax of package regexp.
//
// What is written may be less than what is valid. Properties come in the order of
// their declaration. Members that are not named come only if additionalProperties
// allows them in so many words, or if the schema names no property at all, and
// after those that are named; their keys have no escapes, and one may come twice.
// A schema without a type that has keywords of some types is of those types.
// Numbers with a limit have no exponent. Strings with a pattern or format escape
// only what they must, others have at most four bytes for each code point of
// maxLength. Where alternatives begin alike in more than 32 ways, 32 are followed.
func JSONSchema(schema []byte) (*Grammar, error) { return Options{}.JSONSchema(schema) }

// JSONSchema is the grammar of JSON values that a schema describes, within the
// bounds of o.
func (o Options) JSONSchema(schema []byte) (*Grammar, error) {
	o = o.withDefaults()
	if len(schema) > o.SchemaBytes {
		return nil, limitf("the schema has %d bytes, more than %d", len(schema), o.SchemaBytes)
	}
	root, err := parseNode(schema)
	if err != nil {
		return nil, err
	}
	c := &compiler{
		o: o, root: root, budget: maxSteps,
		parsed: map[*node]*keywords{}, known: map[*node][]conj{}, active: map[*node]bool{},
		schemas: map[string]int32{}, lexes: map[string]int32{}, inners: map[string]*dfa{},
	}
	id, err := c.schema([]*node{root})
	if err != nil {
		return nil, err
	}
	for len(c.todo) > 0 { // a queue, so that deep schemas need no deep stack
		t := c.todo[0]
		c.todo = c.todo[1:]
		if err := c.fill(t); err != nil {
			return nil, err
		}
	}
	g := &Grammar{rules: c.rules, root: id, depth: int32(o.Depth)}
	o.States -= c.states
	if err := g.finish(o, c.why); err != nil {
		return nil, err
	}
	return g, nil
}

const (
	maxSteps        = 1 << 21 // of compilation
	maxRules        = 1 << 15
	maxAlternatives = 256 // of one value
)

// errUnproven ends a proof that would need the alternatives of the schema that it
// is made for.
var errUnproven = errors.New("grammar: not shown")

// A conj is schemas that must all hold, each without what it refers to.
type conj []*keywords

// A compiler makes rules of schemas. A schema's alternatives (anyOf, oneOf, and
// what allOf and $ref bring along) are multiplied out first; then the keywords
// of each are merged and become rules.
type compiler struct {
	o       Options
	root    *node
	parsed  map[*node]*keywords
	known   map[*node][]conj // alternatives of a schema
	active  map[*node]bool   // those that are being found
	schemas map[string]int32 // rules by the schemas that they hold together
	lexes   map[string]int32 // rules by what they are
	inners  map[string]*dfa  // automata of the inside of strings
	rules   []rule
	todo    []task
	budget  int
	states  int
	proving bool  // two alternatives are being told apart
	why     error // the first reason for a value being impossible
}

// A task is a rule that was given out and has to be made.
type task struct {
	rule  int32
	nodes []*node
}

func (c *compiler) spend(n int, at *node) error {
	if c.budget -= n; c.budget < 0 {
		return &Error{Pointer: at.pointer(), Reason: "the schema takes too long to compile", Limit: true}
	}
	return nil
}

// placeOf is where the schema of a task stands.
func (c *compiler) placeOf(t task) *node {
	if len(t.nodes) == 0 {
		return c.root
	}
	return t.nodes[0]
}

func tooMany(at *node) error {
	return &Error{Pointer: at.pointer(), Reason: fmt.Sprintf("more than %d alternatives", maxAlternatives), Limit: true}
}

func (c *compiler) impossible(at *node, reason string) {
	if c.why == nil {
		c.why = at.errorf("no value is valid: %s", reason)
	}
}

// schema is the rule of the values that are valid under all of nodes; under none
// of them, every value is.
func (c *compiler) schema(nodes []*node) (int32, error) {
	nodes = slices.Clone(nodes)
	slices.SortStableFunc(nodes, func(a, b *node) int { return cmp.Compare(a.id, b.id) })
	nodes = slices.Compact(nodes)
	var key []byte
	for _, n := range nodes {
		key = binary.LittleEndian.AppendUint32(key, uint32(n.id))
	}
	if id, ok := c.schemas[string(key)]; ok {
		return id, nil
	}
	id, err := c.add(rule{kind: anAlt})
	c.schemas[string(key)] = id
	c.todo = append(c.todo, task{id, nodes})
	return id, err
}

func (c *compiler) add(r rule) (int32, error) {
	if len(c.rules) >= maxRules {
		return 0, limitf("the schema needs more than %d rules", maxRules)
	}
	c.rules = append(c.rules, r)
	return int32(len(c.rules) - 1), nil
}

// fill finds the alternatives of a rule.
func (c *compiler) fill(t task) error {
	alts, err := c.product(t.nodes)
	if err != nil {
		return err
	}
	var ids []int32
	for _, alt := range alts {
		ids, err = c.merged(ids, alt)
		if err != nil {
			return err
		}
	}
	seen := map[int32]bool{}
	c.rules[t.rule].alts = without(ids, func(id int32) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
	if n := len(c.rules[t.rule].alts); n > maxAlternatives {
		return tooMany(c.placeOf(t))
	}
	return nil
}

// product is the alternatives of nodes together.
func (c *compiler) product(nodes []*node) ([]conj, error) {
	alts := []conj{{}}
	for _, n := range nodes {
		of, err := c.alternatives(n)
		if err != nil {
			return nil, err
		}
		if alts, err = c.times(alts, of, n); err != nil {
			return nil, err
		}
	}
	return alts, nil
}

// times is every a together with every b.
func (c *compiler) times(a, b []conj, at *node) ([]conj, error) {
	if len(a)*len(b) > maxAlternatives {
		return nil, tooMany(at)
	}
	var out []conj
	for _, x := range a {
		for _, y := range b {
			if err := c.spend(len(x)+len(y)+1, at); err != nil {
				return nil, err
			}
			both := slices.Clone(x)
			in := make(map[*keywords]bool, len(x))
			for _, k := range x {
				in[k] = true
			}
			for _, k := range y {
				if !in[k] {
					both = append(both, k)
				}
			}
			out = append(out, both)
		}
	}
	return out, nil
}

// alternatives multiplies out the schema at n.
func (c *compiler) alternatives(n *node) ([]conj, error) {
	if alts, ok := c.known[n]; ok {
		return alts, nil
	}
	if c.active[n] && c.proving {
		return nil, errUnproven
	}
	if c.active[n] {
		return nil, n.errorf("recursion without an end: the schema refers to itself as the same value")
	}
	if len(c.active) > 4*nesting {
		return nil, &Error{Pointer: n.pointer(), Reason: "references to references are nested too deep", Limit: true}
	}
	c.active[n] = true
	defer delete(c.active, n)
	k, err := c.keywords(n)
	if err != nil {
		return nil, err
	}
	if k.none {
		c.impossible(n, "the schema is false")
		c.known[n] = nil
		return nil, nil
	}
	alts := []conj{{}}
	parts, own := slices.Clone(k.all), conj{k}
	if k.ref != nil {
		target, err := resolve(c.root, k.ref)
		if err != nil {
			return nil, err
		}
		parts = slices.Insert(parts, 0, target)
	}
	// What stands before the own properties comes before them, as in an object
	// that extends another.
	if len(parts) > 0 && k.props != nil && k.props.id < max(idOf(k.ref), idOf(first(k.all))) {
		alts, own = []conj{own}, nil
	}
	for _, p := range parts {
		of, err := c.alternatives(p)
		if err != nil {
			return nil, err
		}
		if alts, err = c.times(alts, of, n); err != nil {
			return nil, err
		}
	}
	if own != nil {
		if alts, err = c.times(alts, []conj{own}, n); err != nil {
			return nil, err
		}
	}
	for _, g := range k.groups {
		of, err := c.union(g)
		if err != nil {
			return nil, err
		}
		if alts, err = c.times(alts, of, n); err != nil {
			return nil, err
		}
	}
	c.known[n] = alts
	return alts, nil
}

func first(list []*node) *node {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func idOf(n *node) int32 {
	if n == nil {
		return -1
	}
	return n.id
}

// union is the alternatives of an anyOf or oneOf.
func (c *compiler) union(g group) ([]conj, error) {
	var all []conj
	for i, n := range g.of {
		of, err := c.alternatives(n)
		if err != nil {
			return nil, err
		}
		if g.one {
			within := c.proving
			c.proving = true
			for j, m := range g.of[:i] {
				apart, err := c.disjoint(of, c.known[m], 6)
				if err != nil && err != errUnproven {
					return nil, err
				}
				if !apart && within {
					return nil, errUnproven
				}
				if !apart {
					return nil, g.node.errorf("alternatives %d and %d may hold at once, or it cannot be shown that they do not; use anyOf, or a const in a required property of each", j, i)
				}
			}
			c.proving = within
		}
		if all = append(all, of...); len(all) > maxAlternatives {
			return nil, tooMany(g.node)
		}
	}
	return all, nil
}

func (c *compiler) keywords(n *node) (*keywords, error) {
	if k, ok := c.parsed[n]; ok {
		return k, nil
	}
	k, err := parseKeywords(n)
	if err != nil {
		return nil, err
	}
	c.parsed[n] = k
	return k, nil
}
