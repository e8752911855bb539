package gguf

import (
	"strconv"
	"unicode/utf8"
)

// A FormatError reports a file that is not valid GGUF, or that holds what this
// package does not read.
type FormatError struct {
	File   string
	Key    string // of the metadata, or ""
	Tensor string // as the file names it, or ""
	Reason string // "type Q4_K is not supported; supported are F32, F16, …"
}

func (e *FormatError) Error() string {
	switch {
	case e.Key != "":
		return e.File + ": " + clip(e.Key) + ": " + e.Reason
	case e.Tensor != "":
		return e.File + ": tensor " + clip(e.Tensor) + ": " + e.Reason
	}
	return e.File + ": " + e.Reason
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
