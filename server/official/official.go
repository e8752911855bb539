// Package official holds JSON against OpenAI's own OpenAPI document, for tests.
// The document is not part of this repository.
package official

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ErrMissing says that there is no document on this machine.
var ErrMissing = errors.New("OpenAI's document is missing; MOM_OPENAI_SPEC names openai-openapi.json.gz")

// Path is where the document lies: where MOM_OPENAI_SPEC says, or in
// shared/protocols beside one of the folders above.
func Path() (string, error) {
	if path := os.Getenv("MOM_OPENAI_SPEC"); path != "" {
		return path, nil
	}
	for up := ".."; len(up) < 24; up = filepath.Join("..", up) {
		path := filepath.Join(up, "shared", "protocols", "openai-openapi.json.gz")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

var compiler = sync.OnceValues(func() (*jsonschema.Compiler, error) {
	path, err := Path()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(z)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	return c, c.AddResource("openai.json", nullable(doc))
})

// nullable says in JSON Schema what the document says with keywords of its own.
func nullable(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = nullable(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = nullable(v[k])
		}
		delete(v, "discriminator")
		delete(v, "$recursiveAnchor") // of an older draft
		delete(v, "$recursiveRef")
		if v["nullable"] == true {
			delete(v, "nullable")
			return map[string]any{"anyOf": []any{v, map[string]any{"type": "null"}}}
		}
	}
	return v
}

// one compiles and validates at a time: a compiler is not for several.
var one sync.Mutex

// Conforms says how text differs from a schema of the document, such as
// CreateChatCompletionResponse. It is ErrMissing without the document.
func Conforms(schema, text string) error {
	one.Lock()
	defer one.Unlock()
	c, err := compiler()
	if err != nil {
		return err
	}
	s, err := c.Compile("openai.json#/components/schemas/" + schema)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return err
	}
	return s.Validate(v)
}
