package server

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/config"
	"mom/server/web"
)

func TestBrokenRequests(t *testing.T) {
	c := config.Default()
	c.Limits.Body = 4096
	c.Limits.Header = 8192
	r := start(t, c, nil)
	body := `{"input":"a"}`
	for _, q := range []struct {
		name, request string
		status        int
	}{
		{"header bomb", "POST /v1/route HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20000) + "\r\n\r\n", 431},
		{"many headers", "POST /v1/route HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 5000) + "\r\n", 431},
		{"body bomb", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat(" ", 100000), 413},
		{"chunked bomb", "POST /v1/route HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat(" ", 4096)+"\r\n", 5) + "0\r\n\r\n", 413},
		{"two lengths", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\nContent-Length: 14\r\n\r\n" + body, 400},
		{"two equal lengths", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\nContent-Length: 13\r\n\r\n" + body, 400},
		{"length and chunks", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n" + body + "\r\n0\r\n\r\n", 400},
		{"chunks and length", "POST /v1/route HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nd\r\n" + body + "\r\n0\r\n\r\n", 400},
		{"two encodings", "POST /v1/route HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
		{"odd encoding", "POST /v1/route HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
		{"signed length", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: +13\r\n\r\n" + body, 400},
		{"space before colon", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length : 13\r\n\r\n" + body, 400},
		{"two hosts", "POST /v1/route HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 13\r\n\r\n" + body, 400},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"compressed", "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 13\r\n\r\n" + body, 415},
	} {
		t.Run(q.name, func(t *testing.T) {
			a := r.raw(q.request)
			if a.status != q.status || a.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(a.body, `{"error":{"message":`) {
				t.Fatalf("%d %s %s", a.status, a.header.Get("Content-Type"), a.body)
			}
			if strings.Contains(a.body, "xxxx") || a.header.Get("x-request-id") == "" {
				t.Errorf("%s %v", a.body, a.header)
			}
		})
	}
	if n := r.reader.seen(); n != 0 {
		t.Errorf("%d texts were read", n)
	}
}

// TestSmuggled sees that nothing after a refused message is taken for a request.
func TestSmuggled(t *testing.T) {
	r := start(t, nil, nil)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(c, "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{\"input\":\"smuggled\"}")
	b := bufio.NewReader(c)
	if a := readAnswer(t, b); a.status != 400 {
		t.Fatalf("%d", a.status)
	}
	if rest, _ := io.ReadAll(b); len(rest) > 0 {
		t.Fatalf("a second answer: %s", rest)
	}
	if r.reader.seen() != 0 {
		t.Fatal("the smuggled request was read")
	}
}

func TestSlowRequest(t *testing.T) {
	c := config.Default()
	c.Timeouts.Read = 300 * time.Millisecond
	r := start(t, c, nil)
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	fmt.Fprintf(conn, "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
	conn.SetReadDeadline(began.Add(5 * time.Second))
	a := readAnswer(t, bufio.NewReader(conn))
	if a.status != 408 || time.Since(began) > 2*time.Second {
		t.Fatalf("%d after %v: %s", a.status, time.Since(began), a.body)
	}
}

// endless is a stream that goes on until it is closed.
type endless struct {
	ctx    context.Context
	event  []byte
	pause  time.Duration
	closed chan struct{}
}

func (e *endless) Next() ([]byte, error) {
	select {
	case <-time.After(e.pause):
		return e.event, nil
	case <-e.ctx.Done():
		return []byte("data: {\"error\":\"ended\"}\n\n"), io.EOF
	}
}

func (e *endless) Close() error { close(e.closed); return nil }

// streaming is a route that streams for ever.
func streaming(event string, pause time.Duration) (web.Route, *endless) {
	e := &endless{event: []byte(event), pause: pause, closed: make(chan struct{})}
	return web.Route{Method: "GET", Path: "/test/stream", Handle: func(ctx *fasthttp.RequestCtx) {
		x := exchangeOf(ctx)
		e.ctx = x.life
		x.stream(ctx, e)
	}}, e
}

func TestClientGone(t *testing.T) {
	route, e := streaming("data: x\n\n", time.Hour)
	r := start(t, nil, &reader{gate: make(chan struct{})}, route)
	t.Run("while classified", func(t *testing.T) {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{\"input\":\"a\"}")
		eventually(t, time.Second, "the request is under way", func() bool { return r.InFlight() == 1 && r.reader.seen() == 1 })
		c.Close()
		eventually(t, time.Second, "the request ended", func() bool { return r.InFlight() == 0 })
		eventually(t, time.Second, "499 in the log", func() bool { return strings.Contains(r.log.String(), "client_gone") })
	})
	t.Run("while a stream is silent", func(t *testing.T) {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /test/stream HTTP/1.1\r\nHost: a\r\n\r\n")
		b := bufio.NewReader(c)
		if line, err := b.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatal(line, err)
		}
		c.Close()
		select {
		case <-e.closed:
		case <-time.After(time.Second):
			t.Fatal("the stream went on for a second")
		}
	})
}

func TestSlowReader(t *testing.T) {
	c := config.Default()
	c.Timeouts.Write = 300 * time.Millisecond
	route, e := streaming("data: "+strings.Repeat("x", 60000)+"\n\n", 0)
	r := start(t, c, nil, route)
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /test/stream HTTP/1.1\r\nHost: a\r\n\r\n")
	select { // nothing is read: buffers fill, a write stands still
	case <-e.closed:
	case <-time.After(5 * time.Second):
		t.Fatal("a client that reads nothing holds its stream")
	}
	eventually(t, time.Second, "the request ended", func() bool { return r.InFlight() == 0 })
}

func TestPanic(t *testing.T) {
	boom := func(*fasthttp.RequestCtx) { panic("the prompt was secret-text") }
	bad := &failing{}
	r := start(t, nil, nil,
		web.Route{Method: "GET", Path: "/test/panic", Handle: boom},
		web.Route{Method: "GET", Path: "/test/panic-stream", Handle: func(ctx *fasthttp.RequestCtx) { exchangeOf(ctx).stream(ctx, bad) }})
	if a := r.do("GET", "/test/panic", ""); a.status != 500 || !strings.Contains(a.body, "internal error") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/route", `{"input":"panic!"}`); a.status != 500 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/moderations", `{"input":["panic!","panic! again"]}`); a.status != 500 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /test/panic-stream HTTP/1.1\r\nHost: a\r\n\r\n")
	io.Copy(io.Discard, conn)
	if a := r.post("/v1/route", `{"input":"still there"}`); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if log := r.log.String(); strings.Contains(log, "secret-text") || strings.Count(log, "msg=panic") < 3 {
		t.Fatal(log)
	}
	if n := r.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}
}

type failing struct{}

func (failing) Next() ([]byte, error) { panic(io.ErrNoProgress) }
func (failing) Close() error          { return nil }

func TestDrain(t *testing.T) {
	route, _ := streaming("data: x\n\n", 10*time.Millisecond)
	gate := make(chan struct{})
	r := start(t, nil, &reader{gate: gate}, route)
	stream, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	fmt.Fprintf(stream, "GET /test/stream HTTP/1.1\r\nHost: a\r\n\r\n")
	waiting := make(chan answer, 1)
	go func() { waiting <- r.post("/v1/route", `{"input":"slow"}`) }()
	eventually(t, time.Second, "both are under way", func() bool { return r.InFlight() == 2 && r.reader.seen() == 1 })

	stopped := make(chan struct{})
	go func() { r.stop(700 * time.Millisecond); close(stopped) }()
	eventually(t, time.Second, "not ready", func() bool { return r.Ready() != nil })
	time.Sleep(100 * time.Millisecond)
	if c, err := net.Dial("tcp", r.addr); err == nil {
		c.Close()
		t.Error("a new connection was taken")
	}
	close(gate) // the request under way may end
	if a := <-waiting; a.status != 200 || !a.closes {
		t.Errorf("%d %v", a.status, a.header)
	}
	stream.SetReadDeadline(time.Now().Add(5 * time.Second))
	all, err := io.ReadAll(stream)
	if err != nil || !strings.Contains(string(all), "data: x") || !strings.HasSuffix(string(all), "{\"error\":\"ended\"}\n\n\r\n0\r\n\r\n") {
		t.Errorf("the stream ended with %q, %v", tail(string(all)), err)
	}
	<-stopped
}

func tail(s string) string { return s[max(0, len(s)-80):] }

func TestShedding(t *testing.T) {
	c := config.Default()
	c.Limits.QueueWait = 50 * time.Millisecond
	gate := make(chan struct{})
	r := start(t, c, &reader{gate: gate})
	var group sync.WaitGroup
	var ok, shed atomic.Int64
	for i := range cap(r.gate.slots) + 20 {
		group.Go(func() {
			switch a := r.post("/v1/route", fmt.Sprintf(`{"input":"text %d"}`, i)); a.status {
			case 200:
				ok.Add(1)
			case 429:
				if a.header.Get("Retry-After") != "" && strings.Contains(a.body, `"overloaded"`) {
					shed.Add(1)
				}
			}
		})
	}
	eventually(t, 5*time.Second, "those that wait are refused", func() bool { return shed.Load() == 20 })
	close(gate)
	group.Wait()
	if n := int64(cap(r.gate.slots)); ok.Load() != n {
		t.Fatalf("%d answered, want %d", ok.Load(), n)
	}
	if a := r.post("/v1/route", `{"input":"later"}`); a.status != 200 {
		t.Fatalf("%d after the storm", a.status)
	}
}

func TestInFlightLimit(t *testing.T) {
	c := config.Default()
	c.Limits.InFlight = 1
	gate := make(chan struct{})
	r := start(t, c, &reader{gate: gate})
	first := make(chan answer, 1)
	go func() { first <- r.post("/v1/route", `{"input":"one"}`) }()
	eventually(t, time.Second, "one is under way", func() bool { return r.reader.seen() == 1 })
	if a := r.post("/v1/route", `{"input":"two"}`); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.do("GET", "/health", ""); a.status != 200 {
		t.Errorf("health %d", a.status)
	}
	close(gate)
	if a := <-first; a.status != 200 {
		t.Errorf("%d", a.status)
	}
}

func TestRequestTimeout(t *testing.T) {
	c := config.Default()
	c.Timeouts.Request = 300 * time.Millisecond
	r := start(t, c, &reader{gate: make(chan struct{})})
	if a := r.post("/v1/route", `{"input":"one"}`); a.status != 504 || !strings.Contains(a.body, `"timeout"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	c = config.Default()
	c.Timeouts.Classify = 100 * time.Millisecond
	r = start(t, c, &reader{gate: make(chan struct{})})
	if a := r.post("/v1/route", `{"input":"one"}`); a.status != 503 || !strings.Contains(a.body, "timeouts.classify") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestConnections(t *testing.T) {
	c := config.Default()
	c.Limits.Connections = 2
	r := start(t, c, nil)
	var open []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		open = append(open, conn)
	}
	eventually(t, time.Second, "both are taken", func() bool { return r.http.GetOpenConnectionsCount() == 2 })
	if a := r.raw("GET /health HTTP/1.1\r\nHost: a\r\n\r\n"); a.status != 503 || !strings.Contains(a.body, "too many connections") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	open[0].Close()
	eventually(t, time.Second, "one is free", func() bool { return r.http.GetOpenConnectionsCount() == 1 })
	if a := r.raw("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// holdEnv makes a run of the tests hold idle connections for another one: two
// processes have twice the open files.
const holdEnv = "MOM_TEST_HOLD"

// TestHoldConnections is no test but the other process of TestIdleConnections.
func TestHoldConnections(t *testing.T) {
	addr, n := os.Getenv(holdEnv), 10000
	if addr == "" {
		t.Skip("runs within TestIdleConnections")
	}
	for i := range n {
		// More than one loopback address, for each has some 28,000 ports only.
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}}
		c, err := d.Dial("tcp", addr)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer c.Close()
		if i%100 == 0 { // some have made a request before
			fmt.Fprintf(c, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
			if a := readAnswer(t, bufio.NewReader(c)); a.status != 200 {
				t.Fatal(a.status)
			}
		}
	}
	fmt.Println("holding")
	io.Copy(io.Discard, os.Stdin)
}

// TestIdleConnections sees that 10,000 of them hinder no request, and what they
// cost.
func TestIdleConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 connections take a second")
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur < 11000 {
		t.Skipf("10,000 connections need 11,000 open files; the limit is %d", limit.Cur)
	}
	r := start(t, nil, nil)
	before := heap()
	hold := exec.Command(os.Args[0], "-test.run=^TestHoldConnections$")
	hold.Env = append(os.Environ(), holdEnv+"="+r.addr)
	in, err1 := hold.StdinPipe()
	out, err2 := hold.StdoutPipe()
	if err := errors.Join(err1, err2, hold.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		hold.Wait()
	}()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatal(line, err)
	}
	eventually(t, 5*time.Second, "all are open", func() bool { return r.http.GetOpenConnectionsCount() >= 10000 })
	each := (heap() - before) / 10000
	t.Logf("%d bytes of heap and stack a connection", each)
	if each > 16<<10 {
		t.Errorf("an idle connection takes %d bytes", each)
	}
	began := time.Now()
	if a := r.post("/v1/route", `{"input":"one"}`); a.status != 200 {
		t.Fatalf("%d", a.status)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a request beside them took %v", took)
	}
}

// heap is the memory in use, in bytes, stacks included.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

func TestReload(t *testing.T) {
	r := start(t, nil, nil)
	var group sync.WaitGroup
	stop := make(chan struct{})
	var done, lost atomic.Int64
	for k := range 4 {
		group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if a := r.post("/v1/route", fmt.Sprintf(`{"input":"text %d %d"}`, k, i)); a.status != 200 {
					lost.Add(1)
				}
				done.Add(1)
			}
		})
	}
	for range 50 {
		c := config.Default()
		c.Listen = r.plane.Load().config.Listen
		if err := r.Reload(c); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	close(stop)
	group.Wait()
	if lost.Load() > 0 || done.Load() < 50 {
		t.Fatalf("%d of %d requests were lost", lost.Load(), done.Load())
	}
	c := config.Default()
	c.Auth.Mode = config.On
	if err := r.Reload(c); err != nil {
		t.Fatal(err)
	}
	if a := r.post("/v1/route", `{"input":"x"}`); a.status != 401 {
		t.Fatalf("%d after auth was switched on", a.status)
	}
	if !strings.Contains(r.log.String(), "needs a restart") {
		t.Error("a change of listen was not told")
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err1 := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	private, err2 := x509.MarshalPKCS8PrivateKey(key)
	c := config.Default()
	c.TLS = config.TLS{CertFile: filepath.Join(t.TempDir(), "cert.pem"), KeyFile: filepath.Join(t.TempDir(), "key.pem")}
	err3 := os.WriteFile(c.TLS.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600)
	err4 := os.WriteFile(c.TLS.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	route, e := streaming("data: x\n\n", time.Hour)
	r := start(t, c, nil, route)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	conn, err := tls.Dial("tcp", r.addr, &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/route HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{\"input\":\"a\"}")
	if a := readAnswer(t, bufio.NewReader(conn)); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	fmt.Fprintf(conn, "GET /test/stream HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	select {
	case <-e.closed:
	case <-time.After(time.Second):
		t.Fatal("a client that left is not noticed through TLS")
	}
}
