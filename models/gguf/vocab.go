package gguf

// eachString calls each for the strings of an array of the key.
func (f *File) eachString(key string, v value, limit int, each func(i int, text []byte)) error {
	s := newScanner(f.r, f.size, v.at)
	for i := range int(v.bits) {
		text := s.text(limit, "an element")
		if s.err != nil {
			return f.failKey(key, "element %d: %v", i, s.err)
		}
		each(i, text)
	}
	return nil
}

// eachToken calls each for the tokens with their types.
func (f *File) eachToken(v *vocabulary, each func(id int, token []byte, kind uint32)) error {
	types := newScanner(f.r, f.size, v.types.at)
	var bad error
	err := f.eachString(keyTokens, v.tokens, maxToken, func(i int, token []byte) {
		kind := uint32(tokenNormal)
		if v.types.bits > 0 {
			kind = types.u32("the types")
		}
		switch {
		case bad != nil:
		case types.err != nil:
			bad = f.failKey(keyTypes, "%v", types.err)
		case kind < tokenNormal || kind > tokenByte:
			bad = f.failKey(keyTypes, "token %d has the type %d; want %d to %d", i, int32(kind), tokenNormal, tokenByte)
		default:
			each(i, token, kind)
		}
	})
	if err == nil {
		err = bad
	}
	return err
}

// token is one of the tokens.
func (f *File) token(tokens value, id int) (string, error) {
	s := newScanner(f.r, f.size, tokens.at)
	for i := 0; i < id && s.err == nil; i++ {
		n := s.u64("the length of a token")
		s.skip(n, "a token")
	}
	text := string(s.text(maxToken, "a token"))
	if s.err != nil {
		return "", f.failKey(keyTokens, "element %d: %v", id, s.err)
	}
	return text, nil
}

// Special is the tokens with a role, by the names that chat templates have for
// them: bos_token, eos_token and others.
func (f *File) Special() (map[string]string, error) {
	special := map[string]string{}
	for _, role := range []struct{ name, key string }{
		{"bos_token", keyBOS}, {"eos_token", keyEOS}, {"pad_token", keyPad}, {"unk_token", "tokenizer.ggml.unknown_token_id"},
		{"sep_token", "tokenizer.ggml.seperator_token_id"}, {"mask_token", "tokenizer.ggml.mask_token_id"},
	} {
		if !f.has(role.key) {
			continue
		}
		tokens, err := f.array(keyTokens, kindString)
		if err != nil {
			return nil, err
		}
		id, err := f.whole(role.key, 0, int64(tokens.bits)-1)
		if err != nil {
			return nil, err
		}
		if special[role.name], err = f.token(tokens, id); err != nil {
			return nil, err
		}
	}
	return special, nil
}

// ChatTemplate is the template of the file's conversations, or of those with the
// name, such as tool_use; "" when it has none.
func (f *File) ChatTemplate(name string) (string, error) {
	if name == "" || name == "default" {
		return f.text(keyChat)
	}
	return f.text(keyChat + "." + name)
}
