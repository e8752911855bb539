package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mom/weights"
)

// TestEncoderBeside runs a program with the folder of the larger encoder beside
// it: here the embedded one under that name.
func TestEncoderBeside(t *testing.T) {
	dir := t.TempDir()
	program, folder := filepath.Join(dir, "mom"), filepath.Join(dir, "weights", largerEncoder)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(self, program); err != nil {
		t.Skipf("no second name for the program: %v", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range weights.Models()[0].Files {
		if name == "mom.json" {
			data = []byte(strings.ReplaceAll(string(data), `-v1"`, `-r1"`))
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(level string, args ...string) string {
		c := exec.Command(program, args...)
		if c.Env = os.Environ(); level != "" {
			c.Env = append(c.Env, "MOM_CPU="+level)
		}
		out, _ := c.CombinedOutput() // what went wrong is in it
		return string(out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"models"}, folder},
		{[]string{"models", "mom-enc-guard-pii-r1"}, "# mom-enc-v1"}, // the card
		{[]string{"inspect", "mom-enc-r1"}, "mom-enc-class-intent-r1"},
		{[]string{"classify", "--json", "--model", "mom-enc-guard-pii-r1", "mail bo@example.org"}, `"EMAIL_ADDRESS"`},
		{[]string{"classify", "--json", "mail bo@example.org"}, `"EMAIL_ADDRESS"`},
		{[]string{"classify", "--json", "--heads", "mom-enc-guard-pii-v1", "mail bo@example.org"}, `"EMAIL_ADDRESS"`},
		{[]string{"models", "auto"}, "# mom-enc-v1"},
		{[]string{"classify", "--model", "mom-enc-x1", "hello"}, "neither a folder nor a model of the family"},
	} {
		if out := run("", c.args...); !strings.Contains(out, c.want) {
			t.Errorf("mom %s: want %q in\n%s", strings.Join(c.args, " "), c.want, out)
		}
	}
	// Only the folder is broken from here on, so that an answer tells who gave it.
	config := filepath.Join(folder, "config.json")
	if err := os.WriteFile(config, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	highest := run("", "cpu", "--levels")
	for level, broken := range map[string]bool{"": !strings.HasSuffix(strings.TrimSpace(highest), "generic"), "generic": false} {
		for _, args := range [][]string{{"classify", "hello"}, {"route", "hello"}, {"embed", "hello"}} {
			if out := run(level, args...); strings.Contains(out, folder) != (broken && args[0] != "embed") {
				t.Errorf("MOM_CPU=%s mom %s: does it open the folder beside it: want %v:\n%s", level, args[0], broken, out)
			}
		}
	}
	if out := run("", "models"); !strings.Contains(out, "mom-enc-r1") || !strings.Contains(out, "mom-enc-class-intent-v1") {
		t.Errorf("one broken folder hides others:\n%s", out)
	}
	if out := run("", "classify", "--model", weights.Default, "hello"); !strings.Contains(out, "intent") {
		t.Errorf("the embedded one by its name:\n%s", out)
	}
}
