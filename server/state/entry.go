// Package state keeps what the server decided: decisions, feedback on them, and
// usage by hour. It holds names, numbers and reasons, and never a prompt or an
// answer.
//
// Keeping state never delays or fails a request. Record puts an entry into a
// bounded ring in memory, where Get finds it at once; one goroutine writes the
// ring to SQLite in batches. While the database is locked, full or broken the
// ring goes on, and what is overwritten before it was written is counted as
// lost (Stats).
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"mom/router"
)

// An Entry is a decision with what became of it. Everything in it is kept, so
// it must not hold texts of clients: names come from the configuration, and
// reasons from the policy.
type Entry struct {
	ID        string    `json:"id"` // what clients ask for; unique
	Time      time.Time `json:"time"`
	RequestID string    `json:"request_id,omitempty"`
	Route     string    `json:"route,omitempty"`  // pattern of the path that was called
	Tenant    string    `json:"tenant,omitempty"` // name of the client's key; empty without keys
	Model     string    `json:"model,omitempty"`  // that answered; it is not the decision's after a fallback
	Upstream  string    `json:"upstream,omitempty"`
	Status    int       `json:"status"`           // HTTP, of the answer
	Cached    bool      `json:"cached,omitempty"` // the answer came from the cache
	Stream    bool      `json:"stream,omitempty"`
	DryRun    bool      `json:"dry_run,omitempty"` // decided, not asked
	TokensIn  int       `json:"tokens_in"`
	TokensOut int       `json:"tokens_out"`
	// Cost is of the tokens used, and BaselineCost what the same tokens would
	// have cost at the best candidate; US dollars.
	Cost         float64         `json:"cost"`
	BaselineCost float64         `json:"baseline_cost"`
	Latency      Latency         `json:"latency"`
	Decision     router.Decision `json:"decision"`
	Feedback     []Feedback      `json:"feedback,omitempty"` // filled by Get, oldest first
}

// Latency is how long the stages of a request took. In JSON it is milliseconds.
type Latency struct {
	Parse     time.Duration
	Classify  time.Duration
	Decide    time.Duration
	FirstByte time.Duration // of the upstream, retries included
	Upstream  time.Duration // until its last byte
	Total     time.Duration
}

type latencyJSON struct {
	Parse     float64 `json:"parse_ms"`
	Classify  float64 `json:"classify_ms"`
	Decide    float64 `json:"decide_ms"`
	FirstByte float64 `json:"first_byte_ms,omitempty"`
	Upstream  float64 `json:"upstream_ms,omitempty"`
	Total     float64 `json:"total_ms"`
}

// MarshalJSON writes milliseconds with three decimals.
func (l Latency) MarshalJSON() ([]byte, error) {
	return json.Marshal(latencyJSON{ms(l.Parse), ms(l.Classify), ms(l.Decide), ms(l.FirstByte), ms(l.Upstream), ms(l.Total)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Latency) UnmarshalJSON(data []byte) error {
	var j latencyJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	d := func(ms float64) time.Duration { return time.Duration(math.Round(ms*1000)) * time.Microsecond }
	*l = Latency{d(j.Parse), d(j.Classify), d(j.Decide), d(j.FirstByte), d(j.Upstream), d(j.Total)}
	return nil
}

// ms has the three decimals that a clock is good for.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Bounds of Feedback.
const (
	MaxLabel   = 64   // bytes
	MaxComment = 2000 // bytes
)

// Feedback is what somebody thinks of a decision, for learning from later.
type Feedback struct {
	DecisionID string    `json:"decision_id"`
	Time       time.Time `json:"time"`             // set by the store
	Tenant     string    `json:"tenant,omitempty"` // who gives it; must be the decision's
	Score      float64   `json:"score"`            // -1 bad .. 1 good
	Label      string    `json:"label,omitempty"`
	Comment    string    `json:"comment,omitempty"`
	// Model and Category are the decision's, so that feedback is worth something
	// when the decision has gone. Set by the store.
	Model    string `json:"model,omitempty"`
	Category string `json:"category,omitempty"`
}

// Check says what is wrong with feedback, without repeating it.
func (f *Feedback) Check() error {
	switch {
	case f.DecisionID == "":
		return errors.New("decision_id is missing")
	case math.IsNaN(f.Score) || f.Score < -1 || f.Score > 1:
		return fmt.Errorf("score is %v; it goes from -1 (bad) to 1 (good)", f.Score)
	case len(f.Label) > MaxLabel:
		return fmt.Errorf("label has %d bytes; the limit is %d", len(f.Label), MaxLabel)
	case len(f.Comment) > MaxComment:
		return fmt.Errorf("comment has %d bytes; the limit is %d", len(f.Comment), MaxComment)
	case !utf8.ValidString(f.Label) || !utf8.ValidString(f.Comment):
		return errors.New("label and comment must be UTF-8")
	}
	return nil
}

// Rating is the score of a rating of stars: 1 is -1, 3 is 0, 5 is 1.
func Rating(stars int) (float64, error) {
	if stars < 1 || stars > 5 {
		return 0, fmt.Errorf("rating is %d; it goes from 1 to 5", stars)
	}
	return float64(stars-3) / 2, nil
}
