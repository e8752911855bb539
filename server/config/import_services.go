package config

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
)

// services takes over what global says of services that exist here too.
func (im *importer) services() {
	g := im.root.get("global")
	im.management(g.get("services", "management_api"))
	im.responseCache(g.get("stores", "response_cache"))
	im.replay(g.get("services", "router_replay"))
	im.sessions(g.get("router", "learning", "state_store"))
	if b := g.get("router", "streamed_body", "max_bytes"); b.isWord() {
		if n, err := strconv.ParseInt(b.text, 10, 64); err == nil {
			text, why, _ := within("limits.body", Size(n))
			im.add("limits", "", pair("body", text))
			im.mapped(b, "limits.body", cmp.Or(why, "it holds for every request, streamed or not"))
		}
	}
	if e := g.get("router", "learning", "protection", "enabled"); e.is("true") || e.is("false") {
		im.add("session", "", pair("affinity", plainWord(e.text)))
		im.mapped(e, "session.affinity", "a conversation stays while its model is good enough and a change would not save session.min_saving")
	}
	if m := g.get("services", "observability", "metrics", "enabled"); m.is("true") {
		im.mapped(m, "admin.listen", "the admin listener always serves metrics")
	}
}

func (im *importer) management(m *tree) {
	host, port := m.get("bind_address"), m.get("port")
	if !port.isWord() {
		return
	}
	address := net.JoinHostPort(word(host), word(port))
	if address == im.listen {
		im.dropped(host, "is the address of the listener")
		im.dropped(port, "is the address of the listener")
		return
	}
	im.add("admin", "", pair("listen", address))
	why := "the admin listener has metrics, health and readiness; classification and explanations are on listen"
	im.mapped(host, "admin.listen", why)
	im.mapped(port, "admin.listen", why)
}

func (im *importer) responseCache(c *tree) {
	if c.get("enabled").is("false") {
		im.mapped(c.get("enabled"), "cache.mode", "")
		return
	}
	if !c.get("enabled").is("true") {
		return
	}
	pairs := []any{pair("mode", string(CacheSemantic))}
	im.mapped(c.get("enabled"), "cache.mode", "it was for each route, and is for all here; semantic")
	if t := c.get("similarity_threshold"); t.isWord() {
		pairs = append(pairs, pair("threshold", plainWord(word(t))))
		im.mapped(t, "cache.threshold", "the scale is that of another embedding: try it with your own questions")
	}
	if n, err := strconv.ParseInt(c.get("ttl_seconds").text, 10, 32); err == nil && n > 0 {
		text, why, _ := within("cache.ttl", seconds(n))
		pairs = append(pairs, pair("ttl", text))
		im.mapped(c.get("ttl_seconds"), "cache.ttl", why)
	}
	im.mapped(c.get("embedding_model"), "", "the embedding is that of the built-in model")
	im.add("cache", "", pairs...)
}

// replay keeps decisions where the input records them.
func (im *importer) replay(r *tree) {
	switch e := r.get("enabled"); {
	case e.is("true"):
		im.mapped(e, "state.path", "decisions are kept in a SQLite file, without texts")
	case e.is("false"):
		im.mapped(e, "state.path", "")
		im.add("state", "", pair("path", "off"))
		return
	default:
		return
	}
	pairs := []any{pair("path", "mom.db")}
	if n, err := strconv.ParseInt(r.get("ttl_seconds").text, 10, 32); err == nil && n > 0 {
		text, why, _ := within("state.retention", seconds(n))
		pairs = append(pairs, pair("retention", text))
		im.mapped(r.get("ttl_seconds"), "state.retention", why)
	}
	im.add("state", "", pairs...)
}

// sessions takes over the Redis that holds the state of conversations.
func (im *importer) sessions(s *tree) {
	r := s.get("redis")
	if !s.get("backend").is("redis") || !r.get("address").isWord() {
		return
	}
	u := "redis://"
	if p := r.get("password"); p.isWord() {
		secret := word(p)
		if !p.refers() {
			secret = url.QueryEscape(secret)
		}
		u += ":" + secret + "@"
		im.mapped(p, "redis.url", literal(p))
	}
	u += word(r.get("address"))
	if d := r.get("database"); d.isWord() {
		u += "/" + word(d)
		im.mapped(d, "redis.url", "")
	}
	pairs := []any{pair("url", u)}
	im.mapped(s.get("backend"), "redis.url", "")
	im.mapped(r.get("address"), "redis.url", "")
	if p := r.get("key_prefix"); p.isWord() {
		pairs = append(pairs, pair("prefix", word(p)))
		im.mapped(p, "redis.prefix", "")
	}
	if n, err := strconv.ParseInt(s.get("timeout_ms").text, 10, 32); err == nil && n > 0 {
		text, why, _ := within("redis.timeout", milliseconds(n))
		pairs = append(pairs, pair("timeout", text))
		im.mapped(s.get("timeout_ms"), "redis.timeout", why)
	}
	im.add("redis", "Shared limits, conversations and cached answers.", pairs...)
}
