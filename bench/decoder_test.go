package bench

import (
	"context"
	"path/filepath"
	"testing"

	"mom/engine/enginetest"
	"mom/engine/generate"
	"mom/models"
	"mom/models/nn"
	"mom/tensor"
)

// watched notes which adapters its batches have.
type watched struct {
	models.Decoder
	seen map[*models.Adapter]int
}

func (w *watched) Decode(ws *nn.Workspace, b *models.DecodeBatch) (tensor.Mat, error) {
	if b.Adapters == nil {
		w.seen[nil]++
	}
	for _, a := range b.Adapters {
		w.seen[a]++
	}
	return w.Decoder.Decode(ws, b)
}

// TestDecoderAdapter: every pass that is measured has the adapter of the folder,
// and its work counts.
func TestDecoderAdapter(t *testing.T) {
	base := enginetest.Decoder(t, "base")
	dir := filepath.Join(filepath.Dir(base), "part")
	if err := enginetest.WriteAdapted(dir, "base"); err != nil {
		t.Fatal(err)
	}
	m, err := generate.Open(dir, generate.Options{Precision: "f32"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	a := m.Adapter()
	// Of rank 4: q_proj of 64 to 64, down_proj of 96 to 64.
	if a == nil || a.Ops != 2*4*(64+64+96+64) {
		t.Fatalf("the folder's adapter is %+v", a)
	}
	for _, a := range []*models.Adapter{a, nil} {
		w := &watched{m.Decoder(), map[*models.Adapter]int{}}
		var r DecoderResult
		o := DecoderOptions{Prompts: []int{5}, Tokens: 2, Threads: []int{1}, Rounds: 1, Adapter: a}
		if err := Decoder(context.Background(), w, nn.F32, o, func(x DecoderResult) error { r = x; return nil }); err != nil {
			t.Fatal(err)
		}
		if passes := 2 * (1 + 2); len(w.seen) != 1 || w.seen[a] != passes {
			t.Errorf("with %v: passes by adapter %v, want %d", a != nil, w.seen, passes)
		}
		want := float64(m.Info().Ops)
		if a != nil {
			want += float64(a.Ops)
		}
		if got := r.Gops / r.Prefill * 1e9; !(got > 0.999*want && got < 1.001*want) {
			t.Errorf("with %v: %.0f operations a token, want %.0f", a != nil, got, want)
		}
	}
}
