package protocol

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// names checks the keys of an object that is read: a key that is like a known
// one, or like another of the object, but for its case is refused, since readers
// disagree on whether it counts.
func (p *parser) names(obj int32, known []string) {
	odd := 0
	for k := obj + 1; k < p.nodes[obj].next; k = p.nodes[k+1].next {
		key := p.str(k)
		if lower(key) {
			continue
		}
		odd++
		for _, name := range known {
			if strings.EqualFold(name, key) {
				p.wrong(k+1, "invalid_key", fmt.Sprintf("keys are case sensitive; this one is %q", name))
				return
			}
		}
	}
	if odd == 0 || p.err != nil {
		return
	}
	seen := make(map[string]struct{}, 2*odd)
	for k := obj + 1; k < p.nodes[obj].next; k = p.nodes[k+1].next {
		key := fold(p.str(k))
		if _, twice := seen[key]; twice {
			p.wrong(k+1, "invalid_key", "this key is there twice but for its case")
			return
		}
		seen[key] = struct{}{}
	}
}

// fold gives equal strings for those that differ by case only.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func lower(key string) bool {
	for i := 0; i < len(key); i++ {
		if c := key[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// null reports whether the value stands for a key that is not there.
func (p *parser) null(v int32) bool { return p.nodes[v].kind == null }

func (p *parser) want(v int32, k jsonKind) bool {
	if p.nodes[v].kind != k {
		p.wrongType(v, k.String())
		return false
	}
	return true
}

func (p *parser) bool(v int32) bool {
	return !p.null(v) && p.want(v, boolean) && p.isTrue(v)
}

func (p *parser) string(v int32) string {
	if p.null(v) || !p.want(v, text) {
		return ""
	}
	return p.str(v)
}

// oneOf reads a string that must be one of those named.
func (p *parser) oneOf(v int32, names ...string) string {
	s := p.string(v)
	if s == "" && p.null(v) || p.err != nil {
		return ""
	}
	if !slices.Contains(names, s) {
		p.wrong(v, "invalid_value", "supported values are "+quotedList(names))
	}
	return s
}

func quotedList(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(n))
	}
	return b.String()
}

// int reads a whole number within limits; null is 0.
func (p *parser) int(v int32, least, most int) int {
	if p.null(v) || !p.want(v, number) {
		return 0
	}
	n, err := strconv.Atoi(p.raw(v))
	if err != nil {
		// 16.0 is a whole number too.
		f, ferr := strconv.ParseFloat(p.raw(v), 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			p.wrong(v, "invalid_type", "expected a whole number")
			return 0
		}
		n = int(f)
	}
	switch {
	case n < least:
		p.wrong(v, "integer_below_min_value", fmt.Sprintf("expected a number of at least %d", least))
	case n > most:
		p.wrong(v, "integer_above_max_value", fmt.Sprintf("expected a number of at most %d", most))
	}
	return n
}

// float reads a number within limits.
func (p *parser) float(v int32, least, most float64) float64 {
	if p.null(v) || !p.want(v, number) {
		return 0
	}
	f, err := strconv.ParseFloat(p.raw(v), 64)
	switch {
	case err != nil:
		p.wrong(v, "invalid_value", "the number is too large")
	case f < least:
		p.wrong(v, "decimal_below_min_value", fmt.Sprintf("expected a number of at least %g", least))
	case f > most:
		p.wrong(v, "decimal_above_max_value", fmt.Sprintf("expected a number of at most %g", most))
	}
	return f
}

// strings reads a list of strings; null is none.
func (p *parser) strings(v int32) (list []string) {
	if p.null(v) || !p.want(v, array) {
		return nil
	}
	for i := v + 1; i < p.nodes[v].next && p.err == nil; i = p.nodes[i].next {
		if p.want(i, text) {
			list = append(list, p.str(i))
		}
	}
	return list
}

const anyInt = 1 << 53

// common reads the fields that several calls share, and reports whether key is
// one of them.
func (p *parser) common(key string, v int32) bool {
	switch key {
	case "model":
		if p.keys.model = v; !p.null(v) && p.want(v, text) {
			if p.Model = p.str(v); p.Model == "" {
				p.wrong(v, "invalid_value", "the name of a model is expected")
			}
		}
	case "stream":
		p.Stream = p.bool(v)
	case "temperature":
		if !p.null(v) {
			p.Temp = p.float(v, 0, 2)
		}
	case "top_p":
		p.float(v, 0, 1)
	case "user", "safety_identifier", "prompt_cache_key":
		p.string(v)
	case "metadata":
		if !p.null(v) {
			p.want(v, object)
		}
	case "tools":
		if p.null(v) || !p.want(v, array) {
			return true
		}
		for t := v + 1; t < p.nodes[v].next; t = p.nodes[t].next {
			p.Tools = true
			if !p.want(t, object) {
				return true
			}
		}
	case "mom":
		p.options(v)
	default:
		return false
	}
	return true
}

func (p *parser) streamOptions(v int32) {
	p.keys.streamOptions = v
	if p.null(v) || !p.want(v, object) {
		return
	}
	p.names(v, []string{"include_usage", "include_obfuscation"})
	for k := v + 1; k < p.nodes[v].next; k = p.nodes[k+1].next {
		switch p.str(k) {
		case "include_usage":
			p.keys.includeUsage = k + 1
			p.IncludeUsage = p.bool(k + 1)
		case "include_obfuscation":
			p.bool(k + 1)
		}
	}
}

// stop checks a stop sequence or a list of them.
func (p *parser) stop(v int32) {
	switch p.nodes[v].kind {
	case null, text:
	case array:
		p.strings(v)
	default:
		p.wrongType(v, "a string or an array of strings")
	}
}
