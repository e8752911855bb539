package mom

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers is the architecture: every group of packages, and the groups of this
// module that it may import. It is a statement of policy: when TestLayers
// fails, the import is wrong, not the table. A package belongs to the longest
// group that its path begins with.
var layers = map[string][]string{
	"kernels/cpu":        {},
	"kernels/kerneltest": {"kernels/cpu"},
	"kernels":            {"kernels", "kernels/cpu"},
	"tensor":             {},
	"files":              {},
	"safetensors":        {"tensor"},
	"tokenizer":          {},
	"models":             {"models", "models/gguf", "kernels", "kernels/cpu", "tensor"},
	"models/gguf":        {"tensor", "files"},
	"weights":            {},
	"engine/pattern":     {},
	"engine/ngram":       {},
	"engine/view":        {},
	"engine/sample":      {},
	"engine/grammar":     {},
	"engine/generate":    {"engine/adapter", "engine/sample", "engine/chat", "engine/grammar", "models", "models/gguf", "safetensors", "tokenizer", "tensor", "files", "weights", "kernels", "kernels/cpu"},
	"engine/chat":        {"models/gguf", "files"},
	"engine/adapter":     {"models", "safetensors", "files"},
	"engine/explain":     {"engine/adapter", "files", "engine/generate", "engine/chat", "engine/grammar", "kernels/cpu", "models", "tokenizer", "weights"},
	"engine/api":         {"engine/generate", "engine/chat", "engine/grammar", "engine/sample", "tokenizer"},
	"engine/enginetest":  {"safetensors", "tensor"},
	"engine":             {"engine/adapter", "files", "models", "safetensors", "tokenizer", "tensor", "weights", "engine/ngram", "engine/pattern", "engine/view", "engine/chat", "models/gguf", "kernels", "kernels/cpu"},
	"router":             {},
	"server/web":         {"router"},
	"server/config":      {"router"},
	"server/protocol":    {"router", "server/web"},
	"server/upstream":    {"server/web", "server/config"},
	"server/state":       {"router"},
	"server/cache":       {"router"},
	"server/shared":      {},
	"server/openapi":     {"server/web"},
	"server/official":    {},
	"server/compat":      {"router", "server/web"},
	"server/admin":       {"router", "server/web"},
	"server/playground":  {"router", "server/web", "server/state"},
	"server": {"router", "server/web", "server/config", "server/protocol", "server/upstream", "server/state", "server/cache",
		"server/shared", "server/openapi", "server/compat", "server/admin", "server/playground"},
	"bench": {"bench", "engine", "engine/generate", "models", "safetensors", "tokenizer", "tensor", "kernels", "kernels/cpu"},
	// A load generator knows nothing of what it loads.
	"bench/load": {},
	"cmd": {"bench", "engine", "engine/pattern", "engine/chat", "engine/sample", "engine/generate", "engine/grammar", "engine/explain", "engine/api", "models", "models/gguf", "safetensors", "tokenizer", "tensor", "files", "kernels", "kernels/cpu", "weights",
		"router", "server", "server/web", "server/config", "server/admin", "server/state"},
}

// onlyUsers are modules that some packages alone, and those below them, may
// import.
var onlyUsers = map[string][]string{
	"github.com/klauspost/cpuid/v2":      {"kernels/cpu"},
	"github.com/valyala/fasthttp":        {"server", "bench/load"},
	"github.com/spf13/cobra":             {"cmd"},
	"golang.org/x/text":                  {"engine/view"},
	"gonum.org/v1/gonum":                 {"bench"},
	"github.com/viterin/vek":             {"bench", "server/cache"},
	"modernc.org/sqlite":                 {"server/state"},
	"github.com/gomodule/redigo":         {"server/shared"},
	"github.com/VictoriaMetrics/metrics": {"server/admin"},
}

// In tests a package may also use what makes its inputs and its oracles.
var testLayers = []string{"kernels/kerneltest", "engine/enginetest", "safetensors", "tensor", "tokenizer", "server/official"}

// TestLayers parses every file itself, whatever its build tags, so that the
// test cache knows what it depends on.
func TestLayers(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || !strings.Contains(path, "/") {
			return nil
		}
		files++
		checkImports(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d files were found; is this the root of the repository?", files)
	}
}

func checkImports(t *testing.T, path string) {
	group := groupOf(filepath.ToSlash(filepath.Dir(path)))
	if group == "" {
		t.Errorf("%s is in no group of layers: add the package to the table on purpose", path)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, imp := range f.Imports {
		name, _ := strconv.Unquote(imp.Path.Value)
		for module, users := range onlyUsers {
			if under(name, module) && !slices.ContainsFunc(users, func(u string) bool { return under(group, u) }) && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s imports %s, which only %s may", path, name, strings.Join(users, " and "))
			}
		}
		inner, ours := strings.CutPrefix(name, "mom/")
		if name == "C" {
			t.Errorf("%s imports C", path)
		}
		if !ours {
			continue
		}
		to := groupOf(inner)
		allowed := slices.Contains(layers[group], to) || to == group
		if strings.HasSuffix(path, "_test.go") {
			allowed = allowed || slices.Contains(testLayers, to)
		}
		if !allowed {
			t.Errorf("%s (%s) imports %s (%s), which its layer may not", path, group, name, to)
		}
	}
}

// under reports whether path is dir or lies below it.
func under(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

func groupOf(dir string) string {
	best := ""
	for g := range layers {
		if under(dir, g) && len(g) > len(best) {
			best = g
		}
	}
	return best
}
