package jinja

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// hostileTemplates never end, or grow without bounds, in Python.
func hostileTemplates() map[string]string {
	h := map[string]string{
		"loops in loops":            strings.Repeat("{% for a in range(100000) %}", 6) + "x" + strings.Repeat("{% endfor %}", 6),
		"empty loops":               "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
		"loops with a test":         "{% for a in range(100000) if false %}{% endfor %}" + strings.Repeat("{% for a in range(100000) if a < 0 %}{% endfor %}", 100),
		"a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"a macro that calls twice":  "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
		"macros that call in turn":  "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
		"a call block in itself":    "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{% call m() %}x{% endcall %}",
		"a recursive loop":          "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
		"a default that calls":      "{% macro m(a=m()) %}{% endmacro %}{{ m() }}",
		"a text that doubles":       "{% set ns = namespace(s='x') %}{% for a in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
		"a text that is joined":     "{% set ns = namespace(s='x') %}{% for a in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
		"a list that doubles":       "{% set ns = namespace(l=[1]) %}{% for a in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
		"a list of lists":           "{% set ns = namespace(l=[1]) %}{% for a in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
		"lists to JSON":             "{% set ns = namespace(l=[1]) %}{% for a in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
		"dicts to JSON":             "{% set ns = namespace(l={}) %}{% for a in range(60) %}{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ ns.l|tojson(indent=9) }}",
		"lists compared":            "{% set ns = namespace(l=[1], m=[1]) %}{% for a in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
		"lists ordered":             "{% set ns = namespace(l=[1], m=[1]) %}{% for a in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l < ns.m }}",
		"a deep list printed":       "{% set ns = namespace(l=[]) %}{% for a in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
		"a deep list to JSON":       "{% set ns = namespace(l=[]) %}{% for a in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}",
		"deep lists compared":       "{% set ns = namespace(l=[], m=[]) %}{% for a in range(50000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
		"a namespace in itself":     "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
		"a text times a billion":    "{{ 'x' * 1000000000 }}",
		"a text times 2^62":         "{{ 'xy' * 4611686018427387904 }}",
		"a list times a billion":    "{{ [1] * 1000000000 }}",
		"a list times 2^60":         "{{ ([1] * 1152921504606846976)|length }}",
		"a range":                   "{{ range(1000000000) }}",
		"ranges":                    "{{ range(-9223372036854775807, 9223372036854775807)|list }}",
		"center":                    "{{ 'x'|center(1000000000) }}",
		"ljust":                     "{{ 'x'.ljust(9223372036854775807) }}",
		"zfill":                     "{{ '1'.zfill(9000000000000) }}",
		"indent":                    "{{ 'x'|indent(1000000000, true) }}",
		"indent of many lines":      "{{ ('x\n' * 100000)|indent(100000) }}",
		"format with a width":       "{{ '%1000000000d' % 1 }}",
		"format with a precision":   "{{ '%.1000000000f' % 1.5 }}",
		"format with stars":         "{{ '%*.*f' % (1000000000, 1000000000, 1.5) }}",
		"tojson with an indent":     "{{ [[1]]|tojson(indent=1000000000) }}",
		"tojson with a long indent": "{{ ([[[[1]]]] * 1000)|tojson(indent='x' * 1000000) }}",
		"replace":                   "{{ ('x' * 100000)|replace('x', 'y' * 100000) }}",
		"replace of nothing":        "{{ ('x' * 100000).replace('', 'y' * 100000) }}",
		"join":                      "{{ (range(100000)|join('y' * 100000)) }}",
		"batch with a fill":         "{{ [1]|batch(1000000000, 'x')|list }}",
		"slice":                     "{{ [1]|slice(1000000000)|list }}",
		"split":                     "{% for a in range(1000) %}{% set x = ('a ' * 1000000).split() %}{% endfor %}",
		"searches":                  "{% set s = 'x' * 1000000 %}{% for a in range(100000) %}{% if 'y' in s %}{% endif %}{% endfor %}",
		"characters of a text":      "{% set s = 'x' * 1000000 %}{% for a in range(100000) %}{% set c = s[-1] %}{% endfor %}",
		"lengths of a text":         "{% set s = 'x' * 60000000 %}{% for a in range(100000) %}{% set c = s|length %}{% endfor %}",
		"texts compared":            "{% set s = 'x' * 10000000 %}{% set t = 'x' * 10000000 %}{% for a in range(100000) %}{% if s == t %}{% endif %}{% endfor %}",
		"sorts":                     "{% for a in range(100000) %}{% set x = range(100000)|sort(reverse=true) %}{% endfor %}",
		"unique":                    "{% for a in range(100000) %}{% set x = range(100000)|unique|list %}{% endfor %}",
		"generators of generators":  "{% set ns = namespace(g=[1]) %}{% for a in range(100000) %}{% set ns.g = ns.g|map('string') %}{% endfor %}{{ ns.g|list }}",
		"output":                    "{% for a in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
		"captured output":           "{% set ns = namespace(s='x') %}{% for a in range(60) %}{% set t %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = t %}{% endfor %}",
		"powers":                    "{% for a in range(100000) %}{% for b in range(100000) %}{% set x = 3 ** 39 %}{% endfor %}{% endfor %}",
		"arguments":                 "{% macro m() %}{{ varargs|length }}{% endmacro %}{% for a in range(100000) %}{{ m(*range(100000)) }}{% endfor %}",
		"strftime":                  "{{ strftime_now('%Y' * 100000000) }}",
		"joiners":                   "{% set j = joiner('x' * 10000000) %}{% for a in range(100) %}{{ j() }}{% endfor %}",
		"upper":                     "{% set s = 'ß' * 1000000 %}{% for a in range(100000) %}{% set s = s|upper %}{% endfor %}",
		"repr":                      "{% set s = '\\x00' * 10000000 %}{{ [s, s, s, s] }}",
		"truncate":                  "{% set s = 'x' * 10000000 %}{% for a in range(100000) %}{% set t = s|truncate(100) %}{% endfor %}",
		"sums of lists":             "{{ ([[1]] * 100000)|sum(start=[]) }}",
	}
	deep := func(name, before, middle, after string) {
		h["nested "+name] = strings.Repeat(before, 20000) + middle + strings.Repeat(after, 20000)
	}
	deep("parentheses", "{{ (", "1", ") }}")
	h["parentheses"] = "{{ " + strings.Repeat("(", 20000) + "1" + strings.Repeat(")", 20000) + " }}"
	h["brackets"] = "{{ " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + " }}"
	h["braces"] = "{{ " + strings.Repeat("{1:", 20000) + "1" + strings.Repeat("}", 20000) + " }}"
	h["not"] = "{{ " + strings.Repeat("not ", 20000) + "1 }}"
	h["minus"] = "{{ " + strings.Repeat("- ", 20000) + "1 }}"
	h["plus"] = "{{ 1" + strings.Repeat("+1", 20000) + " }}"
	h["tilde"] = "{{ 1" + strings.Repeat("~1", 20000) + " }}"
	h["and"] = "{{ 1" + strings.Repeat(" and 1", 20000) + " }}"
	h["compared"] = "{{ 1" + strings.Repeat(" < 1", 20000) + " }}"
	h["dots"] = "{{ a" + strings.Repeat(".a", 20000) + " }}"
	h["calls"] = "{{ a" + strings.Repeat("()", 20000) + " }}"
	h["filters"] = "{{ a" + strings.Repeat("|upper", 20000) + " }}"
	h["tests"] = "{{ a" + strings.Repeat(" is (a)", 20000) + " }}"
	h["conditions"] = "{{ a" + strings.Repeat(" if a else a", 20000) + " }}"
	h["strings"] = "{{ " + strings.Repeat("'a' ", 20000) + " }}"
	h["keywords"] = "{{ f("
	h["parameters"] = "{% macro m("
	for i := range 20000 {
		h["keywords"] += fmt.Sprintf("a%d=1,", i)
		h["parameters"] += fmt.Sprintf("a%d,", i)
	}
	h["keywords"] += ") }}"
	h["parameters"] += "a) %}{% endmacro %}"
	h["nested if"] = strings.Repeat("{% if a %}", 20000)
	h["nested for"] = strings.Repeat("{% for a in a %}", 15000)
	h["nested macros"] = strings.Repeat("{% macro a() %}", 15000)
	h["targets"] = "{% for " + strings.Repeat("(", 20000) + "a in a %}{% endfor %}"
	h["names"] = strings.Repeat("{% set x = 1 %}", 10)
	for i := range 10000 {
		h["names"] += fmt.Sprintf("{%% set a%d=1 %%}", i)
	}
	h["names"] += "{% for a in range(100000) %}{{ nosuch }}{% endfor %}"
	h["a long number"] = "{{ " + strings.Repeat("9", 200000) + " }}"
	h["a long template"] = strings.Repeat("x", MaxSource+1)
	h["no end of a comment"] = strings.Repeat("{# ", 50000)
	h["no end of a string"] = "{{ '" + strings.Repeat("x", 200000)
	h["blanks"] = "{{ " + strings.Repeat(" ", 200000)
	h["raw"] = "{% raw %}" + strings.Repeat("{% endraw ", 20000)
	return h
}

// Every hostile template ends soon, with an error that names the line and what
// went over its limit, and with little memory.
func TestHostileTemplates(t *testing.T) {
	full := DefaultLimits(1000)
	small := Limits{full.Steps / 5, full.Memory / 5, full.Output / 5, full.Depth}
	for name, source := range hostileTemplates() {
		limits := small
		switch name { // the slowest
		case "repr", "upper", "loops in loops", "slice", "unique":
			limits = full
		}
		t.Run(name, func(t *testing.T) {
			var err error
			start := time.Now()
			used := allocated(func() {
				var tmpl *Template
				if tmpl, err = Parse("test", source); err == nil {
					_, err = tmpl.Render(nil, &Dict{}, now, limits)
				}
			})
			if d := time.Since(start); d > time.Second {
				t.Errorf("took %v", d)
			}
			// A step may allocate some words; what is freed again counts here too.
			if most := 4*uint64(limits.Memory) + 100*uint64(limits.Steps); used > most {
				t.Errorf("allocated %d MiB, more than %d", used>>20, most>>20)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %T %v", err, err)
			}
			if e.Kind == Raised || e.Name != "test" || e.Line < 1 || len(e.Error()) > 300 {
				t.Errorf("%+v", e)
			}
			t.Logf("%.120s", e)
		})
	}
}

// allocated is the number of bytes that f allocates, freed or not.
func allocated(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	debug.SetMemoryLimit(4 << 30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Errors name the line that they are in.
func TestErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct {
		source, want string
		kind         Kind
	}{
		{"a\n\n{{ 1 +\n }}", "test: line 4: unexpected", Syntax},
		{"a\n{% if x %}\n", "test: line 2: elif or else or endif is missing", Syntax},
		{"a\n\n{% nosuch %}", "test: line 3: unknown statement", Syntax},
		{"a\n\n{{ x.y.z }}", `test: line 3: "x" is undefined`, Failed},
		{"{% for i in range(2) %}\n\n{{ 1 / 0 }}{% endfor %}", "test: line 3: division by zero", Failed},
		{"\n{{ raise_exception('Roles must alternate') }}", "test: line 2: Roles must alternate", Raised},
		{"{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", "test: line 2: nested deeper than 1000", Limit},
		{"\n{% for i in range(100000) %}\n{% for j in range(100000) %}{% endfor %}{% endfor %}", "steps", Limit},
		{"\n\n{{ 'x' * 10000000000 }}", "test: line 3: texts and lists of more than", Limit},
		{"\n{{ range(100001) }}", "test: line 2: a range of more than 100000 numbers", Limit},
	} {
		_, err := render(c.source, &Dict{})
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.source, err, c.want)
		}
	}
}

func TestFromJSON(t *testing.T) {
	for _, bad := range []string{"", "{", "[1,", `{"a"}`, "1 2", "nul", strings.Repeat("[", 200), "\"\xff\"", strings.Repeat("9", 5000), `{"a":1}}`} {
		if v, err := FromJSON([]byte(bad)); err == nil {
			t.Errorf("%.40q: %v", bad, v)
		}
	}
	v, err := FromJSON([]byte(`{"b": 1, "a": [1.0, true, null, "x", 12345678901234567890], "b": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	in := &interp{limits: DefaultLimits(0)}
	if got, want := in.str(v), "{'b': 2, 'a': [1.0, True, None, 'x', 12345678901234567890]}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzRender(f *testing.F) {
	s, vars := readSnippets(f)
	for i, c := range s.Snippets {
		if i%5 == 0 {
			f.Add(c[0])
		}
	}
	limits := Limits{Steps: 20000, Memory: 1 << 20, Output: 1 << 18, Depth: 300}
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := Parse("test", source)
		if err == nil {
			var out []byte
			if out, err = tmpl.Render(nil, vars, now, limits); len(out) > limits.Output {
				t.Fatalf("%d bytes of output", len(out))
			}
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Line < 1) {
			t.Fatalf("%T %v", err, err)
		}
	})
}
