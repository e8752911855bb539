package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"mom/engine/chat/jinja"
	"mom/files"
)

const (
	templateFile = "chat_template.jinja"
	templateDir  = "additional_chat_templates"
	configFile   = "tokenizer_config.json"
	maxTemplates = 32
)

// Open reads the chat template of a Hugging Face folder: chat_template.jinja with
// additional_chat_templates, else the one in tokenizer_config.json, which also
// says what bos_token and the others are. has tells whether the vocabulary has a
// token: where a folder has no template, it decides whether ChatML serves.
func Open(dir string, has func(token string) bool) (*Template, error) {
	config, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	sources, name, err := readTemplates(dir)
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		sources, name = config.Templates, filepath.Join(dir, configFile)
	}
	if len(sources) == 0 {
		if sources, err = fallback(dir, has); err != nil {
			return nil, err
		}
		name = "the built-in ChatML"
	}
	return New(name, sources, config.Special)
}

// Fallback is the template for a model in a file that has none; name is the
// file's.
func Fallback(name string, has func(token string) bool, special map[string]string) (*Template, error) {
	sources, err := fallback(name, has)
	if err != nil {
		return nil, err
	}
	return New("the built-in ChatML", sources, special)
}

func fallback(name string, has func(token string) bool) (map[string]string, error) {
	const begin, end = "<|im_start|>", "<|im_end|>"
	if has != nil && has(begin) && has(end) {
		return map[string]string{Default: ChatML}, nil
	}
	return nil, fmt.Errorf("%s: no chat template: neither %s nor chat_template in %s, and the vocabulary has no %s, for which ChatML would serve; "+
		"put the template of the model's family into %s", name, templateFile, configFile, begin, templateFile)
}

// readTemplates reads chat_template.jinja and what lies beside it.
func readTemplates(dir string) (sources map[string]string, name string, err error) {
	sources = map[string]string{}
	name = filepath.Join(dir, templateFile)
	data, err := files.Read(name, jinja.MaxSource)
	switch {
	case err == nil:
		sources[Default] = string(data)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, "", err
	}
	entries, err := os.ReadDir(filepath.Join(dir, templateDir))
	if errors.Is(err, fs.ErrNotExist) {
		return sources, name, nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		key, ok := strings.CutSuffix(e.Name(), ".jinja")
		if !ok {
			continue
		}
		if len(sources) >= maxTemplates {
			return nil, "", fmt.Errorf("%s: more than %d templates", filepath.Join(dir, templateDir), maxTemplates)
		}
		data, err := files.Read(filepath.Join(dir, templateDir, e.Name()), jinja.MaxSource)
		if err != nil {
			return nil, "", err
		}
		sources[key] = string(data)
	}
	return sources, name, nil
}

// Config is what a tokenizer_config.json says of chats, as New takes it.
type Config struct {
	Templates map[string]string // by their names; empty for none
	Special   map[string]string // the tokens with a role
}

func readConfig(path string) (*Config, error) {
	data, err := files.Text(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads the templates and the tokens with a role of a
// tokenizer_config.json.
func ParseConfig(data []byte) (*Config, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	c := &Config{Templates: map[string]string{}, Special: map[string]string{}}
	for _, role := range []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"} {
		if token, ok, err := tokenText(fields[role]); err != nil {
			return nil, fmt.Errorf("%s: %w", role, err)
		} else if ok {
			c.Special[role] = token
		}
	}
	raw := fields["chat_template"]
	var one string
	var many []struct{ Name, Template string }
	switch {
	case len(raw) == 0 || string(raw) == "null":
	case json.Unmarshal(raw, &one) == nil:
		c.Templates[Default] = one
	case json.Unmarshal(raw, &many) == nil:
		if len(many) > maxTemplates {
			return nil, fmt.Errorf("chat_template: %d templates, more than %d", len(many), maxTemplates)
		}
		for _, t := range many {
			if _, ok := c.Templates[t.Name]; ok || t.Name == "" {
				return nil, fmt.Errorf("chat_template: the name %q is empty or occurs twice", t.Name)
			}
			c.Templates[t.Name] = t.Template
		}
	default:
		return nil, errors.New("chat_template: a string, or a list of objects with name and template, expected")
	}
	return c, nil
}

// tokenText reads a token: a string, or an object with its content.
func tokenText(raw json.RawMessage) (string, bool, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false, nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, true, nil
	}
	var o struct{ Content *string }
	if err := json.Unmarshal(raw, &o); err != nil || o.Content == nil {
		return "", false, errors.New("a string, or an object with content, expected")
	}
	return *o.Content, true, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// isSpace is what Python takes for white space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }
