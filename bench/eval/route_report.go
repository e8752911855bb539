package eval

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

var (
	singleHead  = []string{"model", "right on train", "right", "$ for 1,000"}
	chooserHead = []string{"chooser", "t", "right", "$ for 1,000", "over the best at this price", "over the best", "over a mix at this price", "over each field's best"}
)

// singleRows are what each model of a pool does alone.
func (f *PoolFigures) singleRows() (rows [][]string) {
	for _, s := range f.Singles {
		rows = append(rows, []string{s.Model, fmt.Sprintf("%.1f %%", 100*s.Train), share(s.Accuracy), dollars(s.Cost)})
	}
	return rows
}

// chooserRows are the choosers' figures as means over the fields.
func (f *PoolFigures) chooserRows() (rows [][]string) {
	for _, c := range f.Choosers {
		a := &c.All
		rows = append(rows, []string{c.Chooser, fmt.Sprint(c.Tradeoff), share(a.Accuracy), dollars(a.Cost), a.Priced.interval(), a.Best.interval(), a.Mix.interval(), a.InField.interval()})
	}
	return rows
}

// fieldRows are the choosers' figures by field: what is right, the cost, and the
// gains over the best model and over turns of two at this price.
func (f *PoolFigures) fieldRows() (head []string, rows [][]string) {
	head = []string{"right, $ for 1,000, over the best and a mix at this price", "t"}
	for _, r := range f.Choosers[0].Fields {
		head = append(head, fmt.Sprintf("%s (%d)", r.Field, r.Rows))
	}
	for _, c := range f.Choosers {
		row := []string{c.Chooser, fmt.Sprint(c.Tradeoff)}
		for _, r := range c.Fields {
			row = append(row, fmt.Sprintf("%.1f %%, %s, %s, %s", 100*r.Accuracy.Value, dollars(r.Cost), r.Priced.interval(), r.Mix.interval()))
		}
		rows = append(rows, row)
	}
	return head, rows
}

// settings are those that dev chose.
func (f *PoolFigures) settings() string {
	var b strings.Builder
	for _, c := range f.Choosers {
		if c.Settings != "" && c.Tradeoff == f.Choosers[0].Tradeoff {
			fmt.Fprintf(&b, "; %s: %s", c.Chooser, c.Settings)
		}
	}
	return b.String()
}

func (f *PoolFigures) title() string {
	s := f.Name + ": " + strings.Join(f.Models, ", ")
	if f.Why != "" {
		s += " (" + f.Why + ")"
	}
	return s
}

// about says what was measured and how to read it.
func (r *Routes) about() string {
	return fmt.Sprintf("Learned from %d rows, settings chosen on %d, measured on rows of the split %s, %d of them hidden.\n"+
		"Shares and costs are means over the fields. Gains are of right answers, in %% of the other's: over the best single model\n"+
		"that costs no more, over the best at any price, over two models that take turns at the same cost, and over each\n"+
		"field's best at the same cost there; all of them chosen on the train rows. In brackets 95 %%, groups drawn together.",
		r.Train, r.Dev, r.Split, r.Hidden)
}

func writeRoutes(out io.Writer, reports []*Report) error {
	for k, r := range reports {
		fmt.Fprintf(out, "%s%s, %.1f s. %s\n", []string{"", "\n"}[min(k, 1)], r.name(), r.Seconds, r.Routes.about())
		for i := range r.Routes.Pools {
			f := &r.Routes.Pools[i]
			fmt.Fprintf(out, "\n%s\n  %d rows%s\n", f.title(), f.Rows, f.settings())
			head, rows := f.fieldRows()
			for _, part := range [][][]string{append([][]string{singleHead}, f.singleRows()...), append([][]string{chooserHead}, f.chooserRows()...), append([][]string{head}, rows...)} {
				w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(out)
				for _, row := range part {
					fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
				}
				if err := w.Flush(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *page) routes(r *Routes) {
	p.p("<p class=soft>%s</p>", r.about())
	for i := range r.Pools {
		f := &r.Pools[i]
		p.p("<h2>%s</h2>\n<p class=soft>%d rows%s</p>", f.title(), f.Rows, f.settings())
		p.table(singleHead, f.singleRows())
		p.costs(f)
		p.table(chooserHead, f.chooserRows())
		head, rows := f.fieldRows()
		p.table(head, rows)
	}
}

// costs plots what is right against what it costs: single models as rings,
// choosers as dots.
func (p *page) costs(f *PoolFigures) {
	var most float64
	for _, s := range f.Singles {
		most = max(most, s.Cost)
	}
	if most == 0 {
		return
	}
	x, y := func(cost float64) float64 { return 40 + 380*cost/most }, func(right float64) float64 { return 210 - 200*right }
	p.WriteString(`<figure><svg width=440 height=240 role=img aria-label="right answers by cost">
<rect x=40 y=10 width=390 height=200 fill=none stroke="var(--line)"/>
`)
	for _, s := range f.Singles {
		p.p(`<circle cx=%.1f cy=%.1f r=5 fill=none stroke="var(--bad)" stroke-width=2><title>%s: %.1f %%, $%s for 1,000</title></circle>`,
			x(s.Cost), y(s.Accuracy.Value), s.Model, 100*s.Accuracy.Value, dollars(s.Cost))
	}
	for _, c := range f.Choosers {
		p.p(`<circle cx=%.1f cy=%.1f r=3 fill="var(--mark)"><title>%s, t %v: %.1f %%, $%s for 1,000</title></circle>`,
			x(c.All.Cost), y(c.All.Accuracy.Value), c.Chooser, c.Tradeoff, 100*c.All.Accuracy.Value, dollars(c.All.Cost))
	}
	p.p("<text x=2 y=20>right</text><text x=40 y=228>$0</text><text x=330 y=228>$%s for 1,000</text></svg><figcaption>Rings are single models, dots choosers: above the rings at its left a chooser gains</figcaption></figure>", dollars(most))
}

func share(r Rate) string {
	return fmt.Sprintf("%.1f %% [%.1f %.1f]", 100*r.Value, 100*r.Low, 100*r.High)
}

// dollars are those of 1,000 questions.
func dollars(cost float64) string { return fmt.Sprintf("%.3f", 1000*cost) }

func (g Gain) interval() string {
	if g.Value == 0 && g.Low == 0 && g.High == 0 {
		return "0"
	}
	return fmt.Sprintf("%+.1f [%+.1f %+.1f]", 100*g.Value, 100*g.Low, 100*g.High)
}
