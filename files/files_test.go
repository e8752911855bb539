package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte("{}  "), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(path, 4); err != nil || string(data) != "{}  " {
		t.Errorf("%q, error %v", data, err)
	}
	for _, c := range []struct {
		path string
		want string
	}{
		{path, path + ": not a regular file of at most 3 bytes"},
		{dir, dir + ": not a regular file of at most 3 bytes"},
		{path + "s", path + "s: no such file or directory"},
	} {
		_, err := Read(c.path, 3)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := Text(path + "s"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want fs.ErrNotExist", err)
	}
}

func TestReason(t *testing.T) {
	_, err := os.Open(filepath.Join(t.TempDir(), "none"))
	if got := Reason(err); got.Error() != "no such file or directory" {
		t.Errorf("of a path: %v", got)
	}
	other := errors.New("other")
	if got := Reason(other); got != other {
		t.Errorf("of another: %v", got)
	}
}
