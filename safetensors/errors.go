package safetensors

import (
	"strconv"
	"unicode/utf8"
)

// A FormatError reports a file that is not valid safetensors, or a folder whose
// files do not fit together.
type FormatError struct {
	File   string
	Tensor string // "" when no single tensor is at fault; the beginning of a very long name
	Reason string // "data_offsets [96, 64]: the end is before the start"
}

func (e *FormatError) Error() string {
	if e.Tensor == "" {
		return e.File + ": " + e.Reason
	}
	return e.File + ": tensor " + clip(e.Tensor) + ": " + e.Reason
}

// clipLen is how many bytes of a file's own words an error repeats.
const clipLen = 80

// clip shortens s for an error, and quotes it if it is not plain text.
func clip(s string) string {
	if len(s) > clipLen {
		n := clipLen
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…"
	}
	if s == "" || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if r == ' ' || r == '"' || !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
