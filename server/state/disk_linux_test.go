package state

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A full disk: requests go on, and when there is room again it is used.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("a small file system cannot be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 600<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "state.db"), Options{Ring: 256, wait: 10 * time.Millisecond})
	n := 0
	for end := time.Now().Add(20 * time.Second); s.Stats().Full == 0 && time.Now().Before(end); n += 50 {
		quick(t, s, fmt.Sprint("x", n, "-"), 50)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		s.Flush(ctx) // fails when the disk is full
		cancel()
	}
	quick(t, s, "full-", 500)
	n += 500
	if _, err := s.Get(t.Context(), "full-499"); err != nil {
		t.Errorf("the newest: %v", err)
	}
	st := s.Stats()
	if st.Full == 0 || st.Lost == 0 || st.Trouble != "full" || st.Written == 0 {
		t.Errorf("%+v", st)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on", func() bool { st := s.Stats(); return st.Waiting == 0 && st.Trouble == "none" })
	flush(t, s)
	after := s.Stats()
	if after.Written <= st.Written || after.Written+after.Lost != int64(n) {
		t.Errorf("%d recorded, %+v", n, after)
	}
	var check string
	if err := s.db.reader.QueryRow("PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Errorf("%q, %v", check, err)
	}
}
