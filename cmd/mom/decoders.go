package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mom/weights"
)

// explainers are the decoders that say what a request is about when no other is
// named, the first that is there: v1 is quicker, r1 better.
var explainers = []string{"mom-dec-class-intent-v1", "mom-dec-class-intent-r1"}

// anExplainer is how texts name them.
const anExplainer = "mom-dec-class-intent-v1 or -r1"

// decodersEnv names a decoder, or a folder of decoders.
const decodersEnv = "MOM_DECODERS"

// findDecoder says where the decoder to explain with is: what flag names, else
// the environment, else a folder next to this program, else one that is embedded.
func findDecoder(flag string) (string, error) {
	if flag != "" {
		if path, ok := decoderAt(flag); ok {
			return path, nil
		}
		return flag, nil // opening it says what is wrong
	}
	if env := os.Getenv(decodersEnv); env != "" {
		if path, ok := decoderAt(env); ok {
			return path, nil
		}
		if _, ok := weights.Decoder(env); ok {
			return env, nil
		}
		return "", fmt.Errorf("%s=%s: want a decoder's folder, a .gguf file, or a folder that holds %s", decodersEnv, env, anExplainer)
	}
	beside := besideProgram()
	for _, dir := range beside {
		if path, ok := decoderIn(dir); ok {
			return path, nil
		}
	}
	for _, name := range explainers {
		if _, ok := weights.Decoder(name); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("no decoder to explain with: name one by --decoder FOLDER or FILE.gguf, or by %s, or put %s into %s", decodersEnv, anExplainer, strings.Join(beside, " or "))
}

// decoderPath is the path of a decoder in a configuration: that of a folder or file,
// or, where there is none, the name of one that is embedded.
func decoderPath(path string) string {
	if _, err := os.Stat(path); err != nil {
		if name := filepath.Base(path); len(name) > 0 {
			if _, ok := weights.Decoder(name); ok {
				return name
			}
		}
	}
	return path
}

// besideProgram are the folders where models of the family may lie without configuration.
func besideProgram() []string {
	self, err := os.Executable()
	if err != nil {
		return []string{"weights", "models"}
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	dir := filepath.Dir(self)
	return []string{filepath.Join(dir, "weights"), filepath.Join(dir, "models")}
}

// decoderAt finds a decoder at path: a file, its folder, or one that holds it.
func decoderAt(path string) (string, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	if !info.IsDir() {
		return path, strings.HasSuffix(strings.ToLower(path), ".gguf")
	}
	if isModelFolder(path) {
		return path, true
	}
	return decoderIn(path)
}

// decoderIn finds the first of the explainers in a folder of decoders.
func decoderIn(dir string) (string, bool) {
	for _, name := range explainers {
		if path := filepath.Join(dir, name); isModelFolder(path) {
			return path, true
		}
	}
	return "", false
}

func isModelFolder(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "config.json"))
	return err == nil
}
