package eval

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed report.html
var page string

// WriteHTML writes a page with the figures and plots of reports of one task: it
// needs nothing beside itself. data names the rows that were measured.
func WriteHTML(w io.Writer, data string, reports []*Report) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": func(x float64) float64 { return 100 * x },
		"times":   func(a, b float64) float64 { return a * b },
		"plus":    func(a, b float64) float64 { return a + b },
		"minus":   func(a, b float64) float64 { return a - b },
		"share": func(row []int, k int) float64 {
			n := 0
			for _, c := range row {
				n += c
			}
			return ratio(row[k], n)
		},
		"keysR": func(m map[string]Rate) []string { return keys(m) },
		"keysS": func(m map[string]SpanFigures) []string { return keys(m) },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		Data    string
		Task    Task
		Reports []*Report
	}{data, reports[0].Task, reports})
}
