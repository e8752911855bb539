package config

import (
	"context"
	"crypto/sha256"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Watch is Config.Watch of the file at path as it is now.
func Watch(ctx context.Context, path string, reload func(*Config, error)) {
	c, err := Load(path)
	if err != nil {
		c = &Config{file: path}
	}
	c.Watch(ctx, reload)
}

// Watch loads the configuration's file again whenever it, or a file of a secret
// that it names, differs from what c was read from, and on SIGHUP. It calls
// reload, one call at a time, with the new configuration or with the error; the
// caller goes on with the last good one. An error is reported once, until it is
// another one. Watch returns when ctx ends.
//
// Files are looked at by name each second: an editor that writes in place, one
// that renames a new file over the old, and a mounted folder whose link is
// swapped are all noticed. A file is read when it has been still for one look.
//
// A configuration without a file never changes.
func (c *Config) Watch(ctx context.Context, reload func(*Config, error)) {
	if c.file == "" {
		<-ctx.Done()
		return
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	w := watcher{path: c.file, every: time.Second, hangup: hup, reload: reload, files: c.Files(), last: c.sum}
	w.run(ctx)
}

type watcher struct {
	path   string
	every  time.Duration
	hangup <-chan os.Signal
	reload func(*Config, error)

	files  []string          // looked at
	last   [sha256.Size]byte // of their contents when they were loaded last
	looked map[string]look   // at the last look
	moving bool              // something was different at the last look
	failed string            // the error that was reported last, until a load succeeds
}

// A look is what tells that a file is another one, without reading it.
type look struct {
	exists bool
	inode  uint64
	device uint64
	size   int64
	time   time.Time
}

func (w *watcher) run(ctx context.Context) {
	w.looked, w.moving = w.lookAll(), true
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.hangup:
			w.failed = ""
			w.take(w.read())
		case <-tick.C:
			w.tick()
		}
	}
}

// tick looks at the files and loads them when they changed and then were still.
// After a failure they are loaded at each tick: what was wrong may be a file
// that is not looked at, since no configuration names it yet.
func (w *watcher) tick() {
	now := w.lookAll()
	changed := !maps.Equal(now, w.looked)
	w.looked = now
	switch {
	case changed:
		w.moving = true
	case w.failed != "" || w.moving && contents(w.files) != w.last:
		c, err := w.read()
		if w.moving = !maps.Equal(now, w.lookAll()); !w.moving {
			w.take(c, err)
		}
	default:
		w.moving = false
	}
}

// read loads the file. An empty one is a valid configuration, but here it is
// one that somebody is about to write.
func (w *watcher) read() (*Config, error) {
	if info, err := os.Stat(w.path); err == nil && info.Size() == 0 {
		return nil, Problems{{File: w.path, What: "has become empty"}}
	}
	return Load(w.path)
}

// take reports what was loaded.
func (w *watcher) take(c *Config, err error) {
	if err != nil {
		w.last = contents(w.files)
		if err.Error() != w.failed {
			w.failed = err.Error()
			w.reload(nil, err)
		}
		return
	}
	w.failed, w.files, w.last = "", c.Files(), c.sum
	w.looked, w.moving = w.lookAll(), true
	w.reload(c, nil)
}

func (w *watcher) lookAll() map[string]look {
	out := map[string]look{}
	for _, name := range w.files {
		var l look
		if info, err := os.Stat(name); err == nil {
			l = look{exists: true, size: info.Size(), time: info.ModTime()}
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				l.inode, l.device = uint64(st.Ino), uint64(st.Dev)
			}
		}
		out[name] = l
	}
	return out
}

// contents is a digest of files, missing ones included.
func contents(files []string) [sha256.Size]byte {
	data, err := readFile(files[0], maxFile)
	return contentsWith(data, err, files[1:])
}

// contentsWith is contents where the first file was read already.
func contentsWith(first []byte, err error, others []string) (sum [sha256.Size]byte) {
	h := sha256.New()
	add := func(data []byte, err error) {
		if err != nil {
			data = []byte("missing")
		}
		one := sha256.Sum256(data)
		h.Write(one[:])
	}
	add(first, err)
	for _, name := range others {
		add(readFile(name, maxFile))
	}
	h.Sum(sum[:0])
	return sum
}
