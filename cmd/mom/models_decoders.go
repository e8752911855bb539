package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mom/engine/explain"
	"mom/weights"
)

// decoderPrefix is how the names of the family's decoders and agents begin; folders
// that have a dot are unfinished.
const decoderPrefix = "mom-dec-"

// found is a decoder of the family: a folder, or embedded.
type found struct {
	name  string
	where string
	read  func(file string) ([]byte, error)
	bytes int64
}

// findFamily lists the decoders of the family that are beside this program or
// embedded, by name, a folder before what is embedded.
func findFamily() []found {
	var all []found
	has := func(name string) bool { return slices.ContainsFunc(all, func(f found) bool { return f.name == name }) }
	for _, dir := range besideProgram() {
		entries, _ := os.ReadDir(dir) // what cannot be read is not there
		for _, e := range entries {
			if !e.IsDir() || !strings.HasPrefix(e.Name(), decoderPrefix) || filepath.Ext(e.Name()) != "" {
				continue
			}
			path := filepath.Join(dir, e.Name())
			f := found{name: filepath.Base(path), where: path, read: func(file string) ([]byte, error) { return os.ReadFile(filepath.Join(path, file)) }}
			if _, err := os.Stat(filepath.Join(path, explain.ManifestFile)); err != nil || has(f.name) {
				continue
			}
			for _, file := range []string{"model.safetensors", "adapter_model.safetensors"} {
				if info, err := os.Stat(filepath.Join(path, file)); err == nil {
					f.bytes += info.Size()
				}
			}
			all = append(all, f)
		}
	}
	for _, m := range weights.Decoders() {
		if has(m.Name) {
			continue
		}
		all = append(all, found{m.Name, "embedded", func(file string) ([]byte, error) {
			if data, ok := m.Files[file]; ok {
				return data, nil
			}
			return nil, fmt.Errorf("embedded %s has no %s", m.Name, file)
		}, int64(len(m.Files["model.safetensors"]) + len(m.Files["adapter_model.safetensors"]))})
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.name, b.name) })
	return all
}

// listDecoders are the decoders as members of the family. Of one whose manifest
// cannot be used the function says why.
func listDecoders() (out []member) {
	for _, f := range findFamily() {
		m := member{Name: f.name, Trunk: f.name, Task: "decoder", Bytes: f.bytes, Where: f.where, Card: "mom models " + f.name}
		data, err := f.read(explain.ManifestFile)
		var q *explain.Manifest
		if err == nil {
			q, err = explain.ParseManifest(data)
		}
		if err != nil {
			m.Function = fmt.Sprintf("unusable: %s: %v", explain.ManifestFile, err)
		} else if m.Function, m.Labels = q.Function, q.Labels; q.Field != "" {
			m.Function += " " + q.Field
		}
		out = append(out, m)
	}
	return out
}
