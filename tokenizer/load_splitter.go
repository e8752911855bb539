package tokenizer

import (
	"maps"
	"slices"
	"strings"
)

// patterns are the regular expressions that are known, each with its scanner.
var patterns = map[string]scan{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: scanGPT2,

	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanLlama3,

	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanQwen2,

	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanO200K,
}

func (l *loader) preTokenizer() error {
	n, err := l.component("pre_tokenizer")
	if n == nil || err != nil {
		return err
	}
	l.t.split = l.splitters(n, nil, true)
	if l.t.byteLevel {
		for _, s := range l.t.steps {
			if s.kind == stepBytes {
				n.fail("ByteLevel after a ByteLevel normalizer is not supported")
			}
		}
	}
	return n.err()
}

// splitters appends the steps of a pre-tokeniser. last is whether nothing
// follows it: ByteLevel has to be last, for then its alphabet need not be
// written out.
func (l *loader) splitters(n *node, to []splitter, last bool) []splitter {
	kind := typeOf(n)
	switch kind {
	case "ByteLevel":
		n.get("trim_offsets").optBool(true)
		if n.must("add_prefix_space").bool() {
			to = append(to, splitter{kind: splitPrefix})
		}
		if n.get("use_regex").optBool(true) {
			to = append(to, splitter{kind: splitScan, scan: scanGPT2})
		}
		if !last {
			n.fail("ByteLevel is only supported as the last pre-tokenizer")
		}
		l.t.byteLevel = true
	case "Split":
		to = append(to, l.splitStep(n))
	case "BertPreTokenizer":
		to = append(to, splitter{kind: splitBert})
	case "Whitespace":
		to = append(to, splitter{kind: splitWords})
	case "WhitespaceSplit":
		to = append(to, splitter{kind: splitProps, props: propWhite, behavior: removed})
	case "CharDelimiterSplit":
		to = append(to, splitter{kind: splitString, text: string(n.must("delimiter").char()), behavior: removed})
	case "Punctuation":
		s := splitter{kind: splitProps, props: propPunct}
		if b := n.get("behavior"); !b.null() {
			s.behavior = behaviorOf(b)
		}
		to = append(to, s)
	case "Digits":
		s := splitter{kind: splitProps, props: propNumeric, behavior: contiguous}
		if n.must("individual_digits").bool() {
			s.behavior = isolated
		}
		to = append(to, s)
	case "FixedLength":
		s := splitter{kind: splitLength, length: 5}
		if v := n.get("length"); !v.null() {
			if s.length = v.int(1 << 20); s.length == 0 {
				v.fail("a length of 0")
			}
		}
		to = append(to, s)
	case "Metaspace":
		to = append(to, metaspaceStep(n))
	case "Sequence":
		list := n.must("pretokenizers").elements()
		for i := range list {
			to = l.splitters(&list[i], to, last && i == len(list)-1)
		}
	default:
		unsupported(n, kind, "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace", "Punctuation", "Sequence", "Split", "Whitespace", "WhitespaceSplit")
		return to
	}
	if len(to) > maxSteps {
		n.fail("more than %d parts", maxSteps)
	}
	n.done()
	return to
}

func behaviorOf(n *node) behavior {
	name := n.str()
	b, ok := behaviors[name]
	if !ok {
		n.fail("behavior %.80q is not supported; these are: %s", name, strings.Join(slices.Sorted(maps.Keys(behaviors)), ", "))
	}
	return b
}

func (l *loader) splitStep(n *node) splitter {
	s := splitter{kind: splitString, behavior: behaviorOf(n.must("behavior")), invert: n.must("invert").bool()}
	pattern := n.must("pattern")
	text, ok := stringPattern(pattern)
	if ok {
		s.text = text
		return s
	}
	regex := pattern.get("Regex")
	text = regex.str()
	pattern.done()
	if f := patterns[text]; f != nil {
		s.kind, s.scan = splitScan, f
		return s
	}
	if p, ok := charPatterns[text]; ok {
		s.kind, s.props = splitProps, p
		return s
	}
	if s.behavior == isolated {
		if p, ok := runPatterns[text]; ok {
			s.kind, s.props, s.behavior = splitProps, p, contiguous
			return s
		}
		if text == "[0-9][0-9][0-9]" {
			s.kind = splitThree
			return s
		}
	}
	regex.fail("regular expression %.400q is not supported; supported are those of GPT-2, Llama 3, Qwen 2 and GPT-4o, and %s",
		text, strings.Join(slices.Sorted(maps.Keys(charPatterns)), " "))
	return s
}

// charPatterns are regular expressions that match one character.
var charPatterns = map[string]uint16{`\s`: propSpace, `\p{N}`: propNumber, `\p{L}`: propLetter}

// runPatterns match as many characters as there are. They are for Isolated.
var runPatterns = map[string]uint16{`\p{N}+`: propNumber, `[\p{P}\$\+<=>\^~\|]+`: propMarks}

func metaspaceStep(n *node) splitter {
	s := splitter{kind: splitMeta, text: string(n.must("replacement").char()), split: n.get("split").optBool(true)}
	n.get("str_rep")
	scheme := n.get("prepend_scheme")
	switch name := scheme.optString(); name {
	case "", "always":
		s.scheme = prependAlways
	case "never":
		s.scheme = prependNever
	case "first":
		s.scheme = prependFirst
	default:
		scheme.fail("prepend_scheme %.80q is not supported; these are: always, first, never", name)
	}
	if add := n.get("add_prefix_space"); !add.optBool(true) {
		if s.scheme != prependNever {
			add.fail("add_prefix_space is false, but prepend_scheme is not never")
		}
	}
	return s
}
