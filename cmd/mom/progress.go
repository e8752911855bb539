package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress draws one line on a terminal: how much of the input is read, how
// many records are done and how many a second. A nil progress draws nothing.
type progress struct {
	w     io.Writer
	total int64 // bytes of the input, 0 when not known
	start time.Time
	drawn time.Time
	n     int
}

// newProgress returns nil unless the bar would be seen and would not run into
// answers on the same terminal.
func newProgress(a *app, total int64) *progress {
	if !terminal(a.err) || terminal(a.out) {
		return nil
	}
	return &progress{w: a.err, total: total, start: time.Now()}
}

// step counts one more record; read is the bytes of input so far.
func (p *progress) step(read int64) {
	if p == nil {
		return
	}
	p.n++
	if now := time.Now(); now.Sub(p.drawn) > 100*time.Millisecond {
		p.drawn = now
		fmt.Fprintf(p.w, "\r%s\x1b[K", p.line(read, now.Sub(p.start)))
	}
}

func (p *progress) line(read int64, d time.Duration) string {
	rate := fmt.Sprintf("%d done, %.0f/s", p.n, float64(p.n)/max(d.Seconds(), 1e-3))
	if p.total == 0 {
		return rate
	}
	share := min(float64(read)/float64(p.total), 1)
	left := ""
	if share > 0.01 {
		left = ", " + (time.Duration(float64(d)/share) - d).Round(time.Second).String() + " left"
	}
	return fmt.Sprintf("%s %3.0f%%  %s%s", bar(share, 24), 100*share, rate, left)
}

// end removes the line.
func (p *progress) end() {
	if p != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// bar draws a share of 1 on width columns, in eighths of a column.
func bar(share float64, width int) string {
	eighths := int(share*float64(8*width) + 0.5)
	s := strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[r-1])
	}
	return s + strings.Repeat(" ", max(0, width-(eighths+7)/8))
}
