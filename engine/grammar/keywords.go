package grammar

import (
	"math"
	"math/big"
	"slices"
	"strings"
)

// typeSet are types of JSON values. Numbers are integers and others.
type typeSet uint8

const (
	tNull typeSet = 1 << iota
	tBool
	tInteger
	tFraction
	tString
	tArray
	tObject
	tAll = 1<<iota - 1
)

var typeNames = map[string]typeSet{
	"null": tNull, "boolean": tBool, "integer": tInteger, "number": tInteger | tFraction,
	"string": tString, "array": tArray, "object": tObject,
}

// keywords are those of one schema object, checked, without those it refers to.
type keywords struct {
	node  *node
	none  bool    // the schema is false
	types typeSet // 0: not said
	used  typeSet // the types that keywords here are about

	values []*node // enum, const; nil: not said

	props    *node // properties, or nil
	required []*node
	extra    *node // additionalProperties, or nil

	prefix             *node // prefixItems, or nil
	items              *node // or nil
	minItems, maxItems int   // -1: not said

	minLength, maxLength int // -1: not said
	pattern, format      *node

	lo, hi *bound

	ref    *node
	all    []*node
	groups []group
}

// A group is an anyOf or oneOf.
type group struct {
	node *node
	of   []*node
	one  bool
}

// annotation reports whether a keyword says nothing about what is valid.
func annotation(key string) bool {
	switch key {
	case "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
		"$comment", "$schema", "$defs", "definitions", "discriminator", "externalDocs":
		return true
	}
	return strings.HasPrefix(key, "x-")
}

// parseKeywords reads the schema at n.
func parseKeywords(n *node) (*keywords, error) {
	k := &keywords{node: n, minItems: -1, maxItems: -1, minLength: -1, maxLength: -1}
	switch n.kind {
	case isTrue:
		return k, nil
	case isFalse:
		k.none = true
		return k, nil
	case isObject:
	default:
		return nil, n.errorf("a schema is an object or a boolean, not %s", n.kind)
	}
	for i, key := range n.keys {
		if err := k.read(key, n.kids[i]); err != nil {
			return nil, err
		}
	}
	if v := n.get("nullable"); v != nil && v.kind == isTrue && k.types != 0 {
		k.types |= tNull
	}
	return k, nil
}

func (k *keywords) read(key string, v *node) (err error) {
	switch key {
	case "type":
		k.types, err = readTypes(v)
	case "nullable":
		_, err = v.bool()
	case "enum":
		if v.kind != isArray {
			return v.errorf("an array is expected")
		}
		k.values = intersectValues(k.values, slices.Clone(v.kids))
	case "const":
		k.values = intersectValues(k.values, []*node{v})
	case "properties":
		k.used |= tObject
		k.props = v
		if v.kind != isObject {
			return v.errorf("an object is expected")
		}
	case "required":
		k.used |= tObject
		k.required, err = v.strings()
	case "additionalProperties":
		k.used |= tObject
		k.extra = v
	case "prefixItems":
		k.used |= tArray
		k.prefix = v
		_, err = v.schemas(0)
	case "items":
		k.used |= tArray
		k.items = v
		if v.kind == isArray {
			return v.errorf("an array here is prefixItems since draft 2020-12")
		}
	case "minItems":
		k.used |= tArray
		k.minItems, err = v.count()
	case "maxItems":
		k.used |= tArray
		k.maxItems, err = v.count()
	case "uniqueItems":
		if on, err := v.bool(); err != nil || !on {
			return err
		}
		return v.errorf("is not supported but as false")
	case "minLength":
		k.used |= tString
		k.minLength, err = v.count()
	case "maxLength":
		k.used |= tString
		k.maxLength, err = v.count()
	case "pattern":
		k.used |= tString
		k.pattern = v
		if v.kind != isString {
			return v.errorf("a string is expected")
		}
	case "format":
		k.used |= tString
		k.format = v
		if _, ok := formats[v.text]; !ok || v.kind != isString {
			return v.errorf("format %s is not supported", v.appendText(nil, false))
		}
	case "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum":
		k.used |= tInteger | tFraction
		var x *big.Rat
		if v.kind != isNumber {
			return v.errorf("a number is expected")
		}
		if x, err = v.rat(); err != nil {
			return err
		}
		b := &bound{x, strings.HasPrefix(key, "exclusive")}
		switch {
		case strings.HasSuffix(strings.ToLower(key), "minimum"):
			if b.tighter(k.lo, 1) {
				k.lo = b
			}
		case b.tighter(k.hi, -1):
			k.hi = b
		}
	case "$ref":
		k.ref = v
		if v.kind != isString {
			return v.errorf("a string is expected")
		}
	case "allOf":
		k.all, err = v.schemas(1)
	case "anyOf", "oneOf":
		g := group{node: v, one: key == "oneOf"}
		g.of, err = v.schemas(1)
		k.groups = append(k.groups, g)
	case "$id":
		if v.parent.parent != nil {
			return v.errorf("is supported at the root only")
		}
	default:
		if !annotation(key) {
			return v.errorf("keyword %s is not supported", quote(key))
		}
	}
	return err
}

func readTypes(v *node) (typeSet, error) {
	names := []*node{v}
	if v.kind == isArray {
		names = v.kids
	}
	var set typeSet
	for _, n := range names {
		t, ok := typeNames[n.text]
		if !ok || n.kind != isString {
			return 0, n.errorf("type %s is not one of JSON", n.appendText(nil, false))
		}
		set |= t
	}
	if set == 0 {
		return 0, v.errorf("no type is given")
	}
	return set, nil
}

// intersectValues are the values of both, all of b where a is nil.
func intersectValues(a, b []*node) []*node {
	if a == nil {
		return b
	}
	in := map[string]bool{}
	for _, x := range b {
		in[string(x.appendCanonical(nil))] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(x *node) bool { return !in[string(x.appendCanonical(nil))] })
}

func (n *node) bool() (bool, error) {
	if n.kind != isTrue && n.kind != isFalse {
		return false, n.errorf("a boolean is expected")
	}
	return n.kind == isTrue, nil
}

func (n *node) strings() ([]*node, error) {
	if n.kind != isArray {
		return nil, n.errorf("an array of strings is expected")
	}
	for _, s := range n.kids {
		if s.kind != isString {
			return nil, s.errorf("a string is expected")
		}
	}
	return n.kids, nil
}

func (n *node) schemas(least int) ([]*node, error) {
	if n.kind != isArray || len(n.kids) < least {
		return nil, n.errorf("an array of schemas is expected")
	}
	return n.kids, nil
}

// count is a length. One that no text reaches is as good as another.
func (n *node) count() (int, error) {
	if n.kind != isNumber {
		return 0, n.errorf("a number is expected")
	}
	x, err := n.rat()
	if err != nil {
		return 0, err
	}
	if !x.IsInt() || x.Sign() < 0 {
		return 0, n.errorf("%s is not a length", n.text)
	}
	if !x.Num().IsInt64() || x.Num().Int64() > math.MaxInt32/8 {
		return math.MaxInt32 / 8, nil
	}
	return int(x.Num().Int64()), nil
}
