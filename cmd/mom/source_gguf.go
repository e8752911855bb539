package main

import (
	"encoding/json"

	"mom/models/gguf"
)

// openGGUFSource is a GGUF file as the files of a Hugging Face folder: config,
// tokenizer and chat templates are made of its metadata.
func openGGUFSource(name string) (s *source, err error) {
	f, err := gguf.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	s = &source{name: name, gguf: f, files: map[string][]byte{}}
	if s.files["config.json"], err = f.Config(); err != nil {
		return nil, err
	}
	if s.files["tokenizer.json"], err = f.Tokenizer(); err != nil {
		return nil, err
	}
	s.files["tokenizer_config.json"], err = tokenizerConfig(f)
	return s, err
}

// tokenizerConfig is the tokenizer_config.json of a GGUF file: the tokens with a
// role, and the chat templates.
func tokenizerConfig(f *gguf.File) ([]byte, error) {
	special, err := f.Special()
	if err != nil {
		return nil, err
	}
	c := map[string]any{}
	for role, token := range special {
		c[role] = token
	}
	type template struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	var templates []template
	for _, name := range []string{"default", "tool_use", "rag"} {
		text, err := f.ChatTemplate(name)
		if err != nil {
			return nil, err
		}
		if text != "" {
			templates = append(templates, template{name, text})
		}
	}
	switch {
	case len(templates) == 1 && templates[0].Name == "default":
		c["chat_template"] = templates[0].Template
	case len(templates) > 0:
		c["chat_template"] = templates
	}
	return json.MarshalIndent(c, "", "  ")
}

// ggufTensors are the tensors of a GGUF file, which has no other metadata.
type ggufTensors struct{ *gguf.File }

func (ggufTensors) Metadata() map[string]string { return nil }
