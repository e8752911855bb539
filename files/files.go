// Package files reads the files that a model is made of: regular ones, of a
// bounded size, with errors that name the path once.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// MaxText bounds the JSON files of a model; a tokenizer_config.json may list a
// vocabulary.
const MaxText = 64 << 20

// Read reads a regular file of at most limit bytes. The error of one that is not
// there is fs.ErrNotExist.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Error(path, err)
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", path, limit)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, Error(path, err)
	}
	return data, nil
}

// Text is Read for a JSON file.
func Text(path string) ([]byte, error) { return Read(path, MaxText) }

// Error is why something about a path failed: "path: reason".
func Error(path string, err error) error { return fmt.Errorf("%s: %w", path, Reason(err)) }

// Reason is err without the operation and the path that an *fs.PathError repeats.
func Reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
