package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var errReference = errors.New("holds ${ that is neither ${NAME} nor ${NAME:-default}; write $${ for the characters themselves")

// expand replaces ${NAME} and ${NAME:-default} in a scalar by the environment;
// the default is for a variable that is unset or empty. $${ stands for ${. names
// are the variables that were asked for. An error does not show the text, which
// may be a secret.
func expand(text string, env func(string) (string, bool)) (out string, names []string, err error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), names, nil
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString("{")
			text = rest
			continue
		}
		inner, after, closed := strings.Cut(rest, "}")
		name, fallback, hasFallback := strings.Cut(inner, ":-")
		if !closed || !variable.MatchString(name) {
			return "", names, errReference
		}
		names = append(names, name)
		value, set := env(name)
		switch {
		case hasFallback && value == "":
			value = fallback
		case !set:
			return "", names, fmt.Errorf("the environment variable %s is not set; set it, or give a default: ${%s:-default}", name, name)
		}
		b.WriteString(value)
		text = after
	}
}
