package grammar

import (
	"encoding/binary"
	"errors"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// work bounds what the construction of one automaton from a pattern may cost, in
// edges looked at: some tenths of a second.
const work = 4 << 20

// Regex is the grammar of the texts that pattern matches as a whole. The syntax is
// that of package regexp. Assertions within a line and at word boundaries are
// errors; a pattern without an end gets one from [Options].
func Regex(pattern string) (*Grammar, error) { return Options{}.Regex(pattern) }

// Regex is the grammar of the texts that pattern matches as a whole, within the
// bounds of o.
func (o Options) Regex(pattern string) (*Grammar, error) {
	o = o.withDefaults()
	if len(pattern) > o.SchemaBytes {
		return nil, limitf("the pattern has %d bytes, more than %d", len(pattern), o.SchemaBytes)
	}
	d, err := regexDFA(pattern, false, false, o.States)
	if err != nil {
		return nil, err
	}
	return single(d, o, o.TextBytes)
}

// regexDFA is the automaton of the texts that pattern matches as a whole, or has a
// match in (search), in UTF-8 or as spelt within a JSON string. Edges that begin a
// code point are flagged.
func regexDFA(pattern string, search, json bool, limit int) (*dfa, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			return nil, &Error{Reason: "pattern: " + e.Error(),
				Limit: e.Code == syntax.ErrLarge || e.Code == syntax.ErrNestingDepth || e.Code == syntax.ErrInvalidRepeatSize}
		}
		return nil, errorf("pattern: %v", err)
	}
	if search {
		any := func() *syntax.Regexp {
			return &syntax.Regexp{Op: syntax.OpStar, Sub: []*syntax.Regexp{{Op: syntax.OpAnyChar}}}
		}
		re = &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{any(), re, any()}}
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, errorf("pattern: %v", err)
	}
	c := &regexCompiler{prog: prog, json: json, charsets: make([]*charset, len(prog.Inst)), closures: make([][]uint32, len(prog.Inst)), known: map[string]*charset{}}
	for i := range prog.Inst {
		if e := c.check(uint32(i)); e != nil {
			return nil, e
		}
	}
	start := c.close(nil, uint32(prog.Start), syntax.EmptyBeginText)
	d, err := explore(c.pack(start), limit, c.visit)
	switch {
	case c.cost > work:
		return nil, limitf("pattern: its automaton takes too long to build")
	case err != nil:
		return nil, err
	case d == nil:
		return nil, errorf("pattern: no text matches")
	}
	return d, nil
}

// A regexCompiler makes states out of sets of places in a program. A place is an
// instruction that reads a code point and a node of its charset.
type regexCompiler struct {
	prog     *syntax.Prog
	json     bool
	charsets []*charset
	closures [][]uint32
	known    map[string]*charset
	seen     []uint32 // by instruction: the mark of the closure that met it last
	mark     uint32
	cost     int
}

type place struct{ inst, node uint32 }

func (c *regexCompiler) check(i uint32) *Error {
	in := &c.prog.Inst[i]
	switch in.Op {
	case syntax.InstEmptyWidth:
		switch e := syntax.EmptyOp(in.Arg); {
		case e&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0:
			return errorf(`pattern: \b and \B are not supported`)
		case e&(syntax.EmptyBeginLine|syntax.EmptyEndLine) != 0:
			return errorf("pattern: ^ and $ at lines, (?m), are not supported")
		}
	case syntax.InstRune, syntax.InstRune1:
		r := in.Rune
		if len(r) == 1 {
			r = []rune{r[0], r[0]}
			if syntax.Flags(in.Arg)&syntax.FoldCase != 0 && in.Op == syntax.InstRune {
				r = folded(in.Rune[0])
			}
		}
		c.charsets[i] = c.charset(r)
	case syntax.InstRuneAny:
		c.charsets[i] = c.charset([]rune{0, utf8.MaxRune})
	case syntax.InstRuneAnyNotNL:
		c.charsets[i] = c.charset([]rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune})
	}
	return nil
}

func (c *regexCompiler) charset(ranges []rune) *charset {
	text := make([]byte, 0, 4*len(ranges))
	for _, r := range ranges {
		text = binary.LittleEndian.AppendUint32(text, uint32(r))
	}
	key := string(text)
	if s, ok := c.known[key]; ok {
		return s
	}
	s := newCharset(ranges, c.json)
	c.known[key] = s
	return s
}

// folded are the code points that are r but for case.
func folded(r rune) []rune {
	all := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		all = append(all, f)
	}
	slices.Sort(all)
	var ranges []rune
	for _, r := range all {
		ranges = append(ranges, r, r)
	}
	return ranges
}

// close appends to set the instructions that read, match, or wait for the end of
// the text, and are reached from i without reading, where the assertions in have
// hold.
func (c *regexCompiler) close(set []uint32, i uint32, have syntax.EmptyOp) []uint32 {
	if c.seen == nil {
		c.seen = make([]uint32, len(c.prog.Inst))
	}
	c.mark++
	stack := []uint32{i}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c.seen[i] == c.mark {
			continue
		}
		c.seen[i] = c.mark
		c.cost++
		in := &c.prog.Inst[i]
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, in.Out)
		case syntax.InstEmptyWidth:
			need := syntax.EmptyOp(in.Arg)
			switch {
			case need&^have == 0:
				stack = append(stack, in.Out)
			case need&^have == syntax.EmptyEndText && have&syntax.EmptyEndText == 0:
				set = append(set, i)
			}
		case syntax.InstFail:
		default:
			set = append(set, i)
		}
	}
	return set
}

// after is close for what follows i, where a code point has been read.
func (c *regexCompiler) after(i uint32) []uint32 {
	if c.closures[i] == nil {
		c.closures[i] = c.close([]uint32{}, c.prog.Inst[i].Out, 0)
	}
	return c.closures[i]
}

// pack is the key of the set of places at the beginning of insts.
func (c *regexCompiler) pack(insts []uint32) string {
	places := make([]place, len(insts))
	for i, x := range insts {
		places[i] = place{inst: x}
	}
	return packPlaces(places)
}

func packPlaces(places []place) string {
	slices.SortFunc(places, func(a, b place) int {
		if a.inst != b.inst {
			return int(a.inst) - int(b.inst)
		}
		return int(a.node) - int(b.node)
	})
	places = slices.Compact(places)
	key := make([]byte, 0, 8*len(places))
	for _, p := range places {
		key = binary.LittleEndian.AppendUint32(key, p.inst)
		key = binary.LittleEndian.AppendUint32(key, p.node)
	}
	return string(key)
}

// visit finds where the set of places k leads, range of bytes by range of bytes.
// It finds nothing once the work is too much.
func (c *regexCompiler) visit(k string, to func(lo, hi byte, flag edgeFlag, next string)) (accept bool) {
	type arc struct {
		e    edge
		inst uint32
	}
	var arcs []arc
	var cuts [257]bool
	flag := beginsChar
	for i := 0; i < len(k); i += 8 {
		inst := binary.LittleEndian.Uint32([]byte(k[i : i+4]))
		node := binary.LittleEndian.Uint32([]byte(k[i+4 : i+8]))
		switch c.prog.Inst[inst].Op {
		case syntax.InstMatch:
			accept = true
			continue
		case syntax.InstEmptyWidth: // at the end of the text
			for _, x := range c.close(nil, inst, syntax.EmptyEndText) {
				accept = accept || c.prog.Inst[x].Op == syntax.InstMatch
			}
			continue
		}
		if node != 0 {
			flag = 0
		}
		for _, e := range c.charsets[inst].nodes[node] {
			arcs = append(arcs, arc{e, inst})
			cuts[e.lo], cuts[int(e.hi)+1] = true, true
		}
	}
	for lo := 0; lo < 256 && c.cost <= work; {
		hi := lo + 1
		for hi < 256 && !cuts[hi] {
			hi++
		}
		var places []place
		for _, a := range arcs {
			if int(a.e.lo) > lo || lo > int(a.e.hi) {
				continue
			}
			if a.e.next != done {
				places = append(places, place{a.inst, uint32(a.e.next)})
				continue
			}
			for _, x := range c.after(a.inst) {
				places = append(places, place{inst: x})
			}
		}
		c.cost += len(arcs) + len(places)
		if len(places) > 0 {
			to(byte(lo), byte(hi-1), flag, packPlaces(places))
		}
		lo = hi
	}
	return accept
}
