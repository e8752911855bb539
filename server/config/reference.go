package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A row is a key of the reference.
type row struct {
	key, kind, initial, comment string
	typ                         reflect.Type
	choices                     []constant
	parent                      bool // has keys of its own, which follow
}

// rowsOf calls emit for each key below a struct, in the order of declaration.
func rowsOf(t reflect.Type, defaults reflect.Value, path string, emit func(row)) {
	for _, f := range fieldsOf(t) {
		var initial reflect.Value
		if f.initial != "" {
			initial = parsed(f.typ, f.initial)
		} else if defaults.IsValid() {
			initial = defaults.FieldByIndex(f.index)
		}
		r := row{key: join(path, f.key), comment: f.comment}
		inner, suffix := elements(f.typ)
		r.key += suffix
		r.typ, r.choices = inner, allowed(inner, f.check)
		if inner.Kind() == reflect.Struct && !scalar(inner) {
			r.parent, r.kind = true, shape(suffix)
			emit(r)
			below := initial
			if suffix != "" || !initial.IsValid() || initial.Kind() == reflect.Pointer {
				below = elementDefaults(inner)
			}
			rowsOf(inner, below, r.key, emit)
			continue
		}
		r.kind = wantedShort(inner, f.check)
		if suffix != "" {
			r.kind = shape(suffix) + " of " + r.kind
		}
		r.initial = initialText(initial, f)
		emit(r)
	}
}

// elements strips lists, maps and pointers, and says how their keys are written.
func elements(t reflect.Type) (inner reflect.Type, suffix string) {
	for !scalar(t) {
		switch t.Kind() {
		case reflect.Slice:
			suffix += "[]"
		case reflect.Map:
			suffix += ".*"
		case reflect.Pointer:
		default:
			return t, suffix
		}
		t = t.Elem()
	}
	return t, suffix
}

func shape(suffix string) string {
	switch {
	case suffix == "":
		return "keys"
	case strings.HasPrefix(suffix, "[]"):
		return "list"
	}
	return "map"
}

// wantedShort names a type and its limits in a cell of a table.
func wantedShort(t reflect.Type, c check) string {
	name := "text"
	switch {
	case t == durationType:
		name = "duration"
	case t == sizeType:
		name = "size"
	case t == secretType:
		name = "secret"
	case t == digestType:
		name = "SHA-256"
	case t == addressType:
		name = "address"
	case choices(t) != nil:
		quoted := values(allowed(t, c))
		for i := range quoted {
			quoted[i] = "`" + quoted[i] + "`"
		}
		name = strings.Join(quoted, ", ")
	case t.Kind() == reflect.Bool:
		name = "`true`, `false`"
	case t.Kind() == reflect.Float32, t.Kind() == reflect.Float64:
		name = "number"
	case t.Kind() != reflect.String:
		name = "whole number"
	}
	switch {
	case c.min != "" && c.max != "":
		name += fmt.Sprintf(", %s to %s", bound(t, c.min), bound(t, c.max))
	case c.min != "":
		name += ", from " + bound(t, c.min)
	case c.max != "":
		name += ", to " + bound(t, c.max)
	}
	return name
}

func initialText(v reflect.Value, f field) string {
	if f.check.required && (!v.IsValid() || v.IsZero()) {
		return "required"
	}
	switch {
	case !v.IsValid():
		return ""
	case v.Kind() == reflect.Pointer && v.IsNil(), v.Kind() == reflect.Map && v.Len() == 0:
		return ""
	case v.Kind() == reflect.Slice && scalar(v.Type().Elem()):
		if v.Len() == 0 {
			return ""
		}
		words := make([]string, v.Len())
		for i := range words {
			words[i] = showText(v.Index(i))
		}
		return "`[" + strings.Join(words, ", ") + "]`"
	case scalar(v.Type()) && showText(v) != "":
		return "`" + showText(v) + "`"
	}
	return ""
}

// Reference is the Markdown reference of all keys, docs/configuration.md.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	var section []row
	flush := func() {
		if len(section) > 0 {
			writeSection(&b, section)
		}
		section = nil
	}
	rowsOf(reflect.TypeFor[Config](), reflect.ValueOf(*Default()), "", func(r row) {
		if !strings.ContainsAny(strings.TrimSuffix(strings.TrimSuffix(r.key, "[]"), ".*"), ".[") {
			flush()
		}
		section = append(section, r)
	})
	flush()
	return b.Bytes()
}

// writeSection writes a key of the top level with all below it.
func writeSection(b *bytes.Buffer, rows []row) {
	top := rows[0]
	name, _, _ := strings.Cut(strings.TrimSuffix(top.key, ".*"), "[")
	fmt.Fprintf(b, "\n## %s\n\n", name)
	if top.comment != "" {
		fmt.Fprintf(b, "%s\n\n", wrap(top.comment, 80))
	}
	if !top.parent {
		fmt.Fprintf(b, "Type: %s.", top.kind)
		if top.initial != "" {
			fmt.Fprintf(b, " Default: %s.", top.initial)
		}
		b.WriteString("\n")
		writeChoices(b, rows)
		return
	}
	b.WriteString("| key | type | default | what |\n|---|---|---|---|\n")
	for _, r := range rows[1:] {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", r.key, r.kind, r.initial, strings.ReplaceAll(r.comment, "|", `\|`))
	}
	writeChoices(b, rows)
}

// writeChoices explains the words that values of a section may have, once for
// all keys with the same.
func writeChoices(b *bytes.Buffer, rows []row) {
	for i, r := range rows {
		same := func(o row) bool { return o.typ == r.typ && slices.Equal(o.choices, r.choices) }
		explained := slices.ContainsFunc(r.choices, func(c constant) bool { return c.comment != "" })
		if !explained || slices.ContainsFunc(rows[:i], same) {
			continue
		}
		b.WriteString("\n")
		for j, o := range slices.DeleteFunc(slices.Clone(rows[i:]), func(o row) bool { return !same(o) }) {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(b, "`%s`", o.key)
		}
		b.WriteString(":\n\n")
		for _, c := range r.choices {
			fmt.Fprintf(b, "- `%s`: %s\n", c.value, c.comment)
		}
	}
}

// wrap breaks a text at spaces into lines of at most width letters.
func wrap(text string, width int) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

const preface = `# Configuration

<!-- Written by go generate ./server/config from the types and their comments. -->

` + "`mom serve`" + ` needs no file. With one, ` + "`mom serve --config mom.yaml`" + `:

    mom config init                   write a commented mom.yaml to start from
    mom config check mom.yaml         say all that is wrong in it, by line and column
    mom config explain mom.yaml       every value and where it came from; warnings
    mom config schema                 the JSON Schema, for editors
    mom config import their.yaml      from vLLM Semantic Router; see migrate-vllm-sr.md

The file is YAML, one document of at most 1 MiB. It is read strictly: a key that
is not known, a key that stands twice and a value that is not supported are
errors, and nothing is ignored. A key that is left out has its default. A list
that is given replaces the default list.

**Environment.** In values, ` + "`${NAME}`" + ` is replaced by the environment variable and
` + "`${NAME:-default}`" + ` by a default when the variable is unset or empty. A variable that
is not set and has no default is an error. ` + "`$${`" + ` stands for the characters. Inside
` + "`[ ]` and `{ }`" + ` YAML wants quotes around a reference.

**Secrets** are best such a reference, or in a file of their own: ` + "`api_key_file`" + `,
` + "`key_file`, `url_file`" + `. They are in no error, log or output of ` + "`explain`" + `.

**Durations** are written 250ms, 30s, 5m, 1h30m or 7d; **sizes** 512KiB, 4MiB, 1GiB
or a number of bytes. Relative paths start at the folder of the file.

**Changes** are taken over while the server runs, when the file or a file of a
secret changed, and on SIGHUP. A file that does not load changes nothing: the
error is logged once and the last good configuration stays.

With ` + "`# yaml-language-server: $schema=mom.schema.json`" + ` in the first line and the
output of ` + "`mom config schema`" + ` in that file, editors complete and check keys.
`
