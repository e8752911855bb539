package grammar

import (
	"net/url"
	"slices"
	"strings"
)

// resolve is the place that a $ref names.
func resolve(root, ref *node) (*node, error) {
	path, ok := strings.CutPrefix(ref.text, "#")
	if !ok || path != "" && path[0] != '/' {
		return nil, ref.errorf("%s is not a pointer within this schema", quote(ref.text))
	}
	at := root
	if path == "" {
		return at, nil
	}
	for _, key := range strings.Split(path[1:], "/") {
		key, ok := unescapePointer(key)
		if !ok {
			return nil, ref.errorf("%s is not a JSON pointer", quote(ref.text))
		}
		var next *node
		if at.kind == isObject {
			next = at.get(key)
		} else if at.kind == isArray {
			if i := slices.IndexFunc(at.kids, func(k *node) bool { return k.key == key }); i >= 0 {
				next = at.kids[i]
			}
		}
		if next == nil {
			return nil, ref.errorf("%s is not there", quote(ref.text))
		}
		at = next
	}
	return at, nil
}

// unescapePointer is a part of a JSON pointer in a fragment without its escapes.
func unescapePointer(part string) (string, bool) {
	part, err := url.PathUnescape(part)
	if err != nil {
		return "", false
	}
	for i := 0; i < len(part); i++ {
		if part[i] != '~' {
			continue
		}
		if i++; i == len(part) || part[i] != '0' && part[i] != '1' {
			return "", false
		}
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(part), true
}
