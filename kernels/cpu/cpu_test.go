package cpu

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestUse(t *testing.T) {
	start := Level()
	if want := os.Getenv("MOM_CPU"); want != "" && start != want {
		t.Errorf("MOM_CPU=%s, but the level is %s", want, start)
	}
	for i, name := range Levels() {
		restore := Use(name)
		if Level() != name {
			t.Errorf("Use(%q): level is %q", name, Level())
		}
		for j, l := range levels {
			if *l.has != (j <= i) {
				t.Errorf("Use(%q): flag of %s is %v", name, l.name, *l.has)
			}
		}
		restore()
		if Level() != start {
			t.Errorf("after restoring from %q: level is %q, want %q", name, Level(), start)
		}
	}
}

func TestUnknownLevel(t *testing.T) {
	defer func() {
		m := fmt.Sprint(recover())
		if !strings.Contains(m, `"sse9"`) || !strings.Contains(m, strings.Join(Levels(), ", ")) {
			t.Errorf("panic message %q does not name the value and the choices", m)
		}
	}()
	Use("sse9")
}

func TestLevelsInOrder(t *testing.T) {
	order := []string{"generic", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx", "neon", "dotprod", "i8mm"}
	at := -1
	for _, name := range Levels() {
		i := slices.Index(order, name)
		if i <= at {
			t.Errorf("levels %v: %s is out of order", Levels(), name)
		}
		at = i
	}
}

// The variable is read before main, so each value needs a process.
func TestEnvironment(t *testing.T) {
	if os.Getenv("MOM_CPU_CHILD") != "" {
		fmt.Println("level=" + Level())
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	run := func(value string) (string, error) {
		c := exec.Command(exe, "-test.run=^TestEnvironment$")
		c.Env = append(os.Environ(), "MOM_CPU_CHILD=1", "MOM_CPU="+value)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := run("generic"); err != nil && strings.Contains(err.Error(), "exec format") {
		t.Skip("this test binary cannot start itself: ", err)
	} else if err != nil {
		t.Fatal(out, err)
	}
	for _, name := range Levels() {
		if out, err := run(name); err != nil || !strings.Contains(out, "level="+name) {
			t.Errorf("MOM_CPU=%s: %v\n%s", name, err, out)
		}
	}
	if out, err := run("sse9"); err == nil || !strings.Contains(out, `MOM_CPU: level "sse9"`) {
		t.Errorf("MOM_CPU=sse9: %v\n%s", err, out)
	}
}

func TestPause(t *testing.T) {
	Pause(1)
	Pause(100)
}
