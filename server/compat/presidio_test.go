package compat

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const presidioDoc = "presidio-api.yml"

const (
	person  = `{"entity_type":"PERSON","start":0,"end":10,"score":0.85,"analysis_explanation":null}`
	license = `{"entity_type":"US_DRIVER_LICENSE","start":30,"end":38,"score":0.65,"analysis_explanation":null}`
	drivers = "John Smith drivers license is AC432223"
	zipRule = `"ad_hoc_recognizers":[{"name":"Zip code Recognizer","supported_language":"en","patterns":[{"name":"zip code (weak)","regex":"(\\b\\d{5}(?:\\-\\d{4})?\\b)","score":0.01}]%s,"supported_entity":"ZIP"}]`
)

func TestPresidioAnalyze(t *testing.T) {
	s := start(t, nil)
	zip := func(score string) string {
		return `{"entity_type":"ZIP","start":54,"end":59,"score":` + score + `,"analysis_explanation":null}`
	}
	withZip := drivers + ". The zip code:" // 54 characters with the space
	ask := func(more string) string { return `{"text":"` + drivers + `","language":"en"` + more + `}` }
	askZip := func(context, more string) string {
		return `{"text":"` + withZip + ` 10023","language":"en",` + fmt.Sprintf(zipRule, context) + more + `}`
	}
	bad := `{"error":"*"}`
	s.run(presidioDoc, []example{
		{"minimal", "/analyze", ask(""), 200, "[" + person + "," + license + "]"},
		{"batch", "/analyze", `{"text":["` + drivers + `","Paris",""],"language":"en"}`, 200,
			"[[" + person + "," + license + `],[{"entity_type":"GPE","start":0,"end":5,"score":0.9,"analysis_explanation":null}],[]]`},
		{"code points", "/analyze", `{"text":"😀 für Zoë Müller","language":"en"}`, 200, `[{"entity_type":"PERSON","start":6,"end":16,"score":0.85,"analysis_explanation":null}]`},
		{"threshold", "/analyze", ask(`,"score_threshold":0.7,"correlation_id":"123","trace":"1"`), 200, "[" + person + "]"},
		{"entities", "/analyze", ask(`,"entities":["US_DRIVER_LICENSE","NRP"]`), 200, "[" + license + "]"},
		{"an alias", "/analyze", `{"text":"Paris","language":"en","entities":["LOCATION"]}`, 200, `[{"entity_type":"LOCATION","start":0,"end":5,"score":0.9,"analysis_explanation":null}]`},
		{"explained", "/analyze", `{"text":"a@b.de","language":"en","return_decision_process":true}`, 200,
			`[{"entity_type":"EMAIL_ADDRESS","start":0,"end":6,"score":1,"analysis_explanation":{"recognizer":"PatternRecognizer","pattern_name":null,"pattern":null,"original_score":1,
			"score":1,"textual_explanation":"*","score_context_improvement":0,"supportive_context_word":"","validation_result":null}}]`},
		{"not explained", "/analyze", ask(`,"return_decision_process":false`), 200, "[" + person + "," + license + "]"},
		{"allowed", "/analyze", ask(`,"allow_list":["John Smith"]`), 200, "[" + license + "]"},
		{"allowed by pattern", "/analyze", ask(`,"allow_list":["^ac","nobody"],"allow_list_match":"regex"`), 200, "[" + person + "]"},
		{"ad hoc", "/analyze", askZip("", ""), 200, "[" + person + "," + license + "," + zip("0.01") + "]"},
		{"ad hoc with context", "/analyze", askZip(`,"context":["zip","code"]`, ""), 200, "[" + person + "," + license + "," + zip("0.4") + "]"},
		{"ad hoc only", "/analyze", askZip("", `,"entities":["ZIP"]`), 200, "[" + zip("0.01") + "]"},
		{"context of the request", "/analyze", askZip(`,"context":["address"]`, `,"entities":["ZIP"],"context":["home address"]`), 200, "[" + zip("0.4") + "]"},
		{"deny list", "/analyze", `{"text":"Acme and Acmes met acme.","language":"en","ad_hoc_recognizers":[{"name":"firms","supported_entity":"FIRM","deny_list":["Acme"]}]}`, 200,
			`[{"entity_type":"FIRM","start":0,"end":4,"score":1,"analysis_explanation":null},{"entity_type":"FIRM","start":19,"end":23,"score":1,"analysis_explanation":null}]`},
		{"recognizers", "/recognizers?language=en", "", 200, `["rules-pii","PatternRecognizer"]`},
		{"entities of the model", "/supportedentities", "", 200, `["EMAIL_ADDRESS","PERSON","US_DRIVER_LICENSE","GPE","LOCATION"]`},
		{"entities and a parameter that is none", "/supportedentities?uknown=input", "", 200, `["EMAIL_ADDRESS","PERSON","US_DRIVER_LICENSE","GPE","LOCATION"]`},
		{"anonymizers", "/anonymizers", "", 200, `["encrypt","hash","keep","mask","redact","replace"]`},
		{"deanonymizers", "/deanonymizers", "", 200, `["decrypt","deanonymize_keep"]`},
	})
	s.run("", []example{ // the document has no refusals here
		{"no text", "/analyze", `{}`, 400, `{"error":"No text provided"}`},
		{"an empty text", "/analyze", `{"text":"","language":"en"}`, 400, `{"error":"No text provided"}`},
		{"no language", "/analyze", `{"text":"` + drivers + `"}`, 400, `{"error":"No language provided"}`},
		{"other language", "/analyze", `{"text":"` + drivers + `","language":"zz"}`, 400, `{"error":"No matching recognizers were found to serve the request."}`},
		{"unknown entities", "/analyze", ask(`,"entities":["POEM"]`), 400, `{"error":"No matching recognizers were found to serve the request."}`},
		{"bad threshold", "/analyze", ask(`,"score_threshold":7`), 400, bad},
		{"bad flags", "/analyze", ask(`,"allow_list":["a"],"allow_list_match":"regex","regex_flags":64`), 400, bad},
		{"bad match", "/analyze", ask(`,"allow_list_match":"fuzzy"`), 400, bad},
		{"bad pattern", "/analyze", ask(`,"ad_hoc_recognizers":[{"name":"x","supported_entity":"X","patterns":[{"name":"x","regex":"(?=a)","score":0.5}]}]`), 400, bad},
		{"unknown parameter of a pattern", "/analyze", ask(`,"ad_hoc_recognizers":[{"name":"x","supported_entity":"X","patterns":[{"type":"x","bebex":"a","confidence":0.5}]}]`), 400, bad},
		{"too many matches", "/analyze", `{"text":"` + strings.Repeat("a", 300) + `","language":"en","ad_hoc_recognizers":[{"name":"x","supported_entity":"X","patterns":[{"name":"x","regex":"a","score":0.5}]}]}`, 400, bad},
		{"not JSON", "/analyze", `{"text":"x",}`, 400, bad},
		{"entities of another language", "/supportedentities?language=he", "", 400, `{"error":"No matching recognizers were found to serve the request."}`},
	})
	s.run("", []example{
		{"under the prefix", "/presidio/analyze", ask(""), 200, "[" + person + "," + license + "]"},
		{"a number for a boolean", "/analyze", ask(`,"return_decision_process":0`), 200, "[" + person + "," + license + "]"},
	})
	if status, h, body := s.exchange("", "GET", "/presidio/health", ""); status != 200 || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || !strings.Contains(body, "service is up") {
		t.Fatal(status, body)
	}
}

func TestPresidioAnonymize(t *testing.T) {
	s := start(t, nil)
	const jane = "hello world, my name is Jane Doe. My number is: 034453334"
	at := func(start, end int, kind string, score float64) string {
		return fmt.Sprintf(`{"start":%d,"end":%d,"score":%v,"entity_type":%q}`, start, end, score, kind)
	}
	ask := func(text, operators string, results ...string) string {
		if operators != "" {
			operators = `"anonymizers":{` + operators + `},`
		}
		return fmt.Sprintf(`{"text":%q,%s"analyzer_results":[%s]}`, text, operators, strings.Join(results, ","))
	}
	answer := func(text string, items ...string) string {
		return fmt.Sprintf(`{"text":%q,"items":[%s]}`, text, strings.Join(items, ","))
	}
	item := func(start, end int, kind, text, operator string) string {
		return fmt.Sprintf(`{"start":%d,"end":%d,"entity_type":%q,"text":%q,"operator":%q,"score":"*"}`, start, end, kind, text, operator)
	}
	name, phone := at(24, 32, "PERSON", 0.8), at(48, 57, "PHONE_NUMBER", 0.95)
	invalid := `{"error":"*"}`
	s.run(presidioDoc, []example{
		{"the document's first", "/anonymize", ask(jane, `"PERSON":{"type":"redact"},"PHONE_NUMBER":{"type":"replace","new_value":"ANONYMIZED"}`, name, phone), 200,
			answer("hello world, my name is . My number is: ANONYMIZED", item(40, 50, "PHONE_NUMBER", "ANONYMIZED", "replace"), item(24, 24, "PERSON", "", "redact"))},
		{"contained ones and a mask", "/anonymize", ask(jane, `"DEFAULT":{"type":"replace","new_value":"ANONYMIZED"},"PHONE_NUMBER":{"type":"mask","masking_char":"*","chars_to_mask":4,"from_end":true}`,
			at(24, 32, "NAME", 0.8), at(24, 28, "FIRST_NAME", 0.8), at(29, 32, "LAST_NAME", 0.6), phone), 200,
			answer("hello world, my name is ANONYMIZED. My number is: 03445****", item(50, 59, "PHONE_NUMBER", "03445****", "mask"), item(24, 34, "NAME", "ANONYMIZED", "replace"))},
		{"without operators", "/anonymize", ask(drivers, "", at(0, 10, "PERSON", 0.85), at(30, 38, "US_DRIVER_LICENSE", 0.65)), 200,
			answer("<PERSON> drivers license is <US_DRIVER_LICENSE>", item(28, 47, "US_DRIVER_LICENSE", "<US_DRIVER_LICENSE>", "replace"), item(0, 8, "PERSON", "<PERSON>", "replace"))},
		{"operators of other types only", "/anonymize", ask(drivers, `"ABC":{"type":"replace","new_value":"<PERSON>"}`, at(0, 10, "PERSON", 0.85)), 200,
			answer("<PERSON> drivers license is AC432223", item(0, 8, "PERSON", "<PERSON>", "replace"))},
		{"nothing found", "/anonymize", ask("hello world! nice to meet you!", `"DEFAULT":{"type":"replace","new_value":"ANONYMIZED"}`), 200, answer("hello world! nice to meet you!")},
		{"code points", "/anonymize", ask("😀 Zoë!", "", at(2, 5, "PERSON", 1)), 200, answer("😀 <PERSON>!", item(2, 10, "PERSON", "<PERSON>", "replace"))},
		{"neighbours of a type", "/anonymize", ask("Jane Doe and Jo", "", at(0, 4, "PERSON", 1), at(5, 8, "PERSON", 1), at(13, 15, "PERSON", 1)), 200,
			answer("<PERSON> and <PERSON>", item(13, 21, "PERSON", "<PERSON>", "replace"), item(0, 8, "PERSON", "<PERSON>", "replace"))},
		{"overlapping ones of a type", "/anonymize", ask("abcdefgh", "", at(0, 4, "A", 0.5), at(2, 6, "A", 0.9)), 200, answer("<A>gh", item(0, 3, "A", "<A>", "replace"))},
		{"overlapping ones of two types", "/anonymize", ask("abcdefgh", "", at(0, 4, "A", 0.5), at(2, 6, "B", 0.9)), 200, answer("<A><B>gh", item(3, 6, "B", "<B>", "replace"), item(0, 3, "A", "<A>", "replace"))},
		{"the same place", "/anonymize", ask("abcdefgh", "", at(0, 4, "A", 0.5), at(0, 4, "B", 0.9)), 200, answer("<B>efgh", item(0, 3, "B", "<B>", "replace"))},
		{"keep", "/anonymize", ask("abcdefgh", `"DEFAULT":{"type":"keep"}`, at(0, 4, "A", 0.5)), 200, answer("abcdefgh", item(0, 4, "A", "abcd", "keep"))},
		{"mask more than there is", "/anonymize", ask("abcdefgh", `"DEFAULT":{"type":"mask","masking_char":"ü","chars_to_mask":99}`, at(0, 4, "A", 0.5)), 200, answer("üüüüefgh", item(0, 4, "A", "üüüü", "mask"))},
		{"mask less than nothing", "/anonymize", ask("abcdefgh", `"DEFAULT":{"type":"mask","masking_char":"*","chars_to_mask":-1,"from_end":false}`, at(0, 4, "A", 0.5)), 200, answer("abcdefgh", item(0, 4, "A", "abcd", "mask"))},
		{"no text", "/anonymize", ask("", ""), 422, `{"error":"Invalid input, text can not be empty"}`},
		{"no results", "/anonymize", `{"text":"x"}`, 422, invalid},
		{"beyond the text", "/anonymize", ask("abc", "", at(0, 4, "A", 0.5)), 422, invalid},
		{"the wrong way round", "/anonymize", ask("abc", "", at(2, 1, "A", 0.5)), 422, invalid},
		{"no score", "/anonymize", `{"text":"abc","analyzer_results":[{"start":0,"end":1,"entity_type":"A"}]}`, 422, invalid},
		{"no such operator", "/anonymize", ask("abc", `"DEFAULT":{"type":"poem"}`), 422, invalid},
		{"a function", "/anonymize", ask("abc", `"DEFAULT":{"type":"custom","lambda":"lambda x: x"}`), 422, invalid},
		{"no type", "/anonymize", ask("abc", `"DEFAULT":{"new_value":"x"}`), 422, invalid},
		{"mask without a character", "/anonymize", ask("abc", `"DEFAULT":{"type":"mask","chars_to_mask":1}`), 422, `{"error":"Expected parameter masking_char"}`},
		{"mask with two", "/anonymize", ask("abc", `"DEFAULT":{"type":"mask","masking_char":"**","chars_to_mask":1}`), 422, `{"error":"Invalid input, masking_char must be a character"}`},
		{"no such hash", "/anonymize", ask("abc", `"DEFAULT":{"type":"hash","hash_type":"md4"}`), 422, invalid},
		{"a short salt", "/anonymize", ask("abc", `"DEFAULT":{"type":"hash","salt":"salt"}`), 422, invalid},
		{"a short key", "/anonymize", ask("abc", `"DEFAULT":{"type":"encrypt","key":"short"}`), 422, `{"error":"Invalid input, key must be of length 128, 192 or 256 bits"}`},
		{"no key", "/anonymize", ask("abc", `"DEFAULT":{"type":"encrypt"}`), 422, `{"error":"Expected parameter key"}`},
		{"not JSON", "/anonymize", `{"text":"x","analyzer_results":[{}],}`, 400, invalid},
	})
	bomb := make([]string, 400)
	for i := range bomb {
		bomb[i] = at(2*i, 2*i+1, fmt.Sprint("A", i%2), 1)
	}
	body := ask(strings.Repeat("ab", 400), `"DEFAULT":{"type":"replace","new_value":"`+strings.Repeat("x", 1<<16)+`"}`, bomb...)
	if status, _, _ := s.exchange("", "POST", "/anonymize", body); status != 413 {
		t.Fatalf("a bomb got %d", status)
	}
}

func TestPresidioHash(t *testing.T) {
	s := start(t, nil)
	hash := func(params string) string {
		_, _, body := s.exchange(presidioDoc, "POST", "/anonymize", `{"text":"hello","anonymizers":{"DEFAULT":{"type":"hash"`+params+`}},"analyzer_results":[{"start":0,"end":5,"score":1,"entity_type":"A"}]}`)
		var out operated
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			t.Fatal(body)
		}
		return out.Text
	}
	const salt = "0123456789abcdef"
	sum256, sum512 := sha256.Sum256([]byte("hello"+salt)), sha512.Sum512([]byte("hello"+salt))
	if got := hash(`,"salt":"` + salt + `"`); got != hex.EncodeToString(sum256[:]) {
		t.Error(got)
	}
	if got := hash(`,"hash_type":"sha512","salt":"` + salt + `"`); got != hex.EncodeToString(sum512[:]) {
		t.Error(got)
	}
	if a, b := hash(""), hash(""); a == b || len(a) != 64 {
		t.Error("without a salt a hash can be guessed", a, b)
	}
}

func TestPresidioEncryption(t *testing.T) {
	s := start(t, nil)
	decrypt := func(text, key string) (int, string) {
		status, _, body := s.exchange(presidioDoc, "POST", "/deanonymize", fmt.Sprintf(
			`{"text":"My name is %s","deanonymizers":{"PERSON":{"type":"decrypt","key":%q}},"anonymizer_results":[{"start":11,"end":%d,"entity_type":"PERSON"}]}`, text, key, 11+len(text)))
		return status, body
	}
	// Ciphertexts of Presidio's own documentation and tests.
	status, body := decrypt("S184CMt9Drj7QaKQ21JTrpYzghnboTF9pn/neN8JME0=", "WmZq4t7w!z%C&F)J")
	if status != 200 {
		t.Fatal(status, body)
	}
	same(t, body, `{"text":"My name is Chloë","items":[{"start":11,"end":16,"entity_type":"PERSON","text":"Chloë","operator":"decrypt","score":null}]}`)
	const text, key = "e6HnOMnIxbd4a8Qea44LshQDnjvxwzBIaAz+YqHNnMW2mC5r3AWoay8Spsoajyyy", "1111111111111111"
	_, body = decrypt(text, key)
	same(t, body, `{"text":"My name is text_for_encryption","items":[{"start":11,"end":30,"entity_type":"PERSON","text":"text_for_encryption","operator":"decrypt","score":null}]}`)
	for _, c := range []struct{ text, key string }{{text, "1111111111111112"}, {text[:20], key}, {"AAAA", key}, {text[1:], key}} {
		status, body := decrypt(c.text, c.key)
		if status != 422 {
			t.Errorf("got %d %s", status, body)
		}
		same(t, body, `{"error":"Invalid input, the text cannot be decrypted with this key"}`)
	}
	for _, length := range []int{16, 24, 32} {
		there(t, s, strings.Repeat("k", length))
	}
	s.run(presidioDoc, []example{
		{"no operators", "/deanonymize", `{"text":"x","anonymizer_results":[]}`, 422, `{"error":"*"}`},
		{"no results", "/deanonymize", `{"text":"x","deanonymizers":{"DEFAULT":{"type":"decrypt","key":"1111111111111111"}}}`, 422, `{"error":"*"}`},
		{"no operator for it", "/deanonymize", `{"text":"x","deanonymizers":{"A":{"type":"decrypt","key":"1111111111111111"}},"anonymizer_results":[{"start":0,"end":1,"entity_type":"B"}]}`, 422, `{"error":"*"}`},
		{"an operator of the other kind", "/deanonymize", `{"text":"x","deanonymizers":{"DEFAULT":{"type":"redact"}},"anonymizer_results":[]}`, 422, `{"error":"*"}`},
	})
}

// there encrypts by the service and decrypts what came of it.
func there(t *testing.T, s *service, key string) {
	t.Helper()
	ask := fmt.Sprintf(`{"text":"I am Zoë, 😀.","anonymizers":{"DEFAULT":{"type":"encrypt","key":%q}},"analyzer_results":[{"start":5,"end":8,"score":1,"entity_type":"PERSON"},{"start":10,"end":11,"score":1,"entity_type":"FACE"}]}`, key)
	_, _, body := s.exchange(presidioDoc, "POST", "/anonymize", ask)
	var out operated
	if err := json.Unmarshal([]byte(body), &out); err != nil || strings.Contains(out.Text, "Zoë") {
		t.Fatal(body)
	}
	items, _ := json.Marshal(out.Items)
	back := fmt.Sprintf(`{"text":%q,"deanonymizers":{"DEFAULT":{"type":"decrypt","key":%q}},"anonymizer_results":%s}`, out.Text, key, items)
	_, _, body = s.exchange(presidioDoc, "POST", "/deanonymize", back)
	if err := json.Unmarshal([]byte(body), &out); err != nil || out.Text != "I am Zoë, 😀." {
		t.Fatal(body)
	}
}

// TestOperateAny checks on random stretches that what is reported is what was
// written, and that nothing outside the stretches changed.
func TestOperateAny(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := []rune("äbcdefghijklmnöpqrst😀")
		var list []entity
		covered := make([]bool, len(text))
		for range 1 + r.IntN(6) {
			start := r.IntN(len(text))
			end := start + 1 + r.IntN(len(text)-start)
			list = append(list, entity{start: start, end: end, score: float64(r.IntN(3)), kind: string(rune('A' + r.IntN(3)))})
			for i := start; i < end; i++ {
				covered[i] = true
			}
		}
		list = joined(text, unconflicted(list))
		for _, e := range list {
			for i := e.start; i < e.end; i++ {
				covered[i] = true
			}
		}
		out, err := operate(text, list, func(string) *operator { return &operator{Type: "replace"} })
		if err != nil {
			t.Fatal(err)
		}
		result := []rune(out.Text)
		var rest []rune
		at := len(result)
		for _, item := range out.Items {
			if item.End > at || string(result[item.Start:item.End]) != item.Text {
				t.Fatalf("%+v in %q", item, out.Text)
			}
			rest = append([]rune(string(result[item.End:at])), rest...)
			at = item.Start
		}
		rest = append([]rune(string(result[:at])), rest...)
		var want []rune
		for i, c := range covered {
			if !c {
				want = append(want, text[i])
			}
		}
		if string(rest) != string(want) {
			t.Fatalf("kept %q, want %q of %+v", string(rest), string(want), list)
		}
	}
}
