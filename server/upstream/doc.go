// Package upstream asks the services that answer for models: it chooses among
// weighted replicas, tries again where that is safe, leaves alone what fails,
// falls back to other models, and passes answers on byte by byte as they come.
//
// # Why it has its own connections
//
// An answer is parsed by net/http (http.ReadResponse), but sent and read on the
// goroutine of the request, over connections that this package keeps. CPU of
// one hop of a proxy, a fasthttp server in front included, at 5,000 requests a
// second over loopback, on a virtual machine with two cores that load and
// upstream shared; median latency of the hop and the upstream together:
//
//	no upstream at all       22..28 us   0.13 ms
//	net/http.Transport       67..82 us   0.48 .. 0.51 ms
//	fasthttp.HostClient      40..60 us   0.32 .. 0.58 ms
//	this package             50..60 us   0.36 .. 0.48 ms
//
// The Transport's two goroutines a connection are what it costs more. HostClient
// has no way to end one request when its context ends, and has one timeout for
// both the head of an answer and the whole of its stream.
package upstream
