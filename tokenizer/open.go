package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// Open reads the tokenizer of a model folder: its tokenizer.json, or, if it has
// none, vocab.txt with tokenizer_config.json of a BERT model. path may also be
// the tokenizer.json itself.
func Open(path string) (*Tokenizer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if !info.IsDir() {
		data, err := readFile(path)
		if err != nil {
			return nil, err
		}
		return Parse(path, data)
	}
	file := filepath.Join(path, "tokenizer.json")
	data, err := readFile(file)
	if err == nil {
		return Parse(file, data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file = filepath.Join(path, "vocab.txt")
	vocab, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tokenizer: %s: neither tokenizer.json nor vocab.txt", path)
	}
	if err != nil {
		return nil, err
	}
	config, err := readFile(filepath.Join(path, "tokenizer_config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &FormatError{file, "", "without tokenizer_config.json, which says whether letters are made small"}
	}
	if err != nil {
		return nil, err
	}
	return parseBERT(path, vocab, config)
}

// readFile reads a regular file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{path, "", "not a regular file"}
	}
	if info.Size() > maxFile {
		return nil, &FormatError{path, "", fmt.Sprintf("%d bytes, more than %d", info.Size(), maxFile)}
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return data, nil
}

// parseBERT makes a tokenizer of a vocabulary of one token a line and the
// settings of BertTokenizer.
func parseBERT(dir string, vocab, config []byte) (*Tokenizer, error) {
	fail := func(file string, err error) (*Tokenizer, error) {
		file = filepath.Join(dir, file)
		var l *located
		if errors.As(err, &l) {
			return nil, &FormatError{file, l.path, l.err.Error()}
		}
		return nil, &FormatError{file, "", err.Error()}
	}
	l := &loader{t: &Tokenizer{added: map[string]int32{}, byID: map[int32]*addedToken{}}}
	if err := l.readLines(vocab); err != nil {
		return fail("vocab.txt", err)
	}
	if !utf8.Valid(config) {
		return fail("tokenizer_config.json", errors.New("not UTF-8"))
	}
	l.s = &scanner{data: config}
	n, err := parseNode(l.s, "tokenizer_config")
	if err == nil && l.s.peek() != 0 {
		err = l.s.fail("the end of the file")
	}
	if err == nil {
		err = l.bertConfig(n)
	}
	if err != nil {
		return fail("tokenizer_config.json", err)
	}
	l.finish()
	return l.t, nil
}

// readLines reads one token a line; a line's number is its id.
func (l *loader) readLines(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("not UTF-8")
	}
	v := newVocab(len(data) * 4) // a line is shorter than an entry of JSON
	for id := int32(0); len(data) > 0; id++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte{'\n'})
		line = bytes.TrimRight(line, " \t\r\n\v\f\u0085\u00a0")
		if len(line) == 0 && len(data) == 0 {
			break
		}
		if err := v.add(line, id, false); err != nil {
			return at(fmt.Sprintf("line %d", id+1), err)
		}
	}
	if v.n == 0 {
		return errors.New("empty")
	}
	l.t.vocab = v
	return nil
}

// bertIgnored are settings without effect on the tokens of a text.
var bertIgnored = []string{"model_max_length", "padding_side", "truncation_side", "pad_token", "name_or_path", "special_tokens_map_file",
	"clean_up_tokenization_spaces", "tokenizer_file", "max_length", "pad_to_multiple_of", "pad_token_type_id", "stride", "truncation_strategy",
	"max_len", "model_input_names", "extra_special_tokens", "init_inputs", "auto_map", "processor_class", "use_fast", "backend", "is_local", "vocab_file", "additional_special_tokens"}

// bertConfig applies tokenizer_config.json.
func (l *loader) bertConfig(n *node) error {
	known := []string{"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast", "ElectraTokenizer", "ElectraTokenizerFast", "MPNetTokenizer", "MobileBertTokenizer"}
	if class := n.get("tokenizer_class"); !class.null() && !slices.Contains(known[:6], class.str()) {
		class.fail("tokenizer_class %s is not supported; these are: %v", class, known[:6])
	}
	if b := n.get("do_basic_tokenize"); !b.optBool(true) {
		b.fail("do_basic_tokenize has to be true")
	}
	if v := n.get("never_split"); !v.null() && len(v.list) > 0 {
		v.fail("never_split is not supported")
	}
	lower := n.get("do_lower_case").optBool(true)
	chinese, accents := n.get("tokenize_chinese_chars").optBool(true), n.get("strip_accents").optBool(lower)
	t := l.t
	t.steps = []step{bertStep(true, chinese, accents, lower)}
	t.split = []splitter{{kind: splitBert}}
	special := func(key, def string) int32 {
		s := n.get(key)
		text := def
		if s.kind == '{' {
			text = s.must("content").str()
		} else if !s.null() {
			text = s.str()
		}
		id := t.vocab.find([]byte(text))
		if id < 0 {
			s.fail("the token %.80q is not in vocab.txt", text)
		} else if t.byID[id] == nil {
			if err := l.addToken(&addedToken{content: text, id: id, special: true}); err != nil {
				s.fail("%v", err)
			}
		}
		return id
	}
	unk := special("unk_token", "[UNK]")
	cls, sep := special("cls_token", "[CLS]"), special("sep_token", "[SEP]")
	special("mask_token", "[MASK]")
	if _, ok := t.ID("[PAD]"); ok {
		special("pad_token", "[PAD]")
	}
	l.addedDecoder(n.get("added_tokens_decoder"))
	for _, key := range bertIgnored {
		n.get(key)
	}
	n.done()
	if n.err() != nil {
		return n.err()
	}
	m, err := newWordPiece(t.vocab, "##", unk, 100)
	if err != nil {
		return err
	}
	t.wordPiece, t.contSize = m, 2
	t.prefix, t.suffix = []int32{cls}, []int32{sep}
	t.decoders = []decoder{wordPieceDecoder("##", true)}
	return nil
}

// addedDecoder reads {"id": {"content": ...}}.
func (l *loader) addedDecoder(n *node) {
	if n.null() {
		return
	}
	n.get("")
	for i, key := range n.keys {
		n.used[i] = true
		e := &n.list[i]
		id := node{kind: '0', text: key, path: e.path, errs: n.errs}
		a := &addedToken{content: e.must("content").str(), id: int32(id.int(maxID)), singleWord: e.get("single_word").optBool(false),
			lstrip: e.get("lstrip").optBool(false), rstrip: e.get("rstrip").optBool(false), special: e.get("special").optBool(false)}
		a.normalized = e.get("normalized").optBool(!a.special)
		e.done()
		if old := l.t.byID[a.id]; n.err() == nil && (old == nil || *old != *a) {
			if old != nil {
				e.fail("it differs from what the key of the special token says: %+v", *old)
			} else if err := l.addToken(a); err != nil {
				e.fail("%v", err)
			}
		}
	}
}
