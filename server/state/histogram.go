package state

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"
)

// histogram counts durations in microseconds in buckets that are at most 1/16
// of their value wide, so a quantile is within 3.2 % of the true one. It grows
// to what it has seen.
type histogram []uint64

const subBits = 4 // 16 buckets for each doubling

// maxBucket holds everything above about 19 hours.
const maxBucket = (36-subBits)<<subBits + 1<<subBits

func bucketOf(us uint64) int {
	if us < 1<<subBits {
		return int(us)
	}
	e := bits.Len64(us) - 1 - subBits
	return min(e<<subBits+int(us>>e), maxBucket)
}

// middle is the value in the middle of a bucket, in microseconds.
func middle(b int) float64 {
	if b < 2<<subBits {
		return float64(b)
	}
	e := b>>subBits - 1
	low := uint64(b-e<<subBits) << e
	return float64(low) + float64(uint64(1)<<e-1)/2
}

func (h *histogram) grow(b int) {
	for len(*h) <= b {
		*h = append(*h, 0)
	}
}

func (h *histogram) add(d time.Duration) {
	b := bucketOf(uint64(max(d.Microseconds(), 0)))
	h.grow(b)
	(*h)[b]++
}

func (h *histogram) merge(o histogram) {
	if len(o) > 0 {
		h.grow(len(o) - 1)
	}
	for b, n := range o {
		(*h)[b] += n
	}
}

// quantile returns milliseconds; 0 when nothing was counted.
func (h histogram) quantile(q float64) float64 {
	var total uint64
	for _, n := range h {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank := max(uint64(q*float64(total)+0.999999), 1)
	for b, n := range h {
		if n >= rank {
			return middle(b) / 1000
		}
		rank -= n
	}
	return middle(len(h)-1) / 1000
}

// encode writes pairs of varints: how many empty buckets were passed, and a count.
func (h histogram) encode() []byte {
	out := make([]byte, 0, 64)
	gap := uint64(0)
	for _, n := range h {
		if n == 0 {
			gap++
			continue
		}
		out = binary.AppendUvarint(binary.AppendUvarint(out, gap), n)
		gap = 0
	}
	return out
}

var errHistogram = errors.New("a histogram of the usage table is damaged")

func decodeHistogram(data []byte) (histogram, error) {
	var h histogram
	for len(data) > 0 {
		gap, a := binary.Uvarint(data)
		if a <= 0 || gap > maxBucket {
			return nil, errHistogram
		}
		n, b := binary.Uvarint(data[a:])
		if b <= 0 || len(h)+int(gap) > maxBucket {
			return nil, errHistogram
		}
		data = data[a+b:]
		h.grow(len(h) + int(gap))
		h[len(h)-1] = n
	}
	return h, nil
}
