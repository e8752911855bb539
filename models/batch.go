package models

import "errors"

// A Batch is one or more token sequences, one after another without padding.
type Batch struct {
	IDs    []int32 // [t]
	Types  []int32 // [t] token types; nil means all 0
	Starts []int32 // [n+1] sequence i is IDs[Starts[i]:Starts[i+1]]; Starts[0] is 0

	// Cancelled, when set, is asked between layers; true ends the pass with ErrCancelled.
	Cancelled func() bool
}

// Len is the number of sequences.
func (b *Batch) Len() int { return len(b.Starts) - 1 }

// ErrCancelled reports that a forward pass was given up between two layers.
var ErrCancelled = errors.New("models: forward pass cancelled")

func (b *Batch) cancelled() bool { return b.Cancelled != nil && b.Cancelled() }
