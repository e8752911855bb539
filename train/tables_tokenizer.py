"""Writes tokenizer/unicode_tables.go: the character properties that Hugging Face tokenizers works with.

The Rust library takes its properties from five sources of different Unicode versions (its regular expressions,
its normalisation crate at Unicode 9, its category crate, the standard library, its segmentation crate). Token ids
depend on them, so they are read off the library itself, one code point at a time, and not off one Unicode version.

    python train/tables_tokenizer.py        # tokenizers 0.23.3; about two minutes
"""
import base64
import os
import struct
import sys
import unicodedata

from tokenizers import Regex, __version__, normalizers, pre_tokenizers

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tokenizer", "unicode_tables.go")
ALL = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def charsmap(mapping):
    """A SentencePiece charsmap with the one-byte keys of mapping: a darts-clone trie, then the values."""
    units, blob = [0] * 1024, b""
    # The root's offset is 256: the child of byte k is unit 256 ^ k.
    units[0] = 256 << 10
    free = 512
    for k, v in mapping.items():
        # child: label k, has_leaf, offset to its leaf, which is unit (256 ^ k) ^ offset
        leaf = free
        free += 1
        node = 256 ^ k
        units[node] = ((node ^ leaf) << 10) | (1 << 8) | k
        units[leaf] = (1 << 31) | len(blob)
        blob += v.encode() + b"\0"
    return struct.pack("<I", 4 * len(units)) + struct.pack("<%dI" % len(units), *units) + blob


def probes():
    def removed(pattern):
        s = pre_tokenizers.Split(Regex(pattern), "removed")
        return lambda c: not s.pre_tokenize_str(c)

    def dropped(n):
        return lambda c: n.normalize_str("a" + c + "b") == "ab"

    bert = normalizers.BertNormalizer
    ws = pre_tokenizers.Whitespace()
    pun = pre_tokenizers.Punctuation("removed")
    dig = pre_tokenizers.Digits(individual_digits=False)
    pre = normalizers.Precompiled(charsmap({ord("a"): "b"}))
    wsplit = pre_tokenizers.WhitespaceSplit()
    yield "propUpper", removed(r"[\p{Lu}\p{Lt}]")
    yield "propLower", removed(r"\p{Ll}")
    yield "propCaseless", removed(r"[\p{Lm}\p{Lo}]")
    yield "propMark", removed(r"\p{M}")
    yield "propNumber", removed(r"\p{N}")
    yield "propSpace", removed(r"\s")
    yield "propWhite", lambda c: not wsplit.pre_tokenize_str(c)
    yield "propPunct", lambda c: not pun.pre_tokenize_str(c)
    yield "propAccent", dropped(bert(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False))
    yield "propCombining", dropped(normalizers.StripAccents())
    yield "propControl", dropped(bert(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False))
    yield "propWord", lambda c: len(ws.pre_tokenize_str("a" + c)) == 1 and ws.pre_tokenize_str("a" + c)[0][0] == "a" + c
    yield "propNumeric", lambda c: len(dig.pre_tokenize_str("0" + c)) == 1
    yield "propExtend", lambda c: pre.normalize_str("a" + c) == "b"
    yield "propMarks", removed(r"[\p{P}\$\+<=>\^~\|]")  # of llama.cpp's default


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


def runs(values):
    """(run length, value) pairs over 0..0x10FFFF."""
    out, last, n = b"", values[0], 0
    for v in values:
        if v == last:
            n += 1
        else:
            out += varint(n) + varint(last)
            last, n = v, 1
    return out + varint(n) + varint(last)


def decompositions(norm, other=None):
    """delta of the code point, count, the code points; Hangul is left to arithmetic."""
    out, last, n = b"", 0, 0
    for c in ALL:
        if 0xAC00 <= c <= 0xD7A3:
            continue
        d = norm.normalize_str(chr(c))
        if d == chr(c) or (other and other.normalize_str(chr(c)) == d):
            continue
        out += varint(c - last) + varint(len(d)) + b"".join(varint(ord(x)) for x in d)
        last = c
        n += 1
    return out, n


def main():
    assert __version__ == "0.23.3", __version__
    names, values = [], [0] * 0x110000
    for bit, (name, f) in enumerate(probes()):
        names.append(name)
        n = 0
        for c in ALL:
            if f(chr(c)):
                values[c] |= 1 << bit
                n += 1
        print(name, n, file=sys.stderr)
    nfd, nfc, nfkd = normalizers.NFD(), normalizers.NFC(), normalizers.NFKD()
    # A character has a combining class when it moves before U+0345, the only one of the highest class (240).
    ccc = [0] * 0x110000
    for c in ALL:
        ch = chr(c)
        if nfd.normalize_str(ch) == ch and nfd.normalize_str("a\u0345" + ch) == "a" + ch + "\u0345" and c != 0x345:
            ccc[c] = unicodedata.combining(ch)
            assert ccc[c] != 0
    ccc[0x345] = 240
    canon, nc = decompositions(nfd)
    compat, nk = decompositions(nfkd, nfd)
    comp, last, n2 = b"", 0, 0
    for c in ALL:
        d = unicodedata.decomposition(chr(c))
        if not d or d.startswith("<") or 0xAC00 <= c <= 0xD7A3:
            continue
        d = [int(x, 16) for x in d.split()]
        if len(d) == 2 and nfc.normalize_str(chr(d[0]) + chr(d[1])) == chr(c):
            comp += varint(c - last) + varint(d[0]) + varint(d[1])
            last = c
            n2 += 1
    lower, last, nl = b"", 0, 0
    low = normalizers.Lowercase()
    for c in ALL:
        l = low.normalize_str(chr(c))
        if l != chr(c):
            if len(l) == 1:
                lower += varint(c - last) + zigzag(ord(l) - c)
                last = c
                nl += 1
            else:
                assert c == 0x130 and l == "i\u0307", (c, l)
    with open(OUT, "w") as f:
        f.write("// Code generated by train/tables_tokenizer.py from tokenizers %s; DO NOT EDIT.\n\npackage tokenizer\n\n" % __version__)
        f.write("// Bits of a code point's properties.\nconst (\n")
        for bit, name in enumerate(names):
            f.write("\t%s%s\n" % (name, " uint16 = 1 << iota" if bit == 0 else ""))
        f.write(")\n\n")
        for name, doc, data in [
            ("propRuns", "runs of equal properties over all code points: length, bits", runs(values)),
            ("classRuns", "runs of equal canonical combining classes: length, class", runs(ccc)),
            ("canonData", "%d full canonical decompositions without Hangul: delta of the code point, count, code points" % nc, canon),
            ("compatData", "%d full compatibility decompositions that are not canonical" % nk, compat),
            ("composeData", "%d primary composites: delta of the code point, first, second" % n2, comp),
            ("lowerData", "%d lower-case mappings without U+0130, which has two code points: delta of the code point, zigzag difference" % nl, lower),
        ]:
            text = base64.b64encode(data).decode()
            f.write("// %s: %s (base64 of varints).\nconst %s = \"\" +\n" % (name, doc, name))
            lines = [text[i : i + 112] for i in range(0, len(text), 112)]
            f.write(" +\n".join('\t"%s"' % l for l in lines) + "\n\n")
            print(name, len(data), file=sys.stderr)


main()
