// Command gen writes the generated files of the configuration: comments (the
// doc comments as Go source) or reference (docs/configuration.md).
package main

import (
	"fmt"
	"os"

	"mom/server/config"
	"mom/server/config/internal/comments"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want comments FILE or reference FILE, not %q", args)
	}
	var out []byte
	switch args[0] {
	case "comments":
		set, err := comments.Read(".", "../../router")
		if err != nil {
			return err
		}
		if out, err = set.Source("config"); err != nil {
			return err
		}
	case "reference":
		out = config.Reference()
	default:
		return fmt.Errorf("want comments or reference, not %q", args[0])
	}
	return os.WriteFile(args[1], out, 0o644)
}
