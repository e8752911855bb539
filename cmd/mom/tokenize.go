package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mom/tokenizer"
)

const aboutTokenize = `Show how a model's tokenizer splits a text. The answer with --json:

  {"id","ids","ids_no_special","offsets"}

"ids" has the special tokens that the tokenizer puts around a text, such as
[CLS] and [SEP]; "ids_no_special" has not. "offsets" holds [start, end) of each
token of ids_no_special, in Unicode code points of the text.`

type tokenizeFlags struct {
	inputFlags
	model string
	json  bool
}

func tokenizeCommand(a *app) *cobra.Command {
	var f tokenizeFlags
	c := &cobra.Command{
		Use:   "tokenize [TEXT]",
		Short: "Split texts into a model's tokens",
		Long:  aboutTokenize,
		Example: `  mom tokenize "Grüße aus Köln"
  mom tokenize --model ./folder/tokenizer.json --in texts.jsonl --json`,
		Args: arguments(0, 1, "one text, or --in FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			return f.each(c.Context(), a, args, f.json, 0, func() (func() worker, error) {
				t, err := openTokenizer(f.model)
				return func() worker { return f.worker(t) }, err
			})
		},
	}
	f.inputFlags.add(c)
	c.Flags().StringVarP(&f.model, "model", "m", autoModel, "model's `FOLDER`, a tokenizer.json, or a name of the family; "+aboutAuto)
	c.Flags().BoolVar(&f.json, "json", false, "a line of JSON a text")
	return c
}

func openTokenizer(name string) (*tokenizer.Tokenizer, error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return tokenizer.Open(name)
	}
	s, err := openSource(name)
	if err != nil {
		return nil, err
	}
	return s.tokenizer()
}

func (f *tokenizeFlags) worker(t *tokenizer.Tokenizer) worker {
	var with, without tokenizer.Encoding
	var offsets []tokenizer.Span
	return func(_ context.Context, q *record, out []byte) ([]byte, error) {
		if err := t.EncodeSpecial(&with, q.text); err != nil {
			return out, err
		}
		if err := t.Encode(&without, q.text); err != nil {
			return out, err
		}
		offsets = tokenizer.CodePoints(q.text, without.Offsets, offsets[:0])
		if !f.json {
			return appendTokens(out, t, q, &without, offsets), nil
		}
		pairs := make([][2]int, len(offsets))
		for i, s := range offsets {
			pairs[i] = [2]int{s.Start, s.End}
		}
		return appendJSON(out, struct {
			ID      json.RawMessage `json:"id"`
			IDs     []int32         `json:"ids"`
			Bare    []int32         `json:"ids_no_special"`
			Offsets [][2]int        `json:"offsets"`
		}{q.id, notNil(with.IDs), notNil(without.IDs), pairs})
	}
}

// notNil makes an empty list [] in JSON, not null.
func notNil(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}

// appendTokens is a table of one text's tokens.
func appendTokens(out []byte, t *tokenizer.Tokenizer, q *record, e *tokenizer.Encoding, offsets []tokenizer.Span) []byte {
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "text %s: %s\n", idText(q.id), plural(len(e.IDs), "token"))
	for i, id := range e.IDs {
		s := e.Offsets[i]
		fmt.Fprintf(w, "%d\t%s\t%q\t%d-%d\n", id, t.Token(id), q.text[s.Start:s.End], offsets[i].Start, offsets[i].End)
	}
	w.Flush()
	return out
}
