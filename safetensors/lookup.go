package safetensors

import (
	"cmp"
	"hash/maphash"
	"slices"

	"mom/tensor"
)

// find looks a tensor up.
func (p *part) find(name string) (entry, bool) {
	hash := uint32(maphash.String(seed, name))
	i, _ := slices.BinarySearchFunc(p.index, hash, func(e entry, h uint32) int { return cmp.Compare(e.hash, h) })
	for ; i < len(p.index) && p.index[i].hash == hash; i++ {
		if p.quotedAt(p.index[i].name).is(name) {
			return p.index[i], true
		}
	}
	return entry{}, false
}

// view is the tensor of e, with a shape of its own and no data.
func (p *part) view(name string, e entry) tensor.View {
	s := &scanner{text: p.text, pos: int(e.shape)}
	var dims [maxDims]int
	n := 0
	s.list('[', ']', "", func() {
		dims[n] = int(s.natural(""))
		n++
	})
	return tensor.View{Name: name, DType: e.dtype, Shape: slices.Clone(dims[:n])}
}

// metadata reads __metadata__.
func (p *part) metadata(into map[string]string) {
	for _, pos := range p.pairs {
		s := &scanner{text: p.text, pos: int(uint32(pos))}
		key := s.str("", "")
		s.expect(':', "")
		into[key.String()] = s.str("", "").String()
	}
}
