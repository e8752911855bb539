package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	reasonPlace     = "{reason}"
)

// A Manifest is mom.json of a decoder that was trained to label and explain.
type Manifest struct {
	Version      int      `json:"version"`
	Name         string   `json:"name"`
	Function     string   `json:"function"` // intent
	Labels       []string `json:"labels"`
	Difficulties []string `json:"difficulties,omitempty"`
	Prompt       string   `json:"prompt"` // with {text} once
	Answer       string   `json:"answer"` // with {label}, then {second} or not, then {difficulty} if there are any, then {reason} at its end

	Temperature  float64 `json:"temperature,omitempty"`   // of the label's probabilities; 0 means 1
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
	if m.Function != "intent" {
		return fmt.Errorf("function: %q is not supported; intent is", m.Function)
	}
	if err := checkNames("labels", m.Labels, 2); err != nil {
		return err
	}
	if err := checkNames("difficulties", m.Difficulties, 0); err != nil {
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
	if !(m.Temperature >= 0 && m.Temperature < 1000) {
		return fmt.Errorf("temperature: %v is outside 0 to 1000", m.Temperature)
	}
	_, err := m.literals()
	return err
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

// seconds reports whether the answer says which label came second.
func (m *Manifest) seconds() bool { return strings.Contains(m.Answer, secondPlace) }

// literals are the texts of the answer before {label}, {second}, {difficulty} and
// {reason}. Those before places that the answer does not have are "".
func (m *Manifest) literals() (out [4]string, err error) {
	rest := m.Answer
	for i, place := range []string{labelPlace, secondPlace, difficultyPlace, reasonPlace} {
		if place == difficultyPlace && len(m.Difficulties) == 0 || place == secondPlace && !m.seconds() {
			continue
		}
		before, after, ok := strings.Cut(rest, place)
		if !ok || strings.Contains(before+after, place) {
			return out, fmt.Errorf("answer: want %s, %s (or not), %s (where there are difficulties) and %s, once each and in this order",
				labelPlace, secondPlace, difficultyPlace, reasonPlace)
		}
		if i > 0 && strings.TrimSpace(before) == "" {
			return out, fmt.Errorf("answer: want a mark, such as a comma, before %s", place)
		}
		out[i], rest = before, after
	}
	if rest != "" || strings.ContainsAny(strings.Join(out[:], ""), "{}") {
		return out, fmt.Errorf("answer: %s is its end, and no other places are in it", reasonPlace)
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
