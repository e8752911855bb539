package state

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// another opens the same file as another process would.
func another(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); db.Close() })
	return c
}

func exec(t *testing.T, c *sql.Conn, query string) {
	t.Helper()
	if _, err := c.ExecContext(t.Context(), query); err != nil {
		t.Fatal(query, err)
	}
}

// quick records entries, and fails when one of them had to wait.
func quick(t *testing.T, s *Store, prefix string, n int) {
	t.Helper()
	start := time.Now()
	for i := range n {
		s.Record(entry(fmt.Sprint(prefix, i)))
	}
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("%d records took %v", n, took)
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	var log bytes.Buffer
	s := open(t, path, Options{Ring: 100, wait: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	quick(t, s, "before-", 10)
	flush(t, s)
	c := another(t, path)
	exec(t, c, "BEGIN IMMEDIATE")
	quick(t, s, "while-", 50)
	eventually(t, "the lock is noticed", func() bool { return s.Stats().Locked > 0 })
	if _, err := s.Get(t.Context(), "before-3"); err != nil {
		t.Errorf("reading while another writes: %v", err)
	}
	if _, err := s.Get(t.Context(), "while-49"); err != nil {
		t.Errorf("what waits: %v", err)
	}
	if st := s.Stats(); st.Trouble != "locked" || st.Written != 10 || st.Lost != 0 {
		t.Errorf("%+v", st)
	}
	quick(t, s, "more-", 200) // more than the ring holds
	if st := s.Stats(); st.Lost == 0 {
		t.Errorf("nothing is lost of 260 in a ring of 100: %+v", st)
	}
	exec(t, c, "ROLLBACK")
	eventually(t, "it is written", func() bool { st := s.Stats(); return st.Waiting == 0 && st.Trouble == "none" })
	flush(t, s)
	if st := s.Stats(); st.Written+st.Lost != 260 || st.Written < 110 {
		t.Errorf("%+v", st)
	}
	if got := log.String(); !strings.Contains(got, "locked") || !strings.Contains(got, "can be written again") {
		t.Errorf("the log says %q", got)
	}
}

func TestLockedAtTheBeginningAndTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := another(t, path)
	exec(t, c, "PRAGMA locking_mode = EXCLUSIVE")
	exec(t, c, "BEGIN EXCLUSIVE")
	s, err := Open(path, Options{wait: 10 * time.Millisecond})
	if err != nil {
		t.Fatal("a locked file stops the server:", err)
	}
	quick(t, s, "x-", 5)
	if _, err := s.Get(t.Context(), "x-1"); err != nil {
		t.Error(err)
	}
	if _, err := s.Summary(t.Context(), Query{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a summary of a locked file: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "5 entries") {
		t.Errorf("Close: %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("Close took %v", took)
	}
	if st := s.Stats(); st.Lost != 5 || st.Written != 0 {
		t.Errorf("%+v", st)
	}
}

func TestRecoversFromALockAtTheBeginning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := another(t, path)
	exec(t, c, "BEGIN EXCLUSIVE")
	s := open(t, path, Options{wait: 10 * time.Millisecond})
	quick(t, s, "x-", 5)
	exec(t, c, "ROLLBACK")
	eventually(t, "it is written", func() bool { return s.Stats().Written == 5 })
}

// An error is no reason to keep what it was about: NaN cannot be JSON.
func TestUnwritableEntry(t *testing.T) {
	s := open(t, ":memory:", Options{})
	e := entry("nan")
	zero := 0.0
	e.Decision.Confidence = zero / zero
	s.Record(e)
	s.Record(entry("good"))
	flush(t, s)
	if st := s.Stats(); st.Written != 1 || st.Lost != 1 {
		t.Errorf("%+v", st)
	}
}

// The bound of size holds, and the newest entries stay.
func TestBoundedSize(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "state.db"), ":memory:"} {
		const bound = 1 << 20
		s := open(t, path, Options{MaxBytes: bound, Ring: 8192})
		for round := range 10 {
			for i := range 500 {
				s.Record(entry(fmt.Sprintf("%d-%d", round, i)))
			}
			flush(t, s)
			if path != ":memory:" {
				if info, err := os.Stat(path); err != nil || info.Size() > bound {
					t.Fatalf("%d bytes, %v", info.Size(), err)
				}
			}
		}
		st := s.Stats()
		if st.Bytes > bound || st.Removed == 0 || st.Lost != 0 || st.Written != 5000 || st.Rows < 200 {
			t.Errorf("%s: %+v", path, st)
		}
		recent, err := selectRecent(t.Context(), s.db.reader, 100, nil)
		if err != nil || len(recent) != 100 || recent[0].ID != "9-499" || recent[99].ID != "9-400" {
			t.Errorf("the newest are not there: %d, %v", len(recent), err)
		}
		sum, err := s.Summary(t.Context(), Query{Since: time.Now().Add(-time.Hour)})
		if err != nil || sum.Totals.Requests != 5000 {
			t.Errorf("usage forgot: %+v, %v", sum.Totals, err)
		}
	}
}

// A database that hits max_page_count between two looks makes room for itself.
func TestFullDatabase(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"), Options{MaxBytes: 1 << 20, Ring: 8192})
	e := entry("")
	e.Decision.Reasons[0].Detail = strings.Repeat("x", 6000) // a batch is three times the bound
	for i := range 512 {
		e.ID = fmt.Sprint(i)
		s.Record(e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := s.Flush(ctx)
	t.Logf("%v %+v", err, s.Stats())
	for i := range 20 {
		s.Record(entry(fmt.Sprint("after-", i)))
	}
	eventually(t, "it goes on", func() bool { st := s.Stats(); return st.Waiting == 0 && st.Trouble == "none" })
	st := s.Stats()
	if st.Written+st.Lost != 532 || st.Written < 20 {
		t.Errorf("%+v", st)
	}
}

func TestDamagedFile(t *testing.T) {
	for name, content := range map[string][]byte{
		"text":      []byte(strings.Repeat("this is no database\n", 1000)),
		"truncated": append([]byte("SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20"), make([]byte, 5000)...),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := Open(path, Options{Refuse: true}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "damaged") {
				if err == nil {
					closed(t, s)
				}
				t.Fatalf("refuse: %v", err)
			}
			if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, content) {
				t.Fatalf("refusing changed the file (%v)", err)
			}
			var log bytes.Buffer
			s := open(t, path, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			quick(t, s, "x-", 3)
			flush(t, s)
			if st := s.Stats(); st.SetAside != 1 || st.Written != 3 {
				t.Errorf("%+v", st)
			}
			aside, _ := filepath.Glob(filepath.Join(dir, "state.db.corrupt-*"))
			if len(aside) != 1 || !strings.Contains(log.String(), aside[0]) {
				t.Fatalf("%v; the log says %s", aside, log.String())
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, content) {
				t.Errorf("the damaged file was changed (%v)", err)
			}
		})
	}
}

// A file that breaks while it is in use is replaced as well.
func TestDamagedWhileRunning(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		s.Record(entry(fmt.Sprint(i)))
	}
	closed(t, s)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := f.Stat()
	// All but the first page, which holds the schema: opening succeeds.
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(info.Size())-4096), 4096); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = open(t, path, Options{wait: 10 * time.Millisecond})
	quick(t, s, "after-", 10)
	eventually(t, "a new file", func() bool { st := s.Stats(); return st.SetAside == 1 && st.Written == 10 })
	if aside, _ := filepath.Glob(filepath.Join(dir, "state.db.corrupt-*")); len(aside) == 0 {
		t.Error("nothing was set aside")
	}
	flush(t, s)
	if st := s.Stats(); st.Trouble != "none" || st.Lost != 0 {
		t.Errorf("%+v", st)
	}
}

func TestForeignAndNewerFiles(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	c := another(t, foreign)
	exec(t, c, "CREATE TABLE theirs (x)")
	newer := filepath.Join(dir, "newer.db")
	s, err := Open(newer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	exec(t, another(t, newer), "PRAGMA user_version = 99")
	for path, want := range map[string]string{foreign: "another program", newer: "schema version 99"} {
		s, err := Open(path, Options{})
		if err == nil {
			closed(t, s)
			t.Fatalf("%s was taken", path)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
		if aside, _ := filepath.Glob(path + ".corrupt*"); len(aside) > 0 {
			t.Errorf("%s was moved away", path)
		}
	}
}

func TestMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := another(t, path)
	exec(t, c, migrations[0])
	exec(t, c, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	exec(t, c, "PRAGMA user_version = 1")
	exec(t, c, `INSERT INTO decisions VALUES (7, 'old', 1000000, '', '', 'team-a', 'auto', 'large', '', 'law', 'route', 200, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 5, '{"action":"route","recipe":"auto"}')`)
	s := open(t, path, Options{})
	e, err := s.Get(t.Context(), "old")
	if err != nil || e.Model != "large" || e.Decision.Recipe != "auto" {
		t.Fatalf("%+v, %v", e, err)
	}
	if err := s.Feedback(t.Context(), Feedback{DecisionID: "old", Tenant: "team-a", Score: 1}); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	if e, _ := s.Get(t.Context(), "old"); len(e.Feedback) != 1 {
		t.Error("version 1 was not brought to version 2")
	}
}
