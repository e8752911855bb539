package eval

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// WriteTable writes reports of one task for a reader, side by side where they
// have one figure each and one after the other where they have many.
func WriteTable(out io.Writer, reports []*Report) error {
	if reports[0].Task == Route {
		return writeRoutes(out, reports)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, cell func(r *Report) string) {
		fmt.Fprint(w, name)
		for _, r := range reports {
			fmt.Fprint(w, "\t", cell(r))
		}
		fmt.Fprintln(w)
	}
	row("", func(r *Report) string { return r.name() })
	row("rows", func(r *Report) string { return fmt.Sprint(r.Rows) })
	switch reports[0].Task {
	case Intent:
		row("accuracy", func(r *Report) string { return r.Classes.Accuracy.percent() })
		row("macro F1", func(r *Report) string { return r.Classes.MacroF1.percent() })
		row("ECE", func(r *Report) string { return r.calibrated(r.Classes.ECE) })
	case Guard:
		row("AUC", func(r *Report) string {
			if r.Alarms.AUC == nil {
				return "-"
			}
			return fmt.Sprintf("%.4f [%.4f %.4f]", r.Alarms.AUC.Value, r.Alarms.AUC.Low, r.Alarms.AUC.High)
		})
		for i, p := range reports[0].Alarms.At {
			row(fmt.Sprintf("found at %g %% false alarms", 100*p.FalseAlarms), func(r *Report) string { return r.Alarms.At[i].Recall.percent() })
		}
		row("threshold", func(r *Report) string { return fmt.Sprintf("%.3f", r.Alarms.Threshold) })
		row("  found", func(r *Report) string { return r.Alarms.Recall.percent() })
		row("  false alarms", func(r *Report) string { return r.Alarms.FalseAlarms.percent() })
		row("ECE", func(r *Report) string { return r.calibrated(r.Alarms.ECE) })
	case PII:
		row("strict F1", func(r *Report) string {
			f := r.Finds.Strict
			return fmt.Sprintf("%.3f [%.3f %.3f]", f.F1, f.F1Low, f.F1High)
		})
		row("  precision, recall", func(r *Report) string {
			return fmt.Sprintf("%.3f, %.3f", r.Finds.Strict.Precision, r.Finds.Strict.Recall)
		})
		row("macro F1 over types", func(r *Report) string { return fmt.Sprintf("%.3f", r.Finds.Macro) })
		row("partial F1", func(r *Report) string { return fmt.Sprintf("%.3f", r.Finds.Partial.F1) })
		row("wrong in 2,000 characters", func(r *Report) string { return fmt.Sprintf("%.2f", r.Finds.FalseRate) })
	}
	row("seconds", func(r *Report) string { return fmt.Sprintf("%.1f", r.Seconds) })
	parts(w, reports)
	return w.Flush()
}

// parts are the rows of labels, types, sources and languages.
func parts(w io.Writer, reports []*Report) {
	section := func(title string, keys []string, cell func(r *Report, key string) string) {
		if len(keys) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", title)
		for _, k := range keys {
			fmt.Fprint(w, "  ", k)
			for _, r := range reports {
				fmt.Fprint(w, "\t", cell(r, k))
			}
			fmt.Fprintln(w)
		}
	}
	switch r := reports[0]; r.Task {
	case Intent:
		section("F1 (rows) by label", r.Classes.Labels, func(r *Report, label string) string {
			for _, f := range r.Classes.PerLabel {
				if f.Label == label {
					return fmt.Sprintf("%.3f (%d)", f.F1, f.Rows)
				}
			}
			return "-"
		})
		section("accuracy by source", keys(r.Classes.Sources), func(r *Report, k string) string { return r.Classes.Sources[k].percent() })
		section("accuracy by language", keys(r.Classes.Languages), func(r *Report, k string) string { return r.Classes.Languages[k].percent() })
	case Guard:
		section("flagged by source", keys(r.Alarms.Sources), func(r *Report, k string) string { return r.Alarms.Sources[k].percent() })
		section("flagged by language", keys(r.Alarms.Languages), func(r *Report, k string) string { return r.Alarms.Languages[k].percent() })
		section("attacks found at 1 % false alarms of all, by source", keys(r.Alarms.SourcesAt1), func(r *Report, k string) string {
			found := r.Alarms.SourcesAt1[k].percent()
			if auc, ok := r.Alarms.SourcesAUC[k]; ok {
				found += fmt.Sprintf(", AUC %.3f", auc)
			}
			return found
		})
		section("by language", keys(r.Alarms.LangsAt1), func(r *Report, k string) string { return r.Alarms.LangsAt1[k].percent() })
		section("attacks found at the threshold when hidden", r.Alarms.hiddenNames(), func(r *Report, k string) string { return r.Alarms.hiddenAs(k).percent() })
	case PII:
		cell := func(m map[string]SpanFigures, k string) string {
			f, ok := m[k]
			if !ok {
				return "-"
			}
			return fmt.Sprintf("%.3f (%d)", f.F1, f.Gold)
		}
		section("strict F1 (spans) by type", keys(r.Finds.PerType), func(r *Report, k string) string { return cell(r.Finds.PerType, k) })
		section("by source", keys(r.Finds.Sources), func(r *Report, k string) string { return cell(r.Finds.Sources, k) })
		section("by language", keys(r.Finds.Languages), func(r *Report, k string) string { return cell(r.Finds.Languages, k) })
	}
}

func (a *Alarms) hiddenNames() []string {
	var names []string
	for _, h := range a.Hidden {
		names = append(names, h.label())
	}
	return names
}

// label names a way to hide for a reader.
func (h *Hidden) label() string {
	if h.HeldOut {
		return h.Name + " (held out)"
	}
	return h.Name
}

// hiddenAs is the recall of attacks hidden in one way; a baseline has none.
func (a *Alarms) hiddenAs(label string) Rate {
	for i := range a.Hidden {
		if a.Hidden[i].label() == label {
			return a.Hidden[i].Recall
		}
	}
	return Rate{}
}

func (r *Report) name() string {
	if r.Precision == "" {
		return r.Model
	}
	return r.Model + " " + r.Precision
}

// calibrated is an ECE; the baseline's scores are no probabilities.
func (r *Report) calibrated(ece float64) string {
	if r.Precision == "" {
		return "-"
	}
	return fmt.Sprintf("%.3f", ece)
}

func (r Rate) percent() string {
	if r.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %% [%.1f %.1f] of %d", 100*r.Value, 100*r.Low, 100*r.High, r.N)
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
