// Package weights embeds the family: models that are trained for mom and come
// with it, so that it works with no other file and no network. Each folder has
// a model card, README.md. The folders of the larger encoder and of decoders lie here
// too; of these only decoders can be embedded, by the build tag fat.
package weights

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sort"
)

// A Model is one embedded folder.
type Model struct {
	Name  string
	Files map[string][]byte // read only
	Heads []Head
}

// A Head is one head of a model that has several.
type Head struct {
	Name     string   `json:"name"`
	Function string   `json:"function"`
	Task     string   `json:"task"`
	Labels   []string `json:"labels"`
}

// Byte slices, not an embed.FS: reading from one copies, and the tensors are
// used where they lie.
var (
	//go:embed mom-enc-v1/config.json
	encV1Config []byte
	//go:embed mom-enc-v1/mom.json
	encV1Manifest []byte
	//go:embed mom-enc-v1/tokenizer.json
	encV1Tokenizer []byte
	//go:embed mom-enc-v1/model.safetensors
	encV1Tensors []byte
	//go:embed mom-enc-v1/README.md
	encV1Card []byte
)

// Default is the name of the embedded trunk, which answers when none is named and
// no larger one lies beside the program.
const Default = "mom-enc-v1"

// Models lists the embedded folders.
func Models() []*Model {
	enc := &Model{Name: Default, Files: map[string][]byte{
		"config.json":       encV1Config,
		"mom.json":          encV1Manifest,
		"tokenizer.json":    encV1Tokenizer,
		"model.safetensors": encV1Tensors,
		"README.md":         encV1Card,
	}}
	var manifest struct {
		Heads []Head `json:"heads"`
	}
	if err := json.Unmarshal(encV1Manifest, &manifest); err != nil {
		panic("BUG: weights: mom-enc-v1/mom.json: " + err.Error())
	}
	enc.Heads = manifest.Heads
	return []*Model{enc}
}

// Decoders lists the embedded decoders.
func Decoders() []*Model { return slices.Clone(decoders) }

// Decoder returns the embedded decoder of this name.
func Decoder(name string) (*Model, bool) {
	for _, m := range decoders {
		if m.Name == name {
			return m, true
		}
	}
	return nil, false
}

// Find returns the model of this name, or the model and head whose head has it.
func Find(name string) (m *Model, head string, ok bool) {
	for _, m := range Models() {
		if m.Name == name {
			return m, "", true
		}
		for _, h := range m.Heads {
			if h.Name == name {
				return m, h.Name, true
			}
		}
	}
	return nil, "", false
}

// Names lists what Find finds.
func Names() []string {
	var names []string
	for _, m := range Models() {
		names = append(names, m.Name)
		for _, h := range m.Heads {
			names = append(names, h.Name)
		}
	}
	sort.Strings(names)
	return names
}
