package router

import (
	"math"
	"strconv"
	"time"
)

// jailbreak is the guard's label of an attack.
const jailbreak = "jailbreak"

// maxFallbacks is how many models are named beside the chosen one.
const maxFallbacks = 3

// decision is a Decision while it is made.
type decision struct {
	Decision
	request Request
	signals Signals
	rc      *recipe    // nil: the client named a model
	scores  Scores     // memory for those of all reasons
	text    []byte     // the details of all reasons, one after the other
	ends    [4]int     // of the details in text
	room    [1024]byte // of text, enough for what is usually said
}

// Decide runs the stages in order: security, intent, domain, cost. Only signals
// that are there are used; a reason says when one is missing. A request that
// security lets through and no model can serve has the action Refuse.
func (r *Router) Decide(req Request, signals Signals) Decision {
	var weights [32]float64
	d := &decision{request: req, signals: signals, rc: r.recipe(req.Model)}
	d.text = d.room[:0]
	d.Action, d.Recipe = Route, req.Model
	d.Reasons, d.scores = make([]Reason, 0, len(d.ends)), make(Scores, 0, 14)
	security := &r.config.Security
	var named *model
	if d.rc != nil {
		security = d.rc.security
		d.tell()
	} else if named = r.model(req.Model); named != nil {
		d.Recipe = "direct"
	}
	switch w := r.weigh(weights[:0], d.signals.Intent); {
	case !d.secure(security):
	case named != nil:
		d.direct(named, w)
	case d.rc == nil:
		d.Action = Refuse
		d.say("There is no recipe or model ", strconv.Quote(req.Model), ".")
		d.reason("domain", "refused", nil)
	default:
		if !d.intent() {
			w = nil
		}
		models, tradeoff := d.domain()
		d.candidates(models, w)
		d.choose(tradeoff, r.config.Session)
	}
	return d.done()
}

// tell has a decoder's categories count instead of the encoder's, where one was
// asked and had them in time.
func (d *decision) tell() {
	t := d.signals.Told
	if t == nil {
		return
	}
	d.Intent = &Teller{By: "encoder", Decoder: t.Decoder, MS: milliseconds(t.Took), LimitMS: milliseconds(t.Limit),
		Late: t.Late, Failed: !t.Late && len(t.Intent) == 0}
	if e := d.signals.Intent; len(e) > 0 {
		d.Intent.Encoder = &Category{e[0].Name, share(e[0].P)}
	}
	if len(t.Intent) > 0 && !t.Late {
		d.Intent.By, d.signals.Intent = "decoder", t.Intent
	}
}

// milliseconds has three decimals, all that a clock is good for.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// explainTeller says who told the category.
func (d *decision) explainTeller() {
	t := d.Intent
	if t == nil {
		return
	}
	if t.By == "decoder" {
		d.sentence("So says the decoder ", t.Decoder, ", after ")
		d.number(t.MS, 1)
		d.say(" ms")
		if t.Encoder != nil {
			d.say("; the encoder's likeliest is ", t.Encoder.Name, " with ")
			d.number(t.Encoder.P, 2)
		}
		d.say(".")
		return
	}
	d.sentence("The decoder ", t.Decoder)
	if t.Late {
		d.say(" was too late, with no answer within ")
		d.number(t.LimitMS, -1)
		d.say(" ms")
	} else {
		d.say(" could not answer")
	}
	if t.Encoder != nil {
		d.say(", so the encoder's word stands")
	}
	d.say(".")
}

// intent reports whether the field of the request is known well enough to be
// used.
func (d *decision) intent() bool {
	if len(d.signals.Intent) == 0 {
		d.Abstained = true
		d.say("No classifier has read what the request is about.")
		d.explainTeller()
		d.reason("intent", "unknown", nil)
		return false
	}
	d.field()
	n := len(d.scores)
	for _, c := range d.signals.Intent[:min(3, len(d.signals.Intent))] {
		d.score(c.Name, share(c.P))
	}
	scores := d.scored(n)
	if d.Confidence < d.rc.MinConfidence {
		d.Abstained = true
		d.say("Likeliest is ", d.Category, " with ")
		d.number(d.Confidence, 2)
		d.say(", below the ")
		d.number(d.rc.MinConfidence, 2)
		d.say(" that the recipe asks for.")
		d.explainTeller()
		d.reason("intent", "abstained", scores)
		return false
	}
	d.say("The request is about ", d.Category, ".")
	d.explainTeller()
	d.reason("intent", d.Category, scores)
	return true
}

// field notes the likeliest category.
func (d *decision) field() {
	if len(d.signals.Intent) > 0 {
		d.Category, d.Confidence = d.signals.Intent[0].Name, share(d.signals.Intent[0].P)
	}
}

// share is p as a probability; what is no number counts as 0.
func share(p float64) float64 {
	if !(p > 0) {
		return 0
	}
	return min(p, 1)
}

// domain returns the models of the request's field and how much quality may be
// given up for money there.
func (d *decision) domain() ([]*model, float64) {
	models, tradeoff := d.rc.models, d.rc.Tradeoff
	if rule := d.rc.domains[d.Category]; rule != nil && !d.Abstained {
		models, tradeoff = rule.models, rule.tradeoff
	}
	if t := d.request.Tradeoff; t != nil && !math.IsNaN(*t) {
		tradeoff = min(max(*t, 0), 10)
	}
	return models, tradeoff
}

// direct is the decision for a client that names its model: nothing is chosen.
func (d *decision) direct(m *model, weights []float64) {
	d.field()
	c := Candidate{Model: m.Name, Quality: m.expected(weights), Cost: d.cost(m, 0), RuledOut: d.barred(m)}
	d.Candidates = []Candidate{c}
	d.Cost, d.BestCost = c.Cost, c.Cost
	if c.RuledOut != "" {
		d.Action = Refuse
		d.say("The request names ", m.Name, ", which cannot serve it: ", c.RuledOut, ".")
		d.reason("domain", "refused", nil)
		return
	}
	d.Model = m.Name
	d.say("The request names its model.")
	d.reason("domain", "named", nil)
}
