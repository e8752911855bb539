package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"
)

// An Address is where a listener waits: host:port, unix:/path, systemd or off.
type Address string

// UnmarshalText takes an address of one of the forms.
func (a *Address) UnmarshalText(text []byte) error {
	s := string(text)
	if p, ok := strings.CutPrefix(s, "unix:"); ok {
		switch {
		case !path.IsAbs(p):
			return errors.New("the path of a unix socket begins with /")
		case len(p) > 107:
			return fmt.Errorf("the path of a unix socket has at most 107 bytes, not %d", len(p))
		}
	} else if s != "systemd" && s != "off" {
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			return errors.New("want host:port, such as 127.0.0.1:8080 or :8080, or unix:/path")
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || port != strconv.FormatUint(n, 10) {
			return errors.New("the port is a number from 0 to 65535")
		}
		if strings.ContainsAny(host, " /@") {
			return errors.New("the host is a name or an IP address")
		}
	}
	*a = Address(s)
	return nil
}

// Network is what net.Listen takes: "tcp" or "unix" and the address. For
// systemd and off the network is that word, and there is no address.
func (a Address) Network() (network, address string) {
	if p, ok := strings.CutPrefix(string(a), "unix:"); ok {
		return "unix", p
	}
	if a == "systemd" || a == "off" {
		return string(a), ""
	}
	return "tcp", string(a)
}

// Local reports whether only this machine can reach the address: loopback or a
// unix socket. What systemd passes is unknown, so it is not local.
func (a Address) Local() bool {
	network, address := a.Network()
	if network != "tcp" {
		return network != "systemd"
	}
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// A Secret is a text that is never shown: however it is printed or encoded, it
// is a word that says whether it is set. string(s) is the secret.
type Secret string

// String is "(set)", or empty when the secret is.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// GoString is what %#v prints.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText is what encoders write.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// UnmarshalText takes any text but the empty one.
func (s *Secret) UnmarshalText(text []byte) error {
	if strings.ContainsAny(string(text), "\r\n\x00") {
		return errors.New("is more than one line, or holds a zero byte")
	}
	*s = Secret(text)
	return nil
}

// A Digest is the SHA-256 of a key.
type Digest [sha256.Size]byte

// DigestOf is the digest of a key.
func DigestOf(key string) Digest { return sha256.Sum256([]byte(key)) }

// UnmarshalText takes 64 hexadecimal digits.
func (d *Digest) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(d) {
		return errors.New("want the 64 hexadecimal digits of a SHA-256")
	}
	copy(d[:], b)
	return nil
}

// MarshalText is what encoders write: that it is set, like a secret.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is "(set)", or empty when the digest is.
func (d Digest) String() string {
	if d == (Digest{}) {
		return ""
	}
	return "(set)"
}

// A Size is a number of bytes, written as 4MiB, 512KiB, 1GiB, or 1000.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"kB", 1e3}, {"B", 1},
}

// UnmarshalText takes a whole number of bytes with a unit or without.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimRight(n, " "), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return errors.New("want a size such as 4MiB, 512KiB, 1GiB or a number of bytes")
	}
	if n > math.MaxInt64/unit {
		return errors.New("is larger than any machine")
	}
	*s = Size(n * unit)
	return nil
}

// String writes the size with the largest binary unit that divides it.
func (s Size) String() string {
	for _, u := range sizeUnits[:3] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// parseDuration takes 30s, 1m30s, 250ms as time.ParseDuration does, and days: 7d.
func parseDuration(text string) (time.Duration, error) {
	wrong := errors.New("want a duration such as 250ms, 30s, 5m, 1h30m or 7d")
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 31)
		if err != nil || n > 100*365 {
			return 0, wrong
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, wrong
	}
	return d, nil
}

// formatDuration is the shortest text that parseDuration reads back.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
