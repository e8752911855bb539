package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"mom/kernels/cpu"
	"mom/weights"
)

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what this binary was made with",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, versionLine())
			return err
		},
	}
}

func versionLine() string {
	var family []string
	for _, m := range weights.Models() {
		family = append(family, m.Name)
	}
	return fmt.Sprintf("mom %s, %s %s/%s, level %s, models %s",
		version, runtime.Version(), runtime.GOOS, runtime.GOARCH, cpu.Level(), strings.Join(family, ", "))
}
