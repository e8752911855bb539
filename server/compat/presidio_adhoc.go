package compat

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"mom/router"
	"mom/server/web"
)

// adHoc is a recognizer that a request brings with it.
type adHoc struct {
	Name     string         `json:"name"`
	Language string         `json:"supported_language,omitempty"`
	Patterns []adHocPattern `json:"patterns,omitempty"`
	Deny     []string       `json:"deny_list,omitempty"`
	DenyP    *float64       `json:"deny_list_score,omitempty"` // 1 by default
	Context  []string       `json:"context,omitempty"`
	Entity   string         `json:"supported_entity"`
	Flags    *int           `json:"global_regex_flags,omitempty"`
}

type adHocPattern struct {
	Name  string   `json:"name"`
	Regex string   `json:"regex"`
	Score *float64 `json:"score"`
}

// Limits of what a request may bring. One match takes time linear in the text,
// whatever the pattern is (RE2), so these bound the time of all.
const (
	maxAdHoc   = 32
	maxPattern = 4096     // bytes
	maxSearch  = 64 << 10 // bytes of a text that patterns of a request search
	maxMatches = 256      // of one pattern
)

// compiled are the patterns of all recognizers of a request.
type compiled []compiledPattern

type compiledPattern struct {
	recognizer *adHoc
	name       string
	source     string
	re         *regexp.Regexp
	word       bool // matches only whole words
	score      float64
}

func compile(q *analyzeRequest) (compiled, error) {
	if len(q.AdHoc) > maxAdHoc {
		return nil, web.Invalid("ad_hoc_recognizers", fmt.Sprintf("ad_hoc_recognizers: %d of them; the limit is %d", len(q.AdHoc), maxAdHoc))
	}
	var out compiled
	for i := range q.AdHoc {
		r := &q.AdHoc[i]
		at := fmt.Sprintf("ad_hoc_recognizers[%d]", i)
		if r.Entity == "" || len(r.Patterns) == 0 && len(r.Deny) == 0 {
			return nil, web.Invalid(at, at+": want supported_entity, and patterns or a deny_list")
		}
		if r.Language != "" && r.Language != q.Language {
			continue
		}
		flags := r.Flags
		if q.Flags != nil {
			flags = q.Flags
		}
		for k, p := range r.Patterns {
			where := fmt.Sprintf("%s.patterns[%d]", at, k)
			if p.Name == "" || p.Regex == "" || p.Score == nil || *p.Score < 0 || *p.Score > 1 {
				return nil, web.Invalid(where, where+": want name, regex, and a score of 0 to 1")
			}
			re, err := pattern(p.Regex, flags, where+".regex")
			if err != nil {
				return nil, err
			}
			out = append(out, compiledPattern{recognizer: r, name: p.Name, source: p.Regex, re: re, score: *p.Score})
		}
		if len(r.Deny) == 0 {
			continue
		}
		c, err := denyList(r, flags, at+".deny_list")
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func denyList(r *adHoc, flags *int, where string) (compiledPattern, error) {
	quoted := make([]string, 0, len(r.Deny))
	for _, w := range r.Deny {
		if w == "" {
			return compiledPattern{}, web.Invalid(where, where+": a word is empty")
		}
		quoted = append(quoted, regexp.QuoteMeta(w))
	}
	source := "(?:" + strings.Join(quoted, "|") + ")"
	re, err := pattern(source, flags, where)
	c := compiledPattern{recognizer: r, name: "deny_list", source: source, re: re, word: true, score: 1}
	if r.DenyP != nil {
		c.score = *r.DenyP
	}
	return c, err
}

// Flags of Python's re module.
const (
	pyIgnoreCase = 2
	pyMultiline  = 8
	pyDotAll     = 16
	pyUnicode    = 32
	pyDefault    = pyIgnoreCase | pyMultiline | pyDotAll
)

// pattern compiles a regular expression with flags of Python. The error never
// repeats it.
func pattern(source string, flags *int, where string) (*regexp.Regexp, error) {
	f := pyDefault
	if flags != nil {
		f = *flags
	}
	if f&^(pyDefault|pyUnicode) != 0 || f < 0 {
		return nil, web.Invalid("regex_flags", "regex_flags: want a sum of 2 (IGNORECASE), 8 (MULTILINE), 16 (DOTALL) and 32 (UNICODE)")
	}
	if len(source) > maxPattern {
		return nil, web.Invalid(where, fmt.Sprintf("%s: %d bytes; the limit is %d", where, len(source), maxPattern))
	}
	letters := ""
	for _, l := range []struct {
		bit    int
		letter string
	}{{pyIgnoreCase, "i"}, {pyMultiline, "m"}, {pyDotAll, "s"}} {
		if f&l.bit != 0 {
			letters += l.letter
		}
	}
	if letters != "" {
		letters = "(?" + letters + ")"
	}
	re, err := regexp.Compile(letters + unescapePython(source))
	if err != nil {
		return nil, web.Invalid(where, where+": not a regular expression of RE2 syntax, which has no look-around and no back-references")
	}
	return re, nil
}

// unescapePython drops backslashes before characters that Python lets one
// escape and RE2 does not.
func unescapePython(source string) string {
	var b strings.Builder
	for i := 0; i < len(source); i++ {
		c := source[i]
		if c != '\\' || i+1 == len(source) {
			b.WriteByte(c)
			continue
		}
		i++
		switch next := source[i]; {
		case next == 'Z':
			b.WriteString(`\z`)
		case next >= 0x80 || next == ' ' || next == '"' || next == '\'':
			b.WriteByte(next)
		default:
			b.WriteByte('\\')
			b.WriteByte(next)
		}
	}
	return b.String()
}

// find are the hits of the wanted types.
func (list compiled) find(ctx context.Context, text string, outer []string, wanted map[string]string) ([]hit, error) {
	if len(list) > 0 && len(text) > maxSearch {
		return nil, web.Invalid("ad_hoc_recognizers", fmt.Sprintf("ad_hoc_recognizers: a text has %d bytes; those of a request search at most %d", len(text), maxSearch))
	}
	var out []hit
	for _, c := range list {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if wanted != nil && wanted[c.recognizer.Entity] != c.recognizer.Entity {
			continue
		}
		found := c.re.FindAllStringIndex(text, maxMatches+1)
		if len(found) > maxMatches {
			return nil, web.Invalid("ad_hoc_recognizers", fmt.Sprintf("ad_hoc_recognizers: a pattern matches a text more than %d times", maxMatches))
		}
		for _, m := range found {
			if m[0] == m[1] || c.word && !wholeWord(text, m[0], m[1]) {
				continue
			}
			h := hit{Span: router.Span{Start: m[0], End: m[1], Type: c.recognizer.Entity, Score: c.score, By: "pattern"}}
			h.why = explanation{Recognizer: c.recognizer.Name, PatternName: &c.name, Pattern: &c.source, Original: float32(c.score)}
			h.support(text, c.recognizer.Context, outer)
			h.why.Score = float32(h.Score)
			out = append(out, h)
		}
	}
	return out, nil
}

// What a word of the context near a match does to its score.
const (
	contextWords   = 5 // before the match
	contextFactor  = 0.35
	contextMinimum = 0.4
)

// support raises the score when one of the words before the match, or of those
// that the request names, contains one of the recognizer's words.
func (h *hit) support(text string, words, outer []string) {
	if len(words) == 0 {
		return
	}
	near := strings.FieldsFunc(text[:h.Start], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	near = near[max(0, len(near)-contextWords):]
	for _, have := range append(near, outer...) {
		have = strings.ToLower(have)
		for _, w := range words {
			if w != "" && strings.Contains(have, strings.ToLower(w)) {
				before := h.Score
				h.Score = min(1, max(h.Score+contextFactor, contextMinimum))
				h.why.Improvement, h.why.Word = float32(h.Score-before), w
				return
			}
		}
	}
}

func wholeWord(text string, start, end int) bool {
	isWord := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return !isWord(before) && !isWord(after)
}
