package main

import (
	"context"
	"encoding/json"
	"runtime"

	"github.com/spf13/cobra"
)

// inputFlags say which texts a verb reads.
type inputFlags struct {
	in        string
	plain     bool
	keepGoing bool
}

func (f *inputFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVarP(&f.in, "in", "i", "", "read `FILE` of JSON lines {\"id\",\"text\"}; - is standard input")
	s.BoolVar(&f.plain, "plain", false, "each line of the input is a text")
	s.BoolVar(&f.keepGoing, "keep-going", false, "answer a bad line with {\"id\",\"error\"} and go on; the exit code is 1 at the end")
}

// source decides between the argument and the input. A text is given when
// single is true.
func (f *inputFlags) source(a *app, args []string) (text string, single bool, err error) {
	if len(args) == 1 {
		if f.in != "" {
			return "", false, misuse("both a text and --in %s: give one of them", f.in)
		}
		if f.plain || f.keepGoing {
			return "", false, misuse("--plain and --keep-going go with --in")
		}
		return args[0], true, nil
	}
	if f.in == "" {
		if terminal(a.in) {
			return "", false, misuse("nothing to read: give a text, --in FILE or --in -; see --help")
		}
		f.in = "-"
	}
	return "", false, nil
}

// workers is how many texts are under way at once: one a core.
func workers(threads int) int {
	n := runtime.GOMAXPROCS(0)
	if threads > 0 {
		n = min(n, threads)
	}
	return n
}

// each answers the text of args or the records of the input. open makes what
// all workers share, after the input has been opened: a wrong file name is told
// at once. It returns what makes a worker.
func (f *inputFlags) each(ctx context.Context, a *app, args []string, asJSON bool, threads int, open func() (func() worker, error)) error {
	text, single, err := f.source(a, args)
	if err != nil {
		return err
	}
	if single {
		newWorker, err := open()
		if err != nil {
			return err
		}
		out, err := newWorker()(ctx, &record{line: 1, id: json.RawMessage("1"), text: text}, nil)
		if err != nil {
			return err
		}
		_, err = a.out.Write(out)
		return err
	}
	in, err := openRecords(a, f.in, f.plain)
	if err != nil {
		return err
	}
	defer in.close()
	newWorker, err := open()
	if err != nil {
		return err
	}
	b := &bulk{in: in, out: a.out, keepGoing: f.keepGoing, failed: failedText, progress: newProgress(a, in.size)}
	if asJSON {
		b.failed = failedJSON
	}
	for range workers(threads) {
		b.workers = append(b.workers, newWorker())
	}
	return b.run(ctx)
}
