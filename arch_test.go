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
	"safetensors":        {"tensor"},
	"tokenizer":          {},
	"models":             {"models", "kernels", "kernels/cpu", "tensor"},
	"weights":            {},
	"engine/pattern":     {},
	"engine":             {"models", "safetensors", "tokenizer", "tensor", "weights", "engine/pattern", "kernels", "kernels/cpu"},
	"router":             {},
	"server":             {"router"},
	"bench":              {"bench", "engine", "models", "safetensors", "tokenizer", "tensor", "kernels", "kernels/cpu"},
	"cmd":                {"bench", "engine", "engine/pattern", "models", "safetensors", "tokenizer", "tensor", "kernels", "kernels/cpu", "weights", "router", "server"},
}

// onlyUsers are modules that one group alone may import.
var onlyUsers = map[string]string{
	"github.com/klauspost/cpuid/v2": "kernels/cpu",
	"github.com/valyala/fasthttp":   "server",
	"github.com/spf13/cobra":        "cmd",
	"gonum.org/v1/gonum":            "bench",
	"github.com/viterin/vek":        "bench",
}

// In tests a package may also use what makes its inputs and its oracles.
var testLayers = []string{"kernels/kerneltest", "safetensors", "tensor"}

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
		for module, user := range onlyUsers {
			if (name == module || strings.HasPrefix(name, module+"/")) && group != user && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s imports %s, which only %s may", path, name, user)
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

func groupOf(dir string) string {
	best := ""
	for g := range layers {
		if (dir == g || strings.HasPrefix(dir, g+"/")) && len(g) > len(best) {
			best = g
		}
	}
	return best
}
