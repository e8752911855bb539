package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// trouble is what kind of error a database gave.
type trouble int

const (
	none    trouble = iota
	locked          // another process holds it: comes and goes
	full            // no room on the disk: comes and goes
	corrupt         // not a database, or damaged
	other           // I/O errors and the like
)

func troubleOf(err error) trouble {
	var e *sqlite.Error
	switch {
	case err == nil:
		return none
	case !errors.As(err, &e):
		return other
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_INTERRUPT:
		return locked
	case codes.SQLITE_FULL:
		return full
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return corrupt
	}
	// SQLite calls a full disk an I/O error where it grows a shared-memory or
	// log file.
	switch e.Code() {
	case codes.SQLITE_IOERR_WRITE, codes.SQLITE_IOERR_SHMSIZE, codes.SQLITE_IOERR_SHMOPEN, codes.SQLITE_IOERR_FSYNC, codes.SQLITE_IOERR_TRUNCATE:
		return full
	}
	return other
}

func (t trouble) String() string {
	return [...]string{"none", "locked", "full", "corrupt", "other"}[t]
}

const memory = ":memory:"

// database is an open file: one connection writes, a few read.
type database struct {
	writer *sql.DB
	conn   *sql.Conn // writer's only one
	reader *sql.DB

	insert, upsert, opinion, find *sql.Stmt
	pageSize                      int64
}

// memories numbers databases in memory, which know each other by name.
var memories atomic.Int64

// dsn names a file for the driver; query holds what differs between readers
// and writer.
func dsn(path string, query url.Values) string {
	query.Set("_busy_timeout", strconv.Itoa(int(busyTimeout/time.Millisecond)))
	query.Set("_error_rc", "1")
	query.Set("_defensive", "1")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// busyTimeout is how long a statement waits for another process.
const busyTimeout = 250 * time.Millisecond

// openDatabase opens or makes a file. The error tells trouble that may pass
// (troubleOf) from what needs a person.
func openDatabase(ctx context.Context, path string, maxBytes int64) (d *database, err error) {
	write, read := url.Values{}, url.Values{"_query_only": {"1"}}
	if path == memory {
		path = fmt.Sprintf("/mom-state-%d", memories.Add(1))
		write.Set("vfs", "memdb")
		read.Set("vfs", "memdb")
	} else {
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		if err := makeFile(path); err != nil {
			return nil, err
		}
		write["_pragma"] = []string{"journal_mode(WAL)", "synchronous(NORMAL)", "journal_size_limit(4194304)"}
	}
	write.Set("_auto_vacuum", "incremental")
	d = &database{}
	defer func() {
		if err != nil {
			d.close()
			d = nil
		}
	}()
	if d.writer, err = sql.Open("sqlite", dsn(path, write)); err != nil {
		return
	}
	d.writer.SetMaxOpenConns(1)
	if d.conn, err = d.writer.Conn(ctx); err != nil {
		return
	}
	if err = migrate(ctx, d.conn, path); err != nil {
		return
	}
	if err = d.conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&d.pageSize); err != nil {
		return
	}
	if maxBytes > 0 {
		pages := max(maxBytes/d.pageSize, 32)
		if _, err = d.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			return
		}
	}
	if err = d.prepare(ctx); err != nil {
		return
	}
	if d.reader, err = sql.Open("sqlite", dsn(path, read)); err != nil {
		return
	}
	d.reader.SetMaxOpenConns(2)
	return d, d.reader.PingContext(ctx)
}

// makeFile makes a database file that only this user can read: SQLite would
// give it the mode of the umask.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("state.path: %w", err)
	}
	return f.Close()
}

const insertDecision = `INSERT INTO decisions (id, time, request_id, route, tenant, recipe, model, upstream, category, action, status, flags,
	tokens_in, tokens_out, cost, baseline, parse_us, classify_us, decide_us, first_us, upstream_us, total_us, decision)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING`

const upsertUsage = `INSERT OR REPLACE INTO usage (step, start, tenant, model, category, requests, blocked, failed, cached,
	tokens_in, tokens_out, cost, baseline, latency) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

const findUsage = `SELECT requests, blocked, failed, cached, tokens_in, tokens_out, cost, baseline, latency FROM usage
	WHERE step = ? AND start = ? AND tenant = ? AND model = ? AND category = ?`

const insertFeedback = `INSERT INTO feedback (decision, time, tenant, score, label, comment, model, category) VALUES (?,?,?,?,?,?,?,?)`

func (d *database) prepare(ctx context.Context) (err error) {
	for stmt, text := range map[**sql.Stmt]string{&d.insert: insertDecision, &d.upsert: upsertUsage, &d.find: findUsage, &d.opinion: insertFeedback} {
		if *stmt, err = d.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// close is safe on what was opened in part.
func (d *database) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{d.insert, d.upsert, d.opinion, d.find} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if d.reader != nil {
		errs = append(errs, d.reader.Close())
	}
	if d.conn != nil {
		errs = append(errs, d.conn.Close())
	}
	if d.writer != nil {
		errs = append(errs, d.writer.Close())
	}
	return errors.Join(errs...)
}

// within runs f in one transaction of the writer.
func (d *database) within(ctx context.Context, f func() error) error {
	if _, err := d.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = d.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		// SQLite has rolled back by itself after some errors; then this fails.
		d.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return err
}

// moveAside renames a damaged database, its log included, and returns the new
// name.
func moveAside(path string, now time.Time) (string, error) {
	name := path + ".corrupt-" + now.UTC().Format("20060102T150405.000Z")
	if err := os.Rename(path, name); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+suffix, name+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return name, nil
}
