package tokenizer

import (
	"strings"
)

func (l *loader) normalizer() error {
	n, err := l.component("normalizer")
	if n == nil || err != nil {
		return err
	}
	l.t.steps = l.normalizerSteps(n, nil)
	return n.err()
}

var forms = map[string]form{"NFC": formNFC, "NFD": formNFD, "NFKC": formNFKC, "NFKD": formNFKD}

// normalizerSteps appends the steps of a normaliser.
func (l *loader) normalizerSteps(n *node, steps []step) []step {
	kind := typeOf(n)
	runes := func(m runeMap) { steps = append(steps, step{kind: stepMap, runes: m.build()}) }
	switch kind {
	case "NFC", "NFD", "NFKC", "NFKD":
		steps = append(steps, step{kind: stepForm, form: forms[kind]})
	case "Lowercase":
		runes(runeMap{lower: true})
	case "StripAccents":
		runes(runeMap{combining: true})
	case "Nmt":
		runes(runeMap{nmt: true})
	case "BertNormalizer":
		lower := n.must("lowercase").bool()
		clean, chinese := n.must("clean_text").bool(), n.must("handle_chinese_chars").bool()
		steps = append(steps, bertStep(clean, chinese, n.get("strip_accents").optBool(lower), lower))
	case "Replace":
		steps = append(steps, l.replaceStep(n))
	case "Prepend":
		if text := n.must("prepend").str(); text != "" {
			steps = append(steps, step{kind: stepPrepend, to: text})
		}
	case "Strip":
		steps = append(steps, step{kind: stepStrip, left: n.must("strip_left").bool(), right: n.must("strip_right").bool()})
	case "Precompiled":
		value := n.must("precompiled_charsmap")
		if value.null() || value.text == "" { // SentencePiece's "identity" rule has none
			value.optString()
			break
		}
		chars, err := parseCharsmap(value.str())
		if err != nil {
			value.fail("%v", err)
		}
		steps = append(steps, step{kind: stepCharsmap, chars: chars})
	case "ByteLevel":
		steps = append(steps, step{kind: stepBytes})
	case "Sequence":
		list := n.must("normalizers").elements()
		for i := range list {
			steps = l.normalizerSteps(&list[i], steps)
		}
	default:
		unsupported(n, kind, "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled", "Prepend", "Replace", "Sequence", "Strip", "StripAccents")
		return steps
	}
	if len(steps) > maxSteps {
		n.fail("more than %d parts", maxSteps)
	}
	n.done()
	return steps
}

// bertStep is BERT's normaliser as a whole, and as the parts that it takes where
// accents have to be split off first.
func bertStep(clean, chinese, accents, lower bool) step {
	all := runeMap{clean: clean, chinese: chinese, accents: accents, lower: lower}.build()
	if !accents {
		return step{kind: stepMap, runes: all}
	}
	return step{kind: stepBert, runes: all, first: runeMap{clean: clean, chinese: chinese}.build(),
		second: runeMap{accents: true, lower: lower}.build()}
}

func (l *loader) replaceStep(n *node) step {
	content, pattern := n.must("content").str(), n.must("pattern")
	s := step{kind: stepReplace, to: content}
	if text, ok := stringPattern(pattern); ok {
		s.from = text
		l.metaNormalizer = l.metaNormalizer || text == " " && content == metaspace
		return s
	}
	// A run of one character: " {2,}", " +".
	regex := pattern.get("Regex")
	text := regex.str()
	switch {
	case strings.HasSuffix(text, "{2,}"):
		s.from, s.min = text[:len(text)-4], 2
	case strings.HasSuffix(text, "+"):
		s.from, s.min = text[:len(text)-1], 1
	}
	if s.min == 0 || s.from != " " && s.from != metaspace {
		regex.fail("regular expression %.200q is not supported; these are: %q, %q, %q, %q", text, " {2,}", " +", metaspace+"{2,}", metaspace+"+")
	}
	s.kind = stepReplaceRuns
	pattern.done()
	return s
}

// stringPattern reads {"String": text}. It reports false for {"Regex": ...}.
func stringPattern(n *node) (string, bool) {
	s := n.get("String")
	if s.kind == 0 && n.get("Regex").kind != 0 {
		return "", false
	}
	text := s.str()
	if text == "" {
		s.fail("the pattern is empty")
	}
	n.done()
	return text, true
}
