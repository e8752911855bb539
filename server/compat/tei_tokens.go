package compat

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// tokenizeRequest has inputs (text-embeddings-inference), or prompt (vLLM).
type tokenizeRequest struct {
	Inputs     *texts  `json:"inputs,omitempty"`
	Special    *bool   `json:"add_special_tokens,omitempty"` // true by default
	PromptName *string `json:"prompt_name,omitempty"`

	Model    string        `json:"model,omitempty"`
	Prompt   *string       `json:"prompt,omitempty"`
	Messages []chatMessage `json:"messages,omitempty"`
	Strings  bool          `json:"return_token_strs,omitempty"`
}

// texts is one text or several.
type texts []string

// UnmarshalJSON takes both forms.
func (t *texts) UnmarshalJSON(data []byte) error {
	var one *string
	if json.Unmarshal(data, &one) == nil && one != nil {
		*t = texts{*one}
		return nil
	}
	var list []*string
	if json.Unmarshal(data, &list) != nil || list == nil {
		return web.Invalid("inputs", "inputs: want a string or an array of strings")
	}
	*t = make(texts, len(list))
	for i, s := range list {
		if s == nil {
			return web.Invalid(fmt.Sprintf("inputs[%d]", i), "inputs: want a string or an array of strings")
		}
		(*t)[i] = *s
	}
	return nil
}

// OpenAPISchema describes both forms.
func (texts) OpenAPISchema() any {
	text := map[string]any{"type": "string"}
	return oneOf(text, arrayOf(text))
}

// tokenizeAnswer is a list of tokens for each text; offsets count code points.
type tokenizeAnswer struct{}

// OpenAPISchema describes the answers to inputs and to prompt.
func (tokenizeAnswer) OpenAPISchema() any {
	whole := map[string]any{"type": "integer"}
	maybe := map[string]any{"type": []string{"integer", "null"}}
	return oneOf(
		arrayOf(arrayOf(map[string]any{
			"type": "object", "required": []string{"id", "text", "special", "start", "stop"},
			"properties": map[string]any{
				"id": whole, "text": map[string]any{"type": "string"}, "special": map[string]any{"type": "boolean"}, "start": maybe, "stop": maybe,
			},
		})),
		map[string]any{
			"type": "object", "required": []string{"count", "max_model_len", "tokens"},
			"properties": map[string]any{
				"count": whole, "max_model_len": whole, "tokens": arrayOf(whole),
				"token_strs": map[string]any{"type": []string{"array", "null"}, "items": map[string]any{"type": "string"}},
			},
		},
	)
}

type simpleToken struct {
	ID      int32  `json:"id"`
	Text    string `json:"text"`
	Special bool   `json:"special"`
	Start   *int   `json:"start"`
	Stop    *int   `json:"stop"`
}

// tokenize is POST /tokenize of both protocols that have it.
func (a *api) tokenize(ctx *fasthttp.RequestCtx) (any, error) {
	var q tokenizeRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	special := q.Special == nil || *q.Special
	if q.Inputs == nil && (q.Prompt != nil || q.Messages != nil) {
		return a.vllmTokenize(&q, special)
	}
	if q.Inputs == nil {
		return nil, web.Invalid("inputs", "inputs: is missing")
	}
	if err := noPrompt(q.PromptName); err != nil {
		return nil, err
	}
	if err := a.checkBatch("inputs", len(*q.Inputs)); err != nil {
		return nil, err
	}
	out := make([][]simpleToken, len(*q.Inputs))
	for i, text := range *q.Inputs {
		tokens, err := a.Classifier.Tokenize(text, special)
		if err != nil {
			return nil, tokenizerFault(err)
		}
		out[i] = make([]simpleToken, len(tokens))
		at := points{text: text}
		for k, t := range tokens {
			out[i][k] = simpleToken{ID: t.ID, Text: t.Text, Special: t.Special}
			if !t.Special {
				start, stop := at.of(t.Start), at.of(t.End)
				out[i][k].Text, out[i][k].Start, out[i][k].Stop = text[t.Start:t.End], &start, &stop
			}
		}
	}
	return out, nil
}

// tokenizerFault marks a client's text that has no tokens.
func tokenizerFault(err error) error {
	e := *web.AsError(err)
	if e.Status == 400 {
		e.Status, e.Code = 422, "tokenizer"
	}
	return &e
}

type decodeRequest struct {
	IDs         idLists `json:"ids"`
	SkipSpecial *bool   `json:"skip_special_tokens,omitempty"` // true by default
}

// idLists is ids of one text or of several.
type idLists [][]int32

// UnmarshalJSON takes [1,2] and [[1,2],[3]].
func (l *idLists) UnmarshalJSON(data []byte) error {
	var one []int32
	if json.Unmarshal(data, &one) == nil && one != nil {
		if len(one) > 0 {
			*l = idLists{one}
		}
		return nil
	}
	var list [][]int32
	if json.Unmarshal(data, &list) != nil || list == nil {
		return web.Invalid("ids", "ids: want an array of ids, or an array of such arrays")
	}
	*l = list
	return nil
}

// OpenAPISchema describes both forms.
func (idLists) OpenAPISchema() any {
	ids := arrayOf(map[string]any{"type": "integer", "format": "int32", "minimum": 0})
	return map[string]any{"anyOf": []any{ids, arrayOf(ids)}}
}

func (a *api) teiDecode(ctx *fasthttp.RequestCtx) (any, error) {
	var q decodeRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if err := a.checkBatch("ids", len(q.IDs)); err != nil {
		return nil, err
	}
	out := make([]string, len(q.IDs))
	for i, ids := range q.IDs {
		text, err := a.decode(ids, q.SkipSpecial == nil || *q.SkipSpecial)
		if err != nil {
			return nil, tokenizerFault(err)
		}
		out[i] = text
	}
	return out, nil
}

type infoAnswer struct {
	ModelID       string    `json:"model_id"`
	ModelSHA      *string   `json:"model_sha"`
	DType         string    `json:"model_dtype"`
	ServedName    string    `json:"served_model_name"`
	ModelType     modelType `json:"model_type"`
	MaxRequests   int       `json:"max_concurrent_requests"`
	MaxInput      int       `json:"max_input_length"`
	MaxTokens     int       `json:"max_batch_tokens"`
	MaxBatchReq   *int      `json:"max_batch_requests"`
	MaxBatch      int       `json:"max_client_batch_size"`
	AutoTruncate  bool      `json:"auto_truncate"`
	TokenizeTasks int       `json:"tokenization_workers"`
	Version       string    `json:"version"`
	SHA           *string   `json:"sha"`
	Docker        *string   `json:"docker_label"`
}

// modelType has one of its fields.
type modelType struct {
	Classifier *classifierModel `json:"classifier,omitempty"`
	Embedding  *embeddingModel  `json:"embedding,omitempty"`
}

type classifierModel struct {
	Labels map[string]string `json:"id2label"`
	IDs    map[string]int    `json:"label2id"`
}

type embeddingModel struct {
	Pooling string `json:"pooling"`
}

func (a *api) teiInfo(ctx *fasthttp.RequestCtx) (any, error) {
	m, err := a.served(ctx, a.Predict)
	if err != nil {
		return nil, err
	}
	out := &infoAnswer{
		ModelID: m.Name, DType: m.Precision, ServedName: m.Name, Version: a.Version,
		MaxRequests: 512, MaxInput: m.MaxTokens, MaxTokens: max(m.MaxTokens, m.Window), MaxBatch: a.MaxBatch,
		TokenizeTasks: runtime.GOMAXPROCS(0),
	}
	if m.Task == "embedding" {
		out.ModelType.Embedding = &embeddingModel{"mean"}
		return out, nil
	}
	c := &classifierModel{map[string]string{}, map[string]int{}}
	for i, l := range m.Labels {
		c.Labels[strconv.Itoa(i)], c.IDs[l] = l, i
	}
	out.ModelType.Classifier = c
	return out, nil
}
