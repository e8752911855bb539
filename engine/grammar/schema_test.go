package grammar

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// bytesOnly is a vocabulary of the 256 bytes and EOS.
func bytesOnly() *Vocabulary {
	var pieces [][]byte
	for b := range 256 {
		pieces = append(pieces, []byte{byte(b)})
	}
	return NewVocabulary(append(pieces, nil), 256)
}

func mustSchema(t testing.TB, schema string) *Grammar {
	t.Helper()
	g, err := JSONSchema([]byte(schema))
	if err != nil {
		t.Fatalf("%v\n%s", err, schema)
	}
	return g
}

func accepts(g *Grammar, text string) bool {
	s := g.Bind(bytesOnly()).Start()
	return s.AcceptBytes([]byte(text)) == nil && s.Done()
}

// Texts that a schema's grammar holds, and such as it does not.
func TestJSONSchema(t *testing.T) {
	f := func(schema string, yes, no []string) {
		t.Helper()
		g := mustSchema(t, schema)
		for _, text := range yes {
			if !accepts(g, text) {
				t.Errorf("%s does not hold %s", schema, text)
			}
			if len(text) > g.MaxBytes() || len(text) < g.MinBytes() {
				t.Errorf("%s: %d bytes are not within %d..%d", schema, len(text), g.MinBytes(), g.MaxBytes())
			}
		}
		for _, text := range no {
			if accepts(g, text) {
				t.Errorf("%s holds %s", schema, text)
			}
		}
	}
	type list = []string

	f(`{"type":"null"}`, list{`null`}, list{``, `nul`, `nulll`, `true`})
	f(`{"type":["boolean","integer","null"]}`, list{`true`, `false`, `null`, `0`, `-12`}, list{`-0`, `01`, `1.0`, `1e3`, `"x"`, `+1`})
	f(`{"type":"string","nullable":true}`, list{`null`, `"x"`}, list{`1`})
	f(`{"type":"number"}`, list{`0`, `-0`, `1.5`, `-10.25e+09`, `1E5`}, list{`.5`, `1.`, `1e`, `--1`, `0x1`, `NaN`, `1e999`})

	f(`{"type":"string"}`,
		list{`""`, `"a\"b\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00"`, `"é日😀"`, "\"\x7f\"", `"` + strings.Repeat("x", 256) + `"`},
		list{`"`, `"a""`, "\"\n\"", `"\x"`, `"\u12"`, `"\ud800"`, `"\ud800\u0041"`, `"\udc00"`, "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xe6\x97\"", `"` + strings.Repeat("x", 257) + `"`})
	f(`{"type":"string","minLength":2,"maxLength":3}`, list{`"ab"`, `"日本語"`, `"\n\t"`, `"\u00e9x日"`}, list{`"a"`, `"abcd"`, `"日"`, `"\ud83d\ude00"`, `"\u00e9\u00e9\u00e9"`}) // 4 bytes a code point
	f(`{"maxLength":0}`, list{`""`}, list{`"a"`, `1`})
	f(`{"type":"string","pattern":"b+"}`, list{`"b"`, `"abc"`, `"\"bb\n"`}, list{`"a"`, `""`})
	f(`{"type":"string","pattern":"^[a-c]\"?$","maxLength":2}`, list{`"a"`, `"b\""`}, list{`"d"`, `"ab"`, `"\u0061"`})
	f(`{"type":"string","pattern":"^a*$","minLength":3,"maxLength":4}`, list{`"aaa"`, `"aaaa"`}, list{`"aa"`, `"aaaaa"`})
	f(`{"allOf":[{"pattern":"^a"},{"pattern":"z$"}],"type":"string","minLength":3}`, list{`"abz"`, `"a\n\nz"`}, list{`"az"`, `"abc"`, `"bz"`})
	f(`{"type":"string","pattern":"^\u0001$"}`, list{`"\u0001"`}, list{`"1"`})

	f(`{"type":"string","format":"date"}`, list{`"2024-02-29"`, `"2000-02-29"`, `"1999-12-31"`}, list{`"2023-02-29"`, `"1900-02-29"`, `"2023-04-31"`, `"2023-13-01"`, `"23-01-01"`})
	f(`{"type":"string","format":"date-time"}`, list{`"2024-02-29T23:59:59Z"`, `"2024-01-01T00:00:00.123+05:30"`}, list{`"2024-02-29"`, `"2024-02-29 10:00:00Z"`, `"2024-02-29T24:00:00Z"`, `"2024-02-29T10:00:00"`})
	f(`{"type":"string","format":"uuid"}`, list{`"123e4567-e89b-12d3-a456-426614174000"`}, list{`"123e4567e89b12d3a456426614174000"`, `"g23e4567-e89b-12d3-a456-426614174000"`})
	f(`{"type":"string","format":"email"}`, list{`"jane.doe@mail.example.com"`}, list{`"jane"`, `"@example.com"`, `"a@b"`, `"a..b@example.com"`})
	f(`{"type":"string","format":"ipv4"}`, list{`"0.0.0.0"`, `"255.1.99.200"`}, list{`"256.1.1.1"`, `"1.1.1"`, `"01.1.1.1"`})

	f(`{"type":"integer","minimum":-3,"maximum":12}`, list{`-3`, `-1`, `0`, `7`, `12`}, list{`-4`, `13`, `120`, `-0`, `1.0`})
	f(`{"type":"integer","exclusiveMinimum":0.5,"exclusiveMaximum":3}`, list{`1`, `2`}, list{`0`, `3`, `-1`})
	f(`{"type":"integer","minimum":10}`, list{`10`, `99`, `100`, `123456789012345678`}, list{`9`, `-10`, `010`})
	f(`{"type":"number","minimum":0,"maximum":1}`, list{`0`, `0.5`, `1`, `1.000`, `0.123456789`}, list{`1.0001`, `-0.1`, `-0`, `2`, `1e0`})
	f(`{"type":"number","exclusiveMinimum":-2.5,"exclusiveMaximum":-0.25}`, list{`-2.4999`, `-0.251`, `-1`, `-0.3`}, list{`-2.5`, `-2.50`, `-0.25`, `-0.250`, `0`, `-3`})
	f(`{"type":"number","maximum":-1e2}`, list{`-100`, `-100.0`, `-1000`}, list{`-99.9`, `0`, `100`})

	object := `{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"boolean"},"ab":{"const":"x"}},"required":["a"]}`
	f(object, list{`{"a":true}`, `{"b":1,"a":false}`, `{"a":true,"ab":"x"}`, `{"b":1,"a":true,"ab":"x"}`},
		list{`{}`, `{"b":1}`, `{"a":true,"b":1}`, `{"a":true,}`, `{,"a":true}`, `{"a": true}`, `{"a":true,"c":1}`, `{"a":true,"a":true}`})
	f(`{"type":"object","properties":{},"additionalProperties":false}`, list{`{}`}, list{`{"a":1}`})
	f(`{"type":"object","additionalProperties":{"type":"integer"}}`, list{`{}`, `{"x":1,"日":2}`}, list{`{"x":"y"}`, `{"":1}`, `{"x":1,}`})
	f(`{"type":"object","properties":{"id":{"type":"integer"},"idea":{"type":"null"}},"additionalProperties":{"type":"string"},"required":["id"]}`,
		list{`{"id":1}`, `{"id":1,"i":"x","ide":"","ideas":"y"}`, `{"id":1,"idea":null,"z":"y"}`},
		list{`{"x":"y","id":1}`, `{"id":1,"idea":"x"}`, `{"id":1,"id":"x"}`, `{"i":"x"}`})
	f(`{"required":["k"]}`, list{`{"k":[1,{"x":null}]}`}, list{`{}`, `1`})
	f(`{"type":"object"}`, list{`{}`, `{"a":{"b":[[],{}]}}`}, list{`[]`})
	f(`true`, list{`1`, `"x"`, `[null,true]`, `{"a":[]}`}, list{``, `[1,]`, `{1:2}`})

	f(`{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}`, list{`[1]`, `[1,2,3]`}, list{`[]`, `[1,2,3,4]`, `[1,]`, `["a"]`})
	f(`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"maxItems":4}`,
		list{`[]`, `[1]`, `[1,"a"]`, `[1,"a",null,null]`}, list{`["a"]`, `[1,1]`, `[1,"a",1]`, `[1,"a",null,null,null]`})
	f(`{"type":"array","prefixItems":[{"type":"integer"}],"items":false}`, list{`[]`, `[1]`}, list{`[1,1]`})

	f(`{"enum":["a",1,null,{"k":[1,"é"]}]}`, list{`"a"`, `1`, `null`, `{"k":[1,"é"]}`}, list{`"b"`, `{"k":[1]}`})
	f(`{"type":"integer","enum":["a",1,2.5,7],"maximum":5}`, list{`1`}, list{`"a"`, `7`, `2.5`})
	f(`{"const":"a\"b"}`, list{`"a\"b"`}, list{`"a"`})
	f(`{"type":"object","enum":[{"a":1},{"a":"x"},[]],"properties":{"a":{"type":"string"}}}`, list{`{"a":"x"}`}, list{`{"a":1}`, `[]`})

	// Alternatives that begin alike are followed side by side.
	f(`{"anyOf":[{"type":"object","properties":{"k":{"type":"integer"},"x":{"type":"null"}},"required":["k","x"]},
		{"type":"object","properties":{"k":{"type":"number"},"y":{"type":"null"}},"required":["k","y"]}]}`,
		list{`{"k":1,"x":null}`, `{"k":1,"y":null}`, `{"k":1.5,"y":null}`}, list{`{"k":1.5,"x":null}`, `{"k":1}`})
	f(`{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"v":{"type":"integer"}},"required":["t","v"]},
		{"type":"object","properties":{"t":{"enum":["b","c"]},"v":{"type":"string"}},"required":["t","v"]},{"type":"null"}]}`,
		list{`{"t":"a","v":1}`, `{"t":"c","v":"x"}`, `null`}, list{`{"t":"a","v":"x"}`})
	f(`{"allOf":[{"$ref":"#/$defs/base"},{"properties":{"b":{"type":"integer","minimum":0}},"required":["b"]}],"$defs":{"base":{"type":"object","properties":{"a":{"type":"null"},"b":{"maximum":3}},"required":["a"]}}}`,
		list{`{"a":null,"b":2}`}, list{`{"a":null}`, `{"a":null,"b":4}`, `{"b":2}`})
	f(`{"type":"object","properties":{"a":{"type":"integer"}},"anyOf":[{"properties":{"b":{"type":"null"}},"required":["b"]},{"required":["a"]}]}`,
		list{`{"b":null}`, `{"a":1,"b":null}`, `{"a":1}`}, list{`{}`})

	// Recursion.
	tree := `{"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/n"}}},"required":["v","kids"],"additionalProperties":false}},"$ref":"#/$defs/n"}`
	f(tree, list{`{"v":1,"kids":[]}`, `{"v":1,"kids":[{"v":2,"kids":[]},{"v":3,"kids":[{"v":4,"kids":[]}]}]}`}, list{`{"v":1}`, `{"v":1,"kids":[{"v":2}]}`})
	f(`{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#"}}]}`, list{`1`, `[[1],[]]`, strings.Repeat("[", 32) + strings.Repeat("]", 32)},
		list{`["x"]`, strings.Repeat("[", 33) + strings.Repeat("]", 33)})
	f(`{"definitions":{"a/b~":{"type":"null"}},"items":{"$ref":"#/definitions/a~1b~0"}}`, list{`[null]`}, list{`[1]`})
}

func TestSpaced(t *testing.T) {
	g, err := Options{Spaced: true}.JSONSchema([]byte(`{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{"const":{"x":[1,2],"y":3}}},"additionalProperties":{"type":"null"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{"a": [1, 2], "b": {"x": [1, 2], "y": 3}, "c": null}`: true,
		`{}`:                   true,
		`{"a":[1]}`:            false,
		`{"a": [1,2]}`:         false,
		`{"a": [1], "b":  {}}`: false,
	} {
		if accepts(g, text) != want {
			t.Errorf("%s: want %v", text, want)
		}
	}
}

// Errors name the place.
func TestSchemaErrors(t *testing.T) {
	f := func(schema, pointer, reason string) {
		t.Helper()
		_, err := JSONSchema([]byte(schema))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", schema, err)
			return
		}
		if e.Pointer != pointer || !strings.Contains(e.Reason, reason) || e.Limit {
			t.Errorf("%s: got %q: %q, limit %v; want %q: %q", schema, e.Pointer, e.Reason, e.Limit, pointer, reason)
		}
	}
	for _, keyword := range []string{"not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties",
		"unevaluatedItems", "contains", "minContains", "maxContains", "multipleOf", "minProperties", "maxProperties", "additionalItems", "$dynamicRef", "$anchor", "contentEncoding", "contentSchema", "minimun"} {
		f(fmt.Sprintf(`{"type":"object","properties":{"a/b":{%q:{}}}}`, keyword), "/properties/a~1b/"+strings.ReplaceAll(keyword, "~", "~0"), "is not supported")
	}
	f(`{"type":"array","items":{"uniqueItems":true}}`, "/items/uniqueItems", "not supported")
	f(`{"type":"array","items":[{}]}`, "/items", "prefixItems")
	f(`{"properties":{"a":{"$id":"x"}}}`, "/properties/a/$id", "root")
	f(`{"type":"string","format":"phone"}`, "/format", `format "phone" is not supported`)
	f(`{"type":"strnig"}`, "/type", `type "strnig"`)
	f(`{"type":["string",1]}`, "/type/1", `type 1`)
	f(`{"type":[]}`, "/type", "no type")
	f(`{"minLength":-1}`, "/minLength", "not a length")
	f(`{"minimum":"1"}`, "/minimum", "a number")
	f(`{"exclusiveMinimum":true,"minimum":1}`, "/exclusiveMinimum", "a number")
	f(`{"enum":1}`, "/enum", "an array")
	f(`{"required":[1]}`, "/required/0", "a string")
	f(`{"properties":[]}`, "/properties", "an object")
	f(`{"properties":{"a":7}}`, "/properties/a", "a schema is an object or a boolean, not a number")
	f(`{"anyOf":[]}`, "/anyOf", "schemas")
	f(`{"$ref":"#/$defs/x"}`, "/$ref", "not there")
	f(`{"$ref":"http://example.com/x"}`, "/$ref", "within this schema")
	f(`{"$ref":"#/a~2"}`, "/$ref", "not a JSON pointer")
	f(`{"properties":{"a":1,"a":2}}`, "/properties", `"a" is given twice`)
	f(`{"type":"string","pattern":"(?=a)b"}`, "/pattern", "pattern")
	f(`{"type":"string","pattern":"\\bx"}`, "/pattern", `\b`)
	f(`{"type":"string","pattern":"(?m)^x"}`, "/pattern", "(?m)")
	f(`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "/oneOf", "alternatives 0 and 1 may hold at once")
	f(`{"oneOf":[{"type":"object","properties":{"a":{}}},{"type":"object","properties":{"b":{}}}]}`, "/oneOf", "alternatives 0 and 1")
	f(`{"type":"object","properties":{"x":{"oneOf":[{"const":1},{"const":2},{"enum":[3,1.0]}]}}}`, "/properties/x/oneOf", "alternatives 0 and 2")

	// Nothing is valid.
	f(`false`, "", "the schema is false")
	f(`{"type":"integer","minimum":3,"maximum":2}`, "", "no number")
	f(`{"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2}`, "", "no number")
	f(`{"allOf":[{"type":"string"},{"type":"integer"}]}`, "/allOf/0", "no type is left")
	f(`{"minLength":3,"maxLength":2}`, "", "minLength")
	f(`{"type":"array","minItems":3,"maxItems":2}`, "", "minItems")
	f(`{"type":"string","enum":[1]}`, "", "the enum")
	f(`{"type":"string","pattern":"^a$","minLength":2}`, "", "no string")
	f(`{"type":"object","properties":{"a":{}},"required":["b"],"additionalProperties":false}`, "", `"b" is required`)

	// Recursion without an end.
	f(`{"$ref":"#"}`, "", "recursion without an end")
	f(`{"anyOf":[{"type":"null"},{"$ref":"#"}]}`, "", "recursion without an end")
	f(`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, "", "recursion without an end")
	f(`{"type":"array","items":{"$ref":"#"},"minItems":1}`, "", "recursion without an end")
	f(`{"properties":{"q":{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"}]}}}`, "/$defs/a", "recursion without an end")

	// Not JSON.
	f(``, "", "not JSON")
	f(`{"type"`, "", "not JSON")
	f(`{} {}`, "", "not one JSON value")
	f("{\"title\":\"\xff\"}", "", "UTF-8")
	f(`7`, "", "a schema is an object or a boolean")
}

// What is hostile ends in one error, soon, and that error is one of a limit.
func TestHostileSchemas(t *testing.T) {
	chain := func(n int, link, last string) string {
		var b strings.Builder
		b.WriteString(`{"$ref":"#/$defs/d0","$defs":{`)
		for i := range n {
			fmt.Fprintf(&b, `"d%d":%s,`, i, strings.ReplaceAll(link, "NEXT", fmt.Sprintf(`{"$ref":"#/$defs/d%d"}`, i+1)))
		}
		fmt.Fprintf(&b, `"d%d":%s}}`, n, last)
		return b.String()
	}
	list := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ",")
	}
	const fine = ""
	for name, c := range map[string]struct{ schema, reason string }{
		"nested":             {strings.Repeat(`{"items":`, 300) + "true" + strings.Repeat("}", 300), "nested deeper"},
		"brackets":           {strings.Repeat(`[`, 500000), "nested deeper"},
		"too deep":           {strings.Repeat(`{"type":"array","minItems":1,"items":`, 40) + "true" + strings.Repeat("}", 40), "in each other"},
		"long":               {`{"title":"` + strings.Repeat("x", 1<<20) + `"}`, "more than 1048576"},
		"references":         {chain(30000, "NEXT", `{"type":"null"}`), "nested too deep"},
		"chain of arrays":    {chain(14000, `{"items":NEXT,"type":"array","minItems":1}`, `{}`), ""},
		"doubling objects":   {chain(30, `{"type":"object","properties":{"a":NEXT,"b":NEXT},"required":["a","b"]}`, `{"type":"null"}`), "longer than"},
		"doubling options":   {chain(64, `{"type":"object","properties":{"a":NEXT,"b":NEXT}}`, `{"type":"null"}`), fine},
		"doubling anyOf":     {chain(40, `{"anyOf":[NEXT,NEXT]}`, `{"type":"null"}`), "alternatives"},
		"doubling false":     {chain(40, `{"anyOf":[NEXT,NEXT]}`, `false`), "false"},
		"doubling allOf":     {chain(60, `{"allOf":[NEXT,NEXT]}`, `{"type":"null"}`), fine},
		"doubling oneOf":     {chain(40, `{"oneOf":[NEXT,{"const":1}]}`, `{"type":"null"}`), "may hold"},
		"product":            {`{"allOf":[` + list(20, func(i int) string { return fmt.Sprintf(`{"anyOf":[{"minLength":%d},{"minimum":%d}]}`, i, i) }) + `]}`, "alternatives"},
		"many alternatives":  {`{"anyOf":[` + list(5000, func(i int) string { return fmt.Sprintf(`{"const":%d}`, i) }) + `]}`, "alternatives"},
		"ambiguous":          {`{"anyOf":[` + list(200, func(i int) string { return fmt.Sprintf(`{"type":"array","items":{"$ref":"#"},"maxItems":%d}`, i+1) }) + `]}`, fine},
		"large enum":         {`{"enum":[` + list(60000, func(i int) string { return fmt.Sprintf(`"%d\u00e9%d"`, i, i*7) }) + `]}`, fine},
		"huge enum":          {`{"enum":[` + list(20000, func(i int) string { return fmt.Sprintf(`"%x-0123456789-0123456789"`, i*2654435761) }) + `]}`, "states"},
		"two enums":          {`{"allOf":[{"enum":[` + list(60000, func(i int) string { return fmt.Sprint(i) }) + `]},{"enum":[` + list(60000, func(i int) string { return fmt.Sprint(2 * i) }) + `]}]}`, fine},
		"many properties":    {`{"type":"object","properties":{` + list(5000, func(i int) string { return fmt.Sprintf(`"property%d":{"type":"integer"}`, i) }) + `}}`, fine},
		"too many rules":     {`{"prefixItems":[` + list(40000, func(i int) string { return fmt.Sprintf(`{"maximum":%d}`, i) }) + `],"maxItems":50000}`, "rules"},
		"many required":      {`{"required":[` + list(60000, func(i int) string { return fmt.Sprintf(`"p%d"`, i) }) + `]}`, "longer than"},
		"huge lengths":       {`{"type":"string","minLength":1e9,"maxLength":1e300}`, "longer than"},
		"huge maximum":       {`{"type":"string","maxLength":1e300}`, fine},
		"huge items":         {`{"type":"array","items":{"type":"null"},"minItems":1e18}`, "longer than"},
		"huge number":        {`{"type":"number","maximum":1e999999999}`, "digits"},
		"tiny number":        {`{"type":"number","maximum":1e-999999999}`, "digits"},
		"large bounds":       {`{"type":"number","minimum":-1.23456789e300,"maximum":1.5e-300}`, fine},
		"pattern":            {`{"type":"string","pattern":"(a|b)*a(a|b){40}"}`, "pattern"},
		"pattern sets":       {`{"type":"string","pattern":"^(\\pL{1,100}\\pN?){1,9}$"}`, ""},
		"pattern size":       {`{"type":"string","pattern":"((a{100}){100}){100}"}`, "pattern"},
		"pattern and length": {`{"type":"string","pattern":"^(\\pL\\pN)*$","maxLength":100000}`, "states"},
		"many patterns":      {`{"allOf":[` + list(60, func(i int) string { return fmt.Sprintf(`{"type":"string","pattern":"a.{%d}b"}`, i%12) }) + `]}`, ""},
		"merged recursion": {`{"$defs":{` + list(12, func(i int) string {
			return fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}}`, i, (i+1)%12, (i*5+1)%12)
		}) + `},"allOf":[{"$ref":"#/$defs/d0"},{"$ref":"#/$defs/d5"}]}`, fine},
		"pointer chain": {`{"$ref":"#` + strings.Repeat("/a", 400000) + `"}`, "not there"},
	} {
		t.Run(name, func(t *testing.T) {
			began := cpuTime()
			g, err := JSONSchema([]byte(c.schema))
			spent := cpuTime() - began
			t.Logf("%v, %v", spent, err)
			if spent > 3*time.Second {
				t.Errorf("took %v of the processor", spent)
			}
			var e *Error
			switch {
			case err == nil:
				if c.reason != "" {
					t.Errorf("no error; want %q", c.reason)
				}
				walkSome(t, g)
			case c.reason == "":
				if !errors.As(err, &e) || !e.Limit {
					t.Errorf("%v", err)
				}
			case !strings.Contains(err.Error(), c.reason) || len(err.Error()) > 500:
				t.Errorf("got %.600v; want %q", err, c.reason)
			}
		})
	}
}

// walkSome holds what a state of a hostile schema may cost.
func walkSome(t *testing.T, g *Grammar) {
	t.Helper()
	began := cpuTime()
	s := g.Bind(bytesOnly()).Start()
	for i := range 300 {
		if s.Done() {
			break
		}
		mask := s.Mask()
		for b := 255; b >= 0; b-- {
			if has(mask, (b+i*i)%256) {
				if err := s.Accept(int32((b + i*i) % 256)); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
	}
	if spent := cpuTime() - began; spent > 2*time.Second {
		t.Errorf("300 bytes took %v", spent)
	}
}
