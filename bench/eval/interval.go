package eval

import (
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// level is that of all intervals.
const level = 0.95

// A Rate is a share of cases with its 95 % interval.
type Rate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"`
}

// NewRate is hits of n with the exact interval of Clopper and Pearson (1934).
// Without cases it is 0, and anything is possible.
func NewRate(hits, n int) Rate {
	if n == 0 {
		return Rate{High: 1}
	}
	r := Rate{Value: float64(hits) / float64(n), Low: 0, High: 1, N: n}
	if hits > 0 {
		r.Low = mathext.InvRegIncBeta(float64(hits), float64(n-hits+1), (1-level)/2)
	}
	if hits < n {
		r.High = mathext.InvRegIncBeta(float64(hits+1), float64(n-hits), (1+level)/2)
	}
	return r
}

// resamples is the number of bootstrap samples of an interval.
const resamples = 400

// bootstrap is the interval of a figure of n cases by drawing them again, with a
// fixed seed (Efron 1979). Cases of one group are drawn together, since they are
// not independent; group is nil when every case is its own.
func bootstrap(value float64, n int, group func(i int) string, figure func(cases []int) float64) Rate {
	r := Rate{Value: value, Low: value, High: value, N: n}
	if n == 0 {
		return r
	}
	members := map[string][]int{}
	var groups [][]int
	for i := range n {
		if group == nil || group(i) == "" {
			groups = append(groups, []int{i})
			continue
		}
		members[group(i)] = append(members[group(i)], i)
	}
	for i := range n { // in the order of the cases, not of the map
		if group == nil || group(i) == "" {
			continue
		}
		if m := members[group(i)]; m != nil {
			groups = append(groups, m)
			members[group(i)] = nil
		}
	}
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	values := make([]float64, resamples)
	var cases []int
	for k := range values {
		cases = cases[:0]
		for range groups {
			cases = append(cases, groups[rnd.IntN(len(groups))]...)
		}
		values[k] = figure(cases)
	}
	slices.Sort(values)
	r.Low, r.High = values[int((1-level)/2*resamples)], values[int((1+level)/2*resamples)-1]
	return r
}
