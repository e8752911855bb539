package server

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/server/config"
	"mom/server/web"
)

// keyring is who may call.
type keyring struct {
	on   bool
	keys []config.Key
}

// newKeyring decides whether keys are asked for at this address.
func newKeyring(c *config.Config) *keyring {
	k := &keyring{keys: c.Auth.Keys}
	switch c.Auth.Mode {
	case config.On:
		k.on = true
	case config.Off:
	default:
		k.on = !c.Listen.Local()
	}
	return k
}

// check returns the client's key, or nil where none is asked for. It takes as
// long for a key that nearly fits as for any other.
func (k *keyring) check(h *fasthttp.RequestHeader) (*config.Key, error) {
	if !k.on && len(k.keys) == 0 {
		return nil, nil
	}
	bearer := bearerOf(h.Peek("Authorization"))
	plain := h.Peek("x-api-key")
	if len(bearer) == 0 && len(plain) == 0 {
		if !k.on {
			return nil, nil
		}
		return nil, unauthorized("no key; send it as Authorization: Bearer KEY, or as x-api-key")
	}
	key := k.find(bearer)
	if other := k.find(plain); key == nil {
		key = other
	}
	if key == nil && k.on {
		return nil, unauthorized("this key is not known")
	}
	return key, nil
}

func unauthorized(message string) error {
	return &web.Error{Status: 401, Type: "authentication_error", Code: "invalid_api_key", Message: message}
}

func bearerOf(authorization []byte) []byte {
	const scheme = "Bearer "
	if len(authorization) < len(scheme) || !strings.EqualFold(string(authorization[:len(scheme)]), scheme) {
		return nil
	}
	return bytes.TrimSpace(authorization[len(scheme):])
}

func (k *keyring) find(secret []byte) *config.Key {
	if len(secret) == 0 {
		return nil
	}
	sum := sha256.Sum256(secret)
	var found *config.Key
	for i := range k.keys {
		if subtle.ConstantTimeCompare(sum[:], k.keys[i].SHA256[:]) == 1 {
			found = &k.keys[i]
		}
	}
	return found
}

// browser refuses what a page of another site makes a browser send: without
// keys, being on this machine is all that a request needs.
func (k *keyring) browser(h *fasthttp.RequestHeader) error {
	if k.on {
		return nil // a foreign page has no key
	}
	refuse := func() error {
		return &web.Error{Status: 403, Code: "cross_origin", Message: "a page of another site may not call this server; use keys (auth.mode: on) to allow it through a proxy of yours"}
	}
	if site := h.Peek("Sec-Fetch-Site"); string(site) == "cross-site" && string(h.Peek("Sec-Fetch-Mode")) != "navigate" {
		return refuse()
	}
	origin := h.Peek("Origin")
	if len(origin) == 0 {
		return nil
	}
	_, host, ok := strings.Cut(string(origin), "://")
	if !ok || host != string(h.Host()) || !plainHost(host) {
		return refuse()
	}
	return nil
}

// plainHost reports whether a name cannot have been made to mean this machine
// by a stranger's name server.
func plainHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || !strings.Contains(host, ".")
}
