package bench

import (
	"fmt"
	"testing"

	"mom/models"
	"mom/models/nn"
)

// BenchmarkForward is a whole forward pass on random weights. Run it with
// -cpuprofile to see where the time goes.
func BenchmarkForward(b *testing.B) {
	for _, name := range []string{"modernbert-base", "minilm-l6"} {
		for p := nn.F32; p <= nn.I8; p++ {
			var m *models.Model
			for _, tokens := range []int{32, 128} {
				b.Run(fmt.Sprintf("%s/%s/tokens=%d", name, p, tokens), func(b *testing.B) {
					if m == nil {
						shape, err := NewShape(name, p)
						if err != nil {
							b.Fatal(err)
						}
						if m, err = models.Open(shape.Config, shape, models.Options{Precision: p}); err != nil {
							b.Fatal(err)
						}
					}
					ws := &nn.Workspace{}
					batch := text(tokens, m.Trunk.Info().Vocab)
					for b.Loop() {
						if _, err := m.Trunk.Encode(ws, &batch); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
