// Package adapter opens the folders in which PEFT saves LoRA adapters, for the
// engines that merge them and for those that let them run beside others.
package adapter

import (
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

// Close closes the tensors.
func (f *Folder) Close() error { return f.file.Close() }
