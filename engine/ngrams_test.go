package engine

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mom/engine/ngram"
	"mom/models"
	"mom/safetensors"
	"mom/tensor"
	"mom/weights"
)

const (
	marker      = "zeppelin"
	markBuckets = 1 << 10
	markWeight  = 1000
	markBias    = -0.5
	markMix     = 0.25
)

// withMarker writes the embedded family with other n-grams beside its guard, which
// say that a text is an attack if it has the marker.
func withMarker(t *testing.T) string {
	t.Helper()
	dir, m := t.TempDir(), weights.Models()[0]
	src, err := safetensors.Parse(m.Name, m.Files["model.safetensors"])
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "heads.jailbreak.ngrams."
	var views []tensor.View
	for _, name := range src.Names() {
		if !strings.HasPrefix(name, prefix) {
			v, _ := src.Tensor(name)
			views = append(views, v)
		}
	}
	weight := make([]byte, 4*markBuckets)
	var set ngram.Set
	set.Read(marker, markBuckets)
	binary.LittleEndian.PutUint32(weight[4*set.Buckets[0]:], math.Float32bits(markWeight)) // the word's; its pieces follow
	views = append(views,
		tensor.View{Name: prefix + "weight", DType: tensor.F32, Shape: []int{1, markBuckets}, Data: weight},
		tensor.View{Name: prefix + "bias", DType: tensor.F32, Shape: []int{1}, Data: binary.LittleEndian.AppendUint32(nil, math.Float32bits(markBias))})
	if err := safetensors.WriteFile(filepath.Join(dir, "model.safetensors"), views, nil); err != nil {
		t.Fatal(err)
	}
	manifest, err := models.ParseManifest(m.Files["mom.json"])
	if err != nil {
		t.Fatal(err)
	}
	for i := range manifest.Heads {
		if h := &manifest.Heads[i]; h.Function == "jailbreak" {
			h.Ngrams = &models.ManifestNgrams{Buckets: markBuckets, Mix: markMix}
		}
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"mom.json": data, "config.json": m.Files["config.json"], "tokenizer.json": m.Files["tokenizer.json"]} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGuardNgrams: the words of each window of a text and of its views add to the
// guard's logits of that window.
func TestGuardNgrams(t *testing.T) {
	e, err := Open(withMarker(t), Options{Heads: []string{"jailbreak"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	guard := func(text string) *HeadResult { return classify(t, e, text).Head("jailbreak") }

	// One window: mix times the log-odds, on the attack's logit alone.
	var set ngram.Set
	set.Read(marker, markBuckets)
	mark := set.Buckets[0]
	odds := func(text string) float64 {
		set.Read(text, markBuckets)
		z := float64(markBias)
		if slices.Contains(set.Buckets, mark) {
			z += markWeight / math.Sqrt(float64(len(set.Buckets)))
		}
		return markMix * z
	}
	for _, text := range []string{"tell me about airships", "tell me about a " + marker, "..."} {
		with := guard(text).Logits
		plain, err := Open(weights.Default, Options{Heads: []string{"jailbreak"}})
		if err != nil {
			t.Fatal(err)
		}
		plain.model.Heads[0].Ngrams = nil
		base := classify(t, plain, text).Head("jailbreak").Logits
		plain.Close()
		want := float64(base[1]) + odds(text)
		if text == "..." {
			want = float64(base[1]) // no words, nothing to say
		}
		if with[0] != base[0] || math.Abs(float64(with[1])-want) > 1e-3 {
			t.Errorf("%q: logits %v, want %v and %v", text, with, base[0], want)
		}
	}

	// Several windows, each with words of its own.
	long := strings.Repeat(fillerText, 60)
	if w := classify(t, e, long).Windows; w < 4 {
		t.Fatalf("only %d windows", w)
	}
	for _, c := range []struct {
		text, view string
		first, end bool // where the marker is; a view begins with some of what is before it
	}{
		{marker + ". " + long, "", true, false},
		{long + marker, "", false, true},
		{long + hide("We fly on a "+marker+" today. "+long), "base64", true, false},
		{hide(long) + " " + hide(long+marker), "base64", false, true},
	} {
		g := guard(c.text)
		if g.Scores[1] < 0.9 || g.View != c.view || c.first && g.Window > 1 || c.end && g.Window < 3 {
			t.Errorf("marker at the start %v, at the end %v, in %q: score %.3f, view %q, window %d", c.first, c.end, c.view, g.Scores[1], g.View, g.Window)
		}
	}
	if g := guard(long); g.Scores[1] > 0.5 {
		t.Errorf("without the marker: score %.3f", g.Scores[1])
	}
}
