package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const about = `mom says, for a request to a language model: what is it about, is it an attack,
and which personal data does it carry. The models are inside this program.
Nothing is downloaded, and no text leaves the machine.

  mom classify "My card 4111 1111 1111 1111 was charged twice"
  mom classify --in prompts.jsonl --json > answers.jsonl
  mom models                      which models are inside, what they answer
  mom classify --model ./folder "…"    a Hugging Face folder instead

A folder may hold a ModernBERT or BERT classifier as Hugging Face saves it:
config.json, model.safetensors (or shards), tokenizer.json.

Exit codes: 0 done, 1 failed, 2 wrong use. Errors are one line on stderr.
MOM_CPU=LEVEL lowers the instruction set; see mom cpu.`

func newRoot(a *app) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:               "mom",
		Short:             "Classify requests to language models",
		Long:              about,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args: func(c *cobra.Command, args []string) error {
			return verb(c, args)
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if showVersion {
				_, err := fmt.Fprintln(a.out, versionLine())
				return err
			}
			return c.Help()
		},
	}
	// Not cobra's own flag, whose template makes the linker keep every method of
	// every type in the program.
	root.Flags().BoolVarP(&showVersion, "version", "v", false, "version of mom")
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse("%v; see %s --help", err, c.CommandPath())
	})
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(
		serveCommand(a), routeCommand(a),
		classifyCommand(a), embedCommand(a), tokenizeCommand(a), generateCommand(a),
		inspectCommand(a), modelsCommand(a), convertCommand(a),
		cpuCommand(a), benchCommand(a), evalCommand(a), configCommand(a), versionCommand(a),
	)
	return root
}

func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "What a verb does",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return verb(c, rest)
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// verb refuses a word that is no verb of c, and says which it may have been.
func verb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	hint := "see " + c.CommandPath() + " --help"
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return misuse("%s has no verb %q; %s", c.CommandPath(), args[0], hint)
}

// arguments is an argument count between least and most; what names them.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return misuse("%s takes %s, not %d arguments; see %s --help", c.CommandPath(), what, len(args), c.CommandPath())
		}
		return nil
	}
}

// oneOf checks the value of a flag.
func oneOf(flag, value string, choices ...string) error {
	for _, c := range choices {
		if value == c {
			return nil
		}
	}
	return misuse("--%s %q: want %s", flag, value, orList(choices))
}

func orList(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " or " + s[len(s)-1]
}

func notNegative(flag string, v int) error {
	if v < 0 {
		return misuse("--%s %d: want 0 or more", flag, v)
	}
	return nil
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
