// Package upstream asks the services that answer for models: it chooses among
// weighted replicas, tries again where that is safe, leaves alone what fails,
// falls back to other models, and passes answers on byte by byte as they come.
//
// # Why it has its own connections
//
// An answer is parsed by net/http (http.ReadResponse), but sent and read on the
// goroutine of the request, over connections that this package keeps. One hop
// of a proxy, a fasthttp server in front included, cost at 5,000 requests a
// second on two cores of a virtual Sapphire Rapids, shared with the load and
// the upstream:
//
//	no upstream at all                  32 us of CPU, p50 0.13 ms
//	net/http Transport                  78 us         p50 0.51 ms
//	own connections, fasthttp's parser  55 us         p50 0.39 ms
//	own connections, http.ReadResponse  56 us         p50 0.35 ms
//
// The Transport's two goroutines a connection are what it costs more. fasthttp's
// HostClient costs what the last two do, but cannot end one request when its
// context ends, and has one timeout for the head and the events of a stream.
package upstream
