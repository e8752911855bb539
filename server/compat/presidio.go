package compat

import (
	"slices"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// presidioRoutes is Presidio's analyzer and anonymizer. Offsets count Unicode
// code points. Requests that are wrong get 400 where the analyzer answers 500.
func (a *api) presidioRoutes() []web.Route {
	r := func(method, path, summary string, h func(*fasthttp.RequestCtx) (any, error), request, response any) web.Route {
		return web.Route{
			Method: method, Path: path, Summary: summary, Dialect: web.Plain, Request: request, Response: response,
			Handle: func(ctx *fasthttp.RequestCtx) {
				v, err := h(ctx)
				if err != nil {
					failPresidio(ctx, err)
					return
				}
				web.WriteJSON(ctx, 200, v)
			},
		}
	}
	fixed := func(list ...string) func(*fasthttp.RequestCtx) (any, error) {
		return func(*fasthttp.RequestCtx) (any, error) { return list, nil }
	}
	var routes []web.Route
	for _, base := range []string{"", "/presidio"} {
		routes = append(routes,
			r(post, base+"/analyze", "Personal data in a text or several", a.presidioAnalyze, analyzeRequest{}, analyzeAnswer{}),
			r(get, base+"/recognizers", "Recognizers of a language (query: language)", a.presidioRecognizers, nil, []string{}),
			r(get, base+"/supportedentities", "Types of personal data in a language (query: language)", a.presidioEntities, nil, []string{}),
			r(post, base+"/anonymize", "Replace what an analyzer found", a.presidioAnonymize, anonymizeRequest{}, operated{}),
			r(post, base+"/deanonymize", "Undo encryption", a.presidioDeanonymize, deanonymizeRequest{}, operated{}),
			r(get, base+"/anonymizers", "Operators of /anonymize", fixed(anonymizers()...), nil, []string{}),
			r(get, base+"/deanonymizers", "Operators of /deanonymize", fixed(deanonymizers()...), nil, []string{}),
		)
	}
	return append(routes, web.Route{
		Method: get, Path: "/presidio/health", Access: web.Public, Dialect: web.Plain, Summary: "Whether the process takes requests", Response: "",
		Handle: func(ctx *fasthttp.RequestCtx) {
			if err := a.Ready(); err != nil {
				failPresidio(ctx, &web.Error{Status: 503, Message: "the service is stopping", Cause: err})
				return
			}
			ctx.SetContentType("text/plain; charset=utf-8")
			ctx.SetBodyString("Presidio Analyzer and Anonymizer service is up")
		},
	})
}

type presidioError struct {
	Error string `json:"error"`
}

func failPresidio(ctx *fasthttp.RequestCtx, err error) {
	web.WriteError(ctx, web.Plain, err)
	web.WriteJSON(ctx, ctx.Response.StatusCode(), presidioError{web.AsError(err).Message})
}

// presidioInvalid is a value that cannot be used.
func presidioInvalid(param, message string) *web.Error {
	return &web.Error{Status: 422, Param: param, Message: message}
}

// patternRecognizer is the name of the recognizers by form and checksum.
const patternRecognizer = "PatternRecognizer"

func errLanguage() error {
	return web.Invalid("language", "No matching recognizers were found to serve the request.")
}

// checkLanguage says whether the PII model reads the language; none given means
// the model's own.
func (a *api) checkLanguage(language string) error {
	m, ok := a.model("pii")
	switch {
	case !ok:
		return noModel("pii")
	case language == "" || m.Language == "" || m.Language == language:
		return nil
	case m.Language == "multilingual" && len(language) == 2:
		return nil
	}
	return errLanguage()
}

func (a *api) presidioRecognizers(ctx *fasthttp.RequestCtx) (any, error) {
	if err := a.checkLanguage(string(ctx.QueryArgs().Peek("language"))); err != nil {
		return nil, err
	}
	m, _ := a.model("pii")
	return []string{m.Name, patternRecognizer}, nil
}

func (a *api) presidioEntities(ctx *fasthttp.RequestCtx) (any, error) {
	if err := a.checkLanguage(string(ctx.QueryArgs().Peek("language"))); err != nil {
		return nil, err
	}
	return a.entities(), nil
}

// aliases are types of Presidio that stand for several of ours, or one that
// has another name here.
func aliases() map[string][]string {
	return map[string][]string{
		"LOCATION": {"GPE", "STREET_ADDRESS", "ZIP_CODE"},
		"URL":      {"DOMAIN_NAME"},
	}
}

// entities are our types, then the aliases that stand for some of them.
func (a *api) entities() []string {
	m, _ := a.model("pii")
	list := slices.Clone(m.Labels)
	for _, name := range []string{"LOCATION", "URL"} {
		covers := func(l string) bool { return slices.Contains(aliases()[name], l) }
		if !slices.Contains(list, name) && slices.ContainsFunc(m.Labels, covers) {
			list = append(list, name)
		}
	}
	return list
}
