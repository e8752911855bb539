package protocol

import "strings"

// A Rewrite says how a request differs when it is forwarded.
type Rewrite struct {
	Model string // of the upstream; "" leaves the client's
	Mask  *Mask  // nil hides nothing
	// Usage asks for the usage of a stream even when the client did not. The
	// Relay keeps the chunk from the client then.
	Usage bool
	// DropModeration leaves out the request's wish for moderation, when the
	// gateway fulfils it itself.
	DropModeration bool
}

// Rewrite is the body to forward to an upstream of the same protocol. Every byte
// that is not named by w stays as the client wrote it; "mom" is left out.
func (r *Request) Rewrite(w Rewrite) []byte {
	d, k := &r.doc, &r.keys
	edits := make([]edit, 0, 4)
	var gone []int32
	if k.mom >= 0 {
		gone = append(gone, k.mom)
	}
	if w.DropModeration && k.moderation >= 0 {
		gone = append(gone, k.moderation)
	}
	var added []string
	if w.Model != "" {
		name := string(appendString(make([]byte, 0, len(w.Model)+2), w.Model))
		if k.model >= 0 {
			edits = append(edits, d.replace(k.model, name))
		} else {
			added = append(added, `"model":`+name)
		}
	}
	if w.Usage && r.asksUsage() {
		switch {
		case k.includeUsage >= 0:
			edits = append(edits, d.replace(k.includeUsage, "true"))
		case k.streamOptions >= 0 && d.nodes[k.streamOptions].kind == object:
			edits = append(edits, d.insert(k.streamOptions, `"include_usage":true`))
		case k.streamOptions >= 0:
			edits = append(edits, d.replace(k.streamOptions, `{"include_usage":true}`))
		default:
			added = append(added, `"stream_options":{"include_usage":true}`)
		}
	}
	edits = append(edits, d.removeAll(0, gone...)...)
	if w.Mask != nil {
		edits = append(edits, w.Mask.edits...)
	}
	if len(added) > 0 {
		// With a comma unless nothing stands before it.
		e := d.insert(0, strings.Join(added, ","))
		if members(d, 0) == len(gone) {
			e.with = strings.TrimPrefix(e.with, ",")
		}
		edits = append(edits, e)
	}
	return d.apply(edits)
}

// asksUsage reports whether a stream's usage has to be asked for, and the client
// has not.
func (r *Request) asksUsage() bool {
	return r.Stream && !r.IncludeUsage && (r.Kind == Chat || r.Kind == Completions)
}

func members(d *document, obj int32) (n int) {
	for k := obj + 1; k < d.nodes[obj].next; k = d.nodes[k+1].next {
		n++
	}
	return n
}
