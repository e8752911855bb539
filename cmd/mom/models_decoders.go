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

// decoderPattern is how the family's decoders and agents are called.
const decoderPattern = "mom-dec-*"

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
		paths, _ := filepath.Glob(filepath.Join(dir, decoderPattern))
		for _, path := range paths {
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

// listDecoders are the decoders as members of the family. One whose manifest cannot
// be read is an error.
func listDecoders() ([]member, error) {
	var out []member
	for _, f := range findFamily() {
		data, err := f.read(explain.ManifestFile)
		if err != nil {
			return nil, err
		}
		q, err := explain.ParseManifest(data)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", f.where, explain.ManifestFile, err)
		}
		m := member{Name: f.name, Trunk: f.name, Function: q.Function, Task: "decoder", Labels: q.Labels, Bytes: f.bytes, Where: f.where, Card: "mom models " + f.name}
		if q.Field != "" {
			m.Function += " " + q.Field
		}
		out = append(out, m)
	}
	return out, nil
}
