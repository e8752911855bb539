package explain

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mom/weights"
)

// ManifestFile is what a folder says about its decoder.
const ManifestFile = "mom.json"

const (
	maxManifest = 1 << 20 // bytes
	maxLabels   = 256
)

// The places that prompt and answer have.
const (
	textPlace       = "{text}"
	labelPlace      = "{label}"
	secondPlace     = "{second}"
	difficultyPlace = "{difficulty}"
	toolsPlace      = "{tools}"
	tierPlace       = "{tier}"
	reasonPlace     = "{reason}"
)

// The functions that a decoder may have been trained for.
const (
	intentFunction = "intent" // label and explain
	agentFunction  = "agent"  // choose a model for requests of a field
)

// A Manifest is mom.json of a decoder that was trained to label and explain, or to
// choose models.
type Manifest struct {
	Version      int      `json:"version"`
	Name         string   `json:"name"`
	Function     string   `json:"function"`         // intent or agent
	Labels       []string `json:"labels,omitempty"` // of an intent
	Difficulties []string `json:"difficulties,omitempty"`
	Prompt       string   `json:"prompt"` // with {text} once
	// Answer has, of an intent, {label}, then {second} or not, then {difficulty} if
	// there are any; of an agent {difficulty}, {tools} and {tier}; and {reason} at its
	// end.
	Answer string `json:"answer"`

	Field string    `json:"field,omitempty"` // of an agent
	Tools []string  `json:"tools,omitempty"` // of an agent, that an answer may need; the first stands for none
	Tiers []string  `json:"tiers,omitempty"` // of an agent: what it calls the cheapest candidate, one between, the best
	Shift []float64 `json:"shift,omitempty"` // of an agent: what each difficulty adds to the log-odds of a right answer

	Temperature  float64 `json:"temperature,omitempty"`   // of the first choice's probabilities; 0 means 1
	TextTokens   int     `json:"text_tokens,omitempty"`   // of a text that are read; 0 means 512
	ReasonTokens int     `json:"reason_tokens,omitempty"` // that are written at most; 0 means 60
	Quotes       bool    `json:"quotes,omitempty"`        // reasons quote the text, and are held to what it says
}

// ParseManifest reads and checks mom.json of a decoder.
func ParseManifest(data []byte) (*Manifest, error) {
	var heads struct {
		Heads json.RawMessage `json:"heads"`
	}
	if json.Unmarshal(data, &heads) == nil && heads.Heads != nil {
		return nil, errors.New("heads: this is an encoder; want a decoder with function, labels, prompt and answer")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	m := &Manifest{}
	if err := dec.Decode(m); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is more after the object")
	}
	return m, m.check()
}

func (m *Manifest) check() error {
	if m.Version != 1 {
		return fmt.Errorf("version: %d is not supported; 1 is", m.Version)
	}
	if m.Name == "" {
		return errors.New("name: must not be empty")
	}
	if err := m.checkFunction(); err != nil {
		return err
	}
	if strings.Count(m.Prompt, textPlace) != 1 {
		return fmt.Errorf("prompt: want %s in it once, have it %d times", textPlace, strings.Count(m.Prompt, textPlace))
	}
	for _, v := range []struct {
		key              string
		value, low, high int
	}{{"text_tokens", m.TextTokens, 16, 1 << 20}, {"reason_tokens", m.ReasonTokens, 1, 1024}} {
		if v.value != 0 && (v.value < v.low || v.value > v.high) {
			return fmt.Errorf("%s: %d is outside %d to %d", v.key, v.value, v.low, v.high)
		}
	}
	if m.Temperature != 0 && !(m.Temperature >= 0.05 && m.Temperature <= 100) {
		return fmt.Errorf("temperature: %v is outside 0.05 to 100", m.Temperature)
	}
	_, err := m.literals()
	return err
}

func (m *Manifest) checkFunction() error {
	switch m.Function {
	case intentFunction:
		if m.Field != "" || m.Tools != nil || m.Tiers != nil || m.Shift != nil {
			return errors.New("field, tools, tiers and shift are for agents")
		}
		return cmp.Or(checkNames("labels", m.Labels, 2), checkNames("difficulties", m.Difficulties, 0))
	case agentFunction:
		if m.Field == "" || m.Labels != nil {
			return errors.New("an agent has a field, and no labels")
		}
		if len(m.Tiers) != 3 {
			return fmt.Errorf("tiers: want 3, have %d", len(m.Tiers))
		}
		if len(m.Shift) != len(m.Difficulties) {
			return fmt.Errorf("shift: want one for each of %d difficulties, have %d", len(m.Difficulties), len(m.Shift))
		}
		for i, x := range m.Shift {
			if !(math.Abs(x) <= 20) {
				return fmt.Errorf("shift[%d]: %v is outside -20 to 20", i, x)
			}
		}
		return cmp.Or(checkNames("difficulties", m.Difficulties, 2), checkNames("tools", m.Tools, 2), checkNames("tiers", m.Tiers, 3))
	}
	return fmt.Errorf("function: %q is not supported; %s and %s are", m.Function, intentFunction, agentFunction)
}

func checkNames(key string, names []string, least int) error {
	if len(names) < least || len(names) > maxLabels {
		return fmt.Errorf("%s: want %d to %d, have %d", key, least, maxLabels, len(names))
	}
	for i, n := range names {
		if n == "" || strings.TrimSpace(n) != n || slices.Contains(names[:i], n) {
			return fmt.Errorf("%s[%d]: %q is empty, has space around it, or is there twice", key, i, n)
		}
	}
	return nil
}

// A place of the answer has one of some names. Most probable ones are chosen; those
// of an inserted place depend on what was chosen before it.
type place struct {
	name     string
	names    []string
	inserted bool
}

// places are those of the answer before the reason.
func (m *Manifest) places() []place {
	if m.Function == agentFunction {
		return []place{{difficultyPlace, m.Difficulties, false}, {toolsPlace, m.Tools, false}, {tierPlace, m.Tiers, true}}
	}
	p := []place{{labelPlace, m.Labels, false}}
	if strings.Contains(m.Answer, secondPlace) {
		p = append(p, place{secondPlace, m.Labels, true})
	}
	if len(m.Difficulties) > 0 {
		p = append(p, place{difficultyPlace, m.Difficulties, false})
	}
	return p
}

// literals are the texts of the answer before each of its places and before the
// reason.
func (m *Manifest) literals() (out []string, err error) {
	rest := m.Answer
	names := []string{}
	for _, p := range m.places() {
		names = append(names, p.name)
	}
	names = append(names, reasonPlace)
	for i, name := range names {
		before, after, ok := strings.Cut(rest, name)
		if !ok || strings.Contains(before+after, name) {
			return nil, fmt.Errorf("answer: want %s, once each and in this order", strings.Join(names, ", "))
		}
		if i > 0 && strings.TrimSpace(before) == "" {
			return nil, fmt.Errorf("answer: want a mark, such as a comma, before %s", name)
		}
		out, rest = append(out, before), after
	}
	if rest != "" || strings.ContainsAny(strings.Join(out, ""), "{}") {
		return nil, fmt.Errorf("answer: %s is its end, and no other places are in it", reasonPlace)
	}
	return out, nil
}

// readManifest reads mom.json of a folder or an embedded decoder; nil if path is
// none that has one.
func readManifest(path string) (*Manifest, error) {
	info, err := os.Stat(path)
	if err != nil {
		m, ok := weights.Decoder(path)
		if !ok {
			return nil, nil // opening the model says what is wrong
		}
		return parseManifest("embedded "+path+"/"+ManifestFile, m.Files[ManifestFile])
	}
	if !info.IsDir() {
		return nil, nil
	}
	file := filepath.Join(path, ManifestFile)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxManifest {
		return nil, fmt.Errorf("%s: has more than %d bytes", file, maxManifest)
	}
	return parseManifest(file, data)
}

func parseManifest(name string, data []byte) (*Manifest, error) {
	m, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}
