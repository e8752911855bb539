// Package peak measures what one core of this machine can do at most: the
// rate of the multiply-add instructions that the kernels are made of, and of
// reading memory. The speed of a kernel is told as a share of these, measured in
// the same run, because the clock of a core depends on the machine and on the
// moment.
//
// Rates are of the level in use (package cpu). A multiplication and an
// addition count as two operations.
package peak

import (
	"time"
	"unsafe"
)

// F32 returns the rate of float32 multiply-adds, in 1e9 operations a second.
func F32() float64 { return rate(f32Loop) }

// BF16 returns the rate of bfloat16 dot products with float32 sums, in 1e9
// operations a second. Levels without such instructions multiply as float32.
func BF16() float64 { return rate(bf16Loop) }

// I8 returns the rate of int8 dot products with exact int32 sums, in 1e9
// operations a second.
func I8() float64 { return rate(i8Loop) }

// I4 returns the rate of dot products of bytes with 4-bit weights, whose sums may
// be of 16 bits for a while, in 1e9 operations a second.
func I4() float64 { return rate(i4Loop) }

const (
	sample  = 500 * time.Microsecond // short, to fall between interruptions
	samples = 100
)

// rate returns the highest rate of loop, which runs n times and returns the
// operations that it did.
func rate(loop func(n int) (ops float64)) float64 {
	n := 1000
	for range 20 { // find how long a sample is, and wake the core up
		if d := timed(loop, n); d < sample {
			n += n/2 + int(float64(n)*min(1, float64(sample-d)/float64(d+1)))/4
		}
	}
	best := 0.0
	for range samples {
		start := time.Now()
		ops := loop(n)
		best = max(best, ops/float64(time.Since(start).Nanoseconds()))
	}
	return best
}

func timed(loop func(n int) float64, n int) time.Duration {
	start := time.Now()
	loop(n)
	return time.Since(start)
}

const (
	readBytes = 256 << 20 // more than any last-level cache that one core can fill
	readChunk = 256 << 10 // one call
	readPass  = 5
)

// Read returns the rate at which one core reads memory that is in no cache,
// in 1e9 bytes a second: of each chunk the fastest of several passes counts. It
// uses 256 MiB for as long as it runs.
func Read() float64 {
	buf := make([]uint64, readBytes/8)
	for i := range buf { // else every page would be the same page of zeros
		buf[i] = uint64(i)
	}
	var best [readBytes / readChunk]time.Duration
	sum := time.Duration(0)
	for pass := range readPass {
		for i := range best {
			start := time.Now()
			readLoop(unsafe.Pointer(&buf[i*readChunk/8]), readChunk)
			if d := time.Since(start); pass == 0 || d < best[i] {
				best[i] = d
			}
		}
	}
	for _, d := range best {
		sum += d
	}
	return readBytes / float64(sum.Nanoseconds())
}
