package server

import (
	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// wantsExplanation reads ?explain=true.
func (s *Server) wantsExplanation(ctx *fasthttp.RequestCtx) (bool, error) {
	switch v := string(ctx.QueryArgs().Peek("explain")); v {
	case "", "false", "0":
		return false, nil
	case "true", "1":
	default:
		return false, web.Invalid("explain", "explain: want true or false")
	}
	if s.decoders == nil {
		return false, noExplainer()
	}
	return true, s.decoders.Explains()
}

func noExplainer() error {
	return &web.Error{Status: 501, Code: "no_decoder", Param: "explain",
		Message: "this server has no decoder to explain with; a decoder with explain: true in the configuration is one"}
}

// explanation asks the decoder about the text that the category is of, the
// user's last one.
func (s *Server) explanation(x *exchange, parts []router.Part, d *router.Decision) (*web.Explanation, error) {
	e, limit, err := s.decoders.Explain(x.life, fieldText(parts), nil)
	if err != nil {
		return nil, err
	}
	e.Join(d, limit)
	return e, nil
}
