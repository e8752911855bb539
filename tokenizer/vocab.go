package tokenizer

import (
	"errors"
	"fmt"
	"hash/maphash"
)

// maxID bounds token ids: no table grows beyond what it implies.
const maxID = 1 << 22

// vocab holds the tokens' bytes in one arena, by id, and finds an id by its
// bytes in an open-addressing table. Its hash is seeded per vocabulary, so a
// file cannot be made whose tokens collide.
type vocab struct {
	arena []byte
	start []uint32 // [ids] where a token begins in arena
	size  []uint16 // [ids] its length
	has   []bool   // [ids] whether the id is a token
	slots []uint64 // hash>>32<<32 | id+1; 0 is free
	n     int
	limit int32 // ids are below it
	seed  maphash.Seed
}

// newVocab makes room for the tokens written in size bytes of JSON. Ids may
// leave holes, but not so many that the tables grow out of proportion to that.
func newVocab(size int) *vocab {
	n, slots := size/16, 16
	for slots < n+n/2 {
		slots *= 2
	}
	limit := min(4*(size/4)+1<<16, maxID)
	return &vocab{seed: maphash.MakeSeed(), slots: make([]uint64, slots), arena: make([]byte, 0, size/2), limit: int32(limit),
		start: make([]uint32, 0, n), size: make([]uint16, 0, n), has: make([]bool, 0, n)}
}

// ids returns the number of ids, holes included.
func (v *vocab) ids() int { return len(v.start) }

// token returns the bytes of an id, nil when there is no such token.
func (v *vocab) token(id int32) []byte {
	if uint(id) >= uint(len(v.start)) || !v.has[id] {
		return nil
	}
	return v.arena[v.start[id]:][:v.size[id]]
}

// find returns the id of a token, -1 when there is none.
func (v *vocab) find(token []byte) int32 {
	h := maphash.Bytes(v.seed, token)
	mask := uint64(len(v.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := v.slots[i]
		if s == 0 {
			return -1
		}
		if s>>32 == h>>32 {
			id := int32(s&0xFFFFFFFF) - 1
			if string(v.arena[v.start[id]:][:v.size[id]]) == string(token) {
				return id
			}
		}
	}
}

// add enters a token under an id. hidden tokens have an id but are not found by
// their bytes.
func (v *vocab) add(token []byte, id int32, hidden bool) error {
	if len(token) > maxPiece {
		return fmt.Errorf("a token of %d bytes, more than %d", len(token), maxPiece)
	}
	if id < 0 || id >= v.limit {
		return fmt.Errorf("id %d is not below %d, the bound for a file of this size", id, v.limit)
	}
	if int(id) < len(v.start) && v.has[id] {
		return fmt.Errorf("id %d is also that of %.80q", id, v.token(id))
	}
	for int(id) >= len(v.start) {
		v.start, v.size, v.has = append(v.start, 0), append(v.size, 0), append(v.has, false)
	}
	if !hidden {
		if v.n+v.n/2 >= len(v.slots) {
			v.grow()
		}
		h := maphash.Bytes(v.seed, token)
		mask := uint64(len(v.slots) - 1)
		i := h & mask
		for ; v.slots[i] != 0; i = (i + 1) & mask {
			s := v.slots[i]
			if s>>32 == h>>32 && string(v.token(int32(s&0xFFFFFFFF)-1)) == string(token) {
				return errors.New("the token occurs twice")
			}
		}
		v.slots[i] = h>>32<<32 | uint64(id+1)
		v.n++
	}
	v.start[id], v.size[id], v.has[id] = uint32(len(v.arena)), uint16(len(token)), true
	v.arena = append(v.arena, token...)
	return nil
}

func (v *vocab) grow() {
	old := v.slots
	v.slots = make([]uint64, 2*len(old))
	mask := uint64(len(v.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		h := maphash.Bytes(v.seed, v.token(int32(s&0xFFFFFFFF)-1))
		i := h & mask
		for v.slots[i] != 0 {
			i = (i + 1) & mask
		}
		v.slots[i] = s
	}
}
