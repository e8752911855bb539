package server

import (
	"context"
	"net"
	"testing"
	"time"

	"mom/server/config"
)

// TestServeAfterShutdown is a stop that comes before the server has begun.
func TestServeAfterShutdown(t *testing.T) {
	s, err := New(Options{Config: config.Default(), Classifier: &reader{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it serves on")
		ln.Close()
	}
}
