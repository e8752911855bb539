package eval

import "slices"

// inField is the gain over the model that is best in each field for the cost
// that the chooser has there.
func (t *table) inField(right, spent []float64) Gain {
	other := make([]float64, len(right))
	name := "each field's best"
	for k, rows := range t.fields.rows {
		one := fields{rows: t.fields.rows[k : k+1]}
		costs := make([]float64, len(t.Models))
		for m := range costs {
			costs[m] = one.mean(t.cost[m], nil)
		}
		train := t.trainField[t.fields.names[k]]
		if train == nil {
			train = t.train
		}
		m := t.best(train, costs, samePrice*one.mean(spent, nil))
		if len(t.fields.names) == 1 {
			name = t.Models[m]
		}
		for _, i := range rows {
			other[i] = t.right[m][i]
		}
	}
	return t.gain(name, right, other)
}

// best is the model with the most right answers on train of those that cost at
// most limit, or else the cheapest; without costs it is the best of all.
func (t *table) best(train, costs []float64, limit float64) int {
	best, cheapest := -1, 0
	for m := range train {
		if costs != nil && costs[m] < costs[cheapest] {
			cheapest = m
		}
		if (costs == nil || costs[m] <= limit) && (best < 0 || train[m] > train[best]) {
			best = m
		}
	}
	if best < 0 {
		return cheapest
	}
	return best
}

// mix is a model, another, and the share of the questions that the first gets,
// so that most is right on train and the cost is at most limit.
func (t *table) mix(costs []float64, limit float64) (a, b int, share float64) {
	slack := limit * (1 + 1e-9) // sums differ by their order
	a = t.best(t.train, costs, slack)
	b, share = a, 1
	most := t.train[a]
	for i := range costs {
		for j := range costs {
			if costs[i] > slack || costs[j] <= slack {
				continue
			}
			s := min((costs[j]-limit)/(costs[j]-costs[i]), 1)
			if right := s*t.train[i] + (1-s)*t.train[j]; right > most {
				a, b, share, most = i, j, s, right
			}
		}
	}
	return a, b, share
}

// rate is the mean over the fields of what is right, with its interval.
func (t *table) rate(right []float64) Rate {
	return t.bootstrap(t.fields.mean(right, nil), func(cases []int) float64 {
		r, _ := t.means(right, right, cases)
		return r
	})
}

// gain compares what is right with another choice.
func (t *table) gain(over string, right, other []float64) Gain {
	g := Gain{Over: over, Accuracy: t.fields.mean(other, nil)}
	g.Value = relative(t.fields.mean(right, nil), g.Accuracy)
	if slices.Equal(right, other) {
		return g
	}
	r := t.bootstrap(g.Value, func(cases []int) float64 { return relative(t.means(right, other, cases)) })
	g.Low, g.High = r.Low, r.High
	return g
}

func (t *table) bootstrap(value float64, figure func(cases []int) float64) Rate {
	return bootstrap(value, len(t.questions), func(i int) string { return t.questions[i].Group }, figure)
}

// means are those of two choices over the fields, of drawn cases.
func (t *table) means(x, y []float64, cases []int) (a, b float64) {
	n := len(t.fields.names)
	sums := make([]float64, 3*n)
	for _, i := range cases {
		k := 3 * t.place[i]
		sums[k] += x[i]
		sums[k+1] += y[i]
		sums[k+2]++
	}
	drawn := 0.0
	for k := 0; k < 3*n; k += 3 {
		if sums[k+2] > 0 {
			a += sums[k] / sums[k+2]
			b += sums[k+1] / sums[k+2]
			drawn++
		}
	}
	return a / max(drawn, 1), b / max(drawn, 1)
}

func relative(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a/b - 1
}
