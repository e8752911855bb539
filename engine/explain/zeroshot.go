package explain

import (
	"strings"

	"mom/engine/chat"
	"mom/engine/generate"
)

// Labels are the fields that a request may be of: those of the encoders.
var Labels = []string{"biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history",
	"law", "math", "other", "philosophy", "physics", "psychology"}

// Difficulties, the easiest first.
var Difficulties = []string{"easy", "medium", "hard"}

// zeroShot asks a decoder that was not trained for it.
func zeroShot(m *generate.Model) *Manifest {
	ask := "Which field is a request to an assistant of? The fields are " + strings.Join(Labels, ", ") + ".\n" +
		"Say the field, then whether the request is easy, medium or hard to answer well, then in one sentence why. For example:\n" +
		"history, easy: the request asks for the year of one well-known event."
	q := &Manifest{Version: 1, Name: m.Name, Function: "intent", Labels: Labels, Difficulties: Difficulties,
		Answer: labelPlace + ", " + difficultyPlace + ": " + reasonPlace}
	q.Prompt = ask + "\n\nRequest: " + textPlace + "\nAnswer:\n"
	if t, err := m.Template(); err == nil {
		if p, ok := conversation(t, ask+"\n\nThe request: "+textPlace); ok {
			q.Prompt = p
		}
	}
	return q
}

// conversation is what a model's chat template makes of a message with a place
// for a text in it, if it leaves the place as it is.
func conversation(t *chat.Template, message string) (string, bool) {
	p, err := t.Render(nil, &chat.Request{Messages: chat.Messages(chat.Message{Role: "user", Content: message}), GenerationPrompt: true})
	return string(p), err == nil && strings.Count(string(p), textPlace) == 1
}
