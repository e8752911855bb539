package openapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"mom/server/web"
)

type node struct {
	Name     string          `json:"name"`
	Children []node          `json:"children,omitempty"`
	Parent   *node           `json:"parent"`
	When     time.Time       `json:"when"`
	Raw      json.RawMessage `json:"raw,omitempty"`
	Data     []byte          `json:"data"`
	Counts   map[string]int  `json:"counts"`
	Any      any             `json:"any"`
	Plain    int
	Hidden   int `json:"-"`
	private  int
	embedded
	*other
	Form  forms    `json:"form"`
	Maybe *float64 `json:"maybe,omitempty"`
}

type embedded struct {
	Inner bool   `json:"inner"`
	Name  uint16 `json:"name"` // hidden by node's
}

type other struct {
	Outer string `json:"outer,omitzero"`
}

type forms struct{}

func (forms) OpenAPISchema() any {
	return map[string]any{"oneOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "integer"}}}
}

func routes() []web.Route {
	return []web.Route{
		{Method: "POST", Path: "/v1/nodes", Summary: "Make a node", Request: node{}, Response: node{},
			Query:  []web.Parameter{{Name: "deep", Type: "boolean", What: "With all below it"}},
			Events: []web.Event{{Name: "made", What: "A node", Data: node{}}, {Name: "count", What: "How many", Data: embedded{}}}},
		{Method: "GET", Path: "/v1/nodes/{id}", Summary: "A node", Response: []node{}, Dialect: web.Anthropic},
		{Method: "DELETE", Path: "/v1/nodes/{id}", Summary: "Delete a node", Dialect: web.Plain},
		{Method: "GET", Path: "/v1/nodes/{id}/parts/{part}", Summary: "A part", Response: map[string]*node{}, Dialect: web.TEI},
		{Method: "POST", Path: "/free", Summary: "Any JSON", Dialect: web.VLLMSR},
		{Method: "GET", Path: "/metrics", Summary: "Metrics", Response: ""},
		{Method: "GET", Path: "/health", Summary: "Health", Access: web.Public, Response: struct {
			Status string `json:"status"`
		}{}},
		{Method: "GET", Path: "/", Summary: "The page"},
	}
}

// TestDocument has the document checked by a validator of OpenAPI, and every
// route looked up in it.
func TestDocument(t *testing.T) {
	data, err := Document(routes(), "1.0")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := libopenapi.NewDocument(data)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Errorf("%s: %s %v", p.Message, p.Reason, p.SchemaValidationErrors)
		}
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range routes() {
		item, ok := model.Model.Paths.PathItems.Get(r.Path)
		if !ok {
			t.Fatalf("%s is missing", r.Path)
		}
		op, ok := item.GetOperations().Get(strings.ToLower(r.Method))
		if !ok || op.Summary != r.Summary || ids[op.OperationId] {
			t.Fatalf("%s %s: %+v", r.Method, r.Path, op)
		}
		ids[op.OperationId] = true
		if got := len(op.Parameters); got != strings.Count(r.Path, "{")+len(r.Query) {
			t.Errorf("%s: %d parameters", r.Path, got)
		}
		if public := op.Security != nil && len(op.Security) == 0; public != (r.Access == web.Public) {
			t.Errorf("%s: security %v", r.Path, op.Security)
		}
		if good, _ := op.Responses.Codes.Get("200"); len(r.Events) > 0 {
			stream, ok := good.Content.Get("text/event-stream")
			if !ok || !strings.HasSuffix(stream.Schema.Schema().Description, "made, count.") {
				t.Errorf("%s: no events", r.Path)
			}
			if each, ok := stream.Extensions.Get("x-events"); !ok || len(each.Content) != 4 {
				t.Errorf("%s: events %v", r.Path, each)
			}
		}
		refusal, ok := op.Responses.Codes.Get("4XX")
		if !ok || refusal.Content.Len() != 1 {
			t.Errorf("%s: no refusal", r.Path)
		}
		if r.Method == "POST" && op.RequestBody == nil {
			t.Errorf("%s: no body", r.Path)
		}
	}
}

func TestSchema(t *testing.T) {
	data, err := Document(routes(), "")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	want := `{"properties":{"Plain":{"type":"integer"},"any":{},"children":{"items":{"$ref":"#/components/schemas/Node"},"type":"array"},` +
		`"counts":{"additionalProperties":{"type":"integer"},"type":"object"},"data":{"contentEncoding":"base64","type":"string"},` +
		`"form":{"oneOf":[{"type":"string"},{"type":"integer"}]},"inner":{"type":"boolean"},"maybe":{"type":["number","null"]},"name":{"type":"string"},` +
		`"outer":{"type":"string"},"parent":{"anyOf":[{"$ref":"#/components/schemas/Node"},{"type":"null"}]},"raw":{},"when":{"format":"date-time","type":"string"}},` +
		`"required":["name","parent","when","data","counts","any","Plain","form","inner"],"type":"object"}`
	if got := string(doc.Components.Schemas["Node"]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(doc.Components.Schemas) != 2 {
		t.Errorf("components %v", doc.Components.Schemas)
	}
}

func TestDocumentRefuses(t *testing.T) {
	for _, list := range [][]web.Route{
		{{Method: "GET", Path: "nodes"}},
		{{Method: "GET", Path: "/a{b}"}},
		{{Method: "GET", Path: "/{}"}},
		{{Method: "GET", Path: "/{a}/{a}"}},
		{{Method: "GET", Path: "/a"}, {Method: "GET", Path: "/a"}},
	} {
		if _, err := Document(list, "1"); err == nil {
			t.Errorf("%v was taken", list)
		}
	}
}
