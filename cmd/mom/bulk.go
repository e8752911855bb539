package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// A worker turns one record into the line or lines to print, appended to out.
// Each worker is used by one goroutine at a time.
type worker func(ctx context.Context, r *record, out []byte) ([]byte, error)

// bulk works on many records at once and prints their answers in the order of
// the input. At most queue records a worker are in memory.
type bulk struct {
	in        *records
	out       io.Writer
	workers   []worker
	keepGoing bool
	failed    func(out []byte, r *record, err error) []byte // a bad record's answer
	progress  *progress

	bad   int
	first error
}

const queue = 4

// job is a record on its way. done is sent to once, when out and err are set.
type job struct {
	record
	out  []byte
	err  error
	done chan struct{}
}

// run returns nil when every record was answered.
func (b *bulk) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	n := queue * len(b.workers)
	free, todo, order := make(chan *job, n), make(chan *job, n), make(chan *job, n)
	for range n {
		free <- &job{done: make(chan struct{}, 1)}
	}
	var group sync.WaitGroup
	for _, w := range b.workers {
		group.Go(func() {
			for j := range todo {
				j.err = j.bad
				if j.err == nil {
					j.out, j.err = w(ctx, &j.record, j.out[:0])
				}
				j.done <- struct{}{}
			}
		})
	}
	// The reader may sit in a read that nothing can end, so nobody waits for it.
	var readErr error
	go func() {
		readErr = b.read(ctx, free, todo, order)
		close(todo)
		close(order)
	}()
	err := b.write(ctx, order, free)
	if err == nil {
		err = readErr // order is closed: the reader is done
	}
	cancel()
	if err == nil {
		group.Wait()
	}
	b.progress.end()
	if err == nil && b.bad > 0 {
		err = fmt.Errorf("%s failed; the first: %w", plural(b.bad, "line"), b.first)
	}
	return err
}

func (b *bulk) read(ctx context.Context, free <-chan *job, todo, order chan<- *job) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case j := <-free:
			if err := b.in.next(&j.record); err == io.EOF {
				return nil
			} else if err != nil {
				return fmt.Errorf("%s: %w", b.in.name, err)
			}
			todo <- j // both have room for every job there is
			order <- j
		}
	}
}

// write prints answers as they come. It flushes when the next one is not ready,
// so that a reader at the other end of a pipe never waits for the buffer.
func (b *bulk) write(ctx context.Context, order <-chan *job, free chan<- *job) error {
	w := bufio.NewWriterSize(b.out, 64<<10)
	defer w.Flush()
	for {
		var j *job
		var ok bool
		select {
		case j, ok = <-order:
		default:
			if err := w.Flush(); err != nil {
				return err
			}
			select {
			case j, ok = <-order:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if !ok {
			return w.Flush()
		}
		select {
		case <-j.done:
		default:
			if err := w.Flush(); err != nil {
				return err
			}
			select {
			case <-j.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if j.err != nil {
			if err := b.fail(ctx, j); err != nil {
				return err
			}
		}
		if _, err := w.Write(j.out); err != nil {
			return err
		}
		b.progress.step(b.in.read.Load())
		free <- j
	}
}

// fail notes a bad record, or returns the error that ends the run.
func (b *bulk) fail(ctx context.Context, j *job) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := fmt.Errorf("%s:%d: %w", b.in.name, j.line, j.err)
	if !b.keepGoing {
		return err
	}
	if b.bad++; b.first == nil {
		b.first = err
	}
	j.out = b.failed(j.out[:0], &j.record, j.err)
	return nil
}

// failedJSON is the answer to a bad record: {"id","error"}.
func failedJSON(out []byte, r *record, err error) []byte {
	line, _ := appendJSON(out, struct {
		ID    json.RawMessage `json:"id"`
		Error string          `json:"error"`
	}{r.id, oneLine(err.Error())})
	return line
}

func failedText(out []byte, r *record, err error) []byte {
	return fmt.Appendf(out, "%s\terror: %s\n", idText(r.id), oneLine(err.Error()))
}

// idText is an id for people: a string without its quotes.
func idText(id json.RawMessage) string {
	var s string
	if json.Unmarshal(id, &s) == nil {
		return s
	}
	return string(id)
}

// appendJSON appends v and a newline. Angle brackets stay what they are.
func appendJSON(out []byte, v any) ([]byte, error) {
	w := (*appender)(&out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return out, err
	}
	return out, nil
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
