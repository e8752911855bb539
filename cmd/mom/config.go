package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mom/server/config"
)

const aboutConfig = `Write, check and explain the one file that mom serve reads.

  mom config init              a commented mom.yaml to start from
  mom config check             all that is wrong in it, by line and column
  mom config explain           every value in force and where it came from; warnings
  mom config schema            the JSON Schema, for editors
  mom config import FILE       from a vLLM Semantic Router configuration

The server needs no file: without one it serves classification and routing on
this machine. docs/configuration.md lists every key.`

// defaultConfig is the file that verbs take when none is named.
const defaultConfig = "mom.yaml"

func configCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Write, check and explain the server's configuration",
		Long:  aboutConfig,
		Args:  func(c *cobra.Command, args []string) error { return verb(c, args) },
		RunE: func(c *cobra.Command, _ []string) error {
			return misuse("%s needs init, check, explain, schema or import; see %s --help", c.CommandPath(), c.CommandPath())
		},
	}
	c.AddCommand(configInit(a), configCheck(a), configExplain(a), configSchema(a), configImport(a))
	return c
}

func configInit(a *app) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented file to start from: mom.yaml, or - for standard output",
		Args:  arguments(0, 1, "at most one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			path := named(args)
			if path == "-" {
				_, err := a.out.Write(config.Starter())
				return err
			}
			if err := writeNew(path, config.Starter(), force); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.err, "wrote %s; serve it with: mom serve --config %s\n", path, path)
			return err
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace FILE when it exists")
	return c
}

func named(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return defaultConfig
}

// writeNew writes a file that only its owner can read, since it may get secrets.
// An empty file is one that a shell made for the output.
func writeNew(path string, data []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if info, err := os.Stat(path); force || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; --force replaces it", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func configCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say all that is wrong in a file, by line and column",
		Args:  arguments(0, 1, "at most one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := loadConfig(a, named(args))
			if err != nil {
				return err
			}
			auth := "no key is asked"
			if c.AuthOn() {
				auth = plural(len(c.Auth.Keys), "client key")
			}
			_, err = fmt.Fprintf(a.out, "%s is fine: listen %s, %s, %s, %s, %s\n", named(args), c.Listen,
				auth, plural(len(c.Upstreams), "upstream"), plural(len(c.Models), "model"), plural(len(c.Warnings()), "warning"))
			return err
		},
	}
}

// loadConfig reads a file; its problems are written a line each.
func loadConfig(a *app, path string) (*config.Config, error) {
	c, err := config.Load(path)
	return c, listed(a, path, err)
}

// listed writes the problems of a file a line each, for editors that jump to
// them, and leaves an error of one line.
func listed(a *app, path string, err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) < 2 {
		return err
	}
	fmt.Fprintln(a.err, problems.Error())
	return fmt.Errorf("%s: %s", path, plural(len(problems), "problem"))
}

func configExplain(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain [FILE]",
		Short: "Every value in force, where it came from, and warnings",
		Long: `Every value in force, where it came from, and warnings of what a value leads to.

Without FILE it is mom.yaml, or the defaults where there is none. Secrets are
not shown; (set) says that there is one.`,
		Args: arguments(0, 1, "at most one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			c := config.Default()
			_, missing := os.Stat(defaultConfig)
			if len(args) > 0 || missing == nil {
				var err error
				if c, err = loadConfig(a, named(args)); err != nil {
					return err
				}
			}
			if asJSON {
				return explainJSON(a, c)
			}
			return explainTable(a, c)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object: settings and warnings")
	return c
}

func explainTable(a *app, c *config.Config) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tVALUE\tFROM")
	for _, s := range c.Explain() {
		value := s.Value
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Key, oneLine(value), s.From)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, p := range c.Warnings() {
		if i == 0 {
			b.WriteString("\nWarnings\n")
		}
		fmt.Fprintf(&b, "  %s\n", strings.TrimPrefix(p.Error(), ": "))
	}
	_, err := a.out.Write(b.Bytes())
	return err
}

func explainJSON(a *app, c *config.Config) error {
	type warning struct {
		Key  string `json:"key"`
		Line int    `json:"line,omitempty"`
		What string `json:"what"`
	}
	warnings := []warning{}
	for _, p := range c.Warnings() {
		warnings = append(warnings, warning{p.Key, p.Line, p.What})
	}
	return printJSON(a, map[string]any{"settings": c.Explain(), "warnings": warnings})
}

func configSchema(a *app) *cobra.Command {
	var markdown bool
	c := &cobra.Command{
		Use:   "schema",
		Short: "The JSON Schema of the file, for editors",
		Args:  arguments(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			out := config.Schema()
			if markdown {
				out = config.Reference()
			}
			_, err := a.out.Write(out)
			return err
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "the reference as Markdown instead")
	return c
}
