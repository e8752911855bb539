package config

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Note says what became of one key of an imported file. It never holds the
// key's value, which may be a secret.
type Note struct {
	Key     string  `json:"key"` // providers.models[0].pricing.prompt_per_1m
	Line    int     `json:"line"`
	Outcome Outcome `json:"outcome"`
	To      string  `json:"to,omitempty"`  // the key here
	Why     string  `json:"why,omitempty"` // what differs, or why nothing took it over
}

// An Outcome is what became of a key.
type Outcome string

const (
	Mapped  Outcome = "mapped"  // taken over
	Changed Outcome = "changed" // taken over in another sense, which Why tells
	Dropped Outcome = "dropped" // known, and has no counterpart
	Unknown Outcome = "unknown" // no key of v0.3 that is known here
)

// Outcomes are all outcomes, in the order in which a report shows them.
func Outcomes() []Outcome { return []Outcome{Mapped, Changed, Dropped, Unknown} }

// Import turns a v0.3 configuration of vLLM Semantic Router into a file of
// this server. The notes name each key of the input once: a key is one with a
// word, a list of words, or nothing below it. name stands in errors, which are
// Problems. What was secret in data is secret in the file.
func Import(name string, data []byte) (file []byte, notes []Note, err error) {
	root, err := readTree(name, data)
	if err != nil {
		return nil, nil, err
	}
	if v := root.get("version"); v.text != "v0.3" {
		what := "is missing; want a vLLM Semantic Router configuration of version v0.3"
		if v.line > 0 {
			what = quote(v.text) + ": want v0.3"
		}
		return nil, nil, Problems{{File: name, Line: v.line, Column: min(v.line, 1), Key: "version", What: what}}
	}
	im := &importer{root: root, notes: map[string]Note{}}
	im.mapped(root.get("version"), "", "")
	im.listeners()
	im.providers()
	im.routing()
	im.services()
	im.rest()
	file = im.write(name)
	for _, n := range im.notes {
		notes = append(notes, n)
	}
	slices.SortFunc(notes, func(a, b Note) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Key, b.Key))
	})
	return file, notes, nil
}

// An importer collects what the new file says and what became of each key.
type importer struct {
	root  *tree
	notes map[string]Note // by key

	listen, requestTime string
	authOff             bool
	upstreams           []importedUpstream
	models              []importedModel
	left                map[string]string // models that were not taken over, and why
	policy              importedPolicy
	sections            []section // everything else, in the order of the file
}

// note says once what became of all keys at and below n; what was said before
// stays. It does nothing where the input has no n.
func (im *importer) note(n *tree, o Outcome, to, why string) {
	for leaf := range n.leaves() {
		if _, said := im.notes[leaf.path]; !said {
			im.notes[leaf.path] = Note{leaf.path, leaf.line, o, to, why}
		}
	}
}

// mapped notes that n was taken over; with a reason it means something else now.
func (im *importer) mapped(n *tree, to, why string) {
	if why != "" {
		im.note(n, Changed, to, why)
		return
	}
	im.note(n, Mapped, to, "")
}

func (im *importer) dropped(n *tree, why string) { im.note(n, Dropped, "", why) }

// rest explains the keys that nothing took over.
func (im *importer) rest() {
	for leaf := range im.root.leaves() {
		if why := reasonFor(leaf.path); why != "" {
			im.note(leaf, Dropped, "", why)
		} else {
			im.note(leaf, Unknown, "", "is not a key of v0.3 that is known here; it was left out")
		}
	}
}

// listeners takes over the first listener.
func (im *importer) listeners() {
	for i, l := range im.root.get("listeners").items {
		if i > 0 {
			im.dropped(l, "there is one listener; a proxy in front can have more")
			continue
		}
		address, port := l.get("address"), l.get("port")
		if port.isWord() {
			host := word(address)
			if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
				host = "[" + host + "]"
			}
			im.listen = host + ":" + word(port)
			why := ""
			if !Address(im.listen).Local() {
				im.authOff = true
				why = "others can reach it and the input asks no client for a key, so that auth.mode is off; list auth.keys instead"
			}
			im.mapped(port, "listen", "")
			im.mapped(address, "listen", why)
		}
		im.dropped(l.get("name"), "a listener has no name")
		if d, why, ok := durationOf(l.get("timeout"), "timeouts.request"); ok {
			im.requestTime = d
			im.mapped(l.get("timeout"), "timeouts.request", why)
		}
	}
}

// durationOf is a duration of the input, kept within the limits of a key here.
func durationOf(n *tree, key string) (text, why string, ok bool) {
	if !n.isWord() {
		return "", "", false
	}
	if n.refers() {
		return word(n), "", true
	}
	d, err := parseDuration(n.text)
	if err != nil {
		return "", "", false
	}
	return within(key, d)
}

// within brings a value into the limits of a key here, and says so.
func within[T any](key string, v T) (text, why string, ok bool) {
	f, found := fieldAt(key)
	if !found {
		panic("BUG: config: no key " + key)
	}
	value := setTo(f.typ, v)
	for limit, sign := range map[string]int{f.check.min: -1, f.check.max: 1} {
		if limit != "" && compare(value, limit) == sign {
			value = parsed(f.typ, limit)
			why = "the limit here is " + showText(value)
		}
	}
	return showText(value), why, true
}

// header is what a file that was imported begins with.
func header(name string) string {
	return fmt.Sprintf("# Imported from %s, a v0.3 configuration of vLLM Semantic Router.\n", name[strings.LastIndexByte(name, '/')+1:])
}

// write is the new file.
func (im *importer) write(name string) []byte {
	var b bytes.Buffer
	b.WriteString(header(name))
	for _, s := range im.all() {
		b.WriteString("\n")
		if s.comment != "" {
			for line := range strings.Lines(wrap(s.comment, 76)) {
				b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
			}
		}
		b.Write(s.yaml())
	}
	return b.Bytes()
}
