package shared

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

func BenchmarkTake(b *testing.B) {
	m, err := NewMemory(MemoryOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Take(context.Background(), "key", Limits{Requests: 1e9, Tokens: 1e9}, 100)
	}
}

func BenchmarkTakeRedis(b *testing.B) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("redis-server is not installed")
	}
	dir := b.TempDir()
	cmd := exec.Command(bin, "--port", "0", "--unixsocket", dir+"/s", "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	m, _ := NewMemory(MemoryOptions{})
	time.Sleep(300 * time.Millisecond)
	r, err := NewRedis(RedisOptions{URL: "unix://" + dir + "/s", Fallback: m, Timeout: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for b.Loop() {
		if _, err := r.Take(context.Background(), "key", Limits{Requests: 1e9, Tokens: 1e9}, 100); err != nil {
			b.Fatal(err)
		}
	}
	if st := r.Stats(); st.Fallback > 0 {
		b.Errorf("%+v", st)
	}
}
