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
			for _, at := range [][2]int{{32, 1}, {32, 2}, {128, 1}, {128, 2}} {
				tokens, threads := at[0], at[1]
				b.Run(fmt.Sprintf("%s/%s/tokens=%d/threads=%d", name, p, tokens, threads), func(b *testing.B) {
					if m == nil {
						shape, err := NewShape(name, p)
						if err != nil {
							b.Fatal(err)
						}
						if m, err = models.Open(shape.Config, shape, models.Options{Precision: p}); err != nil {
							b.Fatal(err)
						}
					}
					ws := &nn.Workspace{Team: nn.NewTeam(threads)}
					defer ws.Team.Close()
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
