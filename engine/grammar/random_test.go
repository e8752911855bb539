package grammar

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomVocabulary holds every byte and n pieces of several bytes, among them
// pieces of JSON, of the given texts, and of no valid text at all. The last token
// is EOS, one before it has no bytes.
func randomVocabulary(rng *rand.Rand, n int, texts ...string) (*Vocabulary, int32) {
	var pieces [][]byte
	for b := range 256 {
		pieces = append(pieces, []byte{byte(b)})
	}
	parts := []string{`"`, `{`, `}`, `[`, `]`, `,`, `:`, `\`, `\n`, `\u00`, `\ud83d\ude00`, `é`, "日本", "😀", "\xf0\x9f", "\x80", "\xff",
		"true", "false", "null", "12", "0", "-", ".5", "e+1", "-0", " ", "a", "b", "word", "2024-02-29", "T", "Z", "name", `":`, `","`, `"},{"`, `]]}`, "0000"}
	parts = append(parts, texts...)
	for range n {
		var p string
		for range 1 + rng.IntN(3) {
			s := parts[rng.IntN(len(parts))]
			i := rng.IntN(len(s))
			p += s[i : i+1+rng.IntN(len(s)-i)]
		}
		pieces = append(pieces, []byte(p))
	}
	pieces = append(pieces, nil, []byte("</s>"))
	eos := int32(len(pieces) - 1)
	return NewVocabulary(pieces, eos), eos
}

// schemaMaker makes random schemas that have a value.
type schemaMaker struct {
	rng  *rand.Rand
	defs []string
}

// schema is a whole schema, with definitions that may be recursive.
func (m *schemaMaker) schema() string {
	m.defs = nil
	for i := range m.rng.IntN(3) {
		m.defs = append(m.defs, fmt.Sprintf("d%d", i))
	}
	root := m.value(3)
	if len(m.defs) == 0 {
		return root
	}
	var defs []string
	for _, d := range m.defs {
		defs = append(defs, fmt.Sprintf(`%q:%s`, d, m.definition(d)))
	}
	return fmt.Sprintf(`{"$defs":{%s},"allOf":[%s]}`, strings.Join(defs, ","), root)
}

// definition refers to others only where it need not.
func (m *schemaMaker) definition(name string) string {
	ref := func() string { return fmt.Sprintf(`{"$ref":"#/$defs/%s"}`, m.defs[m.rng.IntN(len(m.defs))]) }
	switch m.rng.IntN(4) {
	case 0:
		return fmt.Sprintf(`{"type":"array","items":%s,"maxItems":%d}`, ref(), m.rng.IntN(4))
	case 1:
		return fmt.Sprintf(`{"type":"object","properties":{"kind":{"const":%q},"next":{"anyOf":[{"type":"null"},%s]},"more":%s},"required":["kind","next"],"additionalProperties":false}`, name, ref(), ref())
	case 2:
		return fmt.Sprintf(`{"type":"object","additionalProperties":%s}`, ref())
	}
	defs := m.defs
	m.defs = nil
	v := m.value(1)
	m.defs = defs
	return v
}

func (m *schemaMaker) value(depth int) string {
	n := 12
	if depth == 0 {
		n = 7
	}
	switch m.rng.IntN(n) {
	case 0:
		return []string{`{"type":"null"}`, `{"type":"boolean"}`, `{"type":["boolean","null"]}`, `{"const":"fixed"}`, `{"enum":[1,"two",null,[3,{"four":-5.50e1}]]}`,
			`{"type":"string","enum":["a","ab","é\n\"","",7]}`, `{"type":"string","nullable":true,"maxLength":3}`, `true`, `{}`}[m.rng.IntN(9)]
	case 1:
		return m.number("integer")
	case 2:
		return m.number("number")
	case 3:
		return m.text()
	case 4:
		return fmt.Sprintf(`{"type":"string","format":%q}`, []string{"date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}[m.rng.IntN(10)])
	case 5:
		return fmt.Sprintf(`{"type":"string","pattern":%q%s}`, []string{`^[a-z]{2,5}$`, `b+c`, `^\d{3}-\w*$`, `^(?i)yes|no$`, `["\\]`, `^\pL{1,8}$`, `é$`, `^[^a]{0,6}$`, `\n`}[m.rng.IntN(9)],
			[]string{"", `,"maxLength":9`, `,"minLength":4,"maxLength":4`, `,"minLength":2`}[m.rng.IntN(4)])
	case 6:
		if len(m.defs) == 0 {
			return m.text()
		}
		return fmt.Sprintf(`{"$ref":"#/$defs/%s"}`, m.defs[m.rng.IntN(len(m.defs))])
	case 7, 8:
		return m.object(depth)
	case 9:
		return m.array(depth)
	case 10:
		return fmt.Sprintf(`{"anyOf":[%s,%s,%s]}`, m.value(depth-1), m.value(depth-1), m.value(depth-1))
	}
	if m.rng.IntN(2) == 0 {
		return fmt.Sprintf(`{"oneOf":[%s,{"type":"object","properties":{"kind":{"const":"x"},"a":%s},"required":["kind"]},{"type":"object","properties":{"kind":{"const":"y"},"a":%s},"required":["kind","a"]}]}`,
			m.number("integer"), m.value(depth-1), m.value(depth-1))
	}
	return fmt.Sprintf(`{"allOf":[{"type":"object","properties":{"p":%s},"required":["p"]},{"properties":{"q":%s,"p":true}}],"properties":{"r":%s},"required":["r"]}`,
		m.value(depth-1), m.value(depth-1), m.value(depth-1))
}

func (m *schemaMaker) number(kind string) string {
	bound := func(f float64) string {
		if kind == "number" {
			return fmt.Sprintf("%.*f", m.rng.IntN(5), f)
		}
		return fmt.Sprintf("%.*f", m.rng.IntN(2), f)
	}
	scale := []float64{1, 10, 1000, 1e9, 1e17}[m.rng.IntN(5)]
	lo := (m.rng.Float64() - 0.6) * scale
	hi := lo + 2 + m.rng.Float64()*scale
	s := `{"type":"` + kind + `"`
	if m.rng.IntN(2) == 0 {
		s += fmt.Sprintf(`,%q:%s`, []string{"minimum", "exclusiveMinimum"}[m.rng.IntN(2)], bound(lo))
	}
	if m.rng.IntN(2) == 0 {
		s += fmt.Sprintf(`,%q:%s`, []string{"maximum", "exclusiveMaximum"}[m.rng.IntN(2)], bound(hi))
	}
	return s + "}"
}

func (m *schemaMaker) text() string {
	s := `{"type":"string"`
	lo := m.rng.IntN(4)
	if m.rng.IntN(2) == 0 {
		s += fmt.Sprintf(`,"minLength":%d`, lo)
	}
	if m.rng.IntN(2) == 0 {
		s += fmt.Sprintf(`,"maxLength":%d`, lo+m.rng.IntN(30))
	}
	return s + "}"
}

func (m *schemaMaker) object(depth int) string {
	var props, required []string
	names := []string{"name", "na", "id", "é", `q"\`, "items", "n", "z"}
	m.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, n := range names[:m.rng.IntN(5)] {
		props = append(props, fmt.Sprintf(`%q:%s`, n, m.value(depth-1)))
		if m.rng.IntN(2) == 0 {
			required = append(required, fmt.Sprintf("%q", n))
		}
	}
	s := `{"type":"object","properties":{` + strings.Join(props, ",") + `}`
	if len(required) > 0 {
		s += `,"required":[` + strings.Join(required, ",") + `]`
	}
	switch m.rng.IntN(4) {
	case 0:
		s += `,"additionalProperties":false`
	case 1:
		s += `,"additionalProperties":` + m.value(0)
	}
	return s + "}"
}

func (m *schemaMaker) array(depth int) string {
	s := `{"type":"array"`
	lo := m.rng.IntN(3)
	if m.rng.IntN(3) > 0 {
		s += `,"items":` + m.value(depth-1)
	}
	if m.rng.IntN(3) == 0 {
		s += fmt.Sprintf(`,"prefixItems":[%s,%s]`, m.value(depth-1), m.value(depth-1))
	}
	if m.rng.IntN(2) == 0 {
		s += fmt.Sprintf(`,"minItems":%d`, lo)
	}
	if m.rng.IntN(2) == 0 {
		s += fmt.Sprintf(`,"maxItems":%d`, lo+m.rng.IntN(4))
	}
	return s + "}"
}

// randomPattern is a regular expression.
func randomPattern(rng *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "é", "日", ".", `\d`, `\w`, `[^a-y]`, `\PL`, `(?i)k`, `\s`, `[α-ω]`, "xyz", `\.`, `(?s:.)`, `[\x{10000}-\x{10ffff}]`, `\x00`}[rng.IntN(17)]
	}
	x := randomPattern(rng, depth-1)
	switch rng.IntN(9) {
	case 0:
		return "(" + x + ")*"
	case 1:
		return "(" + x + ")+?"
	case 2:
		return "(?:" + x + ")?"
	case 3:
		return fmt.Sprintf("(?:%s){%d,%d}", x, rng.IntN(3), 2+rng.IntN(4))
	case 4, 5:
		return "(?:" + x + "|" + randomPattern(rng, depth-1) + ")"
	case 6:
		if rng.IntN(4) == 0 {
			return "^" + x + "$"
		}
	}
	return x + randomPattern(rng, depth-1)
}

// randomLabels are texts, some of which begin with others.
func randomLabels(rng *rand.Rand) []string {
	var out []string
	for range 1 + rng.IntN(12) {
		s := []string{"", "law", "é", "日本", "x"}[rng.IntN(5)]
		for range rng.IntN(6) {
			s += string(rune("abc déf"[rng.IntN(7)]))
		}
		out = append(out, strings.ToValidUTF8(s, "?"))
	}
	return out
}
