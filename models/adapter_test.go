package models_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
)

// TestAdapters: merged into the weights, and live, an adapter gives what PEFT
// gives; in a batch each sequence has its own or none, in any order, with the
// bits that it has alone. (Several adapters once shared a slot elsewhere.)
func TestAdapters(t *testing.T) {
	for _, name := range []string{"llama-gqa3", "qwen3-gqa4"} {
		g := decoderGoldenOf(t, name)
		t.Run(name, func(t *testing.T) { eachLevel(t, func(t *testing.T) { testAdapters(t, &g) }) })
	}
}

func testAdapters(t *testing.T, g *decoderGolden) {
	base := g.open(t, nn.F32, nil)
	pool := poolOf(base, kv.F32, 16384)
	team := nn.NewTeam(3)
	defer team.Close()
	var adapters []*models.Adapter // and none at last
	var alone [][][]float32        // the logits of each, on its last case
	ids := g.Cases[len(g.Cases)-1].IDs
	for _, a := range g.Adapters {
		merged := g.open(t, nn.F32, a.lora(t, g.Name))
		live, err := models.OpenAdapter(base, a.lora(t, g.Name))
		if err != nil {
			t.Fatal(err)
		}
		if live.Bytes == 0 {
			t.Error("an adapter of 0 bytes")
		}
		adapters = append(adapters, live)
		for i, c := range a.Cases {
			mpool := poolOf(merged, kv.F32, 512)
			m := logits(t, merged, &nn.Workspace{}, decodeBatch([]*kv.Sequence{mpool.New()}, c.IDs))
			b := decodeBatch([]*kv.Sequence{pool.New()}, c.IDs)
			b.Adapters = []*models.Adapter{live}
			l := logits(t, base, &nn.Workspace{}, b)
			t.Logf("%s: largest difference merged %.2g, live %.2g", a.Name, c.compare(t, m, 1e-4), c.compare(t, l, 1e-4))
			if i == len(a.Cases)-1 {
				alone = append(alone, l)
			}
		}
	}
	adapters = append(adapters, nil)
	alone = append(alone, logits(t, base, &nn.Workspace{}, decodeBatch([]*kv.Sequence{pool.New()}, ids)))
	// The prompt, then token by token, with the adapters in another order each round.
	const prompt = 37
	ws := &nn.Workspace{Team: team}
	n := 2*len(adapters) + 1
	which := func(i, round int) int { return (i*5 + round) % len(adapters) }
	for round := range 3 {
		b := &models.DecodeBatch{}
		var parts [][]int32
		for i := range n {
			b.Seqs, b.Adapters = append(b.Seqs, pool.New()), append(b.Adapters, adapters[which(i, round)])
			parts = append(parts, ids[:prompt+i])
		}
		for step := range 4 {
			d := decodeBatch(b.Seqs, parts...)
			d.Adapters = b.Adapters
			got := logits(t, base, ws, d)
			for i := range n {
				for r := d.Starts[i]; r < d.Starts[i+1]; r++ {
					at := b.Seqs[i].Len() - int(d.Starts[i+1]-r)
					if !slices.Equal(got[r], alone[which(i, round)][at]) {
						t.Fatalf("round %d, step %d, sequence %d with adapter %d: row %d differs from that alone", round, step, i, which(i, round), at)
					}
				}
				parts[i] = ids[b.Seqs[i].Len():][:1]
			}
		}
	}
}

// TestAdapterOfKeptLayers: of an adapter for the whole depth, a folder that runs
// some layers takes the share of those; merged and live agree.
func TestAdapterOfKeptLayers(t *testing.T) {
	g := decoderGoldenOf(t, "llama-layers") // layers 0, 3 and 4 of 5
	a := decoderGolden{Name: "x", Config: `{"peft_type":"LORA","r":3,"lora_alpha":6}`, Tensors: map[string][]int{}}
	for i := range 5 {
		at := fmt.Sprintf("base_model.model.model.layers.%d.", i)
		a.Tensors[at+"self_attn.k_proj.lora_A.weight"], a.Tensors[at+"self_attn.k_proj.lora_B.weight"] = []int{3, 32}, []int{16, 3}
		a.Tensors[at+"mlp.down_proj.lora_A.weight"], a.Tensors[at+"mlp.down_proj.lora_B.weight"] = []int{3, 48}, []int{32, 3}
	}
	d, merged := g.open(t, nn.F32, nil), g.open(t, nn.F32, a.lora(t, g.Name))
	live, err := models.OpenAdapter(d, a.lora(t, g.Name))
	if err != nil {
		t.Fatal(err)
	}
	ids := g.Cases[5].IDs
	b := decodeBatch([]*kv.Sequence{poolOf(d, kv.F32, 64).New()}, ids)
	plain := logits(t, d, &nn.Workspace{}, b)
	b.Seqs, b.Adapters = []*kv.Sequence{poolOf(d, kv.F32, 64).New()}, []*models.Adapter{live}
	got := logits(t, d, &nn.Workspace{}, b)
	want := logits(t, merged, &nn.Workspace{}, decodeBatch([]*kv.Sequence{poolOf(d, kv.F32, 64).New()}, ids))
	if rel := relative(got, want); !(rel < 1e-5) {
		t.Errorf("live differs from merged by %.2g", rel)
	}
	if rel := relative(plain, want); !(rel > 0.05) {
		t.Errorf("the adapter changes next to nothing: %.2g", rel)
	}
}

// TestAdapterRefused: what cannot run beside others is said, not dropped.
func TestAdapterRefused(t *testing.T) {
	g := decoderGoldenOf(t, "llama-gqa3")
	d := g.open(t, nn.F32, nil)
	a := g.Adapters[0]
	const module = "base_model.model.model.layers.0.self_attn.q_proj"
	for name, c := range map[string]struct {
		break_ func(source)
		want   string
	}{
		"output layer": {func(s source) {
			s["base_model.model.lm_head.lora_A.weight"] = s[module+".lora_A.weight"]
			s["base_model.model.lm_head.lora_B.weight"] = s[module+".lora_B.weight"]
		}, "2 tensors fit no layer of the model: lm_head.lora_A.weight"},
		"module saved whole": {func(s source) { s["base_model.model.model.norm.weight"] = s[module+".lora_A.weight"] }, "model.norm.weight"},
		"A without B":        {func(s source) { delete(s, module+".lora_B.weight") }, "missing tensor model.layers.0.self_attn.q_proj.lora_B.weight"},
		"another shape": {func(s source) { s[module+".lora_A.weight"] = s[module+".lora_B.weight"] },
			"lora_A.weight has shape [72 4], want [4 72]"},
		"a layer too many": {func(s source) {
			s[strings.Replace(module, "0", "9", 1)+".lora_A.weight"] = s[module+".lora_A.weight"]
		}, "model.layers.9.self_attn.q_proj.lora_A.weight"},
	} {
		src := goldenWeights(g.Name+"/"+a.Name, a.Tensors)
		c.break_(src)
		l, err := models.ParseLoRA([]byte(a.Config), src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = models.OpenAdapter(d, l); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
}
