package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Config is what every architecture shares of a Hugging Face config.json.
type Config struct {
	Architectures []string          `json:"architectures"`
	ModelType     string            `json:"model_type"`
	ID2Label      map[string]string `json:"id2label"`
	NumLabels     *int              `json:"num_labels"`
	raw           []byte
}

// maxConfig bounds config.json; real ones have a few kilobytes, or some hundred
// with very many labels.
const maxConfig = 16 << 20

// ParseConfig reads config.json. Errors name the key.
func ParseConfig(data []byte) (*Config, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("config.json has %d bytes, more than %d", len(data), maxConfig)
	}
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	c := &Config{raw: data}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, err
	}
	return c, nil
}

// decode reads the architecture's own keys into v.
func (c *Config) decode(v any) error { return json.Unmarshal(c.raw, v) }

// Labels returns the names of the classes in order. A config without id2label
// has LABEL_0, LABEL_1, as transformers has it.
func (c *Config) Labels() ([]string, error) {
	n := len(c.ID2Label)
	if n == 0 {
		n = 2
		if c.NumLabels != nil {
			n = *c.NumLabels
		}
		if err := within("num_labels", n, 1, maxLabels); err != nil {
			return nil, err
		}
		labels := make([]string, n)
		for i := range labels {
			labels[i] = "LABEL_" + strconv.Itoa(i)
		}
		return labels, nil
	}
	if err := within("id2label", n, 1, maxLabels); err != nil {
		return nil, err
	}
	labels := make([]string, n)
	set := make([]bool, n)
	for id, label := range c.ID2Label {
		i, err := strconv.Atoi(id)
		if err != nil || i < 0 || i >= n || set[i] {
			return nil, fmt.Errorf("id2label: id %q is not one of 0 to %d", id, n-1)
		}
		labels[i], set[i] = label, true
	}
	return labels, nil
}

const maxLabels = 1 << 16

// within checks a dimension before anything is multiplied by it.
func within(key string, v, lo, hi int) error {
	if v < lo || v > hi {
		return fmt.Errorf("%s: %d is outside %d to %d", key, v, lo, hi)
	}
	return nil
}

// A bound is a key of a config with its value and range.
type bound struct {
	key       string
	v, lo, hi int
}

func checkBounds(bounds ...bound) error {
	for _, b := range bounds {
		if err := within(b.key, b.v, b.lo, b.hi); err != nil {
			return err
		}
	}
	return nil
}

// The largest dimensions that a config may ask for; real models stay far below.
const (
	maxHidden       = 1 << 15
	maxIntermediate = 1 << 17
	maxLayers       = 512
	maxVocab        = 1 << 22
	maxPositions    = 1 << 20
)

const maxJSONDepth = 64

// checkJSON refuses what encoding/json lets pass: a key that comes twice in an
// object, and nesting deeper than maxJSONDepth.
func checkJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	type frame struct {
		keys map[string]bool // nil in an array
		key  bool            // a key comes next
	}
	var stack []frame
	for {
		tok, err := dec.Token()
		if err != nil {
			if len(stack) == 0 && err.Error() == "EOF" {
				return nil
			}
			return fmt.Errorf("malformed JSON at byte %d: %v", dec.InputOffset(), err)
		}
		if len(stack) > 0 {
			if top := &stack[len(stack)-1]; top.keys != nil {
				if s, ok := tok.(string); ok && top.key {
					fold := s
					if len(stack) == 1 {
						// encoding/json would take "Hidden_Size" for hidden_size.
						fold = strings.ToLower(s)
					}
					if top.keys[fold] {
						return fmt.Errorf("key %q comes twice", s)
					}
					top.keys[fold] = true
					top.key = false
					continue
				}
				top.key = true
			}
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, frame{map[string]bool{}, true})
		case json.Delim('['):
			stack = append(stack, frame{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
		if len(stack) > maxJSONDepth {
			return fmt.Errorf("JSON is nested deeper than %d", maxJSONDepth)
		}
	}
}

// sortedKeys lists a map's keys for error texts.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
