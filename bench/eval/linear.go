package eval

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Linear is the model that others stand beside: a linear support vector
// machine a label on TF-IDF of words and pairs of words, the features hashed.
type Linear struct {
	Labels []string

	index map[uint32]int32 // feature -> column, those of two training texts at least
	idf   []float32
	w     [][]float32 // a label: [columns+1], the last for the bias
}

const (
	epochs  = 20
	penalty = 0.5 // C, of the squared hinge loss
)

// TrainLinear fits a model by dual coordinate descent (Hsieh et al. 2008). weigh
// is the weight of a label's rows, nil for 1.
func TrainLinear(texts []string, labels []int, names []string, weigh []float64) *Linear {
	docs := make([][]uint32, len(texts))
	for i, t := range texts {
		docs[i] = features(t)
	}
	return trainDocs(docs, labels, names, weigh)
}

// trainDocs is TrainLinear on features.
func trainDocs(docs [][]uint32, labels []int, names []string, weigh []float64) *Linear {
	m := &Linear{Labels: names, index: map[uint32]int32{}}
	seen := map[uint32]int32{}
	for i := range docs {
		for _, f := range distinct(docs[i]) {
			seen[f]++
		}
	}
	kept := make([]uint32, 0, len(seen))
	for f, n := range seen {
		if n >= 2 {
			kept = append(kept, f)
		}
	}
	slices.Sort(kept)
	for _, f := range kept {
		m.index[f] = int32(len(m.idf))
		m.idf = append(m.idf, float32(math.Log(float64(1+len(docs))/float64(1+seen[f])))+1)
	}
	vectors := make([][]feature, len(docs))
	for i := range docs {
		vectors[i] = m.vector(docs[i])
	}
	for k := range names {
		c := func(i int) float64 {
			if weigh != nil {
				return penalty * weigh[labels[i]]
			}
			return penalty
		}
		m.w = append(m.w, separate(vectors, len(m.idf)+1, func(i int) bool { return labels[i] == k }, c))
	}
	return m
}

// separate returns the weights that part the vectors which are in from the
// others, with c the cost of an error at vector i.
func separate(vectors [][]feature, columns int, in func(i int) bool, c func(i int) float64) []float32 {
	w, alpha := make([]float32, columns), make([]float64, len(vectors))
	rnd := rand.New(rand.NewPCG(20261123, 1))
	for range epochs {
		for _, i := range rnd.Perm(len(vectors)) {
			y := -1.0
			if in(i) {
				y = 1
			}
			slack := 1 / (2 * c(i))
			gradient := y*dot(w, vectors[i]) - 1 + slack*alpha[i]
			if alpha[i] == 0 && gradient >= 0 {
				continue
			}
			// The vectors are of length 1, and the bias adds 1.
			was := alpha[i]
			alpha[i] = max(was-gradient/(2+slack), 0)
			step := float32((alpha[i] - was) * y)
			for _, f := range vectors[i] {
				w[f.at] += step * f.x
			}
		}
	}
	return w
}

func dot(w []float32, v []feature) float64 {
	var s float32
	for _, f := range v {
		s += f.x * w[f.at]
	}
	return float64(s)
}

// Margins returns how far a text is on the side of each label.
func (m *Linear) Margins(text string) []float64 { return m.margins(features(text)) }

func (m *Linear) margins(doc []uint32) []float64 {
	v := m.vector(doc)
	out := make([]float64, len(m.w))
	for k, w := range m.w {
		out[k] = dot(w, v)
	}
	return out
}

// Classify returns the labels' shares by the softmax of their margins. They are
// no calibrated probabilities.
func (m *Linear) Classify(text string) []float64 {
	p := m.Margins(text)
	most := slices.Max(p)
	var sum float64
	for k := range p {
		p[k] = math.Exp(p[k] - most)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

type feature struct {
	at int32
	x  float32
}

// vector is the TF-IDF of a text, of length 1, with a bias.
func (m *Linear) vector(doc []uint32) []feature {
	count := map[int32]float32{}
	for _, f := range doc {
		if at, ok := m.index[f]; ok {
			count[at]++
		}
	}
	out := make([]feature, 0, len(count)+1)
	var norm float64
	for at, n := range count {
		x := (1 + float32(math.Log(float64(n)))) * m.idf[at]
		norm += float64(x) * float64(x)
		out = append(out, feature{at, x})
	}
	slices.SortFunc(out, func(a, b feature) int { return int(a.at - b.at) })
	inv := float32(1 / math.Sqrt(max(norm, 1e-12)))
	for i := range out {
		out[i].x *= inv
	}
	return append(out, feature{int32(len(m.idf)), 1})
}

// features are the hashes of a text's words, of two letters at least, and their pairs.
func features(text string) []uint32 {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	out := make([]uint32, 0, 2*len(words))
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < 2 })
	for i, w := range words {
		out = append(out, hash(w))
		if i > 0 {
			out = append(out, hash(words[i-1], w))
		}
	}
	return out
}

func hash(parts ...string) uint32 {
	h := fnv.New32a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum32()
}

func distinct(x []uint32) []uint32 {
	y := slices.Clone(x)
	slices.Sort(y)
	return slices.Compact(y)
}
