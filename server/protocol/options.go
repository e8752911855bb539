package protocol

// Options are what a client may ask of the gateway itself, in the object "mom"
// of any request. The object is never forwarded.
type Options struct {
	Tradeoff *float64 // cost_quality_tradeoff: 0 the best model .. 10 the cheapest; nil when not said
	Allowed  []string // allowed_models, with * wildcards
	Excluded []string // excluded_models, with * wildcards
	Session  string   // session_id: the conversation that the request belongs to
	Explain  bool     // explain: put the decision into the answer
	DryRun   bool     // dry_run: decide only
}

var optionNames = []string{"cost_quality_tradeoff", "allowed_models", "excluded_models", "session_id", "explain", "dry_run"}

func (p *parser) options(v int32) {
	p.Request.keys.mom = v
	if p.null(v) || !p.want(v, object) {
		return
	}
	o := &p.Options
	for k := v + 1; k < p.nodes[v].next; k = p.nodes[k+1].next {
		switch v := k + 1; p.str(k) {
		case "cost_quality_tradeoff":
			if !p.null(v) {
				t := p.float(v, 0, 10)
				o.Tradeoff = &t
			}
		case "allowed_models":
			o.Allowed = p.strings(v)
		case "excluded_models":
			o.Excluded = p.strings(v)
		case "session_id":
			o.Session = p.string(v)
		case "explain":
			o.Explain = p.bool(v)
		case "dry_run":
			o.DryRun = p.bool(v)
		default:
			p.wrong(v, "unknown_parameter", "this key is not known; supported keys are "+quotedList(optionNames))
		}
	}
}

// ModerationParams is the request's own wish for moderation.
type ModerationParams struct {
	Model  string
	Input  string // score or block; "" when the client sets no policy
	Output string
}

func (p *parser) moderationParams(v int32) {
	p.keys.moderation = v
	if p.null(v) || !p.want(v, object) {
		return
	}
	m := &ModerationParams{}
	p.names(v, []string{"model", "policy"})
	for k := v + 1; k < p.nodes[v].next; k = p.nodes[k+1].next {
		switch v := k + 1; p.str(k) {
		case "model":
			if p.want(v, text) {
				m.Model = p.str(v)
			}
		case "policy":
			p.moderationPolicy(v, m)
		}
	}
	if m.Model == "" {
		p.missing(v, "model")
	}
	p.Moderation = m
}

func (p *parser) moderationPolicy(v int32, m *ModerationParams) {
	if p.null(v) || !p.want(v, object) {
		return
	}
	p.names(v, []string{"input", "output"})
	for k := v + 1; k < p.nodes[v].next; k = p.nodes[k+1].next {
		var to *string
		switch p.str(k) {
		case "input":
			to = &m.Input
		case "output":
			to = &m.Output
		default:
			continue
		}
		config := k + 1
		if p.null(config) || !p.want(config, object) {
			continue
		}
		p.names(config, []string{"mode"})
		mode := p.find(config, "mode")
		if mode < 0 || p.null(mode) {
			p.missing(config, "mode")
			return
		}
		*to = p.oneOf(mode, "score", "block")
	}
}
