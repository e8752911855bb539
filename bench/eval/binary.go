package eval

import (
	"math"
	"slices"
)

// Alarms are the figures of a guard.
type Alarms struct {
	Attacks     int                `json:"attacks"`
	Benign      int                `json:"benign"`
	AUC         *Rate              `json:"auc,omitempty"` // with attacks and benign rows only
	Threshold   float64            `json:"threshold"`
	Recall      Rate               `json:"recall"`       // at the threshold
	FalseAlarms Rate               `json:"false_alarms"` // at the threshold
	At          []OperatingPoint   `json:"at"`
	Sources     map[string]Rate    `json:"sources,omitempty"` // flagged at the threshold, by source and kind
	Languages   map[string]Rate    `json:"languages,omitempty"`
	SourcesAt1  map[string]Rate    `json:"sources_at_1,omitempty"` // attacks found at 1 % false alarms among all benign rows
	SourcesAUC  map[string]float64 `json:"sources_auc,omitempty"`  // of each source's attacks against all benign rows
	LangsAt1    map[string]Rate    `json:"languages_at_1,omitempty"`
	Hidden      []Hidden           `json:"hidden,omitempty"` // attacks found when they are hidden
	ECE         float64            `json:"ece"`
	Bins        []Bin              `json:"reliability"`
}

// An OperatingPoint is a threshold that few benign rows reach.
type OperatingPoint struct {
	FalseAlarms float64 `json:"false_alarms"` // allowed
	Threshold   float64 `json:"threshold"`
	Recall      Rate    `json:"recall"`
}

// MeasureAlarms compares scores, probabilities of an attack, with the rows.
func MeasureAlarms(rows []Row, scores []float64, threshold float64) Alarms {
	a := Alarms{Threshold: threshold, Sources: map[string]Rate{}, Languages: map[string]Rate{}, SourcesAt1: map[string]Rate{}, LangsAt1: map[string]Rate{}}
	var benign []float64
	found, alarms := 0, 0
	for i := range rows {
		flagged := scores[i] >= threshold
		if rows[i].Attack {
			a.Attacks++
			if flagged {
				found++
			}
			continue
		}
		a.Benign++
		benign = append(benign, scores[i])
		if flagged {
			alarms++
		}
	}
	a.Recall, a.FalseAlarms = NewRate(found, a.Attacks), NewRate(alarms, a.Benign)
	all := make([]int, len(rows))
	for i := range all {
		all[i] = i
	}
	auc := func(cases []int) float64 { return auc(rows, scores, cases) }
	if a.Attacks > 0 && a.Benign > 0 {
		r := bootstrap(auc(all), len(rows), func(i int) string { return rows[i].Group }, auc)
		a.AUC = &r
	}
	for _, allowed := range []float64{0.001, 0.01} {
		t := quantile(benign, allowed)
		n := 0
		for i := range rows {
			if rows[i].Attack && scores[i] >= t {
				n++
			}
		}
		a.At = append(a.At, OperatingPoint{allowed, t, NewRate(n, a.Attacks)})
	}
	kind := func(r *Row) string {
		if r.Attack {
			return "attack"
		}
		return "benign"
	}
	flagged := func(i int) bool { return scores[i] >= threshold }
	by(a.Sources, rows, func(r *Row) string {
		if r.Source == "" {
			return ""
		}
		return r.Source + "/" + kind(r)
	}, flagged)
	by(a.Languages, rows, func(r *Row) string {
		if r.Lang == "" {
			return ""
		}
		return r.Lang + "/" + kind(r)
	}, flagged)
	ofAttacks := func(key func(r *Row) string) func(r *Row) string {
		return func(r *Row) string {
			if !r.Attack {
				return ""
			}
			return key(r)
		}
	}
	atOne := func(i int) bool { return scores[i] >= a.one() }
	by(a.SourcesAt1, rows, ofAttacks(func(r *Row) string { return r.Source }), atOne)
	if a.Benign > 0 {
		a.SourcesAUC = sourcesAUC(rows, scores)
	}
	by(a.LangsAt1, rows, ofAttacks(func(r *Row) string { return r.Lang }), atOne)
	top := make([]float64, len(rows))
	for i, s := range scores {
		top[i] = max(s, 1-s)
	}
	a.ECE, a.Bins = calibration(top, func(i int) bool { return scores[i] >= 0.5 == rows[i].Attack })
	return a
}

// one is the threshold that 1 % of the benign rows reach.
func (a *Alarms) one() float64 { return a.At[1].Threshold }

// quantile is the lowest threshold that at most the share allowed of the benign
// scores reach. Without benign scores it is 0.
func quantile(benign []float64, allowed float64) float64 {
	if len(benign) == 0 {
		return 0
	}
	s := slices.Clone(benign)
	slices.Sort(s)
	over := int(allowed * float64(len(s)))
	return math.Nextafter(s[len(s)-1-over], math.Inf(1))
}

// sourcesAUC is the area under the curve of each source's attacks.
func sourcesAUC(rows []Row, scores []float64) map[string]float64 {
	cases, out := map[string][]int{}, map[string]float64{}
	var benign []int
	for i := range rows {
		switch r := &rows[i]; {
		case !r.Attack:
			benign = append(benign, i)
		case r.Source != "":
			cases[r.Source] = append(cases[r.Source], i)
		}
	}
	for source, attacks := range cases {
		out[source] = auc(rows, scores, append(attacks, benign...))
	}
	return out
}

// auc is the probability that an attack scores higher than a benign row, ties
// counting half (Mann and Whitney 1947).
func auc(rows []Row, scores []float64, cases []int) float64 {
	order := slices.Clone(cases)
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	var pairs, attacks, below float64
	for i := 0; i < len(order); {
		var tiedAttacks, tiedBenign float64
		j := i
		for ; j < len(order) && (j == i || scores[order[j]] == scores[order[i]]); j++ { // a NaN equals nothing
			if rows[order[j]].Attack {
				tiedAttacks++
			} else {
				tiedBenign++
			}
		}
		pairs += tiedAttacks * (below + tiedBenign/2)
		attacks += tiedAttacks
		below += tiedBenign
		i = j
	}
	if attacks == 0 || below == 0 {
		return 0.5
	}
	return pairs / (attacks * below)
}
