package explain

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"mom/engine/generate"
	"mom/kernels/cpu"
)

// family opens a decoder of the repository.
func family(t *testing.T, name string) *Explainer {
	t.Helper()
	dir := "../../weights/" + name
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not there", dir)
	}
	if cpu.Level() == "generic" {
		t.Skip("a token takes long in plain Go")
	}
	e, err := Open(dir, Options{Options: generate.Options{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// TestFamily: the decoders of the repository tell clear fields, and their reasons
// keep the rules: what they quote is in the text, and they name what came second.
func TestFamily(t *testing.T) {
	quote := regexp.MustCompile(`(?:^|[^\pL\pN_])'([^']+)'`)
	for _, name := range []string{"mom-dec-class-intent-r1"} {
		t.Run(name, func(t *testing.T) {
			e := family(t, name)
			right, kept, all := 0, 0, 0
			for text, label := range map[string]string{
				"Prove that the square root of 2 is irrational.":                                   "math",
				"My landlord keeps the deposit although the lease ended in May. Can I sue him?":    "law",
				"Why does bread dough rise faster in summer, and should I use less yeast then?":    "other",
				"What does a segmentation fault in a linked list written in C usually mean?":       "computer science",
				"How did the Treaty of Westphalia change the Holy Roman Empire?":                   "history",
				"Is a resting heart rate of 48 dangerous if I run a lot and sometimes feel dizzy?": "health",
				"Balance the reaction of potassium permanganate with oxalic acid in acid solution": "chemistry",
				"What did Kant mean by the categorical imperative, and why did Hegel object?":      "philosophy",
			} {
				r, err := e.Explain(context.Background(), &Request{Text: text})
				if err != nil {
					t.Fatal(err)
				}
				all++
				if r.Label == label {
					right++
				}
				bare := quote.ReplaceAllString(r.Reason, " ")
				ok := strings.Contains(strings.ToLower(bare), r.Second) && !r.ReasonCut
				said := quote.FindAllStringSubmatch(r.Reason, -1)
				for _, q := range said {
					ok = ok && strings.Contains(text, q[1])
				}
				if ok && len(said) > 0 {
					kept++
				}
				t.Logf("%q: %s over %s, %s: %s", text, r.Label, r.Second, r.Difficulty, r.Reason)
			}
			if right < all-1 || kept < all-1 {
				t.Errorf("%d of %d labels are right, %d reasons keep the rules", right, all, kept)
			}
		})
	}
}

// TestFamilyAgents: the agents of the repository open over their decoder and answer.
func TestFamilyAgents(t *testing.T) {
	const dir = "../../weights"
	if _, err := os.Stat(dir + "/mom-dec-agent-math-v1"); err != nil {
		t.Skip("there are no agents in weights")
	}
	if cpu.Level() == "generic" {
		t.Skip("a token takes long in plain Go")
	}
	all, err := OpenAgents(dir, Options{Options: generate.Options{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for _, label := range Labels {
		if all.For(FieldOf(label)) == nil {
			t.Errorf("no agent for %s", label)
		}
	}
	a := all.For("math")
	p := func(text string) float64 {
		v, err := a.Choose(context.Background(), &AgentRequest{Text: text, Pick: func(*Verdict) int { return Cheapest }})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%q: %s %.2f, needs %s: %s", text, v.Difficulty, v.Difficulties, v.Tools, v.Reason)
		if v.Reason == "" {
			t.Errorf("%q: no reason", text)
		}
		return v.Difficulties[0]
	}
	if easy, hard := p("What is 15% of 80?"), p("Find the number of ordered triples of integers whose product is 2^10 * 3^6 and whose sum is divisible by 7."); easy <= hard {
		t.Errorf("easy with %v and %v", easy, hard)
	}
}
