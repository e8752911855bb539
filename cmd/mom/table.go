package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"mom/engine"
	"mom/models"
)

// tableWorker answers one text for a reader.
func tableWorker(e *engine.Engine) worker {
	r := &engine.Result{}
	return func(ctx context.Context, q *record, out []byte) ([]byte, error) {
		took, err := classify(ctx, e, q, r)
		if err != nil {
			return out, err
		}
		return appendTable(out, q.text, r, took), nil
	}
}

func appendTable(out []byte, text string, r *engine.Result, took time.Duration) []byte {
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	for i := range r.Heads {
		h := &r.Heads[i]
		name := h.Head.Function
		if name == "" {
			name = "label"
		}
		switch {
		case h.Head.Task == models.Token:
			spanRows(w, name, text, h)
		case guard(h.Head):
			fmt.Fprintf(w, "%s\t%s\t%.3f\tp(%s), %s from %.2f%s\n", name, label(h), h.Scores[1], h.Head.Labels[1], h.Head.Labels[1], h.Head.Threshold, readAs(h))
		default:
			scoreRows(w, name, h)
		}
	}
	fmt.Fprintf(w, "read\t%s, %s, %.1f ms\n", plural(r.Tokens, "token"), plural(r.Windows, "window"), milliseconds(took))
	w.Flush()
	return out
}

// readAs names the view that the guard's score is of.
func readAs(h *engine.HeadResult) string {
	if h.View == "" {
		return ""
	}
	return ", read as " + h.View
}

// scoreRows are the three most probable labels with bars.
func scoreRows(w *tabwriter.Writer, name string, h *engine.HeadResult) {
	order := make([]int, len(h.Scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case h.Scores[a] > h.Scores[b]:
			return -1
		case h.Scores[a] < h.Scores[b]:
			return 1
		}
		return 0
	})
	for rank, i := range order[:min(3, len(order))] {
		if rank > 0 {
			name = ""
		}
		p := h.Scores[i]
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%s\n", name, h.Head.Labels[i], p, strings.TrimRight(bar(float64(p), 24), " "))
	}
}

func spanRows(w *tabwriter.Writer, name, text string, h *engine.HeadResult) {
	if len(h.Spans) == 0 {
		fmt.Fprintf(w, "%s\tnone\n", name)
	}
	for _, s := range h.Spans {
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%s  by %s\n", name, s.Label, s.Score, shorten(text[s.Start:s.End], 48), s.By)
		name = ""
	}
}

// shorten quotes s, without what is beyond n code points.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q", string([]rune(s)[:n])+"…")
}

// rowWorker answers one of many texts in a row: id and a column a head.
func rowWorker(e *engine.Engine) worker {
	r := &engine.Result{}
	return func(ctx context.Context, q *record, out []byte) ([]byte, error) {
		if _, err := classify(ctx, e, q, r); err != nil {
			return out, err
		}
		out = append(out, idText(q.id)...)
		for i := range r.Heads {
			out = append(out, '\t')
			out = appendCell(out, &r.Heads[i])
		}
		return append(out, '\n'), nil
	}
}

func appendCell(out []byte, h *engine.HeadResult) []byte {
	switch {
	case h.Head.Task == models.Token:
		if len(h.Spans) == 0 {
			return append(out, '-')
		}
		var labels []string
		for _, s := range h.Spans {
			if !slices.Contains(labels, s.Label) {
				labels = append(labels, s.Label)
			}
		}
		return append(out, strings.Join(labels, ",")...)
	case guard(h.Head):
		return fmt.Appendf(out, "%s %.3f", label(h), h.Scores[1])
	}
	return fmt.Appendf(out, "%s %.3f", label(h), h.Score())
}
