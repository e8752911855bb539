package router

import "strconv"

// The details of all reasons are written into one buffer and become strings at
// the end, so that a decision allocates little however much there is to say.

// say adds words to the detail of the stage that is at work.
func (d *decision) say(words ...string) {
	for _, w := range words {
		d.text = append(d.text, w...)
	}
}

// number adds a number with so many decimals; -1 means as many as it has.
func (d *decision) number(x float64, decimals int) {
	d.text = strconv.AppendFloat(d.text, x, 'f', decimals, 64)
}

// reason ends a stage; its detail is what has been said since the last one.
func (d *decision) reason(stage, verdict string, scores Scores) {
	d.ends[len(d.Reasons)] = len(d.text)
	d.Reasons = append(d.Reasons, Reason{Stage: stage, Verdict: verdict, Scores: scores})
}

// sentence begins one with words, parted from what the stage has said before.
func (d *decision) sentence(words ...string) {
	if n := len(d.Reasons); len(d.text) > 0 && (n == 0 || len(d.text) > d.ends[n-1]) {
		d.say(" ")
	}
	d.say(words...)
}

// score notes a number that the stage at work looked at.
func (d *decision) score(name string, value float64) {
	d.scores = append(d.scores, Score{name, value})
}

// scored returns the scores noted since there were n.
func (d *decision) scored(n int) Scores {
	if len(d.scores) == n {
		return nil
	}
	return d.scores[n:len(d.scores):len(d.scores)]
}

// done hands the details out.
func (d *decision) done() Decision {
	all, from := string(d.text), 0
	for i := range d.Reasons {
		d.Reasons[i].Detail = all[from:d.ends[i]]
		from = d.ends[i]
	}
	return d.Decision
}
