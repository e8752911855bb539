package config

import (
	"reflect"
	"regexp"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// plainKey is what a key looks like that may be shown in a message: something
// else may be a value that lost its key.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,39}$`)

// A form is how a scalar was written.
type form uint8

const (
	plain   form = iota // a word that may be anything
	quoted              // a text for sure
	number              // digits
	boolean             // true or false
	null
	notScalar
)

// text is a scalar's text before references are replaced.
func text(n ast.Node) (string, form) {
	switch x := n.(type) {
	case *ast.StringNode:
		if t := x.Token.Type; t == token.SingleQuoteType || t == token.DoubleQuoteType {
			return x.Value, quoted
		}
		return x.Value, plain
	case *ast.LiteralNode:
		return x.Value.Value, quoted
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, number
	case *ast.BoolNode:
		return n.GetToken().Value, boolean
	case *ast.NullNode:
		return "", null
	}
	return "", notScalar
}

// fits says what is wrong with the form of a scalar for a type, or "".
func fits(t reflect.Type, f form) string {
	words := t.Kind() == reflect.String
	switch {
	case words && f == boolean && choices(t) == nil:
		return "want a text; put quotes around it"
	case f == quoted && !words && t != durationType && t != sizeType && t != digestType:
		return "want " + wanted(t) + ", not a text; leave the quotes out"
	}
	return ""
}

// wanted names what a scalar of type t is.
func wanted(t reflect.Type) string {
	switch t {
	case durationType:
		return "a duration such as 30s"
	case sizeType:
		return "a size such as 4MiB"
	case addressType:
		return "an address such as 127.0.0.1:8080"
	case digestType:
		return "the 64 hexadecimal digits of a SHA-256"
	}
	if c := choices(t); c != nil {
		return oneOf(values(c))
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	}
	return "a whole number"
}

// kind names a node in a message.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	}
	return "a text"
}

// join writes a key below a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
