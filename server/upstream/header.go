package upstream

import (
	"net/http"
	"strings"

	"mom/server/web"
)

// passesUp reports whether a header of the client is passed on. Names are in
// canonical form.
func passesUp(name string) bool {
	switch name {
	case "Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie",
		// They belong to the client's key, which is not the one that is used.
		"Openai-Organization", "Openai-Project",
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Accept", "Accept-Encoding", "Expect", "Origin", "Referer",
		"Forwarded", "X-Real-Ip":
		return false
	}
	return !ofConnection(name) && !hasPrefix(name, "X-Forwarded-", "X-Mom-", "Proxy-", "Sec-", "Access-Control-")
}

// passesDown reports whether a header of an answer is passed on.
func passesDown(name string) bool {
	switch name {
	case "Content-Length", "Content-Encoding", "Content-Md5", "Accept-Ranges", "Etag", "Set-Cookie", "Set-Cookie2", "Location",
		"Www-Authenticate", "Proxy-Authenticate", "Server", "Date", "Via", "Alt-Svc", "Strict-Transport-Security", "Openai-Organization",
		"Openai-Project", "Anthropic-Organization-Id", "Report-To", "Nel":
		return false
	}
	return !ofConnection(name) && !hasPrefix(name, "X-Mom-", "X-Vsr-", "Access-Control-")
}

// ofConnection reports whether a header is for the next hop only (RFC 9110,
// 7.6.1).
func ofConnection(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return false
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// named lists what the Connection header says is for the next hop.
func named(h http.Header) []string {
	values, ok := h["Connection"]
	if !ok {
		return nil
	}
	var names []string
	for _, v := range values {
		for n := range strings.SplitSeq(v, ",") {
			names = append(names, http.CanonicalHeaderKey(strings.TrimSpace(n)))
		}
	}
	return names
}

// passDown leaves of an answer's headers what is passed on.
func passDown(h http.Header) {
	for _, n := range named(h) {
		delete(h, n)
	}
	for n := range h {
		if !passesDown(n) {
			delete(h, n)
		}
	}
}

// passUp appends the lines of the client's headers that are passed on. Headers that
// the configuration gives win.
func passUp(dst []byte, h http.Header, configured map[string]string) ([]byte, error) {
	var ours []string // of the connection
	if len(h["Connection"]) > 0 {
		ours = named(h)
	}
next:
	for n, values := range h {
		n = http.CanonicalHeaderKey(n)
		if _, given := configured[n]; given || !passesUp(n) {
			continue
		}
		for _, o := range ours {
			if o == n {
				continue next
			}
		}
		for _, v := range values {
			if !isToken(n) || !isValue(v) {
				return nil, web.Invalid("", "a header that was to be passed on has a name or a value that HTTP does not allow")
			}
			dst = line(dst, n, v)
		}
	}
	return dst, nil
}

func line(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func isValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
