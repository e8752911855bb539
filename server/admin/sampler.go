package admin

import (
	"io"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"
)

// Sources are values that are read when Prometheus asks. A nil one is left out.
// They must be quick, safe for concurrent use, and never fall where they say so.
type Sources struct {
	QueueDepth  func() int    // texts that wait for the classifiers
	Connections func() int    // open client connections
	StateLost   func() uint64 // entries that the store lost since the start; never falls
	StateBytes  func() int64  // size of the store
	CacheBytes  func() int64  // memory of cached answers
	CacheItems  func() int    // cached answers
	MemoHits    func() uint64 // texts whose verdict was remembered; never falls
	MemoMisses  func() uint64 // texts that were read; never falls
	Ready       func() bool
}

// Sample sets where sampled values are read.
func (m *Metrics) Sample(s Sources) {
	if m != nil {
		m.sources.Store(&s)
	}
}

// sample writes what the sources say whenever the metrics are written.
func (r *registry) sample(sources *atomic.Pointer[Sources]) {
	r.set.RegisterMetricsWriter(func(w io.Writer) {
		s := sources.Load()
		if s == nil {
			return
		}
		sampled(w, metrics.WriteGaugeUint64, "mom_queue_depth", s.QueueDepth)
		sampled(w, metrics.WriteGaugeUint64, "mom_connections", s.Connections)
		sampled(w, metrics.WriteCounterUint64, "mom_state_write_lost_total", s.StateLost)
		sampled(w, metrics.WriteGaugeUint64, "mom_state_bytes", s.StateBytes)
		sampled(w, metrics.WriteGaugeUint64, "mom_cache_bytes", s.CacheBytes)
		sampled(w, metrics.WriteGaugeUint64, "mom_cache_entries", s.CacheItems)
		sampled(w, metrics.WriteCounterUint64, "mom_verdicts_remembered_total", s.MemoHits)
		sampled(w, metrics.WriteCounterUint64, "mom_verdicts_computed_total", s.MemoMisses)
		if s.Ready != nil {
			var v uint64
			if s.Ready() {
				v = 1
			}
			metrics.WriteGaugeUint64(w, "mom_ready", v)
		}
	})
	for name, help := range map[string]string{
		"mom_queue_depth":               "Texts that wait for the classifiers now.",
		"mom_connections":               "Open client connections.",
		"mom_state_write_lost_total":    "Entries that the store dropped because it was behind or could not be written.",
		"mom_state_bytes":               "Size of the store of decisions.",
		"mom_cache_bytes":               "Memory of cached answers.",
		"mom_cache_entries":             "Cached answers.",
		"mom_verdicts_remembered_total": "Texts whose verdicts were remembered.",
		"mom_verdicts_computed_total":   "Texts that the classifiers read.",
		"mom_ready":                     "1 when the server takes requests, else 0.",
	} {
		r.help[name] = help
	}
}

func sampled[T int | int64 | uint64](w io.Writer, write func(io.Writer, string, uint64), name string, read func() T) {
	if read != nil {
		write(w, name, uint64(read()))
	}
}
