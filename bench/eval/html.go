package eval

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed report.html
var pageHead string // up to the body

// page is an HTML document being written. It is written by hand because
// html/template looks up methods by name, for which the linker must keep every
// method of every type in the program.
type page struct{ strings.Builder }

// p writes a line whose strings are escaped.
func (p *page) p(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(p, format+"\n", args...)
}

// table writes a table; the first cell of a row is its name.
func (p *page) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	p.WriteString("<table><tr>")
	for _, h := range head {
		p.p("<th>%s</th>", h)
	}
	for _, r := range rows {
		p.WriteString("<tr>")
		for _, c := range r {
			p.p("<td>%s</td>", c)
		}
	}
	p.WriteString("</table>\n")
}

// WriteHTML writes a page with the figures and plots of reports of one task: it
// needs nothing beside itself. data names the rows that were measured.
func WriteHTML(w io.Writer, data string, reports []*Report) error {
	var p page
	title := "mom eval: " + string(reports[0].Task)
	p.WriteString(strings.Replace(pageHead, "TITLE", html.EscapeString(title), 1))
	p.p("<h1>%s</h1>\n<p class=soft>%s. Intervals are 95 %%; rows of one group were drawn together.</p>", title, data)
	for _, r := range reports {
		p.p("<h2>%s</h2>\n<p class=soft>%d rows, %.1f s</p>", r.name(), r.Rows, r.Seconds)
		switch {
		case r.Classes != nil:
			p.classes(r.Classes)
		case r.Alarms != nil:
			p.alarms(r.Alarms)
		case r.Finds != nil:
			p.finds(r.Finds)
		case r.Routes != nil:
			p.routes(r.Routes)
		}
	}
	p.WriteString("</html>\n")
	_, err := io.WriteString(w, p.String())
	return err
}

func rateRow(name string, r Rate) []string {
	return []string{name, fmt.Sprintf("%.1f %%", 100*r.Value), fmt.Sprintf("%.1f", 100*r.Low), fmt.Sprintf("%.1f", 100*r.High), fmt.Sprint(r.N)}
}

var rateHead = []string{"", "share", "from", "to", "rows"}

func (p *page) rates(m map[string]Rate) {
	var rows [][]string
	for _, k := range keys(m) {
		rows = append(rows, rateRow(k, m[k]))
	}
	p.table(rateHead, rows)
}

func (p *page) classes(c *Classes) {
	p.table(rateHead, [][]string{rateRow("accuracy", c.Accuracy), rateRow("macro F1", c.MacroF1)})
	p.WriteString("<div class=plots>")
	p.reliability(c.ECE, c.Bins)
	p.WriteString("<figure><table class=cm>")
	for i, row := range c.Confusion {
		n := 0
		for _, k := range row {
			n += k
		}
		p.p("<tr><td>%s</td>", c.Labels[i])
		for j, k := range row {
			cell := ""
			if k > 0 {
				cell = fmt.Sprint(k)
			}
			p.p("<td style=\"background:color-mix(in srgb,var(--mark) %d%%,transparent)\" title=\"%s answered as %s\">%s</td>", int(100*ratio(k, n)), c.Labels[i], c.Labels[j], cell)
		}
	}
	p.WriteString("</table><figcaption>Confusion: a row a true label, a column an answer, in the same order</figcaption></figure></div>\n")
	var rows [][]string
	for _, f := range c.PerLabel {
		rows = append(rows, []string{f.Label, fmt.Sprint(f.Rows), fmt.Sprintf("%.3f", f.Precision), fmt.Sprintf("%.3f", f.Recall), fmt.Sprintf("%.3f", f.F1)})
	}
	p.table([]string{"label", "rows", "precision", "recall", "F1"}, rows)
	rows = nil
	for _, a := range c.Abstain {
		rows = append(rows, []string{fmt.Sprint(a.Confidence), fmt.Sprintf("%.1f %%", 100*a.Answered), fmt.Sprintf("%.1f %%", 100*a.Accuracy)})
	}
	p.table([]string{"answers only from confidence", "answered", "accuracy"}, rows)
	p.rates(c.Sources)
	p.rates(c.Languages)
}

func (p *page) alarms(a *Alarms) {
	var rows [][]string
	if a.AUC != nil {
		rows = append(rows, rateRow("AUC", *a.AUC))
	}
	for _, at := range a.At {
		rows = append(rows, rateRow(fmt.Sprintf("found at %g %% false alarms", 100*at.FalseAlarms), at.Recall))
	}
	rows = append(rows, rateRow(fmt.Sprintf("found from %.3f", a.Threshold), a.Recall), rateRow(fmt.Sprintf("false alarms from %.3f", a.Threshold), a.FalseAlarms))
	p.table(rateHead, rows)
	p.WriteString("<div class=plots>")
	p.reliability(a.ECE, a.Bins)
	p.WriteString("</div>\n")
	p.rates(a.Sources)
	p.rates(a.Languages)
	p.rates(a.SourcesAt1)
	p.rates(a.LangsAt1)
	rows = nil
	for i := range a.Hidden {
		rows = append(rows, rateRow("found as "+a.Hidden[i].label(), a.Hidden[i].Recall))
	}
	p.table(rateHead, rows)
}

func (p *page) finds(f *Finds) {
	p.table([]string{"", ""}, [][]string{
		{"strict F1", fmt.Sprintf("%.3f [%.3f %.3f]", f.Strict.F1, f.Strict.F1Low, f.Strict.F1High)},
		{"partial F1", fmt.Sprintf("%.3f", f.Partial.F1)},
		{"macro F1 over types", fmt.Sprintf("%.3f", f.Macro)},
		{"wrong spans in 2,000 characters", fmt.Sprintf("%.2f", f.FalseRate)},
	})
	for _, m := range []map[string]SpanFigures{f.PerType, f.Sources, f.Languages} {
		var rows [][]string
		for _, k := range keys(m) {
			s := m[k]
			rows = append(rows, []string{k, fmt.Sprint(s.Gold), fmt.Sprintf("%.3f", s.Precision), fmt.Sprintf("%.3f", s.Recall), fmt.Sprintf("%.3f", s.F1)})
		}
		p.table([]string{"", "spans", "precision", "recall", "F1"}, rows)
	}
}

// reliability plots what share of the answers of a confidence was right.
func (p *page) reliability(ece float64, bins []Bin) {
	p.WriteString(`<figure><svg width=260 height=240 role=img aria-label="reliability plot">
<rect x=40 y=10 width=200 height=200 fill=none stroke="var(--line)"/><line x1=40 y1=210 x2=240 y2=10 stroke="var(--line)"/>
`)
	for _, b := range bins {
		p.p(`<rect x=%.1f y=%.1f width=12.5 height=%.1f fill="var(--mark)" opacity=.75><title>%d rows, confidence %.3f, right %.3f</title></rect>`,
			40+200*b.Low, 210-200*b.Accuracy, 200*b.Accuracy, b.Rows, b.Confidence, b.Accuracy)
	}
	p.p("<text x=40 y=228>0</text><text x=175 y=228>confidence 1</text><text x=2 y=20>right</text></svg><figcaption>Reliability, ECE %.3f: bars that end on the line are calibrated</figcaption></figure>", ece)
}
