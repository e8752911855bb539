package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse gives the root node of the only document, or nil when it is empty.
func (d *decoder) parse(data []byte) (ast.Node, bool) {
	if len(data) > maxFile {
		return nil, d.failAt(nil, "", "is larger than %s", Size(maxFile))
	}
	if i := slices.IndexFunc(data, func(b byte) bool { return b < ' ' && b != '\n' && b != '\t' && b != '\r' }); i >= 0 {
		return nil, d.failAt(nil, "", "holds the control character %#02x in line %d", data[i], 1+strings.Count(string(data[:i]), "\n"))
	}
	text := strings.ToValidUTF8(string(data), "\x00")
	if i := strings.IndexByte(text, 0); i >= 0 {
		return nil, d.failAt(nil, "", "is not UTF-8 in line %d", 1+strings.Count(text[:i], "\n"))
	}
	tokens := lexer.Tokenize(text)
	if len(tokens) > maxTokens {
		return nil, d.failAt(nil, "", "holds more than %d keys, values and signs", maxTokens)
	}
	if deep := tooDeep(tokens); deep != nil {
		return nil, d.failAt(deep.Position, "", "is nested more than %d levels deep", maxDepth)
	}
	f, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, d.syntax(err)
	}
	var docs []*ast.DocumentNode
	for _, doc := range f.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.DirectiveType {
			docs = append(docs, doc)
		}
	}
	switch {
	case len(docs) == 0:
		return nil, true
	case len(docs) > 1:
		return nil, d.fail(docs[1].Body, "", "is a second document; want one")
	}
	d.collect(docs[0].Body)
	return docs[0].Body, true
}

// syntax reports an error of the parser by its message alone: its text quotes
// the file, and the file may hold keys.
func (d *decoder) syntax(err error) bool {
	var with interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &with) || with.GetToken() == nil {
		return d.failAt(nil, "", "is not YAML")
	}
	message, _, _ := strings.Cut(with.GetMessage(), "\"") // what it quotes is of the file
	message = strings.TrimRight(strings.ReplaceAll(message, "\t", `\t`), ": ")
	if strings.Contains(message, "must be specified") {
		message += "; inside [ ] and { } a ${NAME} needs quotes"
	}
	return d.failAt(with.GetToken().Position, "", "is not YAML: %s", message)
}

// tooDeep is the first token that is nested too deep, or nil. It is asked before
// the parser, whose time grows with the square of the depth.
func tooDeep(tokens token.Tokens) *token.Token {
	flow := 0
	var columns []int
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingValueType, token.MappingKeyType:
			at := t.Position.Column
			if t.Type == token.MappingValueType && t.Prev != nil {
				at = t.Prev.Position.Column
			}
			for len(columns) > 0 && columns[len(columns)-1] >= at {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, at)
		}
		if flow > maxDepth || flow == 0 && len(columns) > maxDepth {
			return t
		}
	}
	return nil
}

// collect finds the anchors.
func (d *decoder) collect(n ast.Node) {
	ast.Walk(anchorVisitor{d}, n)
}

type anchorVisitor struct{ d *decoder }

// Visit keeps an anchor's node.
func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Value != nil {
		name := a.Name.GetToken().Value
		if v.d.anchors[name] != nil {
			v.d.fail(a, "", "an anchor of this name stands above; a text that begins with & needs quotes")
		}
		v.d.anchors[name] = a.Value
	}
	return v
}

func (d *decoder) fail(n ast.Node, path, format string, args ...any) bool {
	var at *token.Position
	if n != nil && n.GetToken() != nil {
		at = position(n)
	}
	return d.failAt(at, path, format, args...)
}

func (d *decoder) failAt(at *token.Position, path, format string, args ...any) bool {
	p := Problem{File: d.file, Key: path, What: fmt.Sprintf(format, args...)}
	if at != nil {
		p.Line, p.Column = at.Line, max(at.Column, 1)
	}
	d.problems = append(d.problems, p)
	return false
}

func position(n ast.Node) *token.Position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return position(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(m.Key)
	}
	return n.GetToken().Position
}

// resolve follows anchors and aliases to a plain node.
func (d *decoder) resolve(n ast.Node, path string) (plain ast.Node, leave func(), ok bool) {
	leave = func() {}
	for {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			name := ""
			if x.Value != nil {
				name = x.Value.GetToken().Value
			}
			target := d.anchors[name]
			if target == nil {
				return nil, leave, d.fail(n, path, "names no anchor; a text that begins with * needs quotes")
			}
			if d.open[name] {
				return nil, leave, d.fail(n, path, "is an alias inside its own anchor")
			}
			d.open[name] = true
			before := leave
			leave = func() { delete(d.open, name); before() }
			n = target
		case *ast.TagNode:
			return nil, leave, d.fail(n, path, "has a tag, and tags are not supported; a text that begins with ! needs quotes")
		case nil:
			return nil, leave, d.failAt(nil, path, "has no value")
		default:
			return n, leave, true
		}
	}
}
