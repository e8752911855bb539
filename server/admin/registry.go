package admin

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"
)

type (
	counter   = metrics.Counter
	amount    = metrics.FloatCounter // counts what is no whole number
	gauge     = metrics.Gauge
	histogram = metrics.PrometheusHistogram
)

// TextFormat is the content type of what Metrics.Write writes.
const TextFormat = "text/plain; version=0.0.4; charset=utf-8"

// registry holds series by name and labels, and what each family means.
type registry struct {
	set  *metrics.Set
	help map[string]string
}

func newRegistry() *registry {
	metrics.ExposeMetadata(true)
	return &registry{metrics.NewSet(), map[string]string{}}
}

// family is a metric with labels, whose series are made by their values.
type family struct {
	*registry
	name   string
	labels []string
	order  []int // of the labels, by name: so they are written
}

func (r *registry) family(name, help string, labels ...string) family {
	r.help[name] = help
	order := make([]int, len(labels))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(labels[a], labels[b]) })
	return family{r, name, labels, order}
}

type (
	counters   struct{ family }
	amounts    struct{ family }
	gauges     struct{ family }
	histograms struct {
		family
		buckets []float64
	}
)

func (r *registry) counters(name, help string, labels ...string) counters {
	return counters{r.family(name, help, labels...)}
}

func (r *registry) amounts(name, help string, labels ...string) amounts {
	return amounts{r.family(name, help, labels...)}
}

func (r *registry) gauges(name, help string, labels ...string) gauges {
	return gauges{r.family(name, help, labels...)}
}

func (r *registry) histograms(name, help string, buckets []float64, labels ...string) histograms {
	return histograms{r.family(name, help, labels...), buckets}
}

// with returns the series with these values of the labels; it is made when it
// is asked for first.
func (c counters) with(values ...string) *counter {
	return c.set.GetOrCreateCounter(c.series(values))
}
func (c amounts) with(values ...string) *amount {
	return c.set.GetOrCreateFloatCounter(c.series(values))
}
func (c gauges) with(values ...string) *gauge { return c.set.GetOrCreateGauge(c.series(values), nil) }
func (c gauges) drop(values ...string)        { c.set.UnregisterMetric(c.series(values)) }
func (c histograms) with(values ...string) *histogram {
	return c.set.GetOrCreatePrometheusHistogramExt(c.series(values), c.buckets)
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// series is a family's name with its labels, as it is written.
func (f family) series(values []string) string {
	if len(values) != len(f.labels) {
		panic("BUG: " + f.name + " has the labels " + strings.Join(f.labels, ", "))
	}
	if len(values) == 0 {
		return f.name
	}
	var b strings.Builder
	b.WriteString(f.name)
	for n, i := range f.order {
		b.WriteByte("{,"[min(n, 1)])
		b.WriteString(f.labels[i])
		b.WriteString(`="`)
		escape.WriteString(&b, strings.ToValidUTF8(values[i], "\uFFFD"))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// write writes the text format of Prometheus, the runtime's and the process's
// own metrics included.
func (r *registry) write(w io.Writer) error {
	var all, out bytes.Buffer
	r.set.WritePrometheus(&all)
	metrics.WriteProcessMetrics(&all)
	metrics.WriteFDMetrics(&all)
	// The library knows no help: it writes the line without the text.
	for line := range bytes.Lines(all.Bytes()) {
		if name, ok := bytes.CutPrefix(line, []byte("# HELP ")); ok {
			name = bytes.TrimSpace(name)
			help := r.help[string(name)]
			if help == "" {
				help = "Of the Go runtime and the process."
			}
			out.WriteString("# HELP " + string(name) + " " + help + "\n")
			continue
		}
		out.Write(line)
	}
	_, err := w.Write(out.Bytes())
	return err
}
