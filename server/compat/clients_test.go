package compat

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python runs a script of testdata whose module is installed, or skips the
// test. MOM_PYTHON names the interpreter, python3 by default.
func python(t *testing.T, module, script string, args ...string) *exec.Cmd {
	t.Helper()
	name := os.Getenv("MOM_PYTHON")
	if name == "" {
		name = "python3"
	}
	if err := exec.Command(name, "-c", "import "+module).Run(); err != nil {
		t.Skipf("%s has no module %s; MOM_PYTHON names another interpreter", name, module)
	}
	return exec.Command(name, append([]string{filepath.Join("testdata", script)}, args...)...)
}

// TestHuggingFaceClient has Hugging Face's own client ask.
func TestHuggingFaceClient(t *testing.T) {
	s := start(t, nil)
	cmd := python(t, "huggingface_hub, numpy", "hub.py", s.base)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	same(t, string(out), fmt.Sprintf(`{"label":"math","score":0.9,"guard":"jailbreak","shape":[1,%d],"a":%v,"similar":[1,0],"rerank":424,"long":413}`, hidden, math.Sqrt(0.5)))
}

// TestPresidioAnonymizer has Presidio's own anonymizer answer the same random
// requests.
func TestPresidioAnonymizer(t *testing.T) {
	s := start(t, nil)
	cmd := python(t, "presidio_anonymizer", "anonymizer.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	ask := func(request string) string {
		t.Helper()
		fmt.Fprintln(in, request)
		if !lines.Scan() {
			t.Fatalf("%s: %s", request, stderr.String())
		}
		return lines.Text()
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 3000 {
		request := randomAnonymize(r)
		status, _, got := s.exchange(presidioDoc, "POST", "/anonymize", request)
		if want := ask(request); status != 200 || !equalJSON(got, want) {
			t.Fatalf("%d: %s\ngot  %d %s\nwant %s", i, request, status, got, want)
		}
	}
	const key = "3t6w9z$C&F)J@NcR"
	encryptIt := fmt.Sprintf(`{"text":"I am Zoë.","anonymizers":{"DEFAULT":{"type":"encrypt","key":%q}},"analyzer_results":[{"start":5,"end":8,"score":1,"entity_type":"PERSON"}]}`, key)
	decryptIt := func(answer string) string {
		var o operated
		if err := json.Unmarshal([]byte(answer), &o); err != nil {
			t.Fatal(answer)
		}
		items, _ := json.Marshal(o.Items)
		return fmt.Sprintf(`{"text":%q,"deanonymizers":{"PERSON":{"type":"decrypt","key":%q}},"anonymizer_results":%s}`, o.Text, key, items)
	}
	want := `{"text":"I am Zoë.","items":[{"start":5,"end":8,"entity_type":"PERSON","text":"Zoë","operator":"decrypt","score":1}]}`
	_, _, ours := s.exchange(presidioDoc, "POST", "/anonymize", encryptIt)
	same(t, ask(decryptIt(ours)), want)
	_, _, back := s.exchange(presidioDoc, "POST", "/deanonymize", decryptIt(ask(encryptIt)))
	same(t, back, want)
	plain := `{"text":"My name is S184CMt9Drj7QaKQ21JTrpYzghnboTF9pn/neN8JME0=","deanonymizers":{"PERSON":{"type":"decrypt","key":"WmZq4t7w!z%C&F)J"}},"anonymizer_results":[{"start":11,"end":55,"entity_type":"PERSON"}]}`
	_, _, back = s.exchange(presidioDoc, "POST", "/deanonymize", plain)
	same(t, back, ask(plain))
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err, stderr.String())
	}
}

func equalJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && equal(x, y)
}

// randomAnonymize is a request with entities that lie beside, in and across
// each other.
func randomAnonymize(r *rand.Rand) string {
	text := []rune("Zoë Doe  and J. D. live at 5 Rüe X 😀 since 1999")
	kinds := []string{"PERSON", "PLACE", "DATE"}
	var results []string
	for range r.IntN(6) {
		start := r.IntN(len(text))
		end := start + 1 + r.IntN(min(9, len(text)-start))
		results = append(results, fmt.Sprintf(`{"start":%d,"end":%d,"score":%v,"entity_type":%q}`, start, end, float64(r.IntN(4))/4, kinds[r.IntN(3)]))
	}
	operators := []string{
		`{"type":"replace","new_value":"ÄNON"}`, `{"type":"replace","new_value":""}`, `{"type":"redact"}`, `{"type":"keep"}`,
		`{"type":"mask","masking_char":"*","chars_to_mask":3,"from_end":true}`, `{"type":"mask","masking_char":"ü","chars_to_mask":30,"from_end":false}`,
		`{"type":"hash","hash_type":"sha256","salt":"0123456789abcdef"}`, `{"type":"hash","hash_type":"sha512","salt":"0123456789abcdef"}`,
	}
	var chosen []string
	for _, k := range append(kinds, "DEFAULT") {
		if r.IntN(2) == 0 {
			chosen = append(chosen, fmt.Sprintf("%q:%s", k, operators[r.IntN(len(operators))]))
		}
	}
	return fmt.Sprintf(`{"text":%q,"anonymizers":{%s},"analyzer_results":[%s]}`, string(text), strings.Join(chosen, ","), strings.Join(results, ","))
}
