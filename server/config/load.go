package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Load reads the file at path. An error of the file's contents is Problems: all
// that is wrong in it, with lines and columns.
func Load(path string) (*Config, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, Problems{{File: path, What: err.Error()}}
	}
	c, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	c.sum = contentsWith(data, nil, c.Files()[1:])
	return c, nil
}

// Parse reads a configuration from data. name stands in errors, and its folder
// is where relative paths of secrets start. The environment and the files that
// the configuration names are read.
func Parse(name string, data []byte) (*Config, error) {
	return parse(name, data, os.LookupEnv)
}

func parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	c := Default()
	d := &decoder{
		file: name, env: env, sources: map[string]Source{},
		anchors: map[string]ast.Node{}, open: map[string]bool{},
	}
	d.decode(data, reflect.ValueOf(c).Elem())
	c.file, c.sources = name, d.sources
	if len(d.problems) == 0 {
		d.secrets(c)
	}
	if len(d.problems) == 0 {
		c.complete()
		for _, f := range c.check() {
			s := c.source(f.path)
			d.problems = append(d.problems, Problem{File: name, Line: s.Line, Column: s.Column, Key: f.path, What: f.what})
		}
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		if n := len(d.problems); n > maxShown {
			d.problems = append(d.problems[:maxShown], Problem{File: name, What: fmt.Sprintf("and %d more problems", n-maxShown)})
		}
		return nil, d.problems
	}
	return c, nil
}

// secrets reads the files that hold secrets and checks that each is given once.
func (d *decoder) secrets(c *Config) {
	for i := range c.Auth.Keys {
		k := &c.Auth.Keys[i]
		path := fmt.Sprintf("auth.keys[%d]", i)
		given := 0
		for _, is := range []bool{k.SHA256 != Digest{}, k.Key != "", k.KeyFile != ""} {
			if is {
				given++
			}
		}
		if given != 1 {
			d.at(c, path, "want one of sha256, key and key_file; %d are given", given)
			continue
		}
		d.fromFile(c, path+".key", &k.Key, path+".key_file", k.KeyFile)
		if k.Key != "" {
			if len(k.Key) < 16 {
				d.at(c, path+".key", "a key has at least 16 characters; make one with: openssl rand -hex 24")
			}
			k.SHA256, k.Key = DigestOf(string(k.Key)), ""
			c.sources[path+".sha256"] = c.source(path + ".key")
		}
	}
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		path := fmt.Sprintf("upstreams[%d]", i)
		d.fromFile(c, path+".api_key", &u.APIKey, path+".api_key_file", u.APIKeyFile)
	}
	d.fromFile(c, "redis.url", &c.Redis.URL, "redis.url_file", c.Redis.URLFile)
}

// fromFile reads a secret from its file, if it names one; both is a problem.
func (d *decoder) fromFile(c *Config, path string, into *Secret, filePath, file string) {
	if file == "" {
		return
	}
	if *into != "" {
		d.at(c, filePath, "stands beside %s; want one of them", path[strings.LastIndexByte(path, '.')+1:])
		return
	}
	name := c.relative(file)
	data, err := readFile(name, 64<<10)
	if err != nil {
		d.at(c, filePath, "the file %s %v", name, err)
		return
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		d.at(c, filePath, "the file %s is empty", name)
		return
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		d.at(c, filePath, "the file %s %v", name, err)
		return
	}
	s := c.source(filePath)
	s.SecretFile = name
	c.sources[path] = s
}

func (d *decoder) at(c *Config, path, format string, args ...any) {
	s := c.source(path)
	d.problems = append(d.problems, Problem{
		File: d.file, Line: s.Line, Column: s.Column, Key: path, What: fmt.Sprintf(format, args...),
	})
}

// relative is a path of the file taken from the folder of the file.
func (c *Config) relative(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}

// source is where the value at path came from, or the nearest above it that is
// known. Paths are like upstreams[0].name.
func (c *Config) source(path string) Source {
	for {
		if s, ok := c.sources[path]; ok {
			return s
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return Source{}
		}
		path = path[:cut]
	}
}

// complete fills in what follows from the file: places of upstreams, models of
// the policy, paths of the file's folder.
func (c *Config) complete() {
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		if u.BaseURL != "" && len(u.Replicas) == 0 {
			u.Replicas = []Replica{{BaseURL: u.BaseURL, Weight: 1}}
			u.BaseURL = ""
			path := fmt.Sprintf("upstreams[%d].", i)
			c.sources[path+"replicas[0].base_url"] = c.source(path + "base_url")
		}
	}
	c.decoders()
	if c.State.On() && c.State.Path != ":memory:" {
		c.State.Path = c.relative(c.State.Path)
	}
	c.TLS.CertFile, c.TLS.KeyFile = c.fileOrNone(c.TLS.CertFile), c.fileOrNone(c.TLS.KeyFile)
	c.policy()
}

func (c *Config) fileOrNone(path string) string {
	if path == "" {
		return ""
	}
	return c.relative(path)
}

// Files are the files that the configuration was read from: itself, and those
// of secrets and certificates.
func (c *Config) Files() []string {
	out := []string{c.file}
	add := func(path string) {
		if path != "" {
			out = append(out, c.relative(path))
		}
	}
	for _, k := range c.Auth.Keys {
		add(k.KeyFile)
	}
	for _, u := range c.Upstreams {
		add(u.APIKeyFile)
	}
	add(c.Redis.URLFile)
	add(c.TLS.CertFile)
	add(c.TLS.KeyFile)
	return out
}

// readFile reads a regular file of at most most bytes.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return nil, errors.New("is a folder; want a file")
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(f, most+1)); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if int64(b.Len()) > most {
		return nil, fmt.Errorf("is larger than %s", Size(most))
	}
	return b.Bytes(), nil
}

// Changed names the keys of the top level in which c differs from old, secrets
// included: what a log may say of a file that was loaded again.
func (c *Config) Changed(old *Config) []string {
	var out []string
	a, b := reflect.ValueOf(c).Elem(), reflect.ValueOf(old).Elem()
	for _, f := range fieldsOf(a.Type()) {
		if !reflect.DeepEqual(a.FieldByIndex(f.index).Interface(), b.FieldByIndex(f.index).Interface()) {
			out = append(out, f.key)
		}
	}
	return out
}
