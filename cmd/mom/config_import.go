package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"mom/server/config"
)

const aboutImport = `Read a v0.3 configuration of vLLM Semantic Router and write one of mom.

The configuration goes to standard output, or to the file of --out; the report
says for each key of the input what became of it, with the reason where it was
not taken over. No key is left out of the report. It goes to standard error, or
to standard output with --out. docs/migrate-vllm-sr.md explains the mapping.`

func configImport(a *app) *cobra.Command {
	var out string
	var force, asJSON bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "From a configuration of vLLM Semantic Router",
		Long:  aboutImport,
		Args:  arguments(1, 1, "the file to read"),
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			yaml, notes, err := config.Import(args[0], in)
			if err != nil {
				return listed(a, args[0], err)
			}
			report := a.out
			if out != "" {
				err = writeNew(out, yaml, force)
			} else {
				report = a.err
				_, err = a.out.Write(yaml)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(&app{out: report}, map[string]any{"notes": notes})
			}
			return writeReport(report, notes)
		},
	}
	c.Flags().StringVar(&out, "out", "", "write the configuration to this file")
	c.Flags().BoolVar(&force, "force", false, "replace the file of --out when it exists")
	c.Flags().BoolVar(&asJSON, "json", false, "the report as JSON")
	return c
}

// writeReport writes the notes, what was not taken over last, and how many of each.
func writeReport(w io.Writer, notes []config.Note) error {
	var b bytes.Buffer
	count := map[config.Outcome]int{}
	for _, outcome := range config.Outcomes() {
		for _, n := range notes {
			if n.Outcome == outcome {
				count[outcome]++
				fmt.Fprintf(&b, "%-9s %d: %s", n.Outcome, n.Line, n.Key)
				if n.To != "" {
					fmt.Fprintf(&b, " -> %s", n.To)
				}
				if n.Why != "" {
					fmt.Fprintf(&b, "; %s", n.Why)
				}
				b.WriteByte('\n')
			}
		}
	}
	fmt.Fprintf(&b, "\n%s:", plural(len(notes), "key"))
	for i, outcome := range config.Outcomes() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %d %s", count[outcome], outcome)
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}
