package cache

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever clients, policies, system prompts, models and parameters meet in a
// cache, an answer is only ever given where all of them are those it was stored
// for, though every question means the same. The names are such that they would
// be equal if they ran into each other.
func TestNeverCrosses(t *testing.T) {
	names := []string{"", "a", "b", "ab", "ba", "aa", "a\x00b", "a\"", "A", "é", "e\u0301"}
	more := []string{"", `,"temperature":0`, `,"temperature":0.5`, `,"max_tokens":5`, `,"max_tokens":50`, `,"top_p":0.5`, `,"stop":["a"]`}
	type place struct{ tenant, policy, system, model, more string }
	r := rand.New(rand.NewPCG(9, 10))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	// Few of each at a time, so that there are hits.
	few := func(list []string) []string {
		return []string{pick(list), pick(list), pick(list)}
	}
	words := []string{"hello", "hi", "good day", "hey there", "greetings"}
	b := &backend{values: map[string][]byte{}}
	hits := map[Hit]int{}
	crossings := 0
	for range 60 {
		o := Options{Semantic: true, Threshold: 0.9}
		if r.IntN(2) == 0 {
			o.Shared = b
		}
		c := newCache(t, o)
		tenants, policies, systems, models, params := few(names), few(names), few(names), few(names), few(more)
		for range 400 {
			p := place{pick(tenants), pick(policies), pick(systems), pick(models), pick(params)}
			model, err := json.Marshal("m" + p.model)
			if err != nil {
				t.Fatal(err)
			}
			body := strings.Replace(string(chatBody(p.system, pick(words), p.more)), `"auto"`, string(model), 1)
			k, err := c.Read(Request{Kind: Chat, Tenant: p.tenant, Policy: p.policy, Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			a, how := c.Get(t.Context(), k, direction(0))
			hits[how]++
			if how == Miss {
				// The answer's Upstream tells where it belongs.
				mark, err := json.Marshal([]string{p.tenant, p.policy, p.system, p.model, p.more})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Put(t.Context(), k, Answer{Body: []byte(chatReply), Upstream: string(mark)}, good); err != nil {
					t.Fatal(err)
				}
				continue
			}
			var of [5]string
			if err := json.Unmarshal([]byte(a.Upstream), &of); err != nil {
				t.Fatal(err)
			}
			if from := (place{of[0], of[1], of[2], of[3], of[4]}); from != p {
				if crossings++; crossings < 5 {
					t.Errorf("%s: the answer of %q was given to %q", how, from, p)
				}
			}
		}
	}
	if hits[Exact] < 500 || hits[Semantic] < 500 || hits[Miss] < 500 {
		t.Errorf("too few of a kind to tell: %v", hits)
	}
}
