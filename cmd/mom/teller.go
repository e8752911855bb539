package main

import (
	"context"
	"fmt"
	"time"

	"mom/engine/explain"
	"mom/engine/generate"
	"mom/router"
	"mom/server/config"
)

// teller is the decoder that a recipe asks what texts are about.
type teller struct {
	name  string
	limit time.Duration
	e     *explain.Explainer
}

// openTeller opens the decoder of c that want names; nil when it names none.
func openTeller(c *config.Config, want router.Intent, threads int) (*teller, error) {
	for _, q := range c.Decoders {
		if want.Decoder == "" || q.Name != want.Decoder {
			continue
		}
		if q.Threads > 0 {
			threads = q.Threads
		}
		e, err := explain.Open(decoderPath(q.Path), explain.Options{Options: generate.Options{Precision: string(q.Precision), Threads: threads, KVBytes: int(q.KVBytes)}})
		if err != nil {
			return nil, fmt.Errorf("decoder %s: %w", q.Name, err)
		}
		return &teller{q.Name, want.TimeLimit, e}, nil
	}
	return nil, nil
}

// tell is what the decoder says of a text; where it cannot answer, that.
func (w *teller) tell(ctx context.Context, text string) (*router.Told, error) {
	t, err := tell(ctx, w.e, w.name, text, w.limit)
	if err != nil && ctx.Err() == nil {
		return &router.Told{Decoder: w.name, Limit: w.limit}, nil
	}
	return t, err
}

func (w *teller) close() {
	if w != nil {
		w.e.Close()
	}
}
