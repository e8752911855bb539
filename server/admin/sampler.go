package admin

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
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

type sampler struct{ sources *atomic.Pointer[Sources] }

// sampled are the descriptions, in the order in which Collect uses them.
var sampled = [...]*prometheus.Desc{
	prometheus.NewDesc("mom_queue_depth", "Texts that wait for the classifiers now.", nil, nil),
	prometheus.NewDesc("mom_connections", "Open client connections.", nil, nil),
	prometheus.NewDesc("mom_state_write_lost_total", "Entries that the store dropped because it was behind or could not be written.", nil, nil),
	prometheus.NewDesc("mom_state_bytes", "Size of the store of decisions.", nil, nil),
	prometheus.NewDesc("mom_cache_bytes", "Memory of cached answers.", nil, nil),
	prometheus.NewDesc("mom_cache_entries", "Cached answers.", nil, nil),
	prometheus.NewDesc("mom_verdicts_remembered_total", "Texts whose verdicts were remembered.", nil, nil),
	prometheus.NewDesc("mom_verdicts_computed_total", "Texts that the classifiers read.", nil, nil),
	prometheus.NewDesc("mom_ready", "1 when the server takes requests, else 0.", nil, nil),
}

func (s *sampler) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range sampled {
		ch <- d
	}
}

func (s *sampler) Collect(ch chan<- prometheus.Metric) {
	src := s.sources.Load()
	if src == nil {
		return
	}
	put := func(i int, t prometheus.ValueType, v float64) {
		ch <- prometheus.MustNewConstMetric(sampled[i], t, v)
	}
	sample(put, 0, prometheus.GaugeValue, src.QueueDepth)
	sample(put, 1, prometheus.GaugeValue, src.Connections)
	sample(put, 2, prometheus.CounterValue, src.StateLost)
	sample(put, 3, prometheus.GaugeValue, src.StateBytes)
	sample(put, 4, prometheus.GaugeValue, src.CacheBytes)
	sample(put, 5, prometheus.GaugeValue, src.CacheItems)
	sample(put, 6, prometheus.CounterValue, src.MemoHits)
	sample(put, 7, prometheus.CounterValue, src.MemoMisses)
	if src.Ready != nil {
		v := 0.0
		if src.Ready() {
			v = 1
		}
		put(8, prometheus.GaugeValue, v)
	}
}

func sample[T int | int64 | uint64](put func(int, prometheus.ValueType, float64), i int, t prometheus.ValueType, read func() T) {
	if read != nil {
		put(i, t, float64(read()))
	}
}
