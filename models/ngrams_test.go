package models

import (
	"math"
	"strings"
	"testing"
)

func TestNgramsAdd(t *testing.T) {
	const labels, buckets = 3, 7
	n := &Ngrams{Buckets: buckets, bias: []float32{-1, 0.5, 40}, mix: 0.25}
	stored := &Ngrams{Buckets: buckets, bias: n.bias, mix: n.mix, scale: []float32{0.5, 0.25, 2}}
	for i := range labels * buckets {
		stored.i8 = append(stored.i8, int8(math.Sin(float64(i))*127))
		n.f32 = append(n.f32, float32(stored.i8[i])*stored.scale[i%labels])
	}
	have := []uint32{6, 0, 3}
	logits, scratch := []float32{1, 2, 3}, []float32{9, 9, 9}
	n.Add(logits, scratch, have)
	for l := range labels {
		z := 0.0
		for _, b := range have {
			z += float64(n.f32[int(b)*labels+l])
		}
		z = z/math.Sqrt(3) + float64(n.bias[l])
		want := float64(l+1) + 0.25*math.Log(1/(1+math.Exp(-z)))
		if math.Abs(float64(logits[l])-want) > 1e-6 {
			t.Errorf("label %d: %v, want %v", l, logits[l], want)
		}
	}
	same := []float32{1, 2, 3}
	stored.Add(same, scratch, have)
	for l := range labels {
		if math.Abs(float64(same[l]-logits[l])) > 1e-5 {
			t.Errorf("label %d: %v from int8, %v from float32", l, same[l], logits[l])
		}
	}
	before := append([]float32(nil), logits...)
	n.Add(logits, scratch, nil)
	for l := range labels {
		if logits[l] != before[l] {
			t.Error("a text without features changes the logits")
		}
	}
}

// TestNgramsAddOne: one row adds its log-odds to the second of two labels.
func TestNgramsAddOne(t *testing.T) {
	n := &Ngrams{Buckets: 3, f32: []float32{1, 2, 4}, bias: []float32{-0.5}, mix: 0.25, one: true}
	logits := []float32{1, 2}
	n.Add(logits, []float32{9, 9}, []uint32{0, 2})
	if want := float32(2 + 0.25*(5/math.Sqrt2-0.5)); logits[0] != 1 || math.Abs(float64(logits[1]-want)) > 1e-6 {
		t.Errorf("%v, want 1 and %v", logits, want)
	}
}

func TestManifestNgrams(t *testing.T) {
	head := func(ngrams, task, combine string) string {
		return `{"name":"m","version":1,"heads":[{"name":"h","function":"intent","task":"` + task + `","prefix":"p","pooling":"mean","activation":"tanh","labels":["a","b"],
			"temperature":1,"combine":"` + combine + `","window":{"tokens":16,"overlap":4},"ngrams":` + ngrams + `}]}`
	}
	const good = `{"buckets":100,"mix":0.5}`
	for _, combine := range []string{"mean", "max"} {
		if _, err := ParseManifest([]byte(head(good, "sequence-classification", combine))); err != nil {
			t.Error(err)
		}
	}
	for _, c := range [][2]string{
		{head(`{"buckets":0,"mix":0.5}`, "sequence-classification", "mean"), "ngrams.buckets"},
		{head(`{"buckets":99999999,"mix":0.5}`, "sequence-classification", "mean"), "ngrams.buckets"},
		{head(`{"buckets":100,"mix":0}`, "sequence-classification", "mean"), "ngrams.mix"},
		{head(`{"buckets":100,"mix":0.5,"words":1}`, "sequence-classification", "mean"), "words"},
		{strings.Replace(head(good, "sequence-classification", "max"), `"a",`, `"a","c",`, 1), "ngrams"},
		{head(good, "token-classification", "spans"), "ngrams"},
	} {
		if _, err := ParseManifest([]byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%v, want an error about %s", err, c[1])
		}
	}
}
