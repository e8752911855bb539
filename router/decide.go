package router

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// jailbreak is the guard's label of an attack.
const jailbreak = "jailbreak"

// maxFallbacks is how many models are named beside the chosen one.
const maxFallbacks = 3

// decision is a Decision while it is made.
type decision struct {
	Decision
	request *Request
	signals *Signals
	rc      *recipe // nil: the client named a model
	scores  Scores  // memory for those of all reasons
}

// list makes Scores of the pairs; what it was given before stays as it is.
func (d *decision) list(scores ...Score) Scores {
	n := len(d.scores)
	d.scores = append(d.scores, scores...)
	return d.scores[n:len(d.scores):len(d.scores)]
}

// Decide runs the stages in order: security, intent, domain, cost. Only signals
// that are there are used; a reason says when one is missing.
func (r *Router) Decide(req Request, signals Signals) Decision {
	d := decision{request: &req, signals: &signals, rc: r.recipe(req.Model)}
	d.Action, d.Recipe = Route, req.Model
	d.Reasons, d.scores = make([]Reason, 0, 4), make(Scores, 0, 10)
	security := &r.config.Security
	var named *Model
	if d.rc != nil {
		security = d.rc.security
	} else if named = r.model(req.Model); named != nil {
		d.Recipe = "direct"
	}
	if !d.secure(security) {
		return d.Decision
	}
	switch {
	case named != nil:
		d.direct(named)
	case d.rc == nil:
		d.Action = Refuse
		d.reason("domain", "refused", "There is no recipe or model "+strconv.Quote(req.Model)+".", nil)
	default:
		trusted := d.intent()
		models, tradeoff := d.domain()
		d.candidates(models, trusted)
		d.choose(tradeoff, trusted, r.config.Session)
	}
	return d.Decision
}

func (d *decision) reason(stage, verdict, detail string, scores Scores) {
	d.Reasons = append(d.Reasons, Reason{stage, verdict, detail, scores})
}

// secure reports whether the request may go on.
func (d *decision) secure(s *Security) bool {
	var scores Scores
	attack, verdict := false, d.signals.Guard
	if verdict != nil && s.Jailbreak.Action.on() {
		if t := s.Jailbreak.Threshold; t != nil {
			scores = d.list(Score{jailbreak, verdict.Score}, Score{"threshold", *t})
			attack = verdict.Score >= *t
		} else {
			scores = d.list(Score{jailbreak, verdict.Score})
			attack = verdict.Label == jailbreak
		}
	}
	var blocking string // the first type of personal data that is not let through
	if len(d.signals.PII) > 0 {
		for i := range d.signals.PII {
			p := &d.signals.PII[i]
			switch s.PII.response(p.Type, p.Score) {
			case Blocked:
				if blocking == "" || p.Type < blocking {
					blocking = p.Type
				}
				d.flag(p.Type)
			case Mask:
				d.Mask = append(d.Mask, *p)
				d.flag(p.Type)
			case Flag:
				d.flag(p.Type)
			}
		}
		slices.Sort(d.Flags)
	}
	if attack {
		d.Flags = slices.Insert(d.Flags, 0, jailbreak)
	}
	switch {
	case attack && s.Jailbreak.Action == Blocked:
		d.Action = Block
		d.reason("security", "blocked", "The guard takes a text of the request for an attempt to take the model out of its instructions.", scores)
		return false
	case blocking != "":
		d.Action = Block
		d.reason("security", "blocked", "The request holds personal data that may not be sent: "+blocking+".", scores)
		return false
	case len(d.Mask) > 0:
		d.reason("security", "masked", "Personal data is hidden from the upstream: "+listed(d.Flags)+".", scores)
	case len(d.Flags) > 0:
		d.reason("security", "flagged", "Let through and noted: "+listed(d.Flags)+".", scores)
	case verdict == nil && s.Jailbreak.Action.on():
		d.reason("security", "unknown", "No guard has read the request.", scores)
	case !s.Jailbreak.Action.on() && !s.PII.on():
		d.reason("security", "off", "The recipe looks for neither attacks nor personal data.", nil)
	default:
		d.reason("security", "passed", "No attack, and no personal data that has a rule.", scores)
	}
	return true
}

// flag notes a type of personal data once.
func (d *decision) flag(kind string) {
	for _, f := range d.Flags {
		if strings.HasPrefix(f, "pii:") && f[len("pii:"):] == kind {
			return
		}
	}
	d.Flags = append(d.Flags, "pii:"+kind)
}

// response is what is done about a span.
func (p *PII) response(kind string, score float64) Response {
	action, threshold := p.Action, p.Threshold
	if rule, ok := p.Types[kind]; ok {
		if rule.Action != "" {
			action = rule.Action
		}
		if rule.Threshold != nil {
			threshold = *rule.Threshold
		}
	}
	if score < threshold {
		return Off
	}
	return action
}

// intent reports whether the field of the request is known well enough to be
// used.
func (d *decision) intent() bool {
	if len(d.signals.Intent) == 0 {
		d.Abstained = true
		d.reason("intent", "unknown", "No classifier has read what the request is about.", nil)
		return false
	}
	top := d.signals.Intent[0]
	d.Category, d.Confidence = top.Name, top.P
	n := len(d.scores)
	for _, c := range d.signals.Intent[:min(3, len(d.signals.Intent))] {
		d.list(Score{c.Name, c.P})
	}
	scores := d.scores[n:len(d.scores):len(d.scores)]
	if top.P < d.rc.MinConfidence {
		d.Abstained = true
		d.reason("intent", "abstained", fmt.Sprintf("Likeliest is %s with %.2f, below the %.2f that the recipe asks for.", top.Name, top.P, d.rc.MinConfidence), scores)
		return false
	}
	d.reason("intent", top.Name, "The request is about "+top.Name+".", scores)
	return true
}

// domain returns the models of the request's field and how much quality may be
// given up for money there.
func (d *decision) domain() ([]*Model, float64) {
	models, tradeoff := d.rc.models, d.rc.Tradeoff
	if rule := d.rc.domains[d.Category]; rule != nil && !d.Abstained {
		models, tradeoff = rule.models, rule.tradeoff
	}
	if t := d.request.Tradeoff; t != nil {
		tradeoff = min(max(*t, 0), 10)
	}
	return models, tradeoff
}

// listed joins names with commas.
func listed(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names, ", ")
}

// direct is the decision for a client that names its model: nothing is chosen.
func (d *decision) direct(m *Model) {
	if len(d.signals.Intent) > 0 {
		d.Category, d.Confidence = d.signals.Intent[0].Name, d.signals.Intent[0].P
	}
	c := Candidate{Model: m.Name, Quality: m.quality(d.signals.Intent, len(d.signals.Intent) > 0), Cost: d.cost(m, 0)}
	d.Candidates = []Candidate{c}
	d.Cost, d.BestCost = c.Cost, c.Cost
	if why := d.barred(m); why != "" {
		d.Action = Refuse
		d.Candidates[0].RuledOut = why
		d.reason("domain", "refused", "The request names "+m.Name+", which cannot serve it: "+why+".", nil)
		return
	}
	d.Model = m.Name
	d.reason("domain", "named", "The request names its model.", nil)
}
