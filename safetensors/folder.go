package safetensors

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
	// maxShards bounds the files that an index may name.
	maxShards = 1024
	// maxListed is how many names an error lists.
	maxListed = 4
)

// OpenFolder reads model.safetensors in dir; where there is none, the shards
// that model.safetensors.index.json names.
//
// Index and shards must agree: every shard is there, lies in dir itself, and has
// exactly the tensors that the index places in it.
func OpenFolder(dir string, opts Options) (*File, error) {
	single := filepath.Join(dir, singleName)
	if _, err := os.Lstat(single); err == nil {
		return Open(single, opts)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	path := filepath.Join(dir, indexName)
	text, err := readIndex(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: neither %s nor %s: %w", dir, singleName, indexName, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	x, err := parseIndex(path, text)
	if err != nil {
		return nil, err
	}
	f := &File{}
	if err := x.open(f, dir, opts); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readIndex reads an index file, which may be as large as a header.
func readIndex(path string) ([]byte, error) {
	file, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > maxHeader {
		return nil, &FormatError{File: path, Reason: fmt.Sprintf("%d bytes are over the limit of %d for an index", size, maxHeader)}
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(file, text); err != nil {
		return nil, shrunk(path, err)
	}
	return text, nil
}

// A shardIndex is the weight_map of an index file: which shard has each tensor.
type shardIndex struct {
	name    string
	text    []byte
	shards  []string // in the order of their names
	tensors []placed // by hash
}

type placed struct {
	hash  uint32 // of the tensor's name
	at    uint32 // where the name begins in the text
	shard int32
}

// parseIndex reads {"metadata": {…}, "weight_map": {tensor: shard}}. Other keys
// are skipped: writers add their own.
func parseIndex(name string, text []byte) (*shardIndex, error) {
	x := &shardIndex{name: name, text: text}
	if !utf8.Valid(text) {
		return nil, x.fail("", "is not valid UTF-8")
	}
	s := &scanner{text: text}
	seen := false
	s.object("index", func(key quoted) {
		if !key.is("weight_map") {
			s.skip("index", 0)
			return
		}
		if seen {
			s.fail("weight_map occurs twice")
		}
		seen = true
		x.scanMap(s)
	})
	s.end("index")
	if s.err != nil {
		return nil, x.fail("", "%v", s.err)
	}
	if len(x.tensors) == 0 {
		return nil, x.fail("", "weight_map is missing or empty")
	}
	if i := x.duplicate(); i >= 0 {
		return nil, x.fail(x.quotedAt(x.tensors[i].at).brief(), "occurs twice in weight_map")
	}
	return x, nil
}

func (x *shardIndex) fail(tensor, format string, args ...any) error {
	return &FormatError{File: x.name, Tensor: tensor, Reason: fmt.Sprintf(format, args...)}
}

func (x *shardIndex) quotedAt(pos uint32) quoted {
	s := scanner{text: x.text, pos: int(pos)}
	return s.str("", "")
}

// scanMap reads weight_map. It goes over it twice, first to count.
func (x *shardIndex) scanMap(s *scanner) {
	start, n := s.pos, 0
	s.scanPairs("weight_map", func(_, _ quoted) { n++ })
	if s.err != nil {
		return
	}
	s.pos = start
	x.tensors = make([]placed, 0, n)
	number := map[string]int32{}
	var h maphash.Hash
	h.SetSeed(seed)
	s.scanPairs("weight_map", func(key, value quoted) {
		shard, ok := number[string(value)] // no copy
		if !ok {
			file := value.String()
			if reason := badShard(file); reason != "" {
				s.fail("shard name %s %s", clip(file), reason)
			} else if len(x.shards) == maxShards {
				s.fail("weight_map names more than %d shards", maxShards)
			}
			if s.err != nil {
				return
			}
			if i := slices.Index(x.shards, file); i >= 0 { // written in two ways
				shard = int32(i)
			} else {
				shard = int32(len(x.shards))
				x.shards = append(x.shards, file)
			}
			if len(number) < 2*maxShards {
				number[string(value)] = shard
			}
		}
		x.tensors = append(x.tensors, placed{hash: key.hash(&h), at: s.offset(key), shard: shard})
	})
}

// badShard says what is wrong with the name of a shard, "" if nothing is. A
// shard is a file of the folder itself, on every system.
func badShard(name string) string {
	switch {
	case strings.ContainsAny(name, `/\:`) || name == "." || name == "..":
		return "contains a path"
	case !strings.HasSuffix(name, ".safetensors"):
		return "does not end in .safetensors"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return "contains a control character"
	case len(name) > 255:
		return "is too long for a file"
	}
	return ""
}

// duplicate sorts the tensors by hash and finds a name that occurs twice; -1 if
// none does.
func (x *shardIndex) duplicate() int {
	ts := x.tensors
	slices.SortFunc(ts, func(a, b placed) int { return cmp.Compare(a.hash, b.hash) })
	for i := range ts {
		for j := i + 1; j < len(ts) && ts[j].hash == ts[i].hash; j++ {
			if x.quotedAt(ts[i].at).equal(x.quotedAt(ts[j].at)) {
				return i
			}
		}
	}
	return -1
}

// open adds every shard to f and compares it with the index.
func (x *shardIndex) open(f *File, dir string, opts Options) error {
	var missing []string
	for _, shard := range x.shards {
		if _, err := os.Stat(filepath.Join(dir, shard)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, shard)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return x.fail("", "%d of %d shards are missing: %s", len(missing), len(x.shards), listed(missing))
	}
	for i, shard := range x.shards {
		if err := f.open(filepath.Join(dir, shard), opts); err != nil {
			return err
		}
		if err := x.compare(f.parts[i], int32(i)); err != nil {
			return err
		}
	}
	return nil
}

// compare wants the shard p to have exactly the tensors that are placed in it.
func (x *shardIndex) compare(p *part, shard int32) error {
	var missing []string
	want := 0
	for _, t := range x.tensors {
		if t.shard != shard {
			continue
		}
		want++
		if name := x.quotedAt(t.at).String(); !p.has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return x.fail("", "shard %s lacks %d of the tensors that are placed in it: %s", x.shards[shard], len(missing), listed(missing))
	}
	if want == len(p.index) {
		return nil
	}
	for _, e := range p.index {
		name := p.nameOf(e)
		switch at := x.find(name); {
		case at < 0:
			return &FormatError{File: p.name, Tensor: name, Reason: "is not in the index"}
		case at != shard:
			return &FormatError{File: p.name, Tensor: name, Reason: "is in this shard, but the index places it in " + x.shards[at]}
		}
	}
	return nil
}

func (p *part) has(name string) bool { _, ok := p.find(name); return ok }

// find is the shard in which the index places a tensor; -1 if none.
func (x *shardIndex) find(name string) int32 {
	hash := uint32(maphash.String(seed, name))
	i, _ := slices.BinarySearchFunc(x.tensors, hash, func(t placed, h uint32) int { return cmp.Compare(t.hash, h) })
	for ; i < len(x.tensors) && x.tensors[i].hash == hash; i++ {
		if x.quotedAt(x.tensors[i].at).is(name) {
			return x.tensors[i].shard
		}
	}
	return -1
}

// listed joins the first few names for an error.
func listed(names []string) string {
	var short []string
	for _, name := range names[:min(len(names), maxListed)] {
		short = append(short, clip(name))
	}
	s := strings.Join(short, ", ")
	if more := len(names) - maxListed; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
