package compat

import (
	"encoding/json"
	"fmt"
	"sync/atomic"

	"mom/server/web"
)

// counter adds up over the texts of a request.
type counter struct{ n atomic.Int64 }

func (c *counter) add(n int) { c.n.Add(int64(n)) }

// predictInput is one text "s", a pair ["a","b"], or a batch [["a"],["b","c"]].
type predictInput struct {
	texts []string
	batch bool
}

const predictForms = `inputs: want a string, a pair ["a","b"], or a batch [["a"],["b","c"]]`

// UnmarshalJSON takes the three forms. The texts of a pair are read as one,
// a line each, as no classifier here was trained on pairs.
func (p *predictInput) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		p.texts = []string{one}
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) != nil || len(list) == 0 {
		return web.Invalid("inputs", predictForms)
	}
	if list[0][0] == '"' {
		text, err := sequence(data)
		p.texts = []string{text}
		return err
	}
	p.batch = true
	for i, raw := range list {
		text, err := sequence(raw)
		if err != nil {
			return web.Invalid(fmt.Sprintf("inputs[%d]", i), predictForms)
		}
		p.texts = append(p.texts, text)
	}
	return nil
}

// sequence is one text in an array, or a pair.
func sequence(data []byte) (string, error) {
	var list []*string
	if json.Unmarshal(data, &list) != nil || len(list) < 1 || len(list) > 2 {
		return "", web.Invalid("inputs", predictForms)
	}
	for _, s := range list {
		if s == nil {
			return "", web.Invalid("inputs", predictForms)
		}
	}
	if len(list) == 2 {
		return *list[0] + "\n" + *list[1], nil
	}
	return *list[0], nil
}

// OpenAPISchema describes the three forms.
func (predictInput) OpenAPISchema() any {
	text := map[string]any{"type": "string"}
	some := func(most int) any {
		return map[string]any{"type": "array", "items": text, "minItems": 1, "maxItems": most}
	}
	return oneOf(text, some(2), arrayOf(some(2)))
}

// input is what /embed reads: texts or ids of tokens, one or a batch.
type input struct {
	texts []string
	ids   [][]int32 // instead of a text, where it is not nil
}

const inputForms = "want a string, ids of tokens, or an array of these"

// UnmarshalJSON takes "s", [1,2], ["a","b"], [[1,2],[3]] and mixtures.
func (in *input) UnmarshalJSON(data []byte) error {
	if in.one(data) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) != nil {
		return web.Invalid("", "the input: "+inputForms)
	}
	for i, raw := range list {
		if !in.one(raw) {
			return web.Invalid(fmt.Sprintf("[%d]", i), fmt.Sprintf("the input at %d: "+inputForms, i))
		}
	}
	return nil
}

// one adds a text or a non-empty list of ids.
func (in *input) one(data []byte) bool {
	var s *string
	if json.Unmarshal(data, &s) == nil {
		if s == nil {
			return false
		}
		in.texts, in.ids = append(in.texts, *s), append(in.ids, nil)
		return true
	}
	var ids []int32
	if json.Unmarshal(data, &ids) != nil || len(ids) == 0 {
		return false
	}
	in.texts, in.ids = append(in.texts, ""), append(in.ids, ids)
	return true
}

// OpenAPISchema describes the forms.
func (input) OpenAPISchema() any {
	text := map[string]any{"type": "string"}
	ids := arrayOf(map[string]any{"type": "integer", "format": "int32", "minimum": 0})
	return map[string]any{"anyOf": []any{text, ids, arrayOf(map[string]any{"anyOf": []any{text, ids}})}}
}

// read is the texts of in, those given as ids decoded.
func (a *api) read(in input) ([]string, error) {
	for i, ids := range in.ids {
		if ids == nil {
			continue
		}
		text, err := a.decode(ids, true)
		if err != nil {
			return nil, err
		}
		in.texts[i] = text
	}
	return in.texts, nil
}

func (a *api) decode(ids []int32, skipSpecial bool) (string, error) {
	if a.Decode == nil {
		return "", &web.Error{Status: 422, Code: "tokenizer", Message: "ids of tokens cannot be decoded here; send the text"}
	}
	for _, id := range ids {
		if id < 0 {
			return "", &web.Error{Status: 422, Code: "tokenizer", Message: "ids of tokens are 0 or more"}
		}
	}
	return a.Decode(ids, skipSpecial)
}

// direction is the end of a text that is cut: right (the default) or left.
type direction string

// UnmarshalJSON takes Left, Right and lower case.
func (d *direction) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"Right"`, `"right"`, "null":
		*d = ""
	case `"Left"`, `"left"`:
		*d = "left"
	default:
		return web.Invalid("truncation_direction", "truncation_direction: want Left or Right")
	}
	return nil
}

// OpenAPISchema lists the values.
func (direction) OpenAPISchema() any {
	return map[string]any{"type": []string{"string", "null"}, "enum": []any{"Left", "Right", "left", "right", nil}}
}

// fit refuses empty texts and, where the client asks for it, cuts those longer
// than m reads; else the classifier refuses them.
func (a *api) fit(m web.Model, texts []string, truncate bool, from direction) ([]string, error) {
	for i, t := range texts {
		if t == "" {
			return nil, teiEmpty("inputs")
		}
		if !truncate {
			continue
		}
		cut, err := a.cut(t, m.MaxTokens, from)
		if err != nil {
			return nil, err
		}
		texts[i] = cut
	}
	return texts, nil
}

// cut keeps the tokens of text at one end, most of them in all, special ones
// included.
func (a *api) cut(text string, most int, from direction) (string, error) {
	if most <= 0 {
		return text, nil
	}
	all, err := a.Classifier.Tokenize(text, true)
	if err != nil || len(all) <= most {
		return text, err
	}
	var kept []web.Token
	for _, t := range all {
		if !t.Special {
			kept = append(kept, t)
		}
	}
	room := max(1, most-(len(all)-len(kept)))
	if room >= len(kept) {
		return text, nil
	}
	if from == "left" {
		return text[kept[len(kept)-room].Start:], nil
	}
	return text[:kept[room-1].End], nil
}
