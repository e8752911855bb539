package server

import (
	"reflect"
	"strings"

	"mom/server/config"
)

// restartNeeded names the keys that differ and are read at the start only.
func restartNeeded(old, now *config.Config) string {
	var keys []string
	for _, k := range []struct {
		name     string
		old, now any
	}{
		{"listen", old.Listen, now.Listen},
		{"tls", old.TLS, now.TLS},
		{"limits.body", old.Limits.Body, now.Limits.Body},
		{"limits.header", old.Limits.Header, now.Limits.Header},
		{"timeouts.read", old.Timeouts.Read, now.Timeouts.Read},
		{"timeouts.idle", old.Timeouts.Idle, now.Timeouts.Idle},
		{"decoders", old.Decoders, now.Decoders},
		{"agents.path", old.Agents.Path, now.Agents.Path},
		{"agents.threads", old.Agents.Threads, now.Agents.Threads},
		{"agents.kv_bytes", old.Agents.KVBytes, now.Agents.KVBytes},
		{"state", old.State, now.State},
		{"cache", old.Cache, now.Cache},
		{"redis", old.Redis, now.Redis},
		{"admin", old.Admin, now.Admin},
		{"playground", old.Playground, now.Playground},
		{"log", old.Log, now.Log},
	} {
		if !reflect.DeepEqual(k.old, k.now) {
			keys = append(keys, k.name)
		}
	}
	return strings.Join(keys, ", ")
}
