package router

import "strings"

// finding is what is known and done about one type of personal data.
type finding struct {
	kind   string
	action Response
	score  float64 // the highest
}

// secure reports whether the request may go on.
func (d *decision) secure(s *Security) bool {
	var room [8]finding
	found := d.personal(room[:0], &s.PII)
	guarded := s.Jailbreak.Action.on()
	attack := guarded && d.attack(&s.Jailbreak)
	d.flag(found, attack)

	blocked := attack && s.Jailbreak.Action == Blocked
	if blocked {
		d.say("The guard takes a text of the request for an attempt to take the model out of its instructions")
		d.readAs()
		d.say(".")
	}
	if d.noted(found, Blocked, false, "The request holds personal data that may not be sent: ") || blocked {
		d.Action = Block
		d.Mask = nil // nothing leaves
		d.reason("security", "blocked", d.scored(0))
		return false
	}
	masked := d.noted(found, Mask, false, "Hidden from the upstream: ")
	flagged := d.noted(found, Flag, attack, "Let through and noted: ")
	unread := guarded && d.signals.Guard == nil
	if unread {
		d.sentence("No guard has read the request.")
	}
	verdict := "passed"
	switch {
	case masked:
		verdict = "masked"
	case flagged:
		verdict = "flagged"
	case unread:
		verdict = "unknown"
	case !guarded && !s.PII.on():
		verdict = "off"
		d.sentence("The recipe looks for neither attacks nor personal data.")
	default:
		d.sentence("No attack, and no personal data that has a rule.")
	}
	d.reason("security", verdict, d.scored(0))
	return true
}

// attack reports whether the guard's verdict counts as one.
func (d *decision) attack(rule *Jailbreak) bool {
	verdict := d.signals.Guard
	if verdict == nil {
		return false
	}
	d.score(jailbreak, share(verdict.Score))
	if rule.Threshold == nil {
		return verdict.Label == jailbreak
	}
	d.score("threshold", *rule.Threshold)
	return !(verdict.Score < *rule.Threshold) // a score that is no number stops here
}

// readAs says of which view of the text the guard's verdict is.
func (d *decision) readAs() {
	if v := d.signals.Guard; v != nil && v.View != "" {
		d.say(", read as ", v.View)
	}
}

// noted says which findings have an action, if there are any.
func (d *decision) noted(found []finding, action Response, attack bool, begin string) bool {
	n := 0
	item := func(name string) {
		if n++; n == 1 {
			d.sentence(begin)
		} else {
			d.say(", ")
		}
		d.say(name)
	}
	if attack {
		item(jailbreak)
		d.readAs()
	}
	for _, f := range found {
		if f.action == action {
			item(f.kind)
		}
	}
	if n > 0 {
		d.say(".")
	}
	return n > 0
}

// personal collects the types of personal data that something is done about,
// sorted, and lists the spans to mask.
func (d *decision) personal(found []finding, rules *PII) []finding {
	for i := range d.signals.PII {
		p := &d.signals.PII[i]
		action := rules.response(p.Type, p.Score)
		if !action.on() {
			continue
		}
		if action == Mask {
			if d.Mask == nil {
				d.Mask = make([]PartSpan, 0, len(d.signals.PII)-i)
			}
			d.Mask = append(d.Mask, *p)
		}
		at := 0
		for at < len(found) && found[at].kind < p.Type {
			at++
		}
		if at < len(found) && found[at].kind == p.Type {
			found[at].score = max(found[at].score, share(p.Score))
			continue
		}
		found = append(found, finding{})
		copy(found[at+1:], found[at:])
		found[at] = finding{p.Type, action, share(p.Score)}
	}
	return found
}

// flag notes the attack and the types of personal data.
func (d *decision) flag(found []finding, attack bool) {
	if !attack && len(found) == 0 {
		return
	}
	size := 0
	for _, f := range found {
		size += len("pii:") + len(f.kind)
	}
	var names strings.Builder // one for all, of which the flags are parts
	names.Grow(size)
	d.Flags = make([]string, 0, len(found)+1)
	if attack {
		d.Flags = append(d.Flags, jailbreak)
	}
	for _, f := range found {
		from := names.Len()
		names.WriteString("pii:")
		names.WriteString(f.kind)
		name := names.String()[from:]
		d.Flags = append(d.Flags, name)
		d.score(name, f.score)
	}
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
