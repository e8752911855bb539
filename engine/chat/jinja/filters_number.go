package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

func filterAbs(in *interp, v Value, a args) Value {
	in.bind("abs", a)
	if x, ok := v.(float64); ok {
		return math.Abs(x)
	}
	if b, ok := v.(*big.Int); ok {
		return normalInt(new(big.Int).Abs(b))
	}
	n := in.whole("abs", v)
	return normalInt(new(big.Int).Abs(big.NewInt(n)))
}

// pyFloat is float(s); false if s is not a number.
func pyFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "inf", "infinity", "nan":
		if strings.Trim(s, "+-") != s && len(strings.Trim(s, "+-")) != len(s)-1 {
			return 0, false
		}
		x, err := strconv.ParseFloat(s, 64)
		return x, err == nil
	}
	if strings.ContainsAny(s, "xXpPiInN") || !validUnderscores(s) {
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return x, err == nil || math.IsInf(x, 0)
}

// validUnderscores reports whether every underscore stands between digits.
func validUnderscores(s string) bool {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for i := range len(s) {
		if s[i] == '_' && !(digit(i-1) && digit(i+1)) {
			return false
		}
	}
	return true
}

func filterFloat(in *interp, v Value, a args) Value {
	otherwise := or(in.bind("float", a, "default?")[0], 0.0)
	in.defined(v)
	if s, ok := text(v); ok {
		if x, ok := pyFloat(s); ok {
			return x
		}
		return otherwise
	}
	if x, ok := number(v); ok {
		return x
	}
	return otherwise
}

func filterInt(in *interp, v Value, a args) Value {
	o := in.bind("int", a, "default?", "base?")
	otherwise := or(o[0], int64(0))
	base := in.whole("int", or(o[1], int64(10)))
	in.defined(v)
	if s, ok := text(v); ok {
		if n, ok := pyInt(s, int(base)); ok {
			return normalInt(n)
		}
		if x, ok := pyFloat(s); ok {
			return truncate(x, otherwise)
		}
		return otherwise
	}
	switch x := v.(type) {
	case float64:
		if math.IsInf(x, 0) {
			in.fail("an infinity is no integer")
		}
		return truncate(x, otherwise)
	case *big.Int:
		return x
	}
	if n, ok := integer(v); ok {
		return n
	}
	return otherwise
}

func truncate(x float64, otherwise Value) Value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return otherwise
	}
	b, _ := new(big.Float).SetFloat64(x).Int(nil)
	return normalInt(b)
}

// pyInt is int(s, base); false if s is not one.
func pyInt(s string, base int) (*big.Int, bool) {
	s = strings.TrimFunc(s, isSpace)
	if len(s) > 4300 || base != 0 && (base < 2 || base > 36) {
		return nil, false
	}
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 || body == "" || strings.HasSuffix(body, "_") || strings.HasPrefix(body, "_") || strings.Contains(body, "__") {
		return nil, false
	}
	if len(body) > 2 && body[0] == '0' {
		if of := map[byte]int{'x': 16, 'o': 8, 'b': 2}[body[1]|0x20]; of != 0 && (of == base || base == 0) {
			body, base = body[2:], of
		}
	}
	if base == 0 && body[0] == '0' && strings.Trim(body, "0_") != "" {
		return nil, false
	}
	if base == 0 {
		base = 10
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(body, "_", ""), base)
	if ok && s[0] == '-' {
		n.Neg(n)
	}
	return n, ok && body[0] != '-' && body[0] != '+'
}

func filterRound(in *interp, v Value, a args) Value {
	o := in.bind("round", a, "precision?", "method?")
	if x, ok := v.(float64); ok && o[0] == nil && o[1] == unset {
		return truncate(math.RoundToEven(x), nil)
	}
	precision := in.whole("round", or(o[0], int64(0)))
	method := in.needText("round", or(o[1], "common"))
	x, ok := number(v)
	if !ok {
		in.defined(v)
		in.fail("round of a %s", typeName(v))
	}
	if precision > 300 || precision < -300 {
		in.fail("round to %d digits is not supported", precision)
	}
	_, isInt := integer(v)
	switch method {
	case "common":
		if isInt {
			if precision >= 0 {
				n, _ := integer(v)
				return n
			}
			in.fail("round of an integer to a negative precision is not supported")
		}
		if precision < 0 {
			scale := math.Pow(10, float64(-precision))
			return math.RoundToEven(x/scale) * scale
		}
		r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', int(precision), 64), 64) // exact, half to even
		return r
	case "ceil", "floor":
		if math.IsInf(x, 0) || x != x {
			in.fail("round of %s", floatRepr(x))
		}
		f := math.Ceil
		if method == "floor" {
			f = math.Floor
		}
		scale := math.Pow(10, float64(precision))
		return f(x*scale) / scale
	}
	in.fail("round: the method must be common, ceil or floor")
	return nil
}
