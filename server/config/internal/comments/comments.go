// Package comments reads doc comments and constants of Go packages and writes
// them as Go source, so that a program can show the comments of its own types.
package comments

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Set is what was read of structs with yaml tags: comments of their fields by
// "package.Type.Field", and the string constants of their fields' types by
// "package.Type".
type Set struct {
	Comments map[string]string
	Values   map[string][]Value

	used map[string]bool // types of fields
}

// A Value is a constant with its comment.
type Value struct{ Value, Comment string }

// Read reads the packages in dirs; their tests are left out.
func Read(dirs ...string) (*Set, error) {
	s := &Set{Comments: map[string]string{}, Values: map[string][]Value{}, used: map[string]bool{}}
	for _, dir := range dirs {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			src, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			s.file(f)
		}
	}
	return s, nil
}

func (s *Set) file(f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.typ(f.Name.Name, spec)
			case *ast.ValueSpec:
				s.constant(f.Name.Name, g, spec)
			}
		}
	}
}

func (s *Set) typ(pkg string, spec *ast.TypeSpec) {
	if !spec.Name.IsExported() {
		return
	}
	name := pkg + "." + spec.Name.Name
	st, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range st.Fields.List {
		if field.Tag == nil || !strings.Contains(field.Tag.Value, `yaml:"`) {
			continue
		}
		doc := field.Doc
		if doc == nil {
			doc = field.Comment
		}
		for _, n := range field.Names {
			s.put(name+"."+n.Name, doc)
		}
		ast.Inspect(field.Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				s.used[pkg+"."+id.Name] = true
			}
			return true
		})
	}
}

func (s *Set) put(key string, doc *ast.CommentGroup) {
	if text := strings.Join(strings.Fields(doc.Text()), " "); text != "" {
		s.Comments[key] = text
	}
}

// constant keeps string constants of a named type. Their order in the source is
// the order in which they are shown.
func (s *Set) constant(pkg string, g *ast.GenDecl, spec *ast.ValueSpec) {
	typ, ok := spec.Type.(*ast.Ident)
	if !ok || g.Tok != token.CONST {
		return
	}
	for i := range spec.Names {
		if i >= len(spec.Values) {
			return
		}
		lit, ok := spec.Values[i].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		v, err := strconv.Unquote(lit.Value)
		if err != nil {
			continue
		}
		doc := spec.Comment
		if doc == nil {
			doc = spec.Doc
		}
		key := pkg + "." + typ.Name
		s.Values[key] = append(s.Values[key], Value{v, strings.Join(strings.Fields(doc.Text()), " ")})
	}
}

// Source is the set as a Go file of package pkg that declares comments and
// constants.
func (s *Set) Source(pkg string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated from doc comments; DO NOT EDIT.\n\npackage %s\n\n", pkg)
	fmt.Fprintf(&b, "// docs are the doc comments of types and fields.\nvar docs = map[string]string{\n")
	for _, k := range slices.Sorted(maps.Keys(s.Comments)) {
		fmt.Fprintf(&b, "%q: %q,\n", k, s.Comments[k])
	}
	fmt.Fprintf(&b, "}\n\n// constants are the values that a text type may have.\nvar constants = map[string][]constant{\n")
	for _, k := range slices.Sorted(maps.Keys(s.Values)) {
		if !s.used[k] {
			continue
		}
		fmt.Fprintf(&b, "%q: {\n", k)
		for _, v := range s.Values[k] {
			fmt.Fprintf(&b, "{%q, %q},\n", v.Value, v.Comment)
		}
		fmt.Fprintf(&b, "},\n")
	}
	fmt.Fprintf(&b, "}\n")
	return format.Source(b.Bytes())
}
