// Package adapter opens the folders in which PEFT saves LoRA adapters, for the
// engines that merge them and for those that let them run beside others.
package adapter

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"mom/files"
	"mom/models"
	"mom/safetensors"
)

// Config and Weights are what a folder of an adapter has.
const (
	Config  = "adapter_config.json"
	Weights = "adapter_model.safetensors"
)

// A Folder is an open adapter.
type Folder struct {
	*models.LoRA
	file *safetensors.File
}

// Open reads the configuration of the adapter in dir. Its tensors may be read
// until Close.
func Open(dir string) (*Folder, error) {
	path := filepath.Join(dir, Config)
	config, err := files.Text(path)
	if err != nil {
		return nil, err
	}
	file, err := safetensors.Open(filepath.Join(dir, Weights), safetensors.Options{})
	if err != nil {
		return nil, err
	}
	return parse(path, config, file)
}

// Parse is Open for the texts of the two files; name is for error texts.
func Parse(name string, config, weights []byte) (*Folder, error) {
	file, err := safetensors.Parse(name+"/"+Weights, weights)
	if err != nil {
		return nil, err
	}
	return parse(name+"/"+Config, config, file)
}

func parse(path string, config []byte, file *safetensors.File) (*Folder, error) {
	l, err := models.ParseLoRA(config, file)
	if err != nil {
		file.Close()
		return nil, files.Error(path, err)
	}
	return &Folder{l, file}, nil
}

// Base is the name of the folder that the adapter in dir is for, the last element of
// base_model_name_or_path.
func Base(dir string) (string, error) {
	path := filepath.Join(dir, Config)
	config, err := files.Text(path)
	if err != nil {
		return "", err
	}
	return BaseName(path, config)
}

// BaseName is Base for the text of a configuration; path is for error texts.
func BaseName(path string, config []byte) (string, error) {
	var c struct {
		Base string `json:"base_model_name_or_path"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	name := filepath.Base(c.Base)
	if c.Base == "" || name == "." || name == ".." || name == string(filepath.Separator) {
		return "", fmt.Errorf("%s: base_model_name_or_path: %q names no folder", path, c.Base)
	}
	return name, nil
}

// Close closes the tensors.
func (f *Folder) Close() error { return f.file.Close() }
