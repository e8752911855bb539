package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// An importedUpstream is an upstream of the new file; texts are as in the file.
type importedUpstream struct {
	name, kind, baseURL, key string
	headers                  map[string]string
	ownHeader                bool // the key stands in headers
	retries                  string
	failures, open           string // of the circuit breaker
	path, interval, timeout  string // of health
}

func (u importedUpstream) same(v importedUpstream) bool {
	headers := maps.Equal(u.headers, v.headers)
	u.name, u.headers, v.name, v.headers = "", nil, "", nil
	return headers && fmt.Sprint(u) == fmt.Sprint(v)
}

// An importedModel is a model of the new file.
type importedModel struct {
	name                  string
	refs                  []Ref
	input, output, cached string // prices per million tokens
	context, quality      string
	vision                bool
	scores                []categoryScore
}

// A categoryScore is a model's quality for a category.
type categoryScore struct{ category, score string }

func (im *importer) providers() {
	p := im.root.get("providers")
	im.left = map[string]string{}
	for _, m := range p.get("models").items {
		im.model(m)
	}
}

// card is a model's card, or nothing.
func (im *importer) card(name string) *tree {
	for _, c := range im.root.get("routing", "modelCards").items {
		if c.get("name").is(name) {
			return c
		}
	}
	return none()
}

// noChat says why a model cannot serve chats, or "".
func noChat(card *tree) string {
	if slices.Contains(card.get("capabilities").words, "image_generation") || card.get("modality").is("diffusion") {
		return "the model makes images; chats are routed here, so that it was left out"
	}
	return ""
}

func (im *importer) model(m *tree) {
	name := m.get("name")
	if !name.isWord() {
		im.dropped(m, "a model without a name")
		return
	}
	card := im.card(name.text)
	if why := noChat(card); why != "" {
		im.left[name.text] = why
		im.dropped(m, why)
		im.dropped(card, why)
		return
	}
	model := importedModel{name: word(name)}
	at := fmt.Sprintf("models[%d]", len(im.models))
	im.mapped(name, at+".name", "")
	im.price(m.get("pricing"), &model, at)
	im.describe(card, &model, at)
	theirs := m.get("provider_model_id")
	if theirs.isWord() {
		im.mapped(theirs, at+".upstreams[].model", "")
	}
	for _, r := range m.get("backend_refs").items {
		im.backend(m, r, &model, at)
	}
	if len(model.refs) == 0 {
		im.note(m.get("reliability"), Dropped, "", "the model has no backend that was taken over")
	}
	im.models = append(im.models, model)
}

func (im *importer) price(p *tree, m *importedModel, at string) {
	why := ""
	if c := p.get("currency"); c.there() {
		if !c.is("USD") {
			why = "the number is kept, but costs here are in US dollars"
		}
		im.mapped(c, at+" prices", why)
	}
	for key, into := range map[string]*string{"prompt_per_1m": &m.input, "completion_per_1m": &m.output, "cached_input_per_1m": &m.cached} {
		n := p.get(key)
		if _, err := strconv.ParseFloat(n.text, 64); n.isWord() && (err == nil || n.refers()) {
			*into = word(n)
			im.mapped(n, at+"."+priceKey(key), why)
		}
	}
}

// backend makes an upstream of one of a model's backends, or finds the one that
// is just like it.
func (im *importer) backend(m, r *tree, model *importedModel, at string) {
	u := importedUpstream{name: word(r.get("name")), kind: string(OpenAI), headers: map[string]string{}}
	format := m.get("api_format")
	switch {
	case format.is("anthropic") || r.get("provider").is("anthropic"):
		u.kind = string(Anthropic)
	case format.is("openai"), !format.there():
	default:
		im.dropped(r, "its api_format is not spoken here; openai and anthropic are")
		return
	}
	var why string
	if u.baseURL, why = baseOf(r); why != "" {
		im.dropped(r, why)
		return
	}
	if u.name == "" {
		u.name = model.name
	}
	im.key(r, &u)
	im.reliability(m.get("reliability"), &u)
	index := slices.IndexFunc(im.upstreams, u.same)
	if index < 0 {
		if slices.ContainsFunc(im.upstreams, func(v importedUpstream) bool { return v.name == u.name }) {
			u.name = model.name + "-" + u.name
		}
		for n, base := 2, u.name; slices.ContainsFunc(im.upstreams, func(v importedUpstream) bool { return v.name == u.name }); n++ {
			u.name = fmt.Sprintf("%s-%d", base, n)
		}
		index = len(im.upstreams)
		im.upstreams = append(im.upstreams, u)
	}
	up := fmt.Sprintf("upstreams[%d]", index)
	im.mapped(format, up+".kind", "")
	im.noteBackend(r, up, at, u)
	weight := 1
	if w, err := strconv.Atoi(r.get("weight").text); err == nil && w > 0 {
		weight = w
		im.mapped(r.get("weight"), at+".upstreams[].weight", "")
	} else if err == nil && w == 0 {
		weight = 0
	}
	if weight == 0 {
		im.dropped(r.get("weight"), "a weight of 0 takes a backend out; its upstream stays, and the model does not name it")
		return
	}
	model.refs = append(model.refs, Ref{Name: im.upstreams[index].name, Model: word(m.get("provider_model_id")), Weight: weight})
}

func (im *importer) noteBackend(r *tree, up, at string, u importedUpstream) {
	im.mapped(r.get("name"), up+".name", "")
	im.mapped(r.get("endpoint"), up+".base_url", "")
	im.mapped(r.get("protocol"), up+".base_url", "")
	im.mapped(r.get("base_url"), up+".base_url", "")
	im.mapped(r.get("provider"), up+".kind", "")
	im.dropped(r.get("type"), "says what the software is; only its protocol counts here")
	switch path := r.get("chat_path"); {
	case path.is("/chat/completions") || path.is("/v1/chat/completions"):
		im.mapped(path, up+".base_url", "")
	default:
		im.dropped(path, "the path is that of the protocol, below base_url")
	}
	im.dropped(r.get("api_version"), "no query is added to an upstream's URL; a service that needs one wants a proxy in between")
	for _, key := range []string{"api_key", "api_key_env"} {
		if n := r.get(key); n.isWord() {
			im.mapped(n, up+".api_key", map[string]string{"api_key": literal(n)}[key])
		}
	}
	for _, h := range r.get("extra_headers").kids {
		im.mapped(h, up+".headers."+h.key, "")
	}
	for _, key := range []string{"auth_header", "auth_prefix"} {
		switch n := r.get(key); {
		case u.ownHeader:
			im.mapped(n, up+".headers", "")
		case n.is("Authorization") || n.is("Bearer"):
			im.mapped(n, up+".api_key", "")
		}
	}
}

// literal warns of a secret that stands in the file.
func literal(n *tree) string {
	if n.refers() {
		return ""
	}
	return "stands in the new file too; better ${NAME} or api_key_file"
}

// key takes over a backend's key and headers. A header of its own for the key
// becomes one of headers.
func (im *importer) key(r *tree, u *importedUpstream) {
	for _, h := range r.get("extra_headers").kids {
		u.headers[h.key] = word(h)
	}
	switch {
	case r.get("api_key").isWord():
		u.key = word(r.get("api_key"))
	case r.get("api_key_env").isWord() && variable.MatchString(r.get("api_key_env").text):
		u.key = "${" + r.get("api_key_env").text + "}"
	}
	h, p := r.get("auth_header"), r.get("auth_prefix")
	usual := (!h.isWord() || strings.EqualFold(h.text, "Authorization")) && (!p.there() || p.is("Bearer"))
	if u.key == "" || usual {
		return
	}
	name := "Authorization"
	if h.isWord() {
		name = h.text
	}
	value := u.key
	if p.isWord() {
		value = word(p) + " " + u.key
	}
	u.headers[name], u.key = value, ""
	u.ownHeader = true
}

// baseOf is a backend's URL up to the version, or why there is none.
func baseOf(r *tree) (base, why string) {
	base = word(r.get("base_url"))
	if base == "" && r.get("endpoint").isWord() {
		protocol := "http"
		if r.get("protocol").isWord() {
			protocol = word(r.get("protocol"))
		}
		base = protocol + "://" + strings.TrimRight(word(r.get("endpoint")), "/")
		if strings.HasSuffix(word(r.get("chat_path")), "/v1/chat/completions") || !r.get("chat_path").there() {
			base += "/v1"
		}
	}
	if base == "" {
		return "", "has neither endpoint nor base_url"
	}
	if r.refersToURL() {
		return base, ""
	}
	k := &checker{}
	k.baseURL("", base)
	if len(k.list) > 0 {
		return "", "its URL cannot be used: " + k.list[0].what
	}
	if u, err := url.Parse(base); err == nil && u.Path == "" && !r.get("chat_path").there() {
		base += "/v1"
	}
	return base, ""
}

func (t *tree) refersToURL() bool {
	return t.get("base_url").refers() || t.get("endpoint").refers() || t.get("protocol").refers()
}

// reliability takes over retries, ejection and health checks.
func (im *importer) reliability(r *tree, u *importedUpstream) {
	number := func(key, to string, into *string) {
		n := r.get(key)
		v, err := strconv.Atoi(n.text)
		if !n.isWord() || err != nil {
			return
		}
		text, why, _ := within(to, v)
		*into = text
		im.mapped(n, to, why)
	}
	duration := func(key, to string, into *string) {
		if text, why, ok := durationOf(r.get(key), to); ok {
			*into = text
			im.mapped(r.get(key), to, why)
		}
	}
	number("retry_count", "upstreams[].retries.max", &u.retries)
	number("consecutive_5xx", "upstreams[].circuit_breaker.failures", &u.failures)
	duration("base_ejection_time", "upstreams[].circuit_breaker.open", &u.open)
	duration("health_check_interval", "upstreams[].health.interval", &u.interval)
	duration("health_check_timeout", "upstreams[].health.timeout", &u.timeout)
	if p := r.get("health_check_path"); p.isWord() {
		u.path = word(p)
		im.mapped(p, "upstreams[].health.path", "")
	}
	if p := r.get("lb_policy"); p.is("weighted") || p.is("random") {
		im.mapped(p, "models[].upstreams[].weight", "")
	}
}
