package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mom/kernels/cpu"
	"mom/models"
	"mom/weights"
)

const (
	// autoModel is the encoder that answers when none is named.
	autoModel = "auto"
	// aboutAuto says which it is.
	aboutAuto = "auto is " + largerEncoder + " where its folder lies beside this program and the CPU has vector instructions, else " + weights.Default
	// largerEncoder is more accurate than the embedded one and reads more languages,
	// at more than twice the work.
	largerEncoder = "mom-enc-r1"
	// encoderPrefix is how the names of the family's encoders begin.
	encoderPrefix = "mom-enc-"
)

// findEncoder says what to open for the name of a model, and which of its heads
// (all when there is none). What is no name of an encoder beside this program
// stays as it is.
func findEncoder(name string) (model, head string) {
	if _, err := os.Stat(name); err == nil {
		return name, ""
	}
	if name == autoModel {
		path := besideNamed(largerEncoder)
		if path == "" || cpu.Level() == "generic" {
			return weights.Default, ""
		}
		return path, ""
	}
	if _, _, ok := weights.Find(name); ok || !strings.HasPrefix(name, encoderPrefix) {
		return name, ""
	}
	for _, s := range encodersBeside() {
		if s.name == name {
			return s.dir, ""
		}
		m, err := s.manifest()
		if err != nil {
			continue // opening it by its own name says what is wrong
		}
		for _, h := range m.Heads {
			if h.Name == name {
				return s.dir, h.Name
			}
		}
	}
	return name, ""
}

// besideNamed is the folder of a model beside this program, or "".
func besideNamed(name string) string {
	for _, dir := range besideProgram() {
		if path := filepath.Join(dir, name); isModelFolder(path) {
			return path
		}
	}
	return ""
}

// encodersBeside are the encoders of the family that lie beside this program and
// are not the embedded ones.
func encodersBeside() []*source {
	var all []*source
	for _, dir := range besideProgram() {
		entries, _ := os.ReadDir(dir) // what cannot be read is not there
		for _, e := range entries {
			_, _, embedded := weights.Find(e.Name())
			known := slices.ContainsFunc(all, func(s *source) bool { return s.name == e.Name() })
			path := filepath.Join(dir, e.Name())
			if strings.HasPrefix(e.Name(), encoderPrefix) && filepath.Ext(e.Name()) == "" && !embedded && !known && isModelFolder(path) {
				all = append(all, &source{name: e.Name(), dir: path})
			}
		}
	}
	return all
}

// manifest reads mom.json.
func (s *source) manifest() (*models.Manifest, error) {
	data, err := s.read("mom.json")
	if err != nil {
		return nil, err
	}
	m, err := models.ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path("mom.json"), err)
	}
	return m, nil
}
