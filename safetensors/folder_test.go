package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mom/tensor"
)

// write fills a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shard is a file whose tensors are the given names, of one float each.
func shard(names ...string) string {
	var entries []string
	for i, name := range names {
		entries = append(entries, f32At(name, 4*i, 1))
	}
	return string(file(object(entries...), 4*len(names)))
}

const (
	firstShard  = "model-00001-of-00002.safetensors"
	secondShard = "model-00002-of-00002.safetensors"
)

// index is an index file of name, shard, name, shard …
func index(pairs ...string) string {
	var b []string
	for i := 0; i < len(pairs); i += 2 {
		b = append(b, fmt.Sprintf("%q: %q", pairs[i], pairs[i+1]))
	}
	return `{"metadata": {"total_size": 12}, "weight_map": {` + strings.Join(b, ", ") + `}}`
}

func TestShards(t *testing.T) {
	dir := write(t, map[string]string{
		indexName:   index("a", firstShard, "c", secondShard, "b", firstShard),
		firstShard:  shard("a", "b"),
		secondShard: shard("c"),
		"notes.txt": "not read",
	})
	for name, opts := range ways() {
		f, err := OpenFolder(dir, opts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := f.Names(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("%s: names %v", name, got)
		}
		for _, n := range f.Names() {
			if v, ok := f.Tensor(n); !ok || len(v.Data) != 4 || v.DType != tensor.F32 {
				t.Errorf("%s: %s is %v, %v", name, n, v, ok)
			}
		}
		if want := int64(len(shard("a", "b")) + len(shard("c"))); f.Bytes() != want {
			t.Errorf("%s: %d bytes, want %d", name, f.Bytes(), want)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A single file outranks an index.
func TestSingleFile(t *testing.T) {
	dir := write(t, map[string]string{singleName: shard("x"), indexName: "nonsense"})
	f, err := OpenFolder(dir, Options{})
	if err != nil || !slices.Equal(f.Names(), []string{"x"}) {
		t.Errorf("got %v, %v", f, err)
	}
}

func TestNoWeights(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "nothing")} {
		_, err := OpenFolder(dir, Options{})
		if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), dir+": neither model.safetensors nor model.safetensors.index.json") {
			t.Errorf("got %v", err)
		}
	}
}

// hostileIndexes are index files that are wrong whatever lies beside them.
func hostileIndexes() map[string][2]string {
	long := strings.Repeat("x", 300) + ".safetensors"
	cases := map[string][2]string{
		"empty":                  {``, "index: want '{'"},
		"array":                  {`[]`, "index: want '{'"},
		"not UTF-8":              {"{\"weight_map\":{\"\xff\":\"a.safetensors\"}}", "is not valid UTF-8"},
		"no map":                 {`{}`, "weight_map is missing or empty"},
		"empty map":              {`{"weight_map":{}}`, "weight_map is missing or empty"},
		"map null":               {`{"weight_map":null}`, "weight_map: want '{'"},
		"map array":              {`{"weight_map":["a"]}`, "weight_map: want '{'"},
		"map twice":              {`{"weight_map":{"a":"x.safetensors"},"weight_map":{"b":"x.safetensors"}}`, "weight_map occurs twice"},
		"number as shard":        {`{"weight_map":{"a":1}}`, "value in weight_map"},
		"null as shard":          {`{"weight_map":{"a":null}}`, "value in weight_map"},
		"list of shards":         {`{"weight_map":{"a":["x.safetensors"]}}`, "value in weight_map"},
		"name twice":             {index("a", "x.safetensors", "a", "y.safetensors"), "tensor a: occurs twice in weight_map"},
		"name twice, escaped":    {`{"weight_map":{"a":"x.safetensors","\u0061":"x.safetensors"}}`, "tensor a: occurs twice in weight_map"},
		"text after":             {index("a", "x.safetensors") + "x", "after its end"},
		"cut":                    {index("a", "x.safetensors")[:40], "of the JSON"},
		"comma at the end":       {`{"weight_map":{"a":"x.safetensors",}}`, "key in weight_map"},
		"deep elsewhere":         {`{"metadata":` + strings.Repeat("[", 100000), "nested more than 64 deep"},
		"deep objects elsewhere": {`{"metadata":` + strings.Repeat(`{"a":`, 100000), "nested more than 64 deep"},
		"bad number elsewhere":   {`{"metadata":01}`, "01 is not a JSON value"},
		"bad word elsewhere":     {`{"metadata":nul}`, "nul is not a JSON value"},
		"bad sign elsewhere":     {`{"metadata":-}`, "- is not a JSON value"},
		"bad point elsewhere":    {`{"metadata":1.}`, "1. is not a JSON value"},
		"bad exponent elsewhere": {`{"metadata":1e}`, "1e is not a JSON value"},
		"1025 shards":            {manyShards(maxShards + 1), "weight_map names more than 1024 shards"},
		"many shards":            {manyShards(50000), "weight_map names more than 1024 shards"},
		"many tensors, no end":   {strings.TrimSuffix(manyTensors(50000), "}"), "want ','"},
		"many tensors, one twice": {strings.TrimSuffix(manyTensors(50000), "}}") + `,"t7":"x.safetensors"}}`,
			"tensor t7: occurs twice in weight_map"},
	}
	for name, reason := range map[string]string{
		"../x.safetensors":                 "contains a path",
		"../../etc/passwd":                 "contains a path",
		"/etc/passwd":                      "contains a path",
		"/x.safetensors":                   "contains a path",
		"./x.safetensors":                  "contains a path",
		"a/x.safetensors":                  "contains a path",
		"a/../x.safetensors":               "contains a path",
		`..\x.safetensors`:                 "contains a path",
		`C:\x.safetensors`:                 "contains a path",
		"C:x.safetensors":                  "contains a path",
		"x.safetensors:stream":             "contains a path",
		"file:///x.safetensors":            "contains a path",
		".":                                "contains a path",
		"..":                               "contains a path",
		"":                                 "does not end in .safetensors",
		"x.bin":                            "does not end in .safetensors",
		"x.safetensors\x00":                "does not end in .safetensors",
		"x\x00.safetensors":                "contains a control character",
		"x\n.safetensors":                  "contains a control character",
		"x.SAFETENSORS":                    "does not end in .safetensors",
		"model.safetensors.index.json":     "does not end in .safetensors",
		long:                               "is too long for a file",
		"％2e％2e/x.safetensors":             "contains a path",
		".hidden/../../x.safetensors":      "contains a path",
		"x.safetensors/":                   "contains a path",
		strings.Repeat("../", 500) + "etc": "contains a path",
	} {
		quoted := string(appendString(nil, name))
		cases[fmt.Sprintf("shard %.40q", name)] = [2]string{`{"weight_map":{"a":` + quoted + `}}`, reason}
	}
	cases["shard with an escaped slash"] = [2]string{`{"weight_map":{"a":"..\u002fx.safetensors"}}`, "shard name ../x.safetensors contains a path"}
	return cases
}

func manyShards(n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprint("t", i), fmt.Sprint(i, ".safetensors"))
	}
	return index(pairs...)
}

func manyTensors(n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprint("t", i), "x.safetensors")
	}
	return index(pairs...)
}

// shardTable is what a table of 1024 names of shards costs, besides its text.
const shardTable = 300 << 10

func TestHostileIndex(t *testing.T) {
	for name, c := range hostileIndexes() {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{indexName: c[0], "x.safetensors": shard("a")})
			check(t, filepath.Join(dir, indexName), hostile{[]byte(c[0]), c[1]}, shardTable, func() (*File, error) { return OpenFolder(dir, Options{}) })
		})
	}
}

// Index and shards that do not fit together.
func TestShardMismatch(t *testing.T) {
	both := index("a", firstShard, "b", secondShard)
	for name, c := range map[string]struct {
		files    map[string]string
		at, want string
	}{
		"no shards": {map[string]string{indexName: both}, indexName, "2 of 2 shards are missing: " + firstShard + ", " + secondShard},
		"one shard": {map[string]string{indexName: both, firstShard: shard("a")}, indexName, "1 of 2 shards are missing: " + secondShard},
		"many missing": {map[string]string{indexName: manyShards(100)}, indexName,
			"100 of 100 shards are missing: 0.safetensors, 1.safetensors, 10.safetensors, 11.safetensors and 96 more"},
		"tensor missing":    {map[string]string{indexName: both, firstShard: shard("a"), secondShard: shard("c")}, indexName, "shard " + secondShard + " lacks 1 of the tensors that are placed in it: b"},
		"tensors swapped":   {map[string]string{indexName: both, firstShard: shard("b"), secondShard: shard("a")}, indexName, "shard " + firstShard + " lacks 1 of the tensors that are placed in it: a"},
		"tensor twice":      {map[string]string{indexName: both, firstShard: shard("a"), secondShard: shard("a", "b")}, secondShard, "tensor a: is in this shard, but the index places it in " + firstShard},
		"tensor unlisted":   {map[string]string{indexName: both, firstShard: shard("a", "z"), secondShard: shard("b")}, firstShard, "tensor z: is not in the index"},
		"shard is broken":   {map[string]string{indexName: both, firstShard: shard("a"), secondShard: shard("b")[:30]}, secondShard, "bytes follow it"},
		"shard is an index": {map[string]string{indexName: both, firstShard: shard("a"), secondShard: both}, secondShard, "over the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, c.files)
			for _, opts := range ways() {
				start := time.Now()
				_, err := OpenFolder(dir, opts)
				var e *FormatError
				if !errors.As(err, &e) || e.File != filepath.Join(dir, c.at) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v\nwant %s: %s", err, c.at, c.want)
				}
				if d := time.Since(start); d > time.Second {
					t.Errorf("took %v", d)
				}
			}
		})
	}
}

// A shard may be a link, as in the caches of the Hub, but no folder or device.
func TestShardLinks(t *testing.T) {
	dir := write(t, map[string]string{indexName: index("a", "x.safetensors"), "blob": shard("a")})
	x := filepath.Join(dir, "x.safetensors")
	if err := os.Symlink("blob", x); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFolder(dir, Options{})
	if err != nil || len(f.Names()) != 1 {
		t.Errorf("got %v, %v", f, err)
	}
	os.Remove(x)
	if err := os.Symlink("/dev/zero", x); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir, Options{}); err == nil || !strings.Contains(err.Error(), "is a device, not a regular file") {
		t.Errorf("got %v", err)
	}
	if _, err := OpenFolder(write(t, map[string]string{"x": ""}), Options{}); err == nil {
		t.Error("an empty folder was accepted")
	}
}

// An index that is larger than it may be is not read.
func TestHugeIndex(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, indexName)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxHeader+1); err != nil {
		t.Skip(err)
	}
	var err error
	used := allocated(func() { _, err = OpenFolder(dir, Options{}) })
	if err == nil || !strings.Contains(err.Error(), "over the limit") || used > slack {
		t.Errorf("got %v, %d bytes allocated", err, used)
	}
}
