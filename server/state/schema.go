package state

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID marks a file as ours: "mom1".
const applicationID = 0x6d6f6d31

// migrations bring a database from the version of their index to the next one.
// They are only ever added to.
var migrations = [...]string{
	`CREATE TABLE decisions (
		seq        INTEGER PRIMARY KEY, -- in the order of recording
		id         TEXT NOT NULL,
		time       INTEGER NOT NULL,    -- microseconds of Unix time
		request_id TEXT NOT NULL,
		route      TEXT NOT NULL,
		tenant     TEXT NOT NULL,
		recipe     TEXT NOT NULL,
		model      TEXT NOT NULL,
		upstream   TEXT NOT NULL,
		category   TEXT NOT NULL,
		action     TEXT NOT NULL,
		status     INTEGER NOT NULL,
		flags      INTEGER NOT NULL,    -- 1 cached, 2 stream, 4 dry run
		tokens_in  INTEGER NOT NULL,
		tokens_out INTEGER NOT NULL,
		cost       REAL NOT NULL,       -- US dollars
		baseline   REAL NOT NULL,
		parse_us   INTEGER NOT NULL,
		classify_us INTEGER NOT NULL,
		decide_us  INTEGER NOT NULL,
		first_us   INTEGER NOT NULL,
		upstream_us INTEGER NOT NULL,
		total_us   INTEGER NOT NULL,
		decision   TEXT NOT NULL        -- JSON
	);
	CREATE UNIQUE INDEX decisions_id ON decisions (id);
	CREATE INDEX decisions_time ON decisions (time);
	CREATE TABLE usage (
		step     INTEGER NOT NULL, -- seconds: 60 or 3600
		start    INTEGER NOT NULL, -- seconds of Unix time
		tenant   TEXT NOT NULL,
		model    TEXT NOT NULL,
		category TEXT NOT NULL,
		requests INTEGER NOT NULL,
		blocked  INTEGER NOT NULL,
		failed   INTEGER NOT NULL,
		cached   INTEGER NOT NULL,
		tokens_in  INTEGER NOT NULL,
		tokens_out INTEGER NOT NULL,
		cost     REAL NOT NULL,
		baseline REAL NOT NULL,
		latency  BLOB NOT NULL,    -- histogram
		PRIMARY KEY (step, start, tenant, model, category)
	) WITHOUT ROWID;`,
	`CREATE TABLE feedback (
		seq      INTEGER PRIMARY KEY,
		decision TEXT NOT NULL,
		time     INTEGER NOT NULL,
		tenant   TEXT NOT NULL,
		score    REAL NOT NULL,
		label    TEXT NOT NULL,
		comment  TEXT NOT NULL,
		model    TEXT NOT NULL,
		category TEXT NOT NULL
	);
	CREATE INDEX feedback_decision ON feedback (decision);
	CREATE INDEX feedback_time ON feedback (time);`,
}

// migrate brings a database to the newest version. A file of another program,
// or of a newer version of this one, is left as it is.
func migrate(ctx context.Context, conn *sql.Conn, path string) error {
	number := func(pragma string) (n int64, err error) {
		err = conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&n)
		return
	}
	id, err := number("application_id")
	if err != nil {
		return err
	}
	version, err := number("user_version")
	if err != nil {
		return err
	}
	if id != applicationID {
		var tables int
		if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
			return err
		}
		if id != 0 || tables > 0 {
			return fmt.Errorf("%s is a SQLite database of another program; give state.path a file of its own", path)
		}
	}
	if version > int64(len(migrations)) {
		return fmt.Errorf("%s has schema version %d; this version of mom knows versions up to %d", path, version, len(migrations))
	}
	for ; version < int64(len(migrations)); version++ {
		// What two servers start at once, one of them does: the version is read
		// again under the lock.
		if err := step(ctx, conn, version); err != nil {
			return err
		}
	}
	return nil
}

func step(ctx context.Context, conn *sql.Conn, from int64) (err error) {
	if _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // the first error counts
		}
	}()
	var now int64
	if err = conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&now); err != nil {
		return err
	}
	if now == from {
		sql := fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d", migrations[from], applicationID, from+1)
		if _, err = conn.ExecContext(ctx, sql); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
