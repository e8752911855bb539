package compat

import (
	"context"
	"testing"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// FuzzBodies sends any body to every route that takes one. None may panic or
// answer 500: the classifier of the test never fails.
func FuzzBodies(f *testing.F) {
	for _, s := range []string{
		`{"inputs":[["a"],["b","c"]],"truncate":true,"raw_scores":true}`, `{"inputs":[1,[2],"x"]}`, `{"ids":[[1],[2]]}`, `{"input":"a","truncate_prompt_tokens":3}`,
		`{"text":["a@b.de",""],"language":"en","entities":["LOCATION"],"ad_hoc_recognizers":[{"name":"n","supported_entity":"Z","patterns":[{"name":"p","regex":"\\d\\ ","score":0}],"deny_list":["x"],"context":["y"]}],"allow_list":["a"],"allow_list_match":"regex"}`,
		`{"text":"abc","anonymizers":{"DEFAULT":{"type":"mask","masking_char":"*","chars_to_mask":2,"from_end":true}},"analyzer_results":[{"start":0,"end":2,"score":1,"entity_type":"A"},{"start":1,"end":3,"score":1,"entity_type":"B"}]}`,
		`{"text":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","deanonymizers":{"DEFAULT":{"type":"decrypt","key":"1111111111111111"}},"anonymizer_results":[{"start":0,"end":44,"entity_type":"A"}]}`,
		`{"texts":["a@b.de"],"input_type":"request","task_type":"all","options":{"return_probabilities":true}}`, `{"messages":[{"role":"user","content":[{"text":"x"}]}]}`,
		`{"text":"a@b.de","options":{"mask_entities":true,"return_positions":true}}`, `{"query":"a","candidates":["b"],"top_k":1}`, `{"prompt":"John Smith","output":"a@b.de"}`, `null`, `{"inputs":null}`,
	} {
		f.Add([]byte(s))
	}
	c := &rules{vocab: map[int32]string{}}
	routes := Routes(Options{Classifier: c, Decide: c.decide, Decode: c.decode, MaxBatch: 8, Parallel: 2})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range routes {
			if r.Method != post {
				continue
			}
			var ctx fasthttp.RequestCtx
			ctx.Request.SetBody(body)
			ctx.SetUserValue("task", "intent")
			web.Bind(&ctx, context.Background(), "id", "")
			r.Handle(&ctx)
			if ctx.Response.StatusCode() == 500 {
				t.Fatalf("%s: %s", r.Path, ctx.Response.Body())
			}
		}
	})
}
