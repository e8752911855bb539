package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"mom/files"
	"mom/models/gguf"
	"mom/safetensors"
	"mom/tokenizer"
	"mom/weights"
)

// A source is the files of one model: a folder, an embedded model, or what a GGUF
// file has in it.
type source struct {
	name  string // as the user wrote it
	dir   string // "" when embedded or in a GGUF file
	files map[string][]byte
	gguf  *gguf.File // nil for most
}

// openSource finds a folder, or a model of the family by its name or that of
// one of its heads.
func openSource(name string) (*source, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return &source{name: name, dir: name}, nil
	case err == nil:
		return nil, fmt.Errorf("%s: is a file; want the folder of a model, with config.json in it", name)
	}
	if path, _ := findEncoder(name); path == weights.Default {
		name = path
	} else if path != name {
		return &source{name: name, dir: path}, nil
	}
	if m, _, ok := weights.Find(name); ok {
		return &source{name: name, files: m.Files}, nil
	}
	if strings.ContainsRune(name, filepath.Separator) {
		return nil, files.Error(name, err)
	}
	return nil, fmt.Errorf("%s: neither a folder nor a model of the family; the family is %s", name, strings.Join(weights.Names(), ", "))
}

// path names a file in error texts.
func (s *source) path(name string) string {
	if s.gguf != nil {
		return s.name + ": " + name
	}
	if s.dir == "" {
		return "embedded " + s.name + "/" + name
	}
	return filepath.Join(s.dir, name)
}

// read returns a file. A file that is not there is fs.ErrNotExist.
func (s *source) read(name string) ([]byte, error) {
	if s.dir == "" {
		if data, ok := s.files[name]; ok {
			return data, nil
		}
		return nil, fmt.Errorf("%s: %w", s.path(name), fs.ErrNotExist)
	}
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		return nil, files.Error(s.path(name), err)
	}
	return data, nil
}

// optional is read for a file that a model may lack.
func (s *source) optional(name string) ([]byte, error) {
	data, err := s.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// tensors opens the tensors. Those of a folder are read when they are asked for.
func (s *source) tensors() (*safetensors.File, error) {
	if s.dir == "" {
		return safetensors.Parse(s.path("model.safetensors"), s.files["model.safetensors"])
	}
	return safetensors.OpenFolder(s.dir, safetensors.Options{Lazy: true})
}

func (s *source) tokenizer() (*tokenizer.Tokenizer, error) {
	if s.dir == "" {
		return tokenizer.Parse(s.path("tokenizer.json"), s.files["tokenizer.json"])
	}
	return tokenizer.Open(s.dir)
}

// list names the regular files, without those in folders below but for
// 1_Pooling, which says how to make embeddings.
func (s *source) list() ([]string, error) {
	var names []string
	if s.dir == "" {
		for name := range s.files {
			names = append(names, name)
		}
		sort.Strings(names)
		return names, nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, files.Error(s.dir, err)
	}
	for _, e := range entries {
		if info, err := os.Stat(s.path(e.Name())); err == nil && info.Mode().IsRegular() {
			names = append(names, e.Name())
		}
	}
	if _, err := os.Stat(s.path("1_Pooling/config.json")); err == nil {
		names = append(names, "1_Pooling/config.json")
	}
	slices.Sort(names)
	return names, nil
}
