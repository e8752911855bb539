"""Writes the parity goldens of the decoders: models/testdata/decoders.json.gz.

Every model is tiny. Its weights are not in the file: both sides compute them from the tensors' names (`weights` below),
so a golden holds the text of config.json, the tensors' shapes, and what Hugging Face transformers (float32, eager
attention, each sequence alone) makes of some token ids. Adapters are PEFT's, with weights of the same kind.

    python train/goldens_decoders.py [models/testdata/decoders.json.gz]

{"source": ..., "models": [{"name", "config": text, "tensors": {name: shape},
  "cases": [{"ids": [...], "positions": [p, ...], "logits": [[vocab] per position]}],
  "adapters": [{"name", "config": text, "tensors": {name: shape}, "cases": [...]}]}]}
"""

import gzip
import json
import math
import os
import sys
import tempfile

import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

VOCAB = 100
SOURCE = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float32, eager attention"


def uniform(name, n):
    """n numbers of [-1, 1), the same for the same name everywhere: FNV-1a of the name, then SplitMix64."""
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1


def weights(model, name, shape):
    """Large values everywhere (norms and biases too), so that every error shows."""
    u = uniform(model + ":" + name, math.prod(shape))
    if "lora_" in name:
        u = u * 0.3
    elif "embed_tokens" in name:
        u = u * 0.9
    elif len(shape) == 2:
        u = u * (1.8 / math.sqrt(shape[1]))
    elif name.endswith("bias"):
        u = u * 0.5
    else:
        u = 1 + u * 0.5
    return u.astype(np.float32).reshape(shape)


def qwen3(hidden, heads, kv, dim, inter, layers, **more):
    return clean({
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": VOCAB, "hidden_size": hidden,
        "intermediate_size": inter, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
        "head_dim": dim, "hidden_act": "silu", "max_position_embeddings": 512, "rms_norm_eps": 1e-6,
        "rope_theta": 1000000, "rope_scaling": None, "attention_bias": False, "attention_dropout": 0.0,
        "use_sliding_window": False, "sliding_window": None, "max_window_layers": layers, "tie_word_embeddings": True,
        "bos_token_id": 1, "eos_token_id": 2, "use_cache": True,
    }, more)


def llama(hidden, heads, kv, inter, layers, **more):
    return clean({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCAB, "hidden_size": hidden,
        "intermediate_size": inter, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
        "hidden_act": "silu", "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "rope_scaling": None, "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": False,
        "bos_token_id": 1, "eos_token_id": 2, "pretraining_tp": 1,
    }, more)


def clean(cfg, more):
    cfg.update(more)
    return {k: v for k, v in cfg.items() if v != "drop"}


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
NEW = {"rope_theta": "drop", "rope_scaling": "drop"}

MODELS = {
    "qwen3-gqa1": qwen3(48, 4, 4, 16, 40, 2),
    "qwen3-gqa4": qwen3(40, 8, 2, 10, 56, 2, tie_word_embeddings=False),
    "qwen3-gqa8-yarn": qwen3(64, 8, 1, 32, 64, 2, rope_scaling=YARN, rope_theta=10000.0),
    "qwen3-gqa3-bias": qwen3(32, 6, 2, 24, 48, 2, attention_bias=True, **NEW,
                             rope_parameters={"rope_theta": 50000.0, "rope_type": "default"}),
    "llama-gqa1": llama(48, 4, "drop", 40, 2, tie_word_embeddings=True),
    "llama-gqa3": llama(72, 9, 3, 56, 3, rope_theta=100000.0, tie_word_embeddings=True, head_dim=None),
    "llama-gqa4-llama3": llama(40, 4, 1, 48, 2, head_dim=20, rope_theta=500000.0, rope_scaling=LLAMA3),
    "llama-gqa8-parameters": llama(64, 8, 1, 32, 2, **NEW, rope_parameters={"rope_theta": 50000.0, **LLAMA3}),
    "llama-linear": llama(32, 4, 2, 48, 2, rope_scaling={"type": "linear", "factor": 2.5}),
    "llama-linear-parameters": llama(32, 4, 2, 48, 2, **NEW,
                                     rope_parameters={"rope_theta": 10000.0, "rope_type": "linear", "factor": 4.0}),
    "llama-yarn": llama(64, 2, 1, 48, 2, **NEW, rope_parameters={"rope_theta": 10000.0, **YARN, "attention_factor": 0.8,
                                                                "beta_fast": 16, "beta_slow": 2}),
    "llama-biases": llama(48, 6, 2, 40, 2, attention_bias=True, mlp_bias=True, hidden_act="gelu"),
    "llama-layers": llama(32, 4, 2, 48, 5, mom_layers=[0, 3, 4]),
    "llama-wide": llama(96, 6, 3, 160, 2, tie_word_embeddings=True),  # for the narrow precisions
}

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def adapters():
    from peft import LoraConfig
    plain = dict(lora_dropout=0.0, task_type="CAUSAL_LM")
    return {
        ("llama-gqa3", "all"): LoraConfig(r=4, lora_alpha=8, target_modules=ALL, **plain),
        ("llama-gqa3", "attention"): LoraConfig(r=3, lora_alpha=5, use_rslora=True, target_modules=["q_proj", "v_proj"], **plain),
        ("llama-gqa3", "patterns"): LoraConfig(r=2, lora_alpha=4, target_modules=["up_proj", "down_proj", "k_proj"],
                                               rank_pattern={"up_proj": 5}, alpha_pattern={"1.mlp.down_proj": 7},
                                               layers_to_transform=[0, 1], **plain),
        ("qwen3-gqa4", "all"): LoraConfig(r=8, lora_alpha=16, target_modules=ALL, **plain),
    }


def lengths():
    return [1, 2, 31, 32, 33, 64, 65, 97, 300]


def ids_of(name):
    gen = torch.Generator().manual_seed(sum(map(ord, name)) * 7919)
    return [torch.randint(0, VOCAB, (n,), generator=gen).tolist() for n in lengths()]


def rounded(x):
    return [[float(f"{v:.7g}") for v in row] for row in x]


@torch.no_grad()
def cases(model, rows):
    out = []
    for ids in rows:
        y = model(input_ids=torch.tensor([ids])).logits[0]
        at = sorted({0, len(ids) // 2, len(ids) - 1})
        out.append({"ids": ids, "positions": at, "logits": rounded(y[at].tolist())})
    return out


def fill(model, prefix, tensors=None):
    """Sets the parameters and returns the shapes under the names of the file."""
    shapes = {}
    with torch.no_grad():
        for name, p in model.named_parameters():
            if tensors is not None and not tensors(name):
                continue
            short = name.replace(".default.", ".")
            p.copy_(torch.from_numpy(weights(prefix, short, list(p.shape))))
            shapes[short] = list(p.shape)
    return shapes


def build(name, cfg):
    with tempfile.TemporaryDirectory() as tmp:
        with open(os.path.join(tmp, "config.json"), "w") as f:
            json.dump(cfg, f)
        config = AutoConfig.from_pretrained(tmp)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().eval()
    shapes = fill(model, name)
    if kept := cfg.get("mom_layers"):
        model.model.layers = torch.nn.ModuleList(model.model.layers[i] for i in kept)
        for i, layer in enumerate(model.model.layers):
            layer.self_attn.layer_idx = i
        model.config.num_hidden_layers = len(kept)
    return model, shapes


def adapt(name, cfg, conf, label, rows):
    from peft import get_peft_model
    model, _ = build(name, cfg)
    wrapped = get_peft_model(model, conf).eval()
    shapes = fill(wrapped, name + "/" + label, lambda n: "lora_" in n)
    with tempfile.TemporaryDirectory() as tmp:
        wrapped.save_pretrained(tmp)
        with open(os.path.join(tmp, "adapter_config.json")) as f:
            config = json.load(f)
    config["base_model_name_or_path"] = name
    config["target_modules"] = sorted(config["target_modules"])
    return {"name": label, "config": json.dumps(config, sort_keys=True), "tensors": shapes, "cases": cases(wrapped, rows)}


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    here = os.path.dirname(__file__)
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "models", "testdata", "decoders.json.gz")
    models = []
    for name, cfg in MODELS.items():
        model, shapes = build(name, cfg)
        rows = ids_of(name)
        entry = {"name": name, "config": json.dumps(cfg), "tensors": shapes, "cases": cases(model, rows), "adapters": []}
        for (base, label), conf in adapters().items():
            if base == name:
                entry["adapters"].append(adapt(name, cfg, conf, label, [rows[i] for i in (1, 4, 8)]))
        models.append(entry)
        print(f"{name:26s} {sum(math.prod(s) for s in shapes.values()):7d} values")
    text = json.dumps({"source": SOURCE, "models": models}, separators=(",", ":"))
    with open(path, "wb") as f, gzip.GzipFile(filename="", fileobj=f, mode="wb", mtime=0) as z:
        z.write(text.encode())
    print(os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
