package eval

import (
	"context"
	"math"

	"github.com/viterin/vek/vek32"
)

// logits are logistic regressions on embeddings, one a model: how likely its
// answer is right. A model's is fitted when it is first asked for.
type logits struct {
	train, dev  []*Question
	mean, scale []float32   // of each column over the train rows
	x, devX     [][]float32 // standardised, with a 1 at the end
	columns     [][]float32 // x the other way round
	factors     [][]float64 // of the bound of the curvature, for each of the penalties
	fitted      map[string][]float32
}

// The penalties of the squared weights that dev chooses among, the strictest
// first; without dev rows it is the first but one.
var penalties = []float64{3000, 1000, 300, 100}

const (
	logitSteps = 100
	logitDone  = 1e-3 // of the largest change of a weight
)

func newLogits(train, dev []*Question) *logits {
	return &logits{train: train, dev: dev, fitted: map[string][]float32{}}
}

// prepare standardises the rows and factors the bounds.
func (l *logits) prepare() {
	d := len(l.train[0].Embedding)
	l.mean, l.scale = make([]float32, d), make([]float32, d)
	n := float32(len(l.train))
	for _, q := range l.train {
		vek32.Add_Inplace(l.mean, q.Embedding)
	}
	vek32.DivNumber_Inplace(l.mean, n)
	for _, q := range l.train {
		for j, x := range q.Embedding {
			l.scale[j] += (x - l.mean[j]) * (x - l.mean[j]) / n
		}
	}
	for j, v := range l.scale {
		l.scale[j] = 1 / float32(math.Sqrt(float64(max(v, 1e-12))))
	}
	for _, q := range l.train {
		l.x = append(l.x, l.standard(q))
	}
	for _, q := range l.dev {
		l.devX = append(l.devX, l.standard(q))
	}
	l.columns = make([][]float32, d+1)
	for j := range l.columns {
		l.columns[j] = make([]float32, len(l.x))
		for i, x := range l.x {
			l.columns[j][i] = x[j]
		}
	}
	gram := make([]float64, (d+1)*(d+1))
	for i, a := range l.columns {
		for j, b := range l.columns[:i+1] {
			gram[i*(d+1)+j] = float64(vek32.Dot(a, b))
		}
	}
	for _, p := range penalties {
		f := make([]float64, len(gram))
		for i, g := range gram {
			f[i] = g / 4
		}
		for i := range d { // the last column, the bias, is free
			f[i*(d+1)+i] += p
		}
		f[len(f)-1] += 1e-6
		factor(f, d+1)
		l.factors = append(l.factors, f)
	}
}

func (l *logits) standard(q *Question) []float32 {
	x := make([]float32, len(q.Embedding)+1)
	for j, v := range q.Embedding {
		x[j] = (v - l.mean[j]) * l.scale[j]
	}
	x[len(q.Embedding)] = 1
	return x
}

// weights are those of a model, with the penalty under which it says most about
// the dev rows.
func (l *logits) weights(model string) []float32 {
	if w, ok := l.fitted[model]; ok {
		return w
	}
	if l.factors == nil {
		l.prepare()
	}
	w := make([]float32, len(l.x[0]))
	var best []float32
	least := math.Inf(1)
	for k := range penalties {
		l.fit(w, model, k)
		loss := l.loss(w, model)
		if len(l.dev) == 0 && k == 1 {
			loss = 0
		}
		if loss < least {
			best, least = append([]float32(nil), w...), loss
		}
	}
	l.fitted[model] = best
	return best
}

// fit moves w to the weights of a model by steps with a bound of the curvature,
// which is factored once for all steps and models (Böhning 1992): a step never
// makes the loss worse.
func (l *logits) fit(w []float32, model string, k int) {
	d := len(w)
	right, _, has := outcomes(l.train, model)
	off, step := make([]float32, len(l.train)), make([]float64, d)
	for range logitSteps {
		for i, x := range l.x {
			if has[i] {
				off[i] = float32(right[i]) - sigmoid(vek32.Dot(w, x))
			}
		}
		for j := range step {
			step[j] = float64(vek32.Dot(off, l.columns[j]))
			if j < d-1 {
				step[j] -= penalties[k] * float64(w[j])
			}
		}
		solve(l.factors[k], step, d)
		most := 0.0
		for j := range w {
			w[j] += float32(step[j])
			most = max(most, math.Abs(step[j]))
		}
		if most < logitDone {
			return
		}
	}
}

// loss is the mean logarithmic loss on dev, infinite without a row.
func (l *logits) loss(w []float32, model string) float64 {
	sum, n := 0.0, 0
	for i, q := range l.dev {
		if o, ok := q.Outcomes[model]; ok {
			p := min(max(float64(sigmoid(vek32.Dot(w, l.devX[i]))), 1e-6), 1-1e-6)
			sum -= o*math.Log(p) + (1-o)*math.Log(1-p)
			n++
		}
	}
	if n == 0 {
		return math.Inf(1)
	}
	return sum / float64(n)
}

func (l *logits) Choose(_ context.Context, q *Question, p *Pool) (Choice, error) {
	scores := make([]float64, len(p.Models))
	var x []float32
	for m, name := range p.Models {
		w := l.weights(name)
		if x == nil {
			x = l.standard(q)
		}
		scores[m] = float64(sigmoid(vek32.Dot(w, x)))
	}
	return p.expect(scores), nil
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// factor replaces the lower triangle of a symmetric matrix by its Cholesky factor.
func factor(a []float64, n int) {
	for i := range n {
		for j := range i + 1 {
			s := a[i*n+j]
			for k := range j {
				s -= a[i*n+k] * a[j*n+k]
			}
			if i == j {
				a[i*n+i] = math.Sqrt(max(s, 1e-12))
			} else {
				a[i*n+j] = s / a[j*n+j]
			}
		}
	}
}

// solve replaces b by the solution with a factored matrix.
func solve(a, b []float64, n int) {
	for i := range n {
		for k := range i {
			b[i] -= a[i*n+k] * b[k]
		}
		b[i] /= a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[k*n+i] * b[k]
		}
		b[i] /= a[i*n+i]
	}
}
