package state

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"
)

type counters struct {
	recorded, written, lost       atomic.Int64
	feedbackWritten, feedbackLost atomic.Int64
	usageLost, removed, setAside  atomic.Int64
	errors                        [other + 1]atomic.Int64
	bytes, rows                   atomic.Int64
}

// Stats says how a Store is. Counts go up from Open.
type Stats struct {
	Recorded        int64  `json:"recorded"`         // entries given to Record
	Written         int64  `json:"written"`          // of them, in the database
	Lost            int64  `json:"lost"`             // of them, never written
	Waiting         int64  `json:"waiting"`          // of them, not yet written
	Held            int64  `json:"held"`             // entries in memory now
	FeedbackWritten int64  `json:"feedback_written"` //
	FeedbackLost    int64  `json:"feedback_lost"`    //
	UsageLost       int64  `json:"usage_lost"`       // entries that no summary counts
	Removed         int64  `json:"removed"`          // decisions that went by age or size
	SetAside        int64  `json:"set_aside"`        // damaged files that were moved away
	Locked          int64  `json:"locked"`           // attempts that found the database locked
	Full            int64  `json:"full"`             // the disk or the database full
	Corrupt         int64  `json:"corrupt"`          // the file damaged
	Other           int64  `json:"other"`            // another error
	Bytes           int64  `json:"bytes"`            // of the database, its log not counted
	Rows            int64  `json:"rows"`             // decisions in the database, about
	Trouble         string `json:"trouble"`          // of now: none, locked, full, corrupt or other
}

// Stats is cheap: it asks the database nothing.
func (s *Store) Stats() Stats {
	c := &s.count
	held, overwritten := s.ring.counts()
	recorded, written, lost := c.recorded.Load(), c.written.Load(), c.lost.Load()+overwritten
	waiting := int64(0)
	if s.path != Off {
		waiting = max(recorded-written-lost, 0)
	}
	return Stats{
		Recorded: recorded, Written: written, Lost: lost, Waiting: waiting, Held: held,
		FeedbackWritten: c.feedbackWritten.Load(), FeedbackLost: c.feedbackLost.Load(), UsageLost: c.usageLost.Load(),
		Removed: c.removed.Load(), SetAside: c.setAside.Load(),
		Locked: c.errors[locked].Load(), Full: c.errors[full].Load(), Corrupt: c.errors[corrupt].Load(), Other: c.errors[other].Load(),
		Bytes: c.bytes.Load(), Rows: c.rows.Load(), Trouble: trouble(s.bad.Load()).String(),
	}
}

const entryColumns = `id, time, request_id, route, tenant, model, upstream, status, flags, tokens_in, tokens_out, cost, baseline,
	parse_us, classify_us, decide_us, first_us, upstream_us, total_us, decision`

func selectEntry(ctx context.Context, db *sql.DB, id string) (Entry, error) {
	e, err := scanEntry(db.QueryRowContext(ctx, "SELECT "+entryColumns+" FROM decisions WHERE id = ?", id))
	if err == sql.ErrNoRows {
		err = ErrNotFound
	}
	return e, err
}

func selectRecent(ctx context.Context, db *sql.DB, n int, tenant *string) ([]Entry, error) {
	query, args := "SELECT "+entryColumns+" FROM decisions ", []any{n}
	if tenant != nil {
		query, args = query+"WHERE tenant = ? ", []any{*tenant, n}
	}
	rows, err := db.QueryContext(ctx, query+"ORDER BY seq DESC LIMIT ?", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

func scanEntry(row interface{ Scan(...any) error }) (e Entry, err error) {
	var at int64
	var flags int
	var us [6]int64
	var decision []byte
	err = row.Scan(&e.ID, &at, &e.RequestID, &e.Route, &e.Tenant, &e.Model, &e.Upstream, &e.Status, &flags, &e.TokensIn, &e.TokensOut,
		&e.Cost, &e.BaselineCost, &us[0], &us[1], &us[2], &us[3], &us[4], &us[5], &decision)
	if err != nil {
		return e, err
	}
	e.Time = time.UnixMicro(at).UTC()
	e.Cached, e.Stream, e.DryRun = flags&flagCached != 0, flags&flagStream != 0, flags&flagDryRun != 0
	d := func(i int) time.Duration { return time.Duration(us[i]) * time.Microsecond }
	e.Latency = Latency{d(0), d(1), d(2), d(3), d(4), d(5)}
	return e, unmarshalDecision(decision, &e)
}

func selectFeedback(ctx context.Context, db *sql.DB, where string, arg any, n int) ([]Feedback, error) {
	rows, err := db.QueryContext(ctx, "SELECT decision, time, tenant, score, label, comment, model, category FROM feedback WHERE "+where+" ORDER BY seq LIMIT ?", arg, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Feedback
	for rows.Next() {
		var f Feedback
		var at int64
		if err := rows.Scan(&f.DecisionID, &at, &f.Tenant, &f.Score, &f.Label, &f.Comment, &f.Model, &f.Category); err != nil {
			return nil, err
		}
		f.Time = time.UnixMicro(at).UTC()
		list = append(list, f)
	}
	return list, rows.Err()
}
