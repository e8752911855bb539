package tokenizer

func (l *loader) postProcessor() error {
	n, err := l.component("post_processor")
	if n == nil || err != nil {
		return err
	}
	l.post(n)
	return n.err()
}

// post reads a post-processor. Of templates only the one for a single sequence
// is used.
func (l *loader) post(n *node) {
	kind := typeOf(n)
	switch kind {
	case "TemplateProcessing":
		l.template(n)
	case "BertProcessing", "RobertaProcessing":
		cls, sep := l.tokenPair(n.must("cls")), l.tokenPair(n.must("sep"))
		l.wrap(n, []int32{cls}, []int32{sep})
		if kind == "RobertaProcessing" {
			prefix := n.get("add_prefix_space").optBool(true)
			if n.get("trim_offsets").optBool(true) {
				l.t.trims = append(l.t.trims, trim{prefix})
			}
		}
	case "ByteLevel":
		n.get("use_regex").optBool(true)
		prefix := n.must("add_prefix_space").bool()
		if n.must("trim_offsets").bool() {
			l.t.trims = append(l.t.trims, trim{prefix})
		}
	case "Sequence":
		list := n.must("processors").elements()
		for i := range list {
			l.post(&list[i])
		}
	default:
		unsupported(n, kind, "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing")
		return
	}
	n.done()
}

// wrap puts ids around those of an earlier post-processor.
func (l *loader) wrap(n *node, prefix, suffix []int32) {
	t := l.t
	t.prefix, t.suffix = append(prefix, t.prefix...), append(t.suffix, suffix...)
	for _, id := range append(t.prefix[:len(t.prefix):len(t.prefix)], t.suffix...) {
		if t.Token(id) == "" {
			n.fail("id %d is not a token", id)
		}
	}
}

// tokenPair reads ["token", id].
func (l *loader) tokenPair(n *node) int32 {
	e := n.elements()
	if len(e) != 2 {
		n.fail("a token and its id expected")
		return 0
	}
	token, id := e[0].str(), int32(e[1].int(maxID))
	if got, ok := l.t.ID(token); n.err() == nil && (!ok || got != id) {
		n.fail("the token %.80q does not have the id %d", token, id)
	}
	return id
}

func (l *loader) template(n *node) {
	tokens := n.must("special_tokens")
	special := map[string][]int32{}
	tokens.get("")
	for i, name := range tokens.keys {
		tokens.used[i] = true
		e := &tokens.list[i]
		e.get("id")
		e.get("tokens")
		ids := e.must("ids").elements()
		e.done()
		for k := range ids {
			special[name] = append(special[name], int32(ids[k].int(maxID)))
		}
	}
	var parts [2][]int32
	side := 0
	list := n.must("single").elements()
	for i := range list {
		p := &list[i]
		if s := p.get("SpecialToken"); s.kind != 0 {
			name := s.must("id").str()
			s.get("type_id")
			s.done()
			ids, ok := special[name]
			if !ok {
				s.fail("the token %.80q is not in special_tokens", name)
			}
			parts[side] = append(parts[side], ids...)
		} else {
			s := p.must("Sequence")
			if id := s.must("id"); id.str() != "A" || side == 1 {
				id.fail("a single sequence has the sequence A once, found %s", id)
			}
			s.get("type_id")
			s.done()
			side = 1
		}
		p.done()
	}
	if side == 0 {
		n.fail("single: the sequence A is missing")
	}
	n.get("pair")
	if n.err() == nil {
		l.wrap(n, parts[0], parts[1])
	}
}

func (l *loader) decoder() error {
	n, err := l.component("decoder")
	if err != nil {
		return err
	}
	if n == nil {
		l.t.joinSpace = true
		return nil
	}
	l.t.decoders = decoders(n, nil)
	return n.err()
}

// decoders appends the steps of a decoder.
func decoders(n *node, to []decoder) []decoder {
	kind := typeOf(n)
	switch kind {
	case "ByteLevel":
		n.get("add_prefix_space")
		n.get("trim_offsets")
		n.get("use_regex")
		to = append(to, decodeBytes)
	case "WordPiece":
		to = append(to, wordPieceDecoder(n.must("prefix").str(), n.must("cleanup").bool()))
	case "BPEDecoder":
		to = append(to, bpeDecoder(n.must("suffix").str()))
	case "Metaspace":
		s := metaspaceStep(n)
		to = append(to, metaspaceDecoder(s.text, s.scheme != prependNever))
	case "Replace":
		content, pattern := n.must("content").str(), n.must("pattern")
		text, ok := stringPattern(pattern)
		if !ok {
			pattern.fail("a regular expression is not supported in a decoder")
		}
		to = append(to, replaceDecoder(text, content))
	case "ByteFallback":
		to = append(to, decodeFallback)
	case "Fuse":
		to = append(to, decodeFuse)
	case "Strip":
		to = append(to, stripDecoder(n.must("content").char(), n.must("start").int(maxPiece), n.must("stop").int(maxPiece)))
	case "Sequence":
		list := n.must("decoders").elements()
		for i := range list {
			to = decoders(&list[i], to)
		}
	default:
		unsupported(n, kind, "BPEDecoder", "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence", "Strip", "WordPiece")
		return to
	}
	if len(to) > maxSteps {
		n.fail("more than %d parts", maxSteps)
	}
	n.done()
	return to
}
