package main

import (
	"encoding/json"
	"sort"
	"strings"

	"mom/engine/chat"
	"mom/engine/generate"
	"mom/models"
	"mom/models/gguf"
	"mom/tokenizer"
)

// isGGUF reports whether name is a GGUF file's.
func isGGUF(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".gguf") }

// inspectGGUF looks at a GGUF file. The tensors have Hugging Face's names, and
// the types that the file stores them in.
func inspectGGUF(name string, load bool) (*inspection, error) {
	f, err := gguf.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	i := &inspection{Name: name, Heads: []headInfo{}, Run: []string{}}
	config, err := f.Config()
	if err != nil {
		return nil, err
	}
	c, err := models.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	i.Architecture = strings.Join(c.Architectures, ", ")
	i.readGGUF(f)
	t := i.readVocabulary(f)
	i.Chat = chatOfGGUF(f, t)
	i.decide(load)
	return i, nil
}

func (i *inspection) readGGUF(f *gguf.File) {
	stored := map[string]*storedInfo{}
	for _, name := range f.Names() {
		v, _ := f.Stat(name)
		kind, bytes := f.Stored(name)
		i.Tensors = append(i.Tensors, tensorInfo{name, kind, v.Shape, bytes})
		d := stored[kind]
		if d == nil {
			d = &storedInfo{DType: kind}
			stored[kind] = d
		}
		d.Tensors++
		d.Values += int64(v.Len())
		d.Bytes += bytes
		i.Parameters += int64(v.Len())
		i.Bytes += bytes
	}
	for _, d := range stored {
		i.Stored = append(i.Stored, *d)
	}
	sort.Slice(i.Stored, func(a, b int) bool { return i.Stored[a].Values > i.Stored[b].Values })
	if len(i.Stored) > 0 {
		i.Precision = precisionName(i.Stored[0].DType)
	}
}

// readVocabulary says what kind of tokenizer a file has, and opens it; nil if
// that fails.
func (i *inspection) readVocabulary(f *gguf.File) *tokenizer.Tokenizer {
	i.Tokenizer = tokenizerInfo{Kind: "BPE", File: "tokenizer.ggml of the file"}
	data, err := f.Tokenizer()
	if err == nil {
		var t *tokenizer.Tokenizer
		if t, err = tokenizer.Parse(i.Name+": tokenizer", data); err == nil {
			i.Tokenizer.Vocab = t.VocabSize()
			return t
		}
	}
	i.Tokenizer.Kind = "unusable (" + err.Error() + ")"
	return nil
}

// chatOfGGUF says where the chat template of a file comes from.
func chatOfGGUF(f *gguf.File, t *tokenizer.Tokenizer) string {
	source, err := f.ChatTemplate("")
	switch {
	case err != nil:
		return "unusable (" + err.Error() + ")"
	case source == "":
		if _, err := chat.Fallback("", hasToken(t), nil); err != nil {
			return ""
		}
		return "the built-in ChatML"
	}
	if _, err := chat.New("tokenizer.chat_template", map[string]string{chat.Default: source}, nil); err != nil {
		return "unusable (" + err.Error() + ")"
	}
	return "tokenizer.chat_template of the file"
}

// chatOfFolder says where the chat template of a folder comes from; "" for none.
func chatOfFolder(s *source) string {
	t, err := s.tokenizer()
	if err != nil {
		t = nil
	}
	c, err := chat.Open(s.dir, hasToken(t))
	if err == nil {
		return c.Name()
	}
	if strings.Contains(err.Error(), "no chat template") {
		return ""
	}
	return "unusable (" + err.Error() + ")"
}

func hasToken(t *tokenizer.Tokenizer) func(string) bool {
	return func(token string) bool {
		if t == nil {
			return false
		}
		_, ok := t.ID(token)
		return ok
	}
}

// loadDecoder opens a decoder as mom generate would.
func (i *inspection) loadDecoder() {
	m, err := generate.Open(i.Name, generate.Options{})
	if err != nil {
		i.Runs, i.Reason = false, err.Error()
		return
	}
	defer m.Close()
	info := m.Info()
	i.Loaded = &loaded{
		Precision: m.Precision().String(), Vocab: info.Vocab, Hidden: info.Hidden, Layers: info.Layers, Heads: info.Heads,
		KVHeads: info.KVHeads, Intermediate: info.Intermediate, MaxTokens: info.MaxTokens, Memory: info.Bytes,
	}
}

// example is a command line of mom generate.
func (i *inspection) example() string {
	name, flags := i.Name, "--prompt TEXT"
	if i.Chat != "" && !strings.HasPrefix(i.Chat, "unusable") {
		flags = "--chat " + flags
	}
	if strings.ContainsAny(name, " \t\"'\\$") {
		quoted, _ := json.Marshal(name)
		name = string(quoted)
	}
	return "mom generate --model " + name + " " + flags
}
