package protocol

import "slices"

// An edit replaces the bytes start..end of a document's source.
type edit struct {
	start, end int
	with       string
}

// apply returns the source with the edits made, which must not overlap. Those
// at the same place are made in the order they were added.
func (d *document) apply(edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	size := len(d.src)
	for _, e := range edits {
		size += len(e.with) - (e.end - e.start)
	}
	out := make([]byte, 0, size)
	from := 0
	for _, e := range edits {
		if e.start < from || e.end < e.start {
			panic("BUG: protocol: edits overlap")
		}
		out = append(append(out, d.src[from:e.start]...), e.with...)
		from = e.end
	}
	return append(out, d.src[from:]...)
}

// replace is the edit that puts another value in the place of node i.
func (d *document) replace(i int32, with string) edit {
	return edit{int(d.nodes[i].start), int(d.nodes[i].end), with}
}

// removeAll are the edits that take members out of object obj. Members that
// follow each other are taken out together, so that the edits do not overlap.
func (d *document) removeAll(obj int32, values ...int32) (edits []edit) {
	gone := func(v int32) bool { return slices.Contains(values, v) }
	kept := int32(-1) // the last member that stays
	for k := obj + 1; k < d.nodes[obj].next; {
		v := k + 1
		if !gone(v) {
			kept, k = v, d.nodes[v].next
			continue
		}
		last := v
		for k = d.nodes[v].next; k < d.nodes[obj].next && gone(k+1); k = d.nodes[last].next {
			last = k + 1
		}
		switch {
		case k < d.nodes[obj].next:
			edits = append(edits, edit{int(d.nodes[v-1].start), int(d.nodes[k].start), ""})
		case kept >= 0:
			edits = append(edits, edit{int(d.nodes[kept].end), int(d.nodes[last].end), ""})
		default:
			edits = append(edits, edit{int(d.nodes[v-1].start), int(d.nodes[last].end), ""})
		}
	}
	return edits
}

// insert is the edit that adds a member, "key":value, at the end of object obj.
func (d *document) insert(obj int32, member string) edit {
	at := int(d.nodes[obj].end) - 1
	if d.nodes[obj].next > obj+1 {
		member = "," + member
	}
	return edit{at, at, member}
}
