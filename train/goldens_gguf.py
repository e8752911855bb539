"""Writes models/gguf/testdata: small GGUF files, written with the package gguf, and what is in them.

    python train/goldens_gguf.py [SmolLM2-135M-Instruct.Q4_1.gguf]     # gguf 0.19, numpy, tokenizers 0.23.3

llama.gguf and qwen3.gguf hold random weights under Hugging Face names and rows, turned into what llama.cpp expects, and a
vocabulary trained here. goldens.json.gz has of each tensor, as it was before or as the package gguf widens it, the SHA-256 of
its float32; and of each kind of tokenizer the CRC-32 of the ids that Hugging Face tokenizers makes of texts of
tokenizer/testdata/strings.json.gz. Of the file that is given it has the same.
"""
import gzip
import hashlib
import json
import math
import os
import sys
import zlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Q
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_strings import SENTENCES, WORDS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "models", "gguf", "testdata")
TEXTS = json.load(gzip.open(os.path.join(ROOT, "tokenizer", "testdata", "strings.json.gz")))
STEP = 7  # every so manyth text, for the small vocabulary

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?"
         r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")
PRES = {
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "llama-bpe": [CL100K % r"\p{N}{1,3}"],
    "smaug-bpe": [CL100K % r"\p{N}{1,3}"],
    "qwen2": [CL100K % r"\p{N}"],
    "gpt-4o": [O200K],
}


def tokenizer(tokens, types, merges, pre, bos=None):
    """What Hugging Face makes of the arrays of a GGUF file."""
    vocab = {t: i for i, t in enumerate(tokens) if types[i] != 5}
    t = Tokenizer(models.BPE(vocab, [tuple(m.split(" ")) for m in merges], ignore_merges=pre == "llama-bpe"))
    parts = [pre_tokenizers.Split(Regex(p), "isolated") for p in PRES[pre]]
    t.pre_tokenizer = pre_tokenizers.Sequence(parts + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    if pre == "qwen2":
        t.normalizer = normalizers.NFC()
    for i, token in enumerate(tokens):
        if types[i] in (3, 4):
            t.add_tokens([AddedToken(token, special=types[i] == 3, normalized=False)])
            assert t.token_to_id(token) == i, token
    if bos is not None:
        t.post_processor = processors.TemplateProcessing(single=f"{tokens[bos]} $A", special_tokens=[(tokens[bos], bos)])
    return t


def ids(t, texts):
    return [zlib.crc32(np.array(t.encode(x).ids, dtype="<i4").tobytes()) for x in texts]


def digest(x):
    return hashlib.sha256(np.ascontiguousarray(x, dtype="<f4").tobytes()).hexdigest()


def permute(w, heads):
    """To the order of llama.cpp: the two numbers that rotate together are neighbours."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def unpermute(w, heads):
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def file_name(name):
    base, end = name.rsplit(".", 1)
    if base.startswith("model.layers."):
        layer, rest = base[len("model.layers."):].split(".", 1)
        return f"blk.{layer}.{NAMES[rest]}.{end}"
    return f"{NAMES[base]}.{end}"


def train(size):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(list(SENTENCES) + list(WORDS), trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    model = json.loads(t.to_str())["model"]
    vocab = sorted(model["vocab"], key=model["vocab"].get)
    return vocab, [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]


def small(arch, rng, storage, bias):
    """A file of random weights, and the digests of what a reader has to make of it."""
    vocab, merges = train(560)
    special = ["<|end|>", "<|start|>", "<|pad|>"]
    user = ["<think>", "  \n"]
    tokens = vocab + special + user + [f"[PAD{i}]" for i in range(11)]
    types = [1] * len(vocab) + [3] * len(special) + [4] * len(user) + [5] * 11
    d, f, layers, heads, kv, hd = 32, 64, 2, 2, 1, 64
    if arch == "qwen3":
        layers, heads, kv = 1, 4, 2
    shapes = {"model.embed_tokens.weight": (len(tokens), d), "model.norm.weight": (d,)}
    if arch == "llama":
        shapes["lm_head.weight"] = (len(tokens), d)
    for i in range(layers):
        p = f"model.layers.{i}."
        for n, s in {"input_layernorm": (d,), "post_attention_layernorm": (d,), "self_attn.q_proj": (heads * hd, d), "self_attn.k_proj": (kv * hd, d),
                     "self_attn.v_proj": (kv * hd, d), "self_attn.o_proj": (d, heads * hd), "mlp.gate_proj": (f, d), "mlp.up_proj": (f, d),
                     "mlp.down_proj": (d, f)}.items():
            shapes[p + n + ".weight"] = s
        if arch == "qwen3":
            shapes[p + "self_attn.q_norm.weight"] = shapes[p + "self_attn.k_norm.weight"] = (hd,)
        if bias:
            for n, s in {"q": heads * hd, "k": kv * hd, "v": kv * hd, "o": d}.items():
                shapes[p + f"self_attn.{n}_proj.bias"] = (s,)
    w = gguf.GGUFWriter(os.path.join(OUT, arch + ".gguf"), arch)
    w.add_block_count(layers)
    w.add_context_length(131072)
    w.add_embedding_length(d)
    w.add_feed_forward_length(f)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_key_length(hd)
    w.add_value_length(hd)
    w.add_layer_norm_rms_eps(1e-6 if arch == "qwen3" else 1e-5)
    w.add_rope_freq_base(1e6 if arch == "qwen3" else 500000.0)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2" if arch == "qwen3" else "llama-bpe")
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges(merges)
    w.add_bos_token_id(len(vocab) + 1)
    w.add_eos_token_id(len(vocab))
    w.add_pad_token_id(len(vocab) + 2)
    w.add_chat_template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    w.add_quantization_version(2)
    if arch == "llama":
        # Llama 3's rope scaling: factor 8, low 1, high 4, context 8192.
        freqs = 1.0 / (500000.0 ** (np.arange(0, hd, 2, dtype=np.float32) / hd))
        out = []
        for x in freqs:
            wave = 2 * math.pi / x
            if wave < 8192 / 4:
                out.append(1)
            elif wave > 8192 / 1:
                out.append(8)
            else:
                s = (8192 / wave - 1) / (4 - 1)
                out.append(1 / ((1 - s) / 8 + s))
        w.add_tensor("rope_freqs.weight", np.array(out, dtype=np.float32))
    sums = {}
    for i, (name, shape) in enumerate(shapes.items()):
        x = rng.standard_normal(shape).astype(np.float32) * (0.05 if len(shape) == 2 else 0.2) + (len(shape) == 1)
        turned = x
        h = heads if "q_proj" in name else kv if "k_proj" in name else 0
        if h and arch == "llama":
            turned = permute(x, h)
        kind = storage[i % len(storage)] if len(shape) == 2 else Q.F32
        raw = gguf.quants.quantize(turned, kind)
        w.add_tensor(file_name(name), raw, raw_dtype=kind)
        if kind != Q.F32:
            x = gguf.quants.dequantize(raw, kind).reshape(shape)
            if h and arch == "llama":
                x = unpermute(x, h)
        sums[name] = digest(x)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return sums, (tokens, types, merges, len(vocab) + 1)


def main():
    os.makedirs(OUT, exist_ok=True)
    rng = np.random.default_rng(7)
    golden = {"step": STEP}
    golden["llama"], arrays = small("llama", rng, [Q.F16, Q.Q4_0, Q.Q8_0, Q.BF16, Q.Q4_1, Q.F32], True)
    golden["qwen3"], _ = small("qwen3", rng, [Q.Q8_0, Q.Q4_0], False)
    golden["ids"] = {pre: ids(tokenizer(*arrays[:3], pre, arrays[3] if pre == "llama-bpe" else None), TEXTS[::STEP]) for pre in PRES}
    if len(sys.argv) > 1:
        r = gguf.GGUFReader(sys.argv[1])
        field = {k: v.contents() for k, v in r.fields.items()}
        back = {v: k for k, v in NAMES.items()}
        sums = {}
        for t in r.tensors:
            x = gguf.quants.dequantize(t.data, t.tensor_type).reshape(t.shape[::-1])
            parts = t.name.split(".")
            name = ".".join((["model.layers", parts[1]] if parts[0] == "blk" else []) + [back[parts[-2]], parts[-1]])
            if parts[-2] in ("attn_q", "attn_k"):
                x = unpermute(x, field["llama.attention.head_count" + ("_kv" if parts[-2] == "attn_k" else "")])
            sums[name] = digest(x)
        t = tokenizer(field["tokenizer.ggml.tokens"], field["tokenizer.ggml.token_type"], field["tokenizer.ggml.merges"], field["tokenizer.ggml.pre"])
        golden["smollm2"], golden["smollm2 ids"] = sums, ids(t, TEXTS)
    with open(os.path.join(OUT, "goldens.json.gz"), "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as f:
        f.write(json.dumps(golden, separators=(",", ":")).encode())


main()
