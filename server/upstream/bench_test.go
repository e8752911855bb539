package upstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"

	"mom/server/config"
)

// BenchmarkDo is a call and its answer over loopback; the upstream's time, on
// the same machine, is included.
func BenchmarkDo(b *testing.B) {
	s := serveRaw(b, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
		answer := []byte(okHead + "{}")
		for {
			// As little as will do, so that most of what is counted is ours.
			n := 0
			for n < 500 {
				if _, err := br.Peek(1); err != nil {
					return
				}
				n = br.Buffered()
				br.Discard(n)
				break
			}
			c.Write(answer)
		}
	})
	p := poolOf(b, upstreamOf("a", s.url))
	body := make([]byte, 400)
	call := ask("m")
	call.Body = func(string, config.Kind, string) ([]byte, error) { return body, nil }
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		res, err := p.Do(ctx, call)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		cancel()
	}
}
