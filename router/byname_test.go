package router

import "testing"

// A model that is asked by name is no candidate unless a recipe lists it, and
// then serves when nothing else does.
func TestByName(t *testing.T) {
	c := Default()
	c.Models = append(c.Models, Model{Name: "tiny", ByName: true})
	c.Recipes = append(c.Recipes,
		Recipe{Name: "any", Models: []string{"*"}, Tradeoff: 10},
		Recipe{Name: "last", Models: []string{"large", "tiny"}, Tradeoff: 4})
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q Request) Decision { return r.Decide(q, Signals{}) }
	for _, recipe := range []string{"auto", "any"} {
		d := ask(Request{Model: recipe, Unavailable: []string{"small", "medium", "large"}})
		if d.Action != Refuse || len(d.Candidates) != 3 {
			t.Errorf("%s: %s %q of %d candidates", recipe, d.Action, d.Model, len(d.Candidates))
		}
	}
	if d := ask(Request{Model: "tiny"}); d.Action != Route || d.Model != "tiny" {
		t.Errorf("named: %s %q", d.Action, d.Model)
	}
	if d := ask(Request{Model: "last"}); d.Model != "large" || len(d.Fallbacks) != 1 || d.Fallbacks[0] != "tiny" {
		t.Errorf("last: %q, then %q", d.Model, d.Fallbacks)
	}
	if d := ask(Request{Model: "last", Unavailable: []string{"large"}}); d.Model != "tiny" {
		t.Errorf("last without large: %q", d.Model)
	}
}
