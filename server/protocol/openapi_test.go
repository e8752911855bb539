package protocol

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// official is OpenAI's own OpenAPI document, which lies beside the repository or
// where MOM_OPENAI_SPEC says.
var official = sync.OnceValues(func() (any, error) {
	path := os.Getenv("MOM_OPENAI_SPEC")
	if path == "" {
		path = filepath.Join("..", "..", "..", "shared", "protocols", "openai-openapi.json.gz")
	}
	f, err := os.Open(path)
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
	// What the document calls nullable, a schema says with a type more.
	return nullable(doc), nil
})

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
		if v["nullable"] == true {
			delete(v, "nullable")
			return map[string]any{"anyOf": []any{v, map[string]any{"type": "null"}}}
		}
	}
	return v
}

// conforms holds JSON against a schema of the official document.
func conforms(t *testing.T, schema, text string) {
	t.Helper()
	doc, err := official()
	if err != nil {
		t.Logf("not held against the official document: %v", err)
		return
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openai.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openai.json#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if err := s.Validate(v); err != nil {
		t.Fatalf("%s: %#v\n%s", schema, err, text)
	}
}
