package state

import (
	"context"
	"errors"
	"fmt"
)

const (
	removeRows = 2000 // in one transaction
	// A database is brought to lowWater of its bound when it passes highWater,
	// so that this happens seldom.
	highWater = 0.95
	lowWater  = 0.85
	// No transaction writes more than this part of the bound.
	transactionShare = 8
)

func (d *database) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.conn.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// used is the bytes of pages that hold something.
func (d *database) used(ctx context.Context) (int64, error) {
	pages, err := d.number(ctx, "PRAGMA page_count")
	if err != nil {
		return 0, err
	}
	free, err := d.number(ctx, "PRAGMA freelist_count")
	return (pages - free) * d.pageSize, err
}

func (d *database) rows(ctx context.Context) (int64, error) {
	// Each of the two alone is one step in the index; together they read it all.
	return d.number(ctx, "SELECT coalesce((SELECT max(seq) FROM decisions) - (SELECT min(seq) FROM decisions) + 1, 0)")
}

// trim brings the database below its bounds of size after a batch.
func (w *writer) trim() {
	err := w.attempt(func(ctx context.Context) error {
		used, err := w.db.used(ctx)
		if err != nil {
			return err
		}
		rows, err := w.db.rows(ctx)
		if err != nil {
			return err
		}
		w.count.bytes.Store(used)
		w.count.rows.Store(rows)
		if m := w.o.MaxRows; m > 0 && rows > m {
			if err := w.removeOldest(ctx, rows-m); err != nil {
				return err
			}
		}
		if m := w.o.MaxBytes; m > 0 && used > int64(highWater*float64(m)) {
			return w.shrink(ctx, int64(lowWater*float64(m)))
		}
		return nil
	})
	_ = err // it was noted; the next batch tries again
}

// makeRoom is for a database that has just refused a row for being full. It
// reports whether that helped, which it does not when it is the disk that is
// full.
func (w *writer) makeRoom(ctx context.Context) bool {
	used, err := w.db.used(ctx)
	need := 2*w.size + w.o.MaxBytes/32
	if err != nil || w.o.MaxBytes == 0 || used+need < w.o.MaxBytes {
		return false
	}
	return w.shrink(ctx, w.o.MaxBytes-need) == nil
}

// shrink removes the oldest decisions, then usage, then feedback, until no more
// than target bytes are used.
func (w *writer) shrink(ctx context.Context, target int64) error {
	for {
		used, err := w.db.used(ctx)
		w.count.bytes.Store(used)
		if err != nil || used <= target {
			return err
		}
		rows, err := w.db.rows(ctx)
		if err != nil {
			return err
		}
		if rows > 0 {
			share := float64(used-target) / float64(used)
			if err := w.removeOldest(ctx, max(int64(share*float64(rows)), 1)); err != nil {
				return err
			}
			continue
		}
		left := int64(0)
		for _, table := range []string{"usage", "feedback"} {
			n, err := w.removeSome(ctx, table)
			if err != nil {
				return err
			}
			left += n
		}
		if left == 0 {
			return nil
		}
	}
}

// removeOldest removes decisions, a bounded number at a time so that no
// transaction is long.
func (w *writer) removeOldest(ctx context.Context, n int64) error {
	for n > 0 {
		first, err := w.db.number(ctx, "SELECT coalesce(min(seq), -1) FROM decisions")
		if err != nil || first < 0 {
			return err
		}
		some := min(n, removeRows)
		removed, err := w.exec(ctx, "DELETE FROM decisions WHERE seq < ?", first+some)
		if err != nil {
			return err
		}
		w.count.removed.Add(removed)
		n -= some
	}
	rows, err := w.db.rows(ctx)
	w.count.rows.Store(rows)
	return err
}

func (w *writer) removeSome(ctx context.Context, table string) (int64, error) {
	switch table {
	case "usage":
		return w.exec(ctx, "DELETE FROM usage WHERE start <= (SELECT start FROM usage ORDER BY start LIMIT 1 OFFSET (SELECT count(*) / 10 FROM usage))")
	case "feedback":
		return w.exec(ctx, "DELETE FROM feedback WHERE seq <= (SELECT seq FROM feedback ORDER BY seq LIMIT 1 OFFSET (SELECT count(*) / 10 FROM feedback))")
	}
	panic("BUG: state: no such table")
}

func (w *writer) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := w.db.conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// retain removes what is older than the retention, and gives free pages back
// to the file system.
func (w *writer) retain(ctx context.Context) error {
	now := w.o.now()
	if _, err := w.exec(ctx, "DELETE FROM usage WHERE step = ? AND start < ?", minuteStep, now.Add(-minuteKeep-minuteKeep/3).Unix()); err != nil {
		return err
	}
	if w.o.Retention > 0 {
		before := now.Add(-w.o.Retention)
		for {
			n, err := w.exec(ctx, "DELETE FROM decisions WHERE seq IN (SELECT seq FROM decisions WHERE time < ? ORDER BY time LIMIT ?)", before.UnixMicro(), removeRows)
			if err != nil {
				return err
			}
			w.count.removed.Add(n)
			if n < removeRows {
				break
			}
		}
		if _, err := w.exec(ctx, "DELETE FROM usage WHERE step = ? AND start < ?", hourStep, before.Unix()-hourStep); err != nil {
			return err
		}
		if _, err := w.exec(ctx, "DELETE FROM feedback WHERE time < ?", before.UnixMicro()); err != nil {
			return err
		}
	}
	return w.vacuum(ctx)
}

// vacuum gives pages back when more than a quarter is free; fewer will be used
// again soon.
func (w *writer) vacuum(ctx context.Context) error {
	pages, err := w.db.number(ctx, "PRAGMA page_count")
	if err != nil {
		return err
	}
	free, err := w.db.number(ctx, "PRAGMA freelist_count")
	if err != nil || free < 64 || free < pages/4 {
		return err
	}
	for ; free > 0; free -= 256 {
		if err := w.drained(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", min(free, 256))); err != nil {
			return err
		}
	}
	return w.drained(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
}

// drained runs a statement to its end: a pragma works a row at a time.
func (w *writer) drained(ctx context.Context, query string) error {
	rows, err := w.db.conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}
