package config

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A report is one call of reload.
type report struct {
	c   *Config
	err error
}

// watch starts a watcher of path with a short tick.
func watch(t *testing.T, path string, hangup <-chan os.Signal) <-chan report {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan report, 10)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	w := watcher{
		path: path, every: 20 * time.Millisecond, hangup: hangup, files: c.Files(), last: c.sum,
		reload: func(c *Config, err error) { got <- report{c, err} },
	}
	go func() { defer close(done); w.run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return got
}

func next(t *testing.T, got <-chan report) report {
	t.Helper()
	select {
	case r := <-got:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was reported")
	}
	panic("unreachable")
}

func silent(t *testing.T, got <-chan report) {
	t.Helper()
	select {
	case r := <-got:
		t.Fatalf("reported: %+v", r)
	case <-time.After(300 * time.Millisecond):
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func texts(t *testing.T, r report, want int) {
	t.Helper()
	if r.err != nil || r.c.Limits.Texts != want {
		t.Fatalf("got %+v, want limits.texts %d", r, want)
	}
}

func TestWatchWrittenInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mom.yaml")
	write(t, path, "limits: {texts: 1}")
	got := watch(t, path, nil)
	silent(t, got)
	write(t, path, "limits: {texts: 2}") // as many bytes as before
	texts(t, next(t, got), 2)
	if err := os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	silent(t, got) // the same contents
}

func TestWatchReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mom.yaml")
	write(t, path, "limits: {texts: 1}")
	got := watch(t, path, nil)
	for n := 2; n < 5; n++ {
		write(t, path+".new", "limits: {texts: "+string(rune('0'+n))+"}")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		texts(t, next(t, got), n)
	}
}

// A folder of Kubernetes: the file is a link into ..data, which is a link to a
// folder, and is swapped for a link to another.
func TestWatchSwappedLink(t *testing.T) {
	dir := t.TempDir()
	put := func(folder, text string) {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, folder, "mom.yaml"), text)
	}
	link := func(to, from string) {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	put("..1", "limits: {texts: 1}")
	link("..1", "..data")
	link("..data/mom.yaml", "mom.yaml")
	got := watch(t, filepath.Join(dir, "mom.yaml"), nil)
	put("..2", "limits: {texts: 2}")
	link("..2", "..tmp")
	if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(filepath.Join(dir, "..1"))
	texts(t, next(t, got), 2)
	silent(t, got)
}

func TestWatchReportsAnErrorOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mom.yaml")
	write(t, path, "limits: {texts: 1}")
	got := watch(t, path, nil)
	write(t, path, "limits: {texts: ")
	if r := next(t, got); r.err == nil || r.c != nil {
		t.Fatalf("got %+v, want an error", r)
	}
	silent(t, got)
	write(t, path, "")
	if r := next(t, got); r.err == nil || !strings.Contains(r.err.Error(), "has become empty") {
		t.Fatalf("got %+v, want that it is empty", r)
	}
	write(t, path, "limits: {texts: 0}")
	if r := next(t, got); r.err == nil || !strings.Contains(r.err.Error(), "want 1 to 100000") {
		t.Fatalf("got %+v, want another error", r)
	}
	os.Remove(path)
	if r := next(t, got); r.err == nil || !strings.Contains(r.err.Error(), "no such file") {
		t.Fatalf("got %+v, want an error", r)
	}
	silent(t, got)
	write(t, path, "upstreams: [{name: u, base_url: 'http://h', api_key_file: key}]")
	if r := next(t, got); r.err == nil || !strings.Contains(r.err.Error(), "api_key_file") {
		t.Fatalf("got %+v, want an error", r)
	}
	write(t, filepath.Join(dir, "key"), "one")
	if r := next(t, got); r.err != nil || string(r.c.Upstreams[0].APIKey) != "one" {
		t.Fatalf("got %+v, want the key", r)
	}
	write(t, filepath.Join(dir, "key"), "two")
	if r := next(t, got); r.err != nil || string(r.c.Upstreams[0].APIKey) != "two" {
		t.Fatalf("got %+v, want the new key", r)
	}
}

func TestWatchHangup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mom.yaml")
	write(t, path, "limits: {texts: 1}")
	hup := make(chan os.Signal, 1)
	got := watch(t, path, hup)
	hup <- syscall.SIGHUP
	texts(t, next(t, got), 1)
}

// The signal itself, and what changed between Load and Watch.
func TestWatchSignal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mom.yaml")
	write(t, path, "limits: {texts: 1}")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "limits: {texts: 2}")
	got, done := make(chan report, 10), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	go func() { defer close(done); c.Watch(ctx, func(c *Config, err error) { got <- report{c, err} }) }()
	texts(t, next(t, got), 2)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	texts(t, next(t, got), 2)
	stop()
	<-done
}
