package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"mom/engine/chat"
	"mom/engine/generate"
	"mom/engine/grammar"
	"mom/engine/sample"
	"mom/tokenizer"
)

const aboutGenerate = `Let a decoder continue a text. The model is a Hugging Face folder (Llama and Qwen3
architectures) or a GGUF file (F32, F16, BF16, Q8_0, Q4_0, Q4_1).

The prompt is given to the model as it is; with --chat as what a user says, by
the model's chat template. --schema, --regex and --labels hold the answer to a
form. The answer ends with the model's
end-of-text token, with a text of --stop, or after --max-tokens. Without
--temperature the most probable token is taken each time; with it tokens are
drawn, and the same --seed draws the same.

Without --json the answer is printed as it comes. With --json a line is
{"id","text","finish_reason","tokens","prompt_tokens","completion_tokens","first_token_ms","ms","tokens_per_s"}.`

type generateFlags struct {
	inputFlags
	model  string
	prompt string
	generate.Options
	sample.Params
	most     int
	stop     []string
	chat     bool
	system   string
	schema   string
	regex    string
	labels   []string
	adapter  string
	top      int
	logProbs bool
	logits   bool
	json     bool
}

func generateCommand(a *app) *cobra.Command {
	var f generateFlags
	c := &cobra.Command{
		Use:   "generate --model FOLDER|FILE.gguf [--prompt TEXT]",
		Short: "Continue a text with a decoder",
		Long:  aboutGenerate,
		Example: `  mom generate --model ./SmolLM2-135M-Instruct --prompt "The capital of France is" --max-tokens 20
  mom generate --model model.gguf --in prompts.jsonl --json > answers.jsonl
  mom generate --model ./folder --prompt "Once" --temperature 0.8 --top-p 0.95 --seed 7`,
		Args: arguments(0, 1, "one prompt, --prompt TEXT or --in FILE"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), a, args) },
	}
	f.inputFlags.add(c)
	s := c.Flags()
	s.StringVarP(&f.model, "model", "m", "", "`FOLDER` of a decoder, or a .gguf file")
	s.StringVarP(&f.prompt, "prompt", "p", "", "the `TEXT` to continue")
	s.StringVar(&f.Precision, "precision", "auto", "`P` is f32, bf16, int8, int4 or auto")
	s.StringVar(&f.KV, "kv", "", "format of keys and values: f32, bf16 or int8 (default f32 for f32, else bf16)")
	s.IntVar(&f.Threads, "threads", 0, "use at most `N` cores (default all)")
	s.IntVar(&f.most, "max-tokens", 128, "write at most `N` tokens")
	s.Float64Var(&f.Temperature, "temperature", 0, "0 takes the most probable token; 1 draws as the model says")
	s.IntVar(&f.TopK, "top-k", 0, "draw from the `K` most probable tokens (default all)")
	s.Float64Var(&f.TopP, "top-p", 0, "draw from the most probable tokens that reach this `MASS` (default all)")
	s.Float64Var(&f.MinP, "min-p", 0, "leave out tokens below this `SHARE` of the most probable one")
	s.Float64Var(&f.RepetitionPenalty, "repetition-penalty", 0, "make tokens that occurred less likely by this `FACTOR`")
	s.Uint64Var(&f.Seed, "seed", 0, "of the draws")
	s.BoolVar(&f.chat, "chat", false, "the prompt is a user's message: apply the model's chat template")
	s.StringVar(&f.system, "system", "", "with --chat: the system's message")
	s.StringVar(&f.schema, "schema", "", "`FILE` of a JSON Schema that the answer satisfies")
	s.StringVar(&f.regex, "regex", "", "`PATTERN` that the answer matches as a whole")
	s.StringSliceVar(&f.labels, "labels", nil, "`TEXTS`, comma between them, of which the answer is one")
	s.StringVar(&f.adapter, "adapter", "", "`FOLDER` of a PEFT LoRA adapter to run over the model")
	s.StringArrayVar(&f.stop, "stop", nil, "end before this `TEXT`; may be given several times")
	s.IntVar(&f.top, "logprobs", 0, "with --json: log-probabilities of the tokens and of `N` alternatives")
	s.BoolVar(&f.logits, "logits", false, "with --json: the logits of each step, in full")
	s.BoolVar(&f.json, "json", false, "a line of JSON a prompt")
	return c
}

func (f *generateFlags) check(a *app, args []string) ([]string, error) {
	if f.model == "" {
		return nil, misuse("--model: want the folder of a decoder or a .gguf file")
	}
	if err := oneOf("precision", f.Precision, "f32", "bf16", "int8", "int4", "auto"); err != nil {
		return nil, err
	}
	if f.KV != "" {
		if err := oneOf("kv", f.KV, "f32", "bf16", "int8"); err != nil {
			return nil, err
		}
	}
	if f.most < 1 {
		return nil, misuse("--max-tokens %d: want 1 or more", f.most)
	}
	if (f.logits || f.top > 0) && !f.json {
		return nil, misuse("--logits and --logprobs go with --json")
	}
	if f.system != "" && !f.chat {
		return nil, misuse("--system goes with --chat")
	}
	forms := 0
	for _, given := range []bool{f.schema != "", f.regex != "", len(f.labels) > 0} {
		if given {
			forms++
		}
	}
	if forms > 1 {
		return nil, misuse("--schema, --regex and --labels: give one of them")
	}
	f.logProbs = f.top > 0
	if err := f.Params.Check(); err != nil {
		return nil, misuse("%v", err)
	}
	if f.prompt != "" {
		if len(args) > 0 {
			return nil, misuse("both --prompt and a prompt: give one of them")
		}
		args = []string{f.prompt}
	}
	return args, nil
}

func (f *generateFlags) run(ctx context.Context, a *app, args []string) error {
	args, err := f.check(a, args)
	if err != nil {
		return err
	}
	var m *generate.Model
	defer func() {
		if m != nil {
			m.Close()
		}
	}()
	return f.each(ctx, a, args, f.json, f.Threads, func() (func() worker, error) {
		var err error
		if m, err = generate.Open(f.model, f.Options); err != nil {
			return nil, err
		}
		base := generate.Request{MaxTokens: f.most, Params: f.Params, Stop: f.stop, LogProbs: f.logProbs, Top: f.top}
		if f.adapter != "" {
			if base.Adapter, err = m.OpenAdapter(f.adapter); err != nil {
				return nil, err
			}
		}
		var template *chat.Template
		if f.chat {
			if template, err = m.Template(); err != nil {
				return nil, err
			}
		}
		form, err := f.form(m)
		return func() worker { return f.worker(a, m, base, template, form, len(args) == 1) }, err
	})
}

// form is what answers are held to; nil for nothing.
func (f *generateFlags) form(m *generate.Model) (*grammar.Bound, error) {
	var g *grammar.Grammar
	var err error
	switch {
	case f.schema != "":
		var text []byte
		if text, err = os.ReadFile(f.schema); err != nil {
			return nil, err
		}
		if g, err = grammar.JSONSchema(text); err != nil {
			return nil, fmt.Errorf("%s: %w", f.schema, err)
		}
	case f.regex != "":
		if g, err = grammar.Regex(f.regex); err != nil {
			return nil, misuse("--regex: %v", err)
		}
	case len(f.labels) > 0:
		if g, err = grammar.Labels(f.labels); err != nil {
			return nil, misuse("--labels: %v", err)
		}
	default:
		return nil, nil
	}
	b := g.Bind(grammar.NewVocabulary(m.Pieces(), m.Ends()...))
	if b.Err() != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, b.Err())
	}
	return b, nil
}

// encode turns a prompt into tokens.
func (f *generateFlags) encode(m *generate.Model, t *chat.Template, e *tokenizer.Encoding, text string) error {
	if t == nil {
		return m.Tokenizer.EncodeSpecial(e, text)
	}
	var messages []chat.Message
	if f.system != "" {
		messages = append(messages, chat.Message{Role: "system", Content: f.system})
	}
	messages = append(messages, chat.Message{Role: "user", Content: text})
	all, err := t.Render(nil, &chat.Request{Messages: chat.Messages(messages...), GenerationPrompt: true})
	if err != nil {
		return err
	}
	return m.Tokenizer.Encode(e, string(all))
}

// generated is a line of --json.
type generated struct {
	ID        json.RawMessage `json:"id"`
	Text      string          `json:"text"`
	Finish    generate.Finish `json:"finish_reason"`
	Tokens    []int32         `json:"tokens"`
	Prompt    int             `json:"prompt_tokens"`
	Count     int             `json:"completion_tokens"`
	First     float64         `json:"first_token_ms"`
	Millis    float64         `json:"ms"`
	PerSecond float64         `json:"tokens_per_s"`
	LogProbs  []tokenLogProb  `json:"logprobs,omitempty"`
	Logits    [][]float32     `json:"logits,omitempty"` // before each token
}

type tokenLogProb struct {
	ID      int32          `json:"id"`
	Token   string         `json:"token"`
	LogProb float64        `json:"logprob"`
	Top     []tokenLogProb `json:"top_logprobs,omitempty"`
}

func (f *generateFlags) worker(a *app, m *generate.Model, base generate.Request, template *chat.Template, form *grammar.Bound, alone bool) worker {
	var e tokenizer.Encoding
	pieces := m.Pieces()
	return func(ctx context.Context, q *record, out []byte) ([]byte, error) {
		if err := f.encode(m, template, &e, q.text); err != nil {
			return out, err
		}
		r := base
		r.Prompt = e.IDs
		if form != nil {
			r.Constraint = form.Start()
		}
		line := generated{ID: q.id, Tokens: []int32{}}
		if f.logits {
			r.Logits = func(_ int, l []float32) { line.Logits = append(line.Logits, append([]float32(nil), l...)) }
		}
		if !f.json && alone {
			r.Emit = func(text string) error {
				_, err := fmt.Fprint(a.out, text)
				return err
			}
		}
		res, err := m.Generate(ctx, &r)
		if err != nil {
			return out, err
		}
		if !f.json {
			if alone {
				return append(out, '\n'), nil
			}
			return append(append(append(append(out, idText(q.id)...), '\t'), res.Text...), '\n'), nil
		}
		line.Text, line.Finish, line.Prompt, line.Count = res.Text, res.Finish, res.PromptTokens, len(res.Tokens)
		line.First, line.Millis = milliseconds(res.First), milliseconds(res.Total)
		if s := (res.Total - res.First).Seconds(); s > 0 && len(res.Tokens) > 1 {
			line.PerSecond = float64(len(res.Tokens)-1) / s
		}
		for _, t := range res.Tokens {
			line.Tokens = append(line.Tokens, t.ID)
			if f.logProbs {
				p := tokenLogProb{ID: t.ID, Token: string(pieces[t.ID]), LogProb: t.LogProb}
				for _, c := range t.Top {
					p.Top = append(p.Top, tokenLogProb{ID: c.ID, Token: string(pieces[c.ID]), LogProb: c.LogProb})
				}
				line.LogProbs = append(line.LogProbs, p)
			}
		}
		return appendJSON(out, line)
	}
}
