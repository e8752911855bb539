package jinja

// A stmt is a statement of a template, an expr an expression. Both know their
// line.
type stmt interface{ at() int }
type expr interface{ at() int }

type pos struct{ line int }

func (p pos) at() int { return p.line }

type (
	dataStmt struct { // text between tags
		pos
		text string
	}
	printStmt struct {
		pos
		value expr
	}
	ifStmt struct {
		pos
		tests  []expr
		bodies [][]stmt
		last   []stmt
	}
	forStmt struct {
		pos
		target    expr
		seq, test expr
		recursive bool
		body      []stmt
		last      []stmt // else
	}
	setStmt struct {
		pos
		target expr
		value  expr
	}
	setBlockStmt struct {
		pos
		target expr
		filter expr // of the hole; nil for none
		body   []stmt
	}
	withStmt struct {
		pos
		targets, values []expr
		body            []stmt
	}
	macroStmt struct {
		pos
		name                    string // "" of a call block
		params                  []string
		defaults                []expr // of the last params
		body                    []stmt
		caller, kwargs, varargs bool // the body uses what is not declared
	}
	callStmt struct {
		pos
		call  *callExpr
		macro *macroStmt
	}
	filterStmt struct {
		pos
		filter expr
		body   []stmt
	}
	generationStmt struct { // {% generation %}: what the model has said
		pos
		body []stmt
	}
	jumpStmt struct { // break or continue
		pos
		jump jump
	}
)

type (
	constExpr struct {
		pos
		value Value
	}
	nameExpr struct {
		pos
		name string
	}
	nsExpr struct { // target of set: ns.attr
		pos
		name, attr string
	}
	listExpr struct {
		pos
		items []expr
		tuple bool
	}
	dictExpr struct {
		pos
		keys, values []expr
	}
	attrExpr struct {
		pos
		of   expr
		name string
	}
	itemExpr struct {
		pos
		of, index expr
	}
	sliceExpr struct { // as an index
		pos
		from, to, step expr // nil when absent
	}
	callExpr struct {
		pos
		of expr
		callArgs
	}
	filterExpr struct {
		pos
		of   expr // nil for the hole of a block
		name string
		callArgs
	}
	testExpr struct {
		pos
		of   expr
		name string
		callArgs
	}
	unaryExpr struct {
		pos
		op string
		of expr
	}
	binaryExpr struct {
		pos
		op          string
		left, right expr
	}
	logicExpr struct {
		pos
		and         bool
		left, right expr
	}
	compareExpr struct {
		pos
		first expr
		ops   []string
		rest  []expr
	}
	concatExpr struct {
		pos
		parts []expr
	}
	condExpr struct {
		pos
		test, then, last expr // last is nil without else
	}
)

// callArgs is what stands between the parentheses of a call.
type callArgs struct {
	args           []expr
	names          []string // of values
	values         []expr
	dynArgs, dynKw expr
}
