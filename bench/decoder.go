package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"mom/kernels/peak"
	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// DecoderOptions say what Decoder measures.
type DecoderOptions struct {
	Prompts []int // lengths in tokens
	Tokens  int   // written after each
	Threads []int // sizes of the team
	Rounds  int   // 0 means 5
	Format  kv.Format
	Adapter *models.Adapter // that runs over the decoder; nil for none
}

// A DecoderResult is the speed of one sequence alone. Prefill reads the prompt in
// one pass, with the logits of its last token; decoding reads a token a pass, with
// logits of the whole vocabulary. DRAM is the bytes of all weights a step over the
// time of a step, as a share of the rate at which so many cores read memory,
// measured in the same round. An adapter's matrices count as weights.
type DecoderResult struct {
	Prompt    int     `json:"prompt"`
	Threads   int     `json:"threads"`
	Precision string  `json:"precision"`
	Prefill   float64 `json:"prefill_tps"`
	Decode    float64 `json:"decode_tps"`
	StepMS    float64 `json:"step_ms"`
	Gops      float64 `json:"prefill_gops"`
	Ceiling   float64 `json:"ceiling_gops"`
	Percent   float64 `json:"prefill_percent"`
	GBps      float64 `json:"gb_per_s"`
	Memory    float64 `json:"dram_gb_per_s"`
	DRAM      float64 `json:"dram_percent"`
}

// Decoder measures d at each length and team and hands the results to emit.
func Decoder(ctx context.Context, d models.Decoder, p nn.Precision, o DecoderOptions, emit func(DecoderResult) error) error {
	info := d.Info()
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	for _, n := range o.Prompts {
		if n < 1 || n+o.Tokens > info.MaxTokens {
			return fmt.Errorf("a prompt of %d tokens and %d more: the model reads at most %d", n, o.Tokens, info.MaxTokens)
		}
	}
	longest := slices.Max(o.Prompts) + o.Tokens
	ko := kv.Options{Layers: info.Layers, KVHeads: info.KVHeads, HeadDim: info.HeadDim, Format: o.Format}
	ko.Bytes = (longest/kv.PageTokens + 2) * ko.PageBytes()
	pool := kv.NewPool(ko)
	for _, threads := range o.Threads {
		w := &writer{d: d, pool: pool, ws: nn.Workspace{Team: nn.NewTeam(threads)}, logits: make([]float32, info.Vocab)}
		w.ops, w.bytes = float64(info.Ops), float64(info.Bytes)
		if o.Adapter != nil {
			w.batch.Adapters = []*models.Adapter{o.Adapter}
			w.ops, w.bytes = w.ops+float64(o.Adapter.Ops), w.bytes+float64(o.Adapter.Bytes)
		}
		for _, n := range o.Prompts {
			r, err := w.measure(ctx, p, threads, n, o)
			if err == nil {
				err = emit(r)
			}
			if err != nil {
				w.ws.Team.Close()
				return err
			}
		}
		w.ws.Team.Close()
	}
	return nil
}

// writer is one sequence.
type writer struct {
	d      models.Decoder
	pool   *kv.Pool
	ws     nn.Workspace
	batch  models.DecodeBatch
	logits []float32
	ops    float64 // a token
	bytes  float64 // of all weights
}

// pass reads ids and returns the most probable next token.
func (w *writer) pass(s *kv.Sequence, ids []int32) (int32, error) {
	b := &w.batch
	b.IDs = append(b.IDs[:0], ids...)
	b.Starts = append(b.Starts[:0], 0, int32(len(ids)))
	b.Seqs = append(b.Seqs[:0], s)
	b.Want = append(b.Want[:0], int32(len(ids)-1))
	h, err := w.d.Decode(&w.ws, b)
	if err != nil {
		return 0, err
	}
	w.d.Logits(&w.ws, tensor.Mat{Rows: 1, Cols: len(w.logits), Data: w.logits}, h, nil)
	best := 0
	for i, x := range w.logits {
		if x > w.logits[best] {
			best = i
		}
	}
	return int32(best), nil
}

func (w *writer) measure(ctx context.Context, p nn.Precision, threads, n int, o DecoderOptions) (DecoderResult, error) {
	info := w.d.Info()
	r := DecoderResult{Prompt: n, Threads: threads, Precision: p.String()}
	ids := text(n, info.Vocab).IDs
	var prefill, step, tops, reads []float64
	for round := range o.Rounds + 1 {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		top, read := ceiling(p, threads), readers(threads)
		s := w.pool.New()
		t := time.Now()
		next, err := w.pass(s, ids)
		pre := time.Since(t)
		for i := 0; i < o.Tokens && err == nil; i++ {
			if i == 1 || o.Tokens == 1 { // the first step wakes what slept
				t = time.Now()
			}
			next, err = w.pass(s, []int32{next})
		}
		took := time.Since(t)
		s.Free()
		if err != nil {
			return r, err
		}
		if round == 0 {
			continue // memory grows
		}
		prefill = append(prefill, pre.Seconds())
		step = append(step, took.Seconds()/float64(max(o.Tokens-1, 1)))
		tops, reads = append(tops, top), append(reads, read)
	}
	r.Prefill = float64(n) / median(prefill)
	r.StepMS = 1e3 * median(step)
	r.Decode = 1 / median(step)
	r.Ceiling, r.Memory = median(tops), median(reads)
	r.Gops = w.ops * float64(n) / median(prefill) / 1e9
	r.Percent = 100 * r.Gops / r.Ceiling
	r.GBps = w.bytes / median(step) / 1e9
	r.DRAM = 100 * r.GBps / r.Memory
	return r, nil
}

// readers is the rate at which so many cores read memory together.
func readers(threads int) float64 {
	var wait sync.WaitGroup
	rates := make([]float64, threads)
	for i := range rates {
		wait.Add(1)
		go func() {
			defer wait.Done()
			rates[i] = peak.Read()
		}()
	}
	wait.Wait()
	sum := 0.0
	for _, x := range rates {
		sum += x
	}
	return sum
}
