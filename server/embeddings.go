package server

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/valyala/fasthttp"

	"mom/server/protocol"
	"mom/server/web"
)

// maxInputs is how many texts one request for embeddings or moderation may have.
const maxInputs = 2048

// embeddingRequest is POST /v1/embeddings.
type embeddingRequest struct {
	Model      string `json:"model"`
	Input      texts  `json:"input"`
	Format     string `json:"encoding_format,omitempty"` // float or base64
	Dimensions *int   `json:"dimensions,omitempty"`      // the model's own width only
	User       string `json:"user,omitempty"`
}

type embeddingAnswer struct {
	Object string         `json:"object"`
	Data   []embeddingOne `json:"data"`
	Model  string         `json:"model"`
	Usage  embeddingUsage `json:"usage"`
}

type embeddingOne struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // numbers, or base64 of little-endian float32
}

type embeddingUsage struct {
	Prompt int `json:"prompt_tokens"`
	Total  int `json:"total_tokens"`
}

// texts is one text or several.
type texts []string

// UnmarshalJSON takes a string or an array of strings.
func (t *texts) UnmarshalJSON(data []byte) error {
	switch {
	case len(data) > 0 && data[0] == '"':
		var one string
		if err := json.Unmarshal(data, &one); err != nil {
			return web.Invalid("input", "input: not a string")
		}
		*t = texts{one}
		return nil
	case len(data) > 0 && data[0] == '[':
		var raw []json.RawMessage
		if err := json.Unmarshal(data, &raw); err != nil {
			return web.Invalid("input", "input: not an array")
		}
		if len(raw) == 0 || len(raw) > maxInputs {
			return web.Invalid("input", fmt.Sprintf("input: want 1 to %d texts, not %d", maxInputs, len(raw)))
		}
		for i, r := range raw {
			var one string
			if len(r) > 0 && (r[0] == '[' || r[0] >= '0' && r[0] <= '9') {
				return web.Invalid("input", "input: arrays of tokens are not supported, since token ids mean something only to the model that made them; send the text")
			}
			if len(r) == 0 || r[0] != '"' || json.Unmarshal(r, &one) != nil {
				return web.Invalid(fmt.Sprintf("input[%d]", i), "input: want strings")
			}
			*t = append(*t, one)
		}
		return nil
	}
	return web.Invalid("input", "input: want a string or an array of strings")
}

func (s *Server) handleEmbeddings(ctx *fasthttp.RequestCtx) {
	x := exchangeOf(ctx)
	var q embeddingRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	if x.p.served[q.Model] {
		s.forward(ctx, protocol.Embeddings)
		return
	}
	answer, err := s.embeddings(x, &q)
	if err != nil {
		web.WriteError(ctx, web.OpenAI, x.reason(err))
		return
	}
	web.WriteJSON(ctx, 200, answer)
}

func (s *Server) embeddings(x *exchange, q *embeddingRequest) (*embeddingAnswer, error) {
	m, ok := s.embedder()
	switch {
	case !ok:
		return nil, &web.Error{Status: 501, Code: "not_supported", Message: "the model that is loaded gives no embeddings"}
	case q.Model == "":
		return nil, web.Invalid("model", fmt.Sprintf("model: is missing; the embedding model here is %s", m.Name))
	case q.Model != m.Name && q.Model != "auto" || !x.mayAsk(q.Model):
		return nil, noModel()
	case q.Input == nil:
		return nil, web.Invalid("input", "input: is missing")
	case q.Format != "" && q.Format != "float" && q.Format != "base64":
		return nil, web.Invalid("encoding_format", "encoding_format: want float or base64")
	case q.Dimensions != nil && *q.Dimensions != m.Hidden:
		return nil, web.Invalid("dimensions", fmt.Sprintf("dimensions: %s has %d, and they cannot be changed", m.Name, m.Hidden))
	}
	out := &embeddingAnswer{Object: "list", Model: m.Name, Data: make([]embeddingOne, len(q.Input))}
	for i, text := range q.Input {
		if text == "" {
			return nil, web.Invalid(fmt.Sprintf("input[%d]", i), "input: a text is empty")
		}
		tokens, err := s.classifier.Tokenize(text, true)
		if err != nil {
			return nil, err
		}
		if out.Usage.Prompt += len(tokens); out.Usage.Prompt > x.p.config.Limits.Tokens {
			return nil, tooManyTokens(x.p.config.Limits.Tokens)
		}
		v, err := s.classifier.Embed(x.life, text, make([]float32, 0, m.Hidden))
		if err != nil {
			return nil, err
		}
		out.Data[i] = embeddingOne{"embedding", i, v}
		if q.Format == "base64" {
			out.Data[i].Embedding = base64Floats(v)
		}
	}
	out.Usage.Total = out.Usage.Prompt
	x.tokensIn = out.Usage.Prompt
	return out, nil
}

func base64Floats(v []float32) string {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(b)
}
