package playground

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/valyala/fasthttp"
)

//go:embed page
var files embed.FS

// scripts are the parts of the program, in order.
var scripts = [...]string{"dom.js", "result.js", "charts.js", "dashboard.js", "main.js"}

// page is the document, ready to be sent.
type page struct {
	html, zipped []byte
	policy       string
	etag         string
}

// newPage joins the files to one document and names the hashes of what it may
// run.
func newPage() *page {
	style := read("page.css")
	var script strings.Builder
	script.WriteString("'use strict';\n")
	for _, name := range scripts {
		script.WriteString(read(name))
	}
	html := read("page.html")
	html = strings.Replace(html, "{{style}}", "<style>"+style+"</style>", 1)
	html = strings.Replace(html, "{{script}}", "<script>"+script.String()+"</script>", 1)
	p := &page{html: []byte(html), policy: policy(style, script.String())}
	sum := sha256.Sum256(p.html)
	p.etag = `"` + hex.EncodeToString(sum[:12]) + `"`
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	z.Write(p.html) // to memory: it cannot fail
	z.Close()
	p.zipped = b.Bytes()
	return p
}

func read(name string) string {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		panic("BUG: playground: " + err.Error())
	}
	return string(b)
}

// policy is the content security policy of a page with this style and script.
func policy(style, script string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + hash(script),
		"style-src " + hash(style),
		"connect-src 'self'",
		"img-src data:", // the icon
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

func (p *page) handle(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", p.etag)
	h.Set("Vary", "Accept-Encoding")
	if string(ctx.Request.Header.Peek("If-None-Match")) == p.etag {
		ctx.NotModified()
		// NotModified empties the response.
		h.Set("ETag", p.etag)
		h.Set("Content-Security-Policy", p.policy)
		return
	}
	ctx.SetContentType("text/html; charset=utf-8")
	if ctx.Request.Header.HasAcceptEncoding("gzip") {
		h.Set("Content-Encoding", "gzip")
		ctx.SetBody(p.zipped)
		return
	}
	ctx.SetBody(p.html)
}
