"""Pieces of templates, to hold engine/chat/jinja against Jinja2: each runs with VARS."""

VARS = {
    "s": "Hello, World", "u": "Grüße, 世界 🎉", "empty": "", "ws": " \t two  words \n", "lines": "a\nb\r\nc\n\n  d", "html": "<a href=\"x\">&'</a>",
    "i": 7, "n": -3, "z": 0, "f": 2.5, "e": 1e-7, "big": 1e22, "huge": 123456789012345678901234567890, "t": True, "no": None,
    "l": [3, 1, 2], "ls": ["b", "A", "c"], "le": [], "mixed": [1, "a", None, 2.0, True, {"k": [1]}],
    "d": {"b": 1, "a": {"x": [1, 2, {"y": "z"}]}, "items": "shadow", "q'": "it's", "ü": "ß"}, "de": {},
    "users": [{"name": "Zoe", "age": 30, "tags": ["x"]}, {"name": "adam", "age": 25, "tags": []}, {"name": "Bob", "age": 30, "tags": ["y", "z"]}],
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi "}, {"role": "assistant", "content": "Yo"}, {"role": "user", "content": "Bye"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "Does \"it\" <now> & é", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}}],
}

EXPRESSIONS = r"""
1
1.0
-1
- -1
+i
1e3
1.5e-3
1_000
0x1F
0b101
0o17
00
100000000000000000000
"a" "b" 'c'
"\n\t\\\'\"\x41\u00e9\U0001F600\101\q\é"
'it\'s'
true
True
none
None
false
[]
[1, 'a', none, 2.0, true]
()
(1,)
(1, 2)
1, 2
{}
{'a': 1, "b": [1], 1: 2, none: 3, true: 4}
{'a': 1, 'a': 2}
[1, 2,]
{'a': 1,}
i
missing
missing is defined
d
d.b
d['b']
d.a.x
d.a.x[2].y
d.a.x[-1]['y']
d.items
d['items']
d.items()
d.keys()
d.values()
d.get('b')
d.get('zz')
d.get('zz', 5)
d.get('zz', default=5)
d.missing
d.missing.more
d['missing']
d[0]
d.copy()
d.pop('b')
d.update
d.__class__
d.update({'x': 1})
l.append(4)
l.append
l[0]
l[-1]
l[5]
l[-5]
l['a']
l.0
l[1:]
l[:1]
l[::-1]
l[::2]
l[-2:]
l[5:]
l[:-1]
l[2:0:-1]
l[none:2]
l['a':]
l[::0]
s[0]
s[-1]
s[50]
s[1:4]
s[::-1]
s[:-7]
s[7:]
u[0:3]
u[-1]
u[7:9]
u[::2]
u[5]
d[1:]
missing[1:]
no[1:]
i[0]
no.x
no['x']
i.x
s.x
s['x']
1 + 1
i + f
i - 10
i * 3
i / 2
8 / 2
i // 2
n // 2
-7 // 2
-7 % 3
7 % -3
7.5 // 2
-7.5 // 2
7.5 % 2
-7.5 % 2
2 ** 10
2 ** -1
2.0 ** 3
-2 ** 2
2 ** 3 ** 2
(-8) ** 2
1 / 0
1 // 0
1 % 0
1.0 / 0
0 ** 0
0.1 + 0.2
1e16
1e15
123456789.123456789
1e-5
0.0001
big
e
huge
huge + 1
1/3
2/3
100 * 1.1
t + 1
t + t
true * 3
'a' + 'b'
'a' + 1
1 + 'a'
'a' * 3
3 * 'ab'
'a' * 0
'a' * -1
[1] * 2
[1] + [2]
(1,) + (2,)
[1] + (2,)
'a' - 'b'
'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1]
1 ~ 2
missing ~ 'x'
missing + 'x'
'x' + missing
none + 1
not true
not 0
not ''
not 'a'
not []
not missing
1 and 2
0 and 2
1 or 2
0 or 2
'' or 'default'
none or missing or 'x'
1 and missing
not 1 == 2
1 == 1.0
1 == true
'a' == 'a'
'a' == 1
[1, 2] == [1, 2]
[1] == (1,)
{'a': 1} == {'a': 1.0}
none == none
none == false
missing == missing
missing == none
missing == ''
1 != 2
1 < 2
1 < 2 < 3
1 < 3 < 2
1 < 2 == true
'a' < 'b'
'a' < 'B'
'é' > 'z'
[1, 2] < [1, 3]
[1] < [1, 0]
(1, 2) < (1, 3)
1 < 'a'
none < 1
missing < 1
1.5 >= 1
'ell' in s
'xyz' in s
'' in s
1 in s
3 in l
4 in l
4 not in l
'b' in d
'items' in d
1 in d
[1] in d
'x' in missing
'x' in none
1.0 in l
true in [1]
i in range(10)
2.0 in range(3)
5 in range(0, 10, 2)
'a' if t else 'b'
'a' if no else 'b'
'a' if no
('a' if no) is defined
'a' if t else 'b' if t else 'c'
1 if 0 else 2 if 0 else 3
s is string
i is string
i is number
t is number
f is number
t is integer
i is integer
f is integer
f is float
t is boolean
i is boolean
no is none
no is not none
missing is none
l is sequence
s is sequence
d is sequence
i is sequence
missing is sequence
d is mapping
l is mapping
l is iterable
s is iterable
i is iterable
missing is iterable
no is iterable
d.items() is sequence
d.items() is iterable
range(3) is sequence
(l|map('string')) is iterable
range is callable
s is callable
missing is callable
s.upper is callable
t is true
i is true
t is false
no is false
i is odd
i is even
n is odd
f is even
i is divisibleby 7
i is divisibleby(2)
i is divisibleby 0
s is lower
'abc' is lower
'ABC' is upper
'123' is lower
i is in [1, 7]
i is eq 7
i is equalto 7
i is ne 7
i is gt 3
i is ge 7
i is lt 3
i is le 7
i is greaterthan(3)
i is not lessthan 3
s is sameas s
none is sameas none
true is sameas true
1 is sameas true
l is sameas l
[] is sameas []
'x' is filter
'upper' is filter
s is undefined
missing is undefined
d.missing is defined
d.b is defined and d.b == 1
not missing is defined
i is odd and i is number
s|upper
s|lower
s|capitalize
s|title
'hello-world (foo) [bar] {baz} <q>'|title
"they're bill's friends"|title
u|upper
u|title
'ßtraße'|upper
'ßtraße'|capitalize
'ΑΣ ΣΑΣ'|lower
'ΑΣ'|capitalize
'ﬁn'|upper
'ﬁn'|title
'İ'|lower
'ǆ'|capitalize
ws|trim
'xxaxx'|trim('x')
'xyaxy'|trim('xy')
s|length
u|length
l|length
d|length
d.items()|length
range(5)|length
missing|length
i|length
no|length
l|count
s|list
u|list
l|list
d|list
d.items()|list
d|items|list
missing|items|list
l|items
range(3)|list
missing|list
i|list
l|first
l|last
le|first
le|last
(le|first) is defined
s|first
s|last
u|last
d|first
d|last
d.items()|last
range(4)|last
missing|first
missing|last
(l|map('string'))|first
(l|map('string'))|last
l|sum
l|sum(start=10)
users|sum(attribute='age')
users|sum('age', 5)
ls|sum
le|sum
l|max
l|min
ls|max
ls|max(case_sensitive=true)
ls|min
users|max(attribute='age')
users|min(attribute='age')
le|max
mixed|max
l|sort
l|sort(reverse=true)
ls|sort
ls|sort(case_sensitive=true)
ls|sort(true)
users|sort(attribute='age')
users|sort(attribute='age,name')
users|sort(attribute='name')|map(attribute='name')|list
users|sort(attribute='name', case_sensitive=true)|map(attribute='name')|list
mixed|sort
d|sort
s|sort
l|reverse
l|reverse|list
s|reverse
u|reverse
d|reverse|list
(l|map('string'))|reverse
l|join
l|join(', ')
ls|join(d='-')
users|join(', ', attribute='name')
users|join('|', 'age')
mixed|join(' ')
s|join('.')
u|join('.')
missing|join
le|join(',')
d|join(',')
l|unique|list
[1, 1.0, true, 2, 'a', 'A']|unique|list
['a', 'A', 'b']|unique|list
['a', 'A', 'b']|unique(case_sensitive=true)|list
users|unique(attribute='age')|map(attribute='name')|join
l|map('string')|list
ls|map('upper')|list
ls|map('replace', 'b', 'X')|list
users|map(attribute='name')|list
users|map(attribute='missing')|list
users|map(attribute='missing', default='none')|list
users|map(attribute='tags.0')|list
users|map(attribute='tags.0', default='-')|list
users|map('attr', 'name')|list
l|map|list
l|map('nosuch')|list
l|select|list
[0, 1, '', 'a', none, []]|select|list
l|select('odd')|list
l|select('gt', 1)|list
l|select('in', [1, 2])|list
l|reject('odd')|list
[0, 1, '']|reject|list
users|selectattr('tags')|map(attribute='name')|list
users|selectattr('age', 'equalto', 30)|map(attribute='name')|list
users|selectattr('age', '>', 26)|list|length
users|selectattr('age', 'eq', 30)|list|length
users|rejectattr('age', 'equalto', 30)|map(attribute='name')|list
users|rejectattr('tags')|map(attribute='name')|list
users|selectattr('missing')|list
users|selectattr('missing', 'defined')|list
users|selectattr('missing', 'undefined')|list|length
users|selectattr
messages|selectattr('role', 'equalto', 'system')|list
messages|selectattr('role', 'equalto', 'tool')|list|length > 0
(messages|selectattr('role', 'equalto', 'tool')) and 'truthy'
missing|select|list
no|select|list
users|groupby('age')
users|groupby('age')|map('first')|list
users|groupby('name')|map(attribute='grouper')|list
users|groupby('age')|map(attribute='list')|map('length')|list
users|groupby('missing', default='x')|length
d|dictsort
{'b': 1, 'A': 2, 'c': 0}|dictsort
{'b': 1, 'A': 2, 'c': 0}|dictsort(true)
{'b': 1, 'A': 2, 'c': 0}|dictsort(false, 'value')
{'b': 1, 'A': 2, 'c': 0}|dictsort(reverse=true)
{'b': 1}|dictsort(by='x')
l|batch(2)|list
l|batch(2, 'x')|list
range(7)|batch(3)|list
range(7)|batch(3, 0)|list
le|batch(2)|list
range(7)|slice(3)|list
range(7)|slice(3, 'x')|list
l|slice(5)|list
l|slice(0)|list
s|replace('l', 'L')
s|replace('l', 'L', 1)
s|replace('', '-')
i|replace(7, 8)
s|replace('o', i)
s|truncate(5)
s|truncate(5, true)
s|truncate(9, leeway=0)
s|truncate(9, true, '!', 0)
s|truncate(1)
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(11)
lines|indent
lines|indent(2)
lines|indent(2, true)
lines|indent(2, true, true)
lines|indent('> ')
lines|indent(first=true)
''|indent(2, true)
i|indent
missing|default('x')
missing|d('x')
missing|default
no|default('x')
no|default('x', true)
''|default('x', boolean=true)
0|default(5, true)
d.missing|default('x')
missing.x|default('x')
'42'|int
'42.7'|int
' 42 '|int
'x'|int
'x'|int(5)
'ff'|int(0, 16)
'0xff'|int(0, 16)
'0b11'|int(base=2)
'1_000'|int
'-7'|int
'+7'|int
42.9|int
-42.9|int
none|int
t|int
missing|int
l|int
'1e3'|int
'inf'|int
'nan'|int
'12345678901234567890'|int
'1.5'|float
'x'|float
'x'|float(1.5)
' 1e3 '|float
'1_0.5'|float
'inf'|float
'nan'|float
'-infinity'|float
7|float
none|float
t|float
'0x10'|float
2.5|round
3.5|round
2.567|round(2)
2.675|round(2)
2.5|round(0, 'ceil')
2.5|round(0, 'floor')
2.567|round(1, 'ceil')
2.567|round(1, method='floor')
7|round
7|round(1)
1234.5|round(-2)
2.5|round|int
-2.5|round
2.5|round(1, 'x')
'x'|round
-5|abs
5|abs
-2.5|abs
'x'|abs
t|abs
s|string
i|string
f|string
no|string
l|string
d|string
'%s and %d'|format('x', 3)
'%s'|format(l)
'%(a)s-%(b)d'|format(a=1, b=2)
'%s %s' % ('a', 'b')
'%s' % 'a'
'%s' % i
'%s' % (1,)
'%s' % l
'%s' % d
'%s %s' % ('a',)
'%s' % ('a', 'b')
'no' % 'x'
'no' % ()
'no' % l
'no' % d
'%%' % ()
'%d' % 3.7
'%d' % 'x'
'%5d|' % 3
'%-5d|' % 3
'%05d|' % -3
'%+d' % 3
'% d' % 3
'%x %X %o %#x %#o' % (255, 255, 8, 255, 8)
'%f %.2f %e %g %G' % (1.5, 1.005, 12345.678, 0.00001, 1e20)
'%g %g %g %g' % (100000, 1000000, 1.5, 0.0001)
'%.0f %.0f' % (0.5, 1.5)
'%5.1f|%-8.2f|%08.3f' % (3.14159, 2.5, -2.5)
'%r %s' % ('a', 'a')
'%r' % u
'%.2s|%5s|%-5s|' % ('abc', 'ab', 'ab')
'%c%c' % ('a', 98)
'%*d|%.*f' % (5, 3, 2, 1.23456)
'%(b)s %(b)d' % d
'%(zz)s' % d
'%s' % missing
'%q' % 1
'%' % 1
'%s%' % 1
html|escape
html|e
html|safe
html|escape|string
(html|safe)|length
s|tojson
html|tojson
u|tojson
lines|tojson
'\x00\x01\x1f\x7f\u2028\b\f'|tojson
i|tojson
f|tojson
1.0|tojson
e|tojson
big|tojson
huge|tojson
no|tojson
t|tojson
l|tojson
mixed|tojson
d|tojson
de|tojson
le|tojson
(1, 2)|tojson
{'a': (1,)}|tojson
{1: 2, none: 3, true: 4, 1.5: 5}|tojson
d|tojson(indent=2)
d|tojson(indent=0)
le|tojson(indent=2)
[de, le]|tojson(indent=2)
d|tojson(indent='--')
d|tojson(2)
d|tojson(true)
d|tojson(true, 2)
u|tojson(ensure_ascii=true)
u|tojson(ensure_ascii=false)
d|tojson(separators=(',', ':'))
d|tojson(separators=(',', ':'), indent=1)
{'b': 1, 'a': [2]}|tojson(sort_keys=true)
{'b': 1, 'a': {'d': 1, 'c': 2}}|tojson(sort_keys=true, indent=1)
missing|tojson
range(3)|tojson
(l|map('string'))|tojson
'inf'|float|tojson
'nan'|float|tojson
tools|tojson
tools|tojson(indent=4)
tools[0].function|tojson
tools|map('tojson')|join('\n')
s|wordcount
u|wordcount
'abc'|center(9)
'abc'|center(8)
'abcd'|center(9)
d|attr('keys')
d|attr('b')
s|attr('upper')
s|nosuch
i is nosuch
s.upper()
s.lower()
s.title()
"they're 3rd x-ray"|title
"they're 3rd x-ray".title()
s.capitalize()
s.swapcase()
'ß'.swapcase()
s.casefold()
s.strip()
ws.strip()
ws.lstrip()
ws.rstrip()
'xxaxx'.strip('x')
'xxaxx'.lstrip('x')
'xxaxx'.rstrip('x')
'abcabc'.strip('bca')
ws.strip(none)
s.split(',')
s.split(', ')
ws.split()
ws.split(' ')
'a,b,c'.split(',', 1)
'a,b,c'.split(',', maxsplit=1)
'a,b,c'.split(sep=',')
'a,b,c'.rsplit(',', 1)
'  a  b  c '.split(none, 1)
'  a  b  c '.rsplit(none, 1)
'  a  b  c '.rsplit()
'  a  b '.split(none, 0)
'  a  b '.rsplit(none, 0)
''.split()
''.split(',')
'a'.split('')
'a\u2003b\x1cc'.split()
'<think>x</think>y'.split('</think>')[-1].lstrip('\n')
'<think>x</think>y'.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n')
lines.splitlines()
lines.splitlines(true)
'a\x0bb\x0cc\x1cd\x85e\u2028f'.splitlines()
'a\n'.splitlines()
''.splitlines()
s.partition(', ')
s.partition('zz')
s.rpartition('o')
s.rpartition('zz')
s.startswith('Hello')
s.startswith('x')
s.startswith(('x', 'H'))
s.startswith('World', 7)
s.startswith('')
s.startswith(1)
s.endswith('World')
s.endswith(('x', 'd'))
s.endswith('Hello', 0, 5)
s.removeprefix('Hello')
s.removesuffix('World')
s.removeprefix('x')
s.find('o')
s.find('o', 5)
s.find('zz')
s.rfind('o')
s.index('o')
s.index('zz')
s.rindex('o')
u.find('世')
u.find('界', 3)
'abc'.find('', 4)
s.count('l')
s.count('')
s.count('l', 4)
s.replace('l', 'L')
s.replace('l', 'L', 1)
s.replace('', '-')
s.replace('l')
', '.join(ls)
', '.join(l)
','.join('abc')
''.join(users|map(attribute='name'))
'{} {}'.format('a', 1)
'{0} {1} {0}'.format('a', 1)
'{x} {y!r}'.format(x='a', y='b')
'{{}} {}'.format(1)
'{}'.format()
'abc'.center(9, '*')
'abc'.ljust(6) ~ '|'
'abc'.rjust(6, '.')
'42'.zfill(5)
'-42'.zfill(5)
'abc'.isalpha()
'abc1'.isalnum()
'123'.isdigit()
'１２'.isdigit()
'²'.isdigit()
'½'.isnumeric()
'12'.isdecimal()
' '.isspace()
''.isspace()
'abc'.islower()
'ABC'.isupper()
'Abc Def'.istitle()
'Abc def'.istitle()
'abc'.isascii()
'é'.isascii()
'é'.isalpha()
'ab\n'.isprintable()
''.isprintable()
s.nosuch
s.nosuch()
l.index(1)
l.index(9)
l.count(1)
(1, 2, 1).count(1)
range(5)
range(2, 5)
range(0, 10, 3)
range(10, 0, -3)|list
range(5)[1:3]
range(5)[-1]
range(5)[::-1]|list
range(0)
range(3, 1)|list
range(100001)
range(1, 2, 0)
range()
dict(a=1, b=2)
dict({'a': 1}, b=2)
dict([('a', 1), ('b', 2)])
dict()
namespace(a=1).a
namespace({'a': 1}).a
namespace(a=1)
namespace(_a=1)
namespace().x
namespace().x is defined
nosuch()
s()
i()
s.upper(1)
raise_exception('no way: ' ~ i)
strftime_now('%d %b %Y')
strftime_now('%Y-%m-%d %H:%M:%S %j %A %a %B %p %I %y %% %-d %e %U %W %w %u %V %G')
strftime_now('%F %T %D %R %c %x %X')
[x for x in l]
lambda x: x
a.b.c
d..b
d.
1 +
(1
[1, 2
{'a'
'abc
"abc
i i
i == == i
not
if
s|
s is
s|upper|
l[
f(
f(a=1, a=2)
f(a=1, 2)
f(*l, 2)
"x"|replace
"x"|replace("a")
"x"|replace("a", "b", "c")
"x"|upper("y")
"x"|default("a", "b", "c")
d.b.c.d
@
$x
a & b
a ? b : c
1 if
1 2
'%s' % (html|safe)
(html|safe) ~ 'x'
(l|join(',')).split(',')
l|map('int')|sum
users[0].name ~ users[0]['age']
users[0].tags[0]
messages[0]['role'] == 'system' and messages[0].content
messages[1:]|map(attribute='content')|map('trim')|list
messages|map(attribute='role')|unique|join(',')
messages[-1].content.strip()|upper
(messages|last).role
messages|length - 1
messages|length-1
-i|abs
-(i|abs)
i|abs + 1
'a' if i == 7 and s is string or no else 'b'
i == 7 is true
not i is odd
i is odd is true
2 * 3 ~ 4
1 + 2 ~ 3
'a' ~ 'b' * 2
"a" in "abc" and "z" not in "abc"
[1, [2, [3, {'a': [4]}]]]
{'a': {'b': {'c': 1}}}.a.b.c
'é' ~ "日本" ~ '\u200b'
['é', '\u200b', '\n', "'", '"', "'\"", '\\', '\x7f', '\xa0', '😀', '\U000e0001', '\x85', '\xad']
1e400
-1e400
1e-400
3.0 * 2
10 // 3.0
5.0
1e2
123456789012345680.0
0.1
1e5
1.0e10
-0.0
0.0 * -1
7 // -2
-7 // -2
7 % 2.5
-0.5 // 1
1e308 * 10
2 ** 62
2 ** 63
2 ** 0.5
(-1) ** 0.5
10 ** 15
9223372036854775807
9223372036854775808
-9223372036854775808
9223372036854775807 + 1
""".strip("\n").split("\n")

BLOCKS = [
    "", "x", "x\n", "x\n\n", "\n", "\r\na\rb\n", "a{# c #}b", "a{#- c -#} b", "a {# c\n#}\nb", "{# {{ x }} #}", "{#", "{# #", "{{ s }", "{{ s", "{% if", "{% %}", "{{ }}", "{{", "{", "{ {", "}} %}",
    "  {% if t %}\n  yes\n  {% endif %}\n  after", "a  {% if t %}  b  {% endif %}  c", "{% if t -%}\n  x\n{%- endif %}\ny", "{% if t +%}\nx\n{%+ endif %}\ny", "  {%+ if t %}x{% endif %}", "a\n  {%- if t %} b {% endif -%}  \n c",
    "  {{ s }}\n  {{ i }}", "  {{- s -}}  \n x", "{{ s }}\n{{ s }}", "x\n   {# c #}\ny", "x   {# c #}   y", "  {% set a = 1 %}  \n  {{ a }}", "{% if t %}{% endif %}\n\nx", "\t{% if t %}\n\t\tx\n\t{% endif %}\n",
    "{% if t %}\n{% if t %}\na\n{% endif %}\n{% endif %}\nb", "{{ 'x' }}  {% if t %}\n  y{% endif %}", "{{ '{{' }} {{ '%}' }} {{ \"}}\" }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}}}", "{{ [[1]] }}", "{{-1}}", "{{- 1}}", "{{+1}}", "{% raw %}{{ x }}{% endraw %}y",
    "a {% raw -%} {{ x }} {%- endraw %} b", "{% raw %}\n{{ x }}\n{% endraw %}\ny", "{% raw %}", "  {% raw %}  x\n  {% endraw %}\ny",
    "{% if i == 7 %}a{% elif i == 8 %}b{% else %}c{% endif %}", "{% if i == 8 %}a{% elif i == 7 %}b{% else %}c{% endif %}", "{% if no %}a{% elif no %}b{% else %}c{% endif %}", "{% if missing %}a{% endif %}", "{% if t %}a", "{% endif %}", "{% else %}",
    "{% if t %}a{% else %}b{% else %}c{% endif %}", "{% if t: %}a{% endif %}", "{% if %}a{% endif %}", "{% if t %}a{% endfor %}", "{% nosuch %}", "{% block x %}{% endblock %}", "{% include 'x' %}", "{% extends 'x' %}", "{% do l %}",
    "{% for x in l %}{{ x }},{% endfor %}", "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }} {% endfor %}",
    "{% for x in le %}a{% else %}none{% endfor %}", "{% for x in l %}a{% else %}none{% endfor %}", "{% for x in missing %}a{% else %}none{% endfor %}", "{% for x in no %}a{% endfor %}", "{% for x in i %}a{% endfor %}", "{% for c in u %}{{ c }}|{% endfor %}",
    "{% for k in d %}{{ k }} {% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d|dictsort %}{{ k }};{% endfor %}", "{% for a, b in l %}{% endfor %}",
    "{% for a, b in [(1, 2), [3, 4], 'xy'] %}{{ a }}-{{ b }} {% endfor %}", "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for x in l if x > 1 %}{{ x }}{{ loop.index }}{{ loop.last }}{{ loop.length }} {% else %}none{% endfor %}",
    "{% for x in l if x > 5 %}{{ x }}{% else %}none{% endfor %}", "{% for x in l %}{% for y in l %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }};{% endfor %}", "{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% else %}e{% endfor %}", "{% break %}", "{% for x in l %}{{ loop.previtem }}|{{ loop.nextitem }} {% endfor %}", "{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}",
    "{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}", "{% for x in l %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}", "{% for x in l %}{{ loop.nosuch }}{{ loop.nosuch is defined }}{% endfor %}{{ loop }}",
    "{% for x in l|map('string') %}{{ x }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{% endfor %}", "{% for x in range(3) %}{{ loop.length }}{% endfor %}", "{% for x in l recursive %}{{ x }}{% endfor %}",
    "{% for x in [{'n': 1, 'c': [{'n': 2, 'c': []}, {'n': 3}]}] recursive %}{{ loop.depth }}{{ x.n }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}", "{% for x in l %}{{ loop(l) }}{% endfor %}", "{% for x in 1, 2 %}{{ x }}{% endfor %}", "{% for x in (1, 2) if x %}{{ x }}{% endfor %}",
    "{% for x in l if t else le %}{{ x }}{% endfor %}", "{% for x in (l if t else le) %}{{ x }}{% endfor %}", "{% for loop in l %}{{ loop }}{% endfor %}", "{% for x in l %}{% set y = x %}{% endfor %}{{ y is defined }}{{ x is defined }}", "{% for 1 in l %}{% endfor %}", "{% for x of l %}{% endfor %}",
    "{% set x = 1 %}{% for y in l %}{% set x = x + y %}{{ x }} {% endfor %}{{ x }}", "{% set ns = namespace(x=0) %}{% for y in l %}{% set ns.x = ns.x + y %}{% endfor %}{{ ns.x }}", "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}",
    "{% set ns.x = 1 %}", "{% set d.x = 1 %}", "{% set ns = namespace(x=1) %}{% set ns._x = 1 %}", "{% set x = 1 %}{{ x }}", "{% set x, y = 1, 2 %}{{ x }}{{ y }}", "{% set x, y = l %}", "{% set (x, y) = (1, 2) %}{{ x }}{{ y }}", "{% set x = 1, 2 %}{{ x }}", "{% set x %}a{{ i }}b{% endset %}{{ x }}",
    "{% set x | upper %}a{{ i }}b{% endset %}{{ x }}", "{% set x | upper | replace('A', 'c') %}a{% endset %}{{ x }}", "{% set x %}{% set y = 5 %}{{ y }}{% endset %}{{ x }}{{ y is defined }}", "{% set true = 1 %}", "{% set x == 1 %}", "{% set x = %}", "{% set 'a' = 1 %}",
    "{% if t %}{% set x = 1 %}{% endif %}{{ x }}", "{% if no %}{% set x = 1 %}{% endif %}{{ x }}|{{ x is defined }}", "{% set i = i + 1 %}{{ i }}", "{% set s = s %}{{ s }}", "{% for x in l %}{{ y }}{% set y = x %}{% endfor %}", "{% set y = 0 %}{% for x in l %}{{ y }}{% set y = x %}{{ y }}{% endfor %}{{ y }}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set z1 = 1 %}{{ z1 }}{% endwith %}{{ z1 is defined }}",
    "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c='y') }}{{ m(b=1, a=2) }}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, b=2) }}",
    "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}inner {{ i }}{% endcall %}", "{% macro m() %}{{ caller('x', 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "{{ m() }}{% macro m() %}x{% endmacro %}",
    "{% macro m(a, a) %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m %}{% endmacro %}", "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}", "{% macro m() %}{% set x = 9 %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{{ x }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m }}{{ m.name }}", "{% macro m() -%}\n  x\n{%- endmacro %}[{{ m() }}]", "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m(a) %}{% for x in a %}{{ m(x) if x is sequence and x is not string else x }}{% endfor %}{% endmacro %}{{ m([1, [2, [3]], 'a']) }}",
    "{% macro m() %}{{ ns.x }}{% set ns.x = 5 %}{% endmacro %}{% set ns = namespace(x=1) %}{{ m() }}{{ ns.x }}", "{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}", "{{ m is defined }}{% macro m() %}{% endmacro %}{{ m is defined }}",
    "{% macro m(*a) %}{% endmacro %}", "{% macro o() %}({{ caller() }}){% endmacro %}{% macro p() %}[{{ caller() }}]{% endmacro %}{% call o() %}{% call p() %}x{% endcall %}{% endcall %}", "{% macro m(kw) %}{{ kw }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'kw': 2}) }}",
    "{% filter upper %}a{{ s }}b{% endfilter %}", "{% filter upper|replace('A', 'x') %}a{% endfilter %}", "{% filter indent(2) %}a\nb{% endfilter %}", "{% filter nosuch %}a{% endfilter %}", "{% filter trim %}  {% set q1 = 3 %}{{ q1 }} {% endfilter %}{{ q1 is defined }}",
    "{% generation %}a{{ i }}{% endgeneration %}b", "{% generation %}{% set g1 = 1 %}{% endgeneration %}{{ g1 is defined }}", "{%- generation -%} x {%- endgeneration -%} y", "{% print i, s %}", "{% if t %}{{ nosuch() }}{% endif %}", "{% if no %}{{ nosuch() }}{{ s|nosuch }}{% endif %}ok",
    "{{ raise_exception('Only user and assistant roles are supported!') }}", "{% if true %}{{- raise_exception(\"a\nb\") }}{% endif %}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}", "{% set j = joiner(', ') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}",
    "{% set g = l|map('string') %}{{ g|join }}{{ g|join }}{{ g|list }}", "{% set g = messages|selectattr('role', 'equalto', 'user') %}{% for m in g %}{{ m.content }}{% endfor %}{% for m in g %}again{% endfor %}", "{% if messages|selectattr('role', 'equalto', 'nobody') %}true{% endif %}", "{% set x = l|select %}{{ x is iterable }}{{ x is sequence }}",
    "{% for m in messages %}{{ '<|' ~ m.role ~ '|>' }}{{ m['content']|trim }}{% if not loop.last %}\n{% endif %}{% endfor %}", "{%- for m in messages %}\n    {%- if m.role == 'user' %}\n        {{- '[INST] ' + m.content + ' [/INST]' }}\n    {%- endif %}\n{%- endfor %}",
    "{%- if messages[0].role == 'system' %}{%- set sys = messages[0].content %}{%- set rest = messages[1:] %}{%- else %}{%- set rest = messages %}{%- endif %}{{ sys }}|{{ rest|length }}", "{% for m in messages[::-1] %}{% set index = (messages|length - 1) - loop.index0 %}{{ index }}{{ m.role }} {% endfor %}",
    "{% for t in tools %}{{ t | tojson }}\n{% endfor %}", "{{- '\\n' }}a", "{{ '\\\\n' }}", "{{ \"a\\\"b\" }}", "{{ 'a'\n~ 'b' }}", "{{ s }}{{ s }}\n\n{{ s }}\n", "é{{ u }}世", "{{ 'unterminated }}", "{% set x = 'a\nb' %}{{ x }}", "{% for x in l -%} {{ x }} {%- endfor %}", "line1\n{% if t %}line2{% endif %}\nline3",
    "{% if t %}\n\n\nx{% endif %}", "{% set _ = namespace(a=[]) %}{% for x in l %}{% set _.a = _.a + [x * 2] %}{% endfor %}{{ _.a }}", "{{ messages[0].update({'x': 1}) }}", "{{ l.sort() }}", "{{ l.pop }}", "{{ ''.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ ''['__class__'] }}", "{{ s.format }}", "{{ (l|map('upper')) }}",
    "{% set x = {'a': 1} %}{% set y = dict(x, b=2) %}{{ x }}{{ y }}", "{% set x = {'a': 1} %}{% set x = dict(x, **{'b': 2}) %}{{ x|tojson }}", "{% for x in [1,2,3] %}{% if loop.index is divisibleby 2 %}{{ x }}{% endif %}{% endfor %}", "{% set n2 = 0 %}{% if messages[n2].role == 'system' %}s{% endif %}", "{{ self }}", "{{ caller }}", "{{ varargs }}", "{{ namespace }}{{ x }}",
    "{% set a = [] %}{% set b = a + [1] %}{{ a }}{{ b }}", "{% for i2 in range(3) %}{% for j2 in range(i2) %}{{ i2 }}{{ j2 }} {% else %}-{% endfor %}{% endfor %}", "{%- set x -%}\n  a\n{%- endset -%}\n[{{ x }}]", "{% set x = 5 if t else 6 %}{{ x }}", "{% set x = 'a' if no %}{{ x is defined }}", "{% if not loop is defined %}no loop{% endif %}",
]
