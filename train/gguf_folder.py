"""Writes a GGUF file of the llama architecture as a Hugging Face folder in float32, so that transformers can read it.

    python train/gguf_folder.py FILE.gguf FOLDER

It knows the tensor types F32, F16, Q8_0 and Q4_1 and byte-level BPE vocabularies of the "smollm" kind. llama.cpp keeps
the rows of the query and key weights in an order of its own (pairs of neighbours are rotated, not halves of a head);
here they go back.
"""

import json
import os
import struct
import sys

import numpy as np
from safetensors.numpy import save_file

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class Reader:
    def __init__(self, path):
        self.data = np.memmap(path, dtype=np.uint8, mode="r")
        self.at = 0

    def one(self, kind):
        n = struct.calcsize("<" + kind)
        (v,) = struct.unpack("<" + kind, self.data[self.at:self.at + n].tobytes())
        self.at += n
        return v

    def text(self):
        n = self.one("Q")
        self.at += n
        return self.data[self.at - n:self.at].tobytes().decode("utf-8", "replace")

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, n = self.one("I"), self.one("Q")
            return [self.value(inner) for _ in range(n)]
        return self.one(SCALARS[kind])


def floats(raw, kind, n):
    """The n values of a tensor whose bytes begin raw."""
    if kind == 0:
        return raw[:4 * n].view(np.float32).copy()
    if kind == 1:
        return raw[:2 * n].view(np.float16).astype(np.float32)
    blocks = n // 32
    if kind == 8:
        b = raw[:34 * blocks].reshape(blocks, 34)
        d = b[:, :2].copy().view(np.float16).astype(np.float32)
        return (b[:, 2:].copy().view(np.int8) * d).astype(np.float32).reshape(-1)
    if kind == 3:
        b = raw[:20 * blocks].reshape(blocks, 20)
        d, m = (b[:, i:i + 2].copy().view(np.float16).astype(np.float32) for i in (0, 2))
        q = np.concatenate([b[:, 4:] & 15, b[:, 4:] >> 4], axis=1).astype(np.float32)
        return (q * d + m).astype(np.float32).reshape(-1)
    raise SystemExit(f"tensor type {kind} is not supported")


def unpermute(w, heads):
    rows, cols = w.shape
    return w.reshape(heads, rows // heads // 2, 2, cols).swapaxes(1, 2).reshape(rows, cols).copy()


NAMES = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
}


def hf_name(name):
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{NAMES[parts[2]]}.{parts[3]}"
    return f"{NAMES[parts[0]]}.{parts[1]}"


def main():
    path, folder = sys.argv[1:]
    r = Reader(path)
    assert r.one("I") == 0x46554747, "not a GGUF file"
    assert r.one("I") in (2, 3), "unknown version"
    tensors, keys = r.one("Q"), r.one("Q")
    meta = {}
    for _ in range(keys):
        key = r.text()
        meta[key] = r.value(r.one("I"))
    infos = []
    for _ in range(tensors):
        name = r.text()
        dims = [r.one("Q") for _ in range(r.one("I"))]
        infos.append((name, dims[::-1], r.one("I"), r.one("Q")))
    align = meta.get("general.alignment", 32)
    base = (r.at + align - 1) // align * align
    heads, kv = meta["llama.attention.head_count"], meta["llama.attention.head_count_kv"]
    out = {}
    for name, shape, kind, offset in infos:
        w = floats(r.data[base + offset:], kind, int(np.prod(shape))).reshape(shape)
        if ".attn_q." in name or ".attn_k." in name:
            w = unpermute(w, heads if ".attn_q." in name else kv)
        out[hf_name(name)] = w
    os.makedirs(folder, exist_ok=True)
    save_file(out, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})

    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": meta["llama.vocab_size"],
        "hidden_size": meta["llama.embedding_length"],
        "intermediate_size": meta["llama.feed_forward_length"],
        "num_hidden_layers": meta["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "hidden_act": "silu",
        "max_position_embeddings": meta["llama.context_length"],
        "rms_norm_eps": float(np.float32(meta["llama.attention.layer_norm_rms_epsilon"]).astype(str)),
        "rope_theta": meta["llama.rope.freq_base"],
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": "lm_head.weight" not in out,
        "torch_dtype": "float32",
        "bos_token_id": meta["tokenizer.ggml.bos_token_id"],
        "eos_token_id": meta["tokenizer.ggml.eos_token_id"],
        "pad_token_id": meta["tokenizer.ggml.padding_token_id"],
    }
    write(folder, "config.json", config)
    write(folder, "generation_config.json", {k: v for k, v in config.items() if k.endswith("_token_id")})

    assert meta["tokenizer.ggml.model"] == "gpt2" and meta["tokenizer.ggml.pre"] == "smollm", "unknown tokenizer"
    tokens, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
             for i, (t, k) in enumerate(zip(tokens, kinds)) if k == 3]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write(folder, "tokenizer.json", {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
        "post_processor": None,
        "decoder": dict(byte_level, add_prefix_space=True),
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {t: i for i, t in enumerate(tokens)}, "merges": meta["tokenizer.ggml.merges"],
        },
    })
    special = {"bos_token": tokens[config["bos_token_id"]], "eos_token": tokens[config["eos_token_id"]],
               "unk_token": tokens[meta["tokenizer.ggml.unknown_token_id"]], "pad_token": tokens[config["pad_token_id"]]}
    write(folder, "tokenizer_config.json", {
        "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "clean_up_tokenization_spaces": False,
        "model_max_length": config["max_position_embeddings"], "chat_template": meta.get("tokenizer.chat_template"), **special,
    })


def write(folder, name, value):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    main()
