package nn

import (
	"cmp"
	"slices"
	"sync"

	"mom/kernels/gemm"
)

// An int8 row has one scale, so a channel that is many times larger than the
// others leaves those few of the 256 steps. Trained encoders have such channels:
// always the same ones, and in the rows of special tokens one may hold almost
// all there is. A split shares such a channel out to several columns of the
// product (outlier channel splitting, Zhao et al. 2019, arXiv:1901.09504): the
// channel's column of the weight is repeated and its activation divided by the
// number of columns, which changes nothing but the rounding.
type split struct {
	parts  []part
	copies []int32 // the channel of each column after the first In
}

type part struct {
	channel int32
	scale   float32 // 1 / columns
}

const (
	// splitColumns is how many columns a split adds: 16, the group to which
	// packed weights of int8 are rounded.
	splitColumns = 16
	// splitGain is the part of the rows' scales that must go for a split to be
	// worth its columns.
	splitGain = 0.2
	// largest is how many values of a row an observation keeps.
	largest = 8
)

// widen divides the split channels of row [In] and appends their copies. The
// array behind row has room for them.
func (s *split) widen(row []float32) []float32 {
	for _, p := range s.parts {
		row[p.channel] *= p.scale
	}
	for _, c := range s.copies {
		row = append(row, row[c])
	}
	return row
}

// Observations are the largest values of the rows that came to int8 layers.
type Observations map[*Linear][]peaks

// peaks are the largest absolute values of a row, largest first.
type peaks [largest]peak

type peak struct {
	channel int32
	value   float32
}

// Observe collects the rows of every forward pass in o, until it is called with
// nil. The workspace must have no team.
func (ws *Workspace) Observe(o Observations) { ws.observed = o }

// see keeps the peaks of a row.
func (o Observations) see(l *Linear, row []float32) {
	var p peaks
	for c, v := range row {
		v = max(v, -v)
		if !(v > p[largest-1].value) {
			continue
		}
		i := largest - 1
		for ; i > 0 && v > p[i-1].value; i-- {
			p[i] = p[i-1]
		}
		p[i] = peak{int32(c), v}
	}
	o[l] = append(o[l], p)
}

// Append adds what was observed after o.
func (o Observations) Append(more Observations) {
	for l, rows := range more {
		o[l] = append(o[l], rows...)
	}
}

// Split shares out the channels of the observed layers that dominate their
// rows, in the layers where that makes the scales of the rows clearly smaller. It
// takes so many cores.
func (o Observations) Split(cores int) {
	var done sync.WaitGroup
	free := make(chan struct{}, cores)
	for l, rows := range o {
		free <- struct{}{}
		done.Go(func() {
			if s := newSplit(rows); s != nil && l.split == nil {
				l.widen(s)
			}
			<-free
		})
	}
	done.Wait()
}

// newSplit gives one column after the other to the channel that stands out most,
// summed over the rows in which it is the largest. It returns nil if that gains
// too little.
func newSplit(rows []peaks) *split {
	columns := map[int32]int{}
	share := func(p peak) float32 { return p.value / float32(1+columns[p.channel]) }
	// lead returns the channel with the largest share of a row and by how much it leads.
	lead := func(row *peaks) (channel int32, first, second float32) {
		for _, p := range row {
			switch v := share(p); {
			case v > first:
				channel, first, second = p.channel, v, first
			case v > second:
				second = v
			}
		}
		return channel, first, second
	}
	total := func() (sum float32) {
		for i := range rows {
			_, first, _ := lead(&rows[i])
			sum += first
		}
		return sum
	}
	before := total()
	for range splitColumns {
		leads := map[int32]float32{}
		for i := range rows {
			channel, first, second := lead(&rows[i])
			leads[channel] += first - second
		}
		best, most := int32(0), float32(0)
		for channel, by := range leads {
			if by > most || by == most && channel < best {
				best, most = channel, by
			}
		}
		columns[best]++
	}
	if !(total() < before*(1-splitGain)) {
		return nil
	}
	s := &split{}
	for channel, n := range columns {
		s.parts = append(s.parts, part{channel, 1 / float32(1+n)})
		for range n {
			s.copies = append(s.copies, channel)
		}
	}
	slices.SortFunc(s.parts, func(a, b part) int { return cmp.Compare(a.channel, b.channel) })
	slices.Sort(s.copies)
	return s
}

// widen packs the weight again with the columns of s.
func (l *Linear) widen(s *split) {
	gated := l.gated()
	n, k, wide := l.i8.N(), l.In, l.In+len(s.copies)
	w, scale := l.i8.Unpack()
	to := make([]int8, 0, n*wide)
	for i := range n {
		row := w[i*k:][:k]
		to = append(to, row...)
		for _, c := range s.copies {
			to = append(to, row[c])
		}
	}
	l.setI8(gemm.PackI8(to, scale, n, wide, gated))
	l.split = s
}
