package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// file is a file with a header, its length before it and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// one is the header of a tensor "x".
func one(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"x":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

// f4 and f32At are entries of a tensor with n values of F32 from byte a.
func f32At(name string, a, n int) string {
	return fmt.Sprintf(`%q:{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}`, name, n, a, a+4*n)
}

// object joins the members of a header.
func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

type hostile struct {
	data []byte
	want string // in the error
}

const good = `{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`

// hostileFiles is every kind of broken file that a reader may be given.
func hostileFiles() map[string]hostile {
	h := map[string]hostile{}
	add := func(name string, data []byte, want string) {
		if _, ok := h[name]; ok {
			panic("BUG: two cases " + name)
		}
		h[name] = hostile{data, want}
	}
	addLengths(add)
	addJSON(add)
	addEntries(add)
	addNumbers(add)
	addPlaces(add)
	addMetadata(add)
	addLarge(add)
	return h
}

type adder func(name string, data []byte, want string)

func addLengths(add adder) {
	for n := range 8 {
		add(fmt.Sprintf("%d bytes", n), make([]byte, n), "too short for the length of a header")
	}
	length := func(n uint64, rest string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, n), rest...)
	}
	add("length 0", length(0, "{}"), "header length 0, too short")
	add("length 1", length(1, "{}"), "header length 1, too short")
	add("length beyond the file by 1", length(3, "{}"), "header length 3, but only 2 bytes follow it")
	add("length beyond the file", length(1000, "{}"), "header length 1000, but only 2 bytes follow it")
	add("length at the limit", length(maxHeader, "{}"), "but only 2 bytes follow it")
	add("length over the limit", length(maxHeader+1, "{}"), "header length 100000001 is over the limit of 100000000")
	add("length 2^32", length(1<<32, "{}"), "over the limit")
	add("length 2^63-1", length(1<<63-1, "{}"), "over the limit")
	add("length 2^63", length(1<<63, "{}"), "over the limit")
	add("length 2^64-1", length(1<<64-1, "{}"), "over the limit")
	add("length 2^64-8", length(1<<64-8, "{}"), "over the limit")
	add("length in big endian", append([]byte{0, 0, 0, 0, 0, 0, 0, 2}, "{}"...), "over the limit")
	whole := file(object(f32At("a", 0, 2), f32At("b", 8, 1)), 12)
	for n := 8; n < len(whole)-12; n += 7 {
		add(fmt.Sprintf("cut in the header at %d", n), whole[:n], "bytes follow it")
	}
	for n := 1; n <= 12; n++ {
		add(fmt.Sprintf("cut in the data by %d", n), whole[:len(whole)-n], "past the end of the file")
	}
	for n := 11; n < len(whole)-13; n += 5 { // the header itself ends early
		add(fmt.Sprintf("header cut to %d", n-8), file(string(whole[8:n]), 12), "")
	}
}

func addJSON(add adder) {
	for name, c := range map[string][2]string{
		"array":                 {`[]`, "does not begin with '{'"},
		"null":                  {`null`, "does not begin with '{'"},
		"blank before":          {` {}`, "does not begin with '{'"},
		"byte order mark":       {"\ufeff{}", "does not begin with '{'"},
		"spaces":                {"        ", "does not begin with '{'"},
		"text after":            {`{}x`, `'x' after its end`},
		"two objects":           {`{}{}`, `'{' after its end`},
		"zero bytes after":      {"{}\x00\x00", `after its end`},
		"no colon":              {`{"x"}`, `want ':'`},
		"no value":              {`{"x":}`, `want '{'`},
		"comma at the end":      {`{"x":` + good + `,}`, "key in header"},
		"comma at the start":    {`{,"x":` + good + `}`, "key in header"},
		"no comma":              {`{"x":` + good + ` "y":` + good + `}`, `want ','`},
		"single quotes":         {`{'x':1}`, "key in header"},
		"bare key":              {`{x:1}`, "key in header"},
		"number as key":         {`{1:1}`, "key in header"},
		"control character":     {"{\"a\nb\":" + good + "}", "control character 0x0a"},
		"NUL in a name":         {"{\"a\x00b\":" + good + "}", "control character 0x00"},
		"escape":                {`{"a\q":` + good + `}`, "invalid escape"},
		"half an escape":        {`{"a\u12":` + good + `}`, "invalid escape"},
		"lone surrogate":        {`{"a\ud800":` + good + `}`, "invalid escape"},
		"low surrogate first":   {`{"a\udc00\ud800":` + good + `}`, "invalid escape"},
		"not UTF-8":             {"{\"a\xff\":" + good + "}", "not valid UTF-8"},
		"overlong UTF-8":        {"{\"a\xc0\xaf\":" + good + "}", "not valid UTF-8"},
		"surrogate in UTF-8":    {"{\"a\xed\xa0\x80\":" + good + "}", "not valid UTF-8"},
		"UTF-8 cut":             {"{\"a\xe2\x82", "not valid UTF-8"},
		"comment":               {`{/**/"x":` + good + `}`, "key in header"},
		"UTF-16":                {"{\x00\"\x00x\x00\"\x00", "key in header"},
		"deep arrays":           {`{"x":` + strings.Repeat("[", 100000), `want '{'`},
		"deep objects":          {strings.Repeat(`{"x":`, 100000), "tensor x: unknown key x"},
		"deep objects in dtype": {`{"x":{"dtype":` + strings.Repeat(`{"x":`, 100000), "dtype"},
		"deep arrays in shape":  {`{"x":{"shape":` + strings.Repeat("[", 100000), "shape: want a number"},
		"deep metadata":         {`{"__metadata__":` + strings.Repeat(`{"a":`, 100000), "value in __metadata__"},
	} {
		add("JSON: "+name, file(c[0], 8), c[1])
	}
}

func addEntries(add adder) {
	for name, c := range map[string][2]string{
		"null":                  {`{"x":null}`, "tensor x"},
		"string":                {`{"x":"y"}`, "tensor x"},
		"array":                 {`{"x":[]}`, "tensor x"},
		"empty":                 {`{"x":{}}`, "tensor x: dtype is missing"},
		"no dtype":              {`{"x":{"shape":[2],"data_offsets":[0,8]}}`, "tensor x: dtype is missing"},
		"no shape":              {`{"x":{"dtype":"F32","data_offsets":[0,8]}}`, "tensor x: shape is missing"},
		"no offsets":            {`{"x":{"dtype":"F32","shape":[2]}}`, "tensor x: data_offsets is missing"},
		"dtype twice":           {`{"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, "tensor x: dtype occurs twice"},
		"shape twice":           {`{"x":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}`, "tensor x: shape occurs twice"},
		"offsets twice":         {`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}}`, "tensor x: data_offsets occurs twice"},
		"dtype twice, escaped":  {`{"x":{"dtype":"F32","\u0064type":"I32","shape":[2],"data_offsets":[0,8]}}`, "tensor x: dtype occurs twice"},
		"unknown key":           {`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}`, "tensor x: unknown key strides"},
		"name twice":            {`{"x":` + good + `,"x":` + good + `}`, "tensor x"},
		"no name":               {object(f32At("", 0, 2)), "header has a tensor without a name"},
		"name twice, one empty": {object(f32At("x", 0, 2), f32At("x", 8, 0)), "tensor x: occurs twice in the header"},
		"name twice, escaped":   {`{"xy":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x\u0079":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, "tensor xy: occurs twice in the header"},
		"dtype unknown":         {one(`"F8_E4M3"`, "[8]", "[0,8]"), "tensor x: dtype F8_E4M3 is not supported; supported are F64, F32, F16, BF16"},
		"dtype empty":           {one(`""`, "[8]", "[0,8]"), `dtype "" is not supported`},
		"dtype lower case":      {one(`"f32"`, "[2]", "[0,8]"), "dtype f32 is not supported"},
		"dtype with a space":    {one(`"F32 "`, "[2]", "[0,8]"), `dtype "F32 " is not supported`},
		"dtype number":          {one(`32`, "[2]", "[0,8]"), "tensor x: dtype"},
		"dtype null":            {one(`null`, "[2]", "[0,8]"), "tensor x: dtype"},
		"dtype array":           {one(`["F32"]`, "[2]", "[0,8]"), "tensor x: dtype"},
		"dtype invalid":         {one(`"invalid"`, "[2]", "[0,8]"), "dtype invalid is not supported"},
		"dtype long":            {one(`"`+strings.Repeat("F", 50000)+`"`, "[2]", "[0,8]"), "FF… is not supported"},
		"dtype with a newline":  {one(`"F\n32"`, "[2]", "[0,8]"), `dtype "F\n32" is not supported`},
		"name with a newline":   {`{"x\ny":{}}`, `tensor "x\ny": dtype is missing`},
		"name long":             {`{"` + strings.Repeat("é", 50000) + `":{}}`, "é…: dtype is missing"},
		"name of a bell":        {`{"\u0007":{}}`, `tensor "\a": dtype is missing`},
	} {
		add("entry: "+name, file(c[0], 8), c[1])
	}
}

func addNumbers(add adder) {
	for name, c := range map[string][2]string{
		"negative":           {"-1", "-1 is not a whole number"},
		"negative zero":      {"-0", "-0 is not a whole number"},
		"float":              {"1.5", "1.5 is not a whole number"},
		"whole float":        {"2.0", "2.0 is not a whole number"},
		"exponent":           {"1e3", "1e3 is not a whole number"},
		"string":             {`"2"`, `want a number, found '"'`},
		"null":               {"null", "null is not a whole number"},
		"true":               {"true", "true is not a whole number"},
		"array":              {"[2]", `want a number, found '['`},
		"object":             {"{}", `want a number, found '{'`},
		"plus":               {"+2", "+2 is not a whole number"},
		"leading zero":       {"02", "02 begins with a zero"},
		"hexadecimal":        {"0x2", "want ','"},
		"nothing":            {"", "want a number, found "},
		"NaN":                {"NaN", "NaN is not a whole number"},
		"infinity":           {"Infinity", "Infinity is not a whole number"},
		"2^63":               {"9223372036854775808", "9223372036854775808 is too large"},
		"2^64":               {"18446744073709551616", "18446744073709551616 is too large"},
		"2^64+8":             {"18446744073709551624", "18446744073709551624 is too large"},
		"a thousand digits":  {strings.Repeat("9", 1000), strings.Repeat("9", clipLen) + "… is too large"},
		"Arabic digits":      {"٢", "٢ is not a whole number"},
		"digits and letters": {"2a", "want ','"},
	} {
		add("number in shape: "+name, file(one(`"F32"`, "["+c[0]+",1]", "[0,8]"), 8), "shape: "+c[1])
		add("number as begin: "+name, file(one(`"F32"`, "[2]", "["+c[0]+",8]"), 8), "data_offsets: "+c[1])
		add("number as end: "+name, file(one(`"F32"`, "[2]", "[0,"+c[0]+"]"), 8), "data_offsets: "+c[1])
	}
	for name, c := range map[string][3]string{
		"shape null":         {"null", "[0,8]", "shape: want '['"},
		"shape number":       {"2", "[0,8]", "shape: want '['"},
		"shape object":       {"{}", "[0,8]", "shape: want '['"},
		"shape string":       {`"[2]"`, "[0,8]", "shape: want '['"},
		"offsets null":       {"[2]", "null", "data_offsets: want '['"},
		"offsets object":     {"[2]", `{"begin":0,"end":8}`, "data_offsets: want '['"},
		"no offsets":         {"[2]", "[]", "data_offsets has 0 values, want 2"},
		"one offset":         {"[2]", "[0]", "data_offsets has 1 values, want 2"},
		"three offsets":      {"[2]", "[0,4,8]", "data_offsets has more than two values"},
		"end before begin":   {"[2]", "[8,0]", "data_offsets [8, 0]: the end is before the start"},
		"too few bytes":      {"[3]", "[0,8]", "data_offsets [0, 8] hold 8 bytes, but F32 of shape [3] takes 12"},
		"too many bytes":     {"[1]", "[0,8]", "hold 8 bytes, but F32 of shape [1] takes 4"},
		"no bytes":           {"[2]", "[0,0]", "hold 0 bytes, but F32 of shape [2] takes 8"},
		"bytes of no values": {"[2,0]", "[0,8]", "hold 8 bytes, but F32 of shape [2,0] takes 0"},
		"scalar of 8 bytes":  {"[]", "[0,8]", "hold 8 bytes, but F32 of shape [] takes 4"},
		"product 2^63":       {"[4294967296,2147483648]", "[0,8]", "more values than can be counted"},
		"product 2^64":       {"[4294967296,4294967296]", "[0,8]", "shape [4294967296,4294967296] has more values than can be counted"},
		"product 2^64+2":     {"[2,9223372036854775807]", "[0,8]", "more values than can be counted"},
		"product wraps to 2": {"[6148914691236517206,3]", "[0,8]", "more values than can be counted"},
		"bytes 2^64":         {"[4611686018427387904]", "[0,8]", "F32 of shape [4611686018427387904] has more bytes than can be counted"},
		"bytes 2^63":         {"[2305843009213693952]", "[0,8]", "has more bytes than can be counted"},
		"bytes wrap to 8":    {"[4611686018427387906]", "[0,8]", "has more bytes than can be counted"},
		"zero hides huge":    {"[0,9223372036854775807,9223372036854775807]", "[0,0]", "more values than can be counted"},
		"huge hides zero":    {"[9223372036854775807,9223372036854775807,0]", "[0,0]", "more values than can be counted"},
		"65 dimensions":      {"[" + strings.Repeat("1,", 64) + "2]", "[0,8]", "shape has more than 64 dimensions"},
		"many dimensions":    {"[" + strings.Repeat("1,", 100000) + "2]", "[0,8]", "shape has more than 64 dimensions"},
		"comma in shape":     {"[2,]", "[0,8]", "shape: "},
		"no end of shape":    {"[2", "[0,8]", "shape: want a number, found"},
	} {
		add("list: "+name, file(one(`"F32"`, c[0], c[1]), 8), c[2])
	}
}

func addPlaces(add adder) {
	for name, c := range map[string]struct {
		members []string
		data    int
		want    string
	}{
		"no tensors but data":      {nil, 8, "8 bytes at the end that belong to no tensor"},
		"one byte too many":        {[]string{f32At("a", 0, 2)}, 9, "1 bytes at the end that belong to no tensor"},
		"one byte too few":         {[]string{f32At("a", 0, 2)}, 7, "tensor a: data_offsets [0, 8] reach past the end of the file, which has 7 bytes of data"},
		"no data":                  {[]string{f32At("a", 0, 2)}, 0, "tensor a: data_offsets [0, 8] reach past the end of the file"},
		"hole at the start":        {[]string{f32At("a", 4, 1)}, 8, "tensor a: 4 bytes that belong to no tensor before data_offsets [4, 8]"},
		"hole":                     {[]string{f32At("a", 0, 1), f32At("b", 8, 1)}, 12, "tensor b: 4 bytes that belong to no tensor before"},
		"hole, other order":        {[]string{f32At("b", 8, 1), f32At("a", 0, 1)}, 12, "tensor b: 4 bytes that belong to no tensor before"},
		"overlap by a byte":        {[]string{f32At("a", 0, 2), `"b":{"dtype":"U8","shape":[2],"data_offsets":[7,9]}`}, 9, "tensor b: data_offsets [7, 9] overlap tensor a"},
		"same bytes":               {[]string{f32At("a", 0, 2), f32At("b", 0, 2)}, 8, "overlap tensor"},
		"one within another":       {[]string{f32At("a", 0, 4), f32At("b", 4, 1)}, 16, "tensor b: data_offsets [4, 8] overlap tensor a"},
		"one around another":       {[]string{f32At("a", 4, 1), f32At("b", 0, 4)}, 16, "tensor a: data_offsets [4, 8] overlap tensor b"},
		"empty within another":     {[]string{f32At("a", 0, 2), f32At("b", 4, 0)}, 8, "tensor b: data_offsets [4, 4] overlap tensor a"},
		"empty past the end":       {[]string{f32At("a", 0, 2), f32At("b", 12, 0)}, 8, "tensor b: data_offsets [12, 12] reach past the end"},
		"empty at 2^63-1":          {[]string{`"a":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}`}, 8, "reach past the end"},
		"at 2^62":                  {[]string{`"a":{"dtype":"U8","shape":[8],"data_offsets":[4611686018427387904,4611686018427387912]}`}, 8, "reach past the end"},
		"2^62 bytes":               {[]string{`"a":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}`}, 8, "reach past the end"},
		"header counted as data":   {[]string{f32At("a", 8, 2)}, 16, "8 bytes that belong to no tensor"},
		"swapped with a hole":      {[]string{f32At("b", 12, 1), f32At("a", 0, 2)}, 16, "tensor b: 4 bytes"},
		"three, the middle is off": {[]string{f32At("a", 0, 1), f32At("b", 2, 1), f32At("c", 8, 1)}, 12, "tensor b: data_offsets [2, 6] overlap tensor a"},
	} {
		add("place: "+name, file(object(c.members...), c.data), c.want)
	}
}

func addMetadata(add adder) {
	for name, c := range map[string][2]string{
		"null":             {`null`, "__metadata__: want '{'"},
		"array":            {`[]`, "__metadata__: want '{'"},
		"string":           {`"x"`, "__metadata__: want '{'"},
		"number value":     {`{"a":1}`, "value in __metadata__"},
		"null value":       {`{"a":null}`, "value in __metadata__"},
		"object value":     {`{"a":{}}`, "value in __metadata__"},
		"array value":      {`{"a":["b"]}`, "value in __metadata__"},
		"bool value":       {`{"a":true}`, "value in __metadata__"},
		"a tensor":         {good, "value in __metadata__"},
		"key twice":        {`{"a":"1","b":"2","a":"3"}`, "__metadata__ has the key a twice"},
		"key twice escape": {`{"a/b":"1","a\/b":"1"}`, "__metadata__ has the key a/b twice"},
		"no end":           {`{"a":"1"`, "__metadata__"},
		"value escape":     {`{"a":"\x"}`, "invalid escape"},
	} {
		add("metadata: "+name, file(`{"__metadata__":`+c[0]+`,"x":`+good+`}`, 8), c[1])
	}
	add("metadata: twice", file(`{"__metadata__":{},"x":`+good+`,"__metadata__":{}}`, 8), "__metadata__ occurs twice")
	add("metadata: twice, escaped", file(`{"__metadata__":{},"x":`+good+`,"__metadata_\u005f":{}}`, 8), "__metadata__ occurs twice")
}

// addLarge has files whose headers are megabytes of small things, each of which
// a careless reader turns into something larger.
func addLarge(add adder) {
	const size = 4 << 20
	repeat := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const empty = `:{"dtype":"U8","shape":[],"data_offsets":[0,0]},`
	const none = `:{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`
	add("large: spaces", file("{"+repeat(" "), 0), "found its end")
	add("large: braces", file(repeat("{"), 0), "key in header")
	add("large: braces in a name", file(`{"`+repeat("{")+`":{}}`, 0), "dtype is missing")
	add("large: quotes", file("{"+repeat(`"`), 0), "want ':'")
	add("large: backslashes", file(`{"`+repeat(`\\`), 0), "does not end")
	add("large: escaped name", file(`{"`+repeat(`\u0061`)+`":{}}`, 0), "aaaa…: dtype is missing")
	add("large: one dtype", file(one(`"`+repeat("x")+`"`, "[]", "[0,1]"), 1), "xxx… is not supported")
	add("large: digits", file(one(`"U8"`, "["+repeat("1")+"]", "[0,1]"), 1), "is too large")
	add("large: zeros", file(one(`"U8"`, "["+repeat("0")+"]", "[0,1]"), 1), "begins with a zero")
	add("large: one name", file("{"+repeat(`"a"`+none)+`"a"`+none[:len(none)-1]+"}", 0), "tensor a: occurs twice")
	add("large: names, the last twice", file("{"+numbered(`"t%d"`+none)+`"t7"`+none[:len(none)-1]+"}", 0), "tensor t7: occurs twice")
	add("large: long names, the last twice", file("{"+numbered(`"`+strings.Repeat("x", 4000)+`%d"`+none)+`"`+strings.Repeat("x", 4000)+`7"`+none[:len(none)-1]+"}", 0), "xxx…: occurs twice")
	add("large: names, one byte more", file("{"+numbered(`"t%d"`+none)+`"z"`+none[:len(none)-1]+"}", 1), "1 bytes at the end")
	add("large: names, no end", file("{"+numbered(`"t%d"`+none), 0), "key in header")
	add("large: scalars of no bytes", file("{"+numbered(`"t%d"`+empty)+`"z"`+empty[:len(empty)-1]+"}", 0), "hold 0 bytes, but U8 of shape [] takes 1")
	add("large: metadata", file(`{"__metadata__":{`+numbered(`"%d":"",`)+`"":""}}`, 0), "__metadata__ has more than 16384 entries")
	add("large: one key in metadata", file(`{"__metadata__":{`+strings.Repeat(`"k":"",`, maxMetadata-1)+`"k":""}}`, 0), "__metadata__ has the key k twice")
	add("large: one value in metadata", file(`{"__metadata__":{"k":"`+repeat("v")+`","k":""}}`, 0), "has the key k twice")
	add("large: data", append(file(`{}`, 0), make([]byte, size)...), "4194304 bytes at the end")
	add("large: data, one byte short", file(one(`"U8"`, "[4194304]", "[0,4194304]"), size-1), "reach past the end")
}

// TestHostile reads every hostile file in each of the ways there are. Each ends
// in one short error that names file and reason, with bounded memory and time.
func TestHostile(t *testing.T) {
	cases := hostileFiles()
	if len(cases) < 200 {
		t.Errorf("only %d cases", len(cases))
	}
	path := filepath.Join(t.TempDir(), "hostile.safetensors")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			check(t, path, c, slack, func() (*File, error) { return Parse(path, c.data) })
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			check(t, path, c, slack, func() (*File, error) { return Open(path, Options{}) })
			if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
				check(t, path, c, slack, func() (*File, error) { return Open(path, Options{Mmap: true}) })
			}
		})
	}
}

// slack is what an error and the reading of a file cost besides its content.
const slack = 64 << 10

func check(t *testing.T, path string, c hostile, extra uint64, open func() (*File, error)) {
	t.Helper()
	var f *File
	var err error
	start := time.Now()
	used := allocated(func() { f, err = open() })
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d)
	}
	if err == nil {
		f.Close()
		t.Fatal("was accepted")
	}
	if used > 2*uint64(len(c.data))+extra {
		t.Errorf("allocated %d bytes for a file of %d", used, len(c.data))
	}
	var e *FormatError
	if !errors.As(err, &e) || e.File != path || e.Reason == "" {
		t.Fatalf("error %T %v is no FormatError of the file", err, err)
	}
	s := err.Error()
	if !strings.HasPrefix(s, path+": ") || !strings.Contains(s, c.want) {
		t.Errorf("error %s\nlacks %s", s, c.want)
	}
	if len(s) > len(path)+600 || strings.ContainsAny(s, "\n\r\x00\a") {
		t.Errorf("error of %d bytes: %q", len(s), s)
	}
}

// allocated is the number of bytes that f allocates, freed or not.
func allocated(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
