package router

import (
	"slices"
	"strings"
)

// Merge makes the signals of a request of the readings of its parts.
//
// The guard's worst verdict counts, and all personal data. The field is that of
// the last text of the user that has one: earlier turns say what a conversation
// was about, system prompts and tool results what it works with. Without a
// user's text it is that of the last text read.
func Merge(parts []Part) Signals {
	var s Signals
	field := -1
	spans := 0
	for i := range parts {
		r := &parts[i].Reading
		s.Tokens += r.Tokens
		s.Windows += r.Windows
		spans += len(r.PII)
		if r.Guard != nil && (s.Guard == nil || worse(r.Guard, s.Guard)) {
			s.Guard, s.GuardPart = r.Guard, i
		}
		if len(r.Intent) > 0 && (field < 0 || parts[i].Role == "user" || parts[field].Role != "user") {
			field = i
		}
	}
	if field >= 0 {
		s.Intent = parts[field].Reading.Intent
		if !slices.IsSortedFunc(s.Intent, byProbability) {
			s.Intent = slices.Clone(s.Intent)
			slices.SortFunc(s.Intent, byProbability)
		}
	}
	if spans > 0 {
		s.PII = make([]PartSpan, 0, spans)
		for i := range parts {
			for _, p := range parts[i].Reading.PII {
				s.PII = append(s.PII, PartSpan{i, p})
			}
		}
	}
	return s
}

// worse orders verdicts: an attack by the guard's own threshold before all that
// are none, then by score.
func worse(a, b *Verdict) bool {
	if (a.Label == jailbreak) != (b.Label == jailbreak) {
		return a.Label == jailbreak
	}
	return a.Score > b.Score
}

func byProbability(a, b Category) int {
	switch {
	case a.P > b.P:
		return -1
	case a.P < b.P:
		return 1
	}
	return strings.Compare(a.Name, b.Name)
}
