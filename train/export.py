"""Writes a trained checkpoint as a folder that the engine reads.

    python export.py --checkpoint CKPT/final.pt --settings settings.json --out FOLDER [--int8] [--trunk FOLDER] [--shards]

config.json (BERT, Hugging Face keys), tokenizer.json, model.safetensors, mom.json. With --int8 every matrix is stored as
`X.weight` I8 [n k] and `X.weight_scale` F32 [n]: symmetric, one scale a row, round half to even, -127..127.
settings.json holds the temperatures and thresholds that calibrate.py has chosen; without it they are neutral. The trunk is the
one that the checkpoint was trained from; --trunk says it where the file does not (average.py). --shards puts the embeddings, which
train.py --frozen leaves as they are, into a file of their own: it is the same in every version of the weights. In place of a
checkpoint an exported folder keeps its weights, as they are stored, and gets other settings and n-grams.
"""

import argparse
import json
import os

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

import labels
import trunk

HEADS = {"intent": "heads.intent", "guard": "heads.jailbreak", "pii": "heads.pii"}


def tensors(state):
    """Names of the checkpoint -> names of the folder, float32."""
    out = {}
    for name, value in state.items():
        if name.startswith("trunk."):
            name = name[len("trunk."):]
            if name.endswith("position_ids"):
                continue
        else:
            _, task, rest = name.split(".", 2)
            name = f"{HEADS[task]}.{rest}"
        out[name] = value.float().numpy()
    return out


def quantise(w):
    """[n k] -> (int8 [n k], scale [n])."""
    scale = np.abs(w).max(1) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.clip(np.rint(w * inverse[:, None]), -127, 127).astype(np.int8), scale.astype(np.float32)


def int8(named):
    out = {}
    for name, w in named.items():
        if w.ndim == 2:
            out[name], out[name + "_scale"] = quantise(w)
        else:
            out[name] = w
    return out


def stored_in(folder):
    """The tensors of a folder, as they are stored, of one file or several."""
    out = {}
    for name in sorted(os.listdir(folder)):
        if name.startswith("model") and name.endswith(".safetensors"):
            out |= load_file(os.path.join(folder, name))
    return out


def store(named, folder, shards):
    """Writes the tensors as model.safetensors, or in two files with their index."""
    place = lambda name: int(not name.startswith("embeddings.")) if shards else 0
    files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] if shards else ["model.safetensors"]
    for i, file in enumerate(files):
        save_file({k: v for k, v in named.items() if place(k) == i}, os.path.join(folder, file), metadata={"format": "pt"})
        os.chmod(os.path.join(folder, file), 0o644)
    if shards:
        write_json(os.path.join(folder, "model.safetensors.index.json"),
                   {"metadata": {"total_size": sum(v.nbytes for v in named.values())}, "weight_map": {k: files[place(k)] for k in named}}, indent=0)


def state(folder):
    """The state dict of a folder, int8 storage unpacked: the inverse of tensors and int8."""
    stored = stored_in(folder)
    back = {v + ".": k for k, v in HEADS.items()}
    out = {}
    for name, w in stored.items():
        if name.endswith("_scale") or ".ngrams." in name:
            continue
        if w.dtype == torch.int8:
            w = w.float() * stored[name + "_scale"][:, None]
        head = next((p for p in back if name.startswith(p)), None)
        out[f"heads.{back[head]}.{name[len(head):]}" if head else "trunk." + name] = w
    return out


def config():
    c = trunk.get().config
    keep = ("model_type", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
            "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id", "position_embedding_type")
    return {"architectures": ["BertModel"], **{k: c[k] for k in keep if k in c}}


def manifest(settings, buckets={}):
    s = lambda task, key, default: settings.get(task, {}).get(key, default)
    version = trunk.get().version
    window = {"tokens": labels.WINDOW, "overlap": labels.OVERLAP}
    grams = lambda task: {"ngrams": {"buckets": buckets[task], "mix": s(task, "mix", 1.0)}} if task in buckets and s(task, "mix", 1.0) else {}
    sequence = {"task": "sequence-classification", "pooling": "mean", "activation": "tanh"}
    return {
        "name": f"mom-enc-{version}",
        "version": 1,
        "heads": [
            {"name": f"mom-enc-class-intent-{version}", "function": "intent", **sequence, "prefix": HEADS["intent"], "labels": labels.INTENT,
             "temperature": s("intent", "temperature", 1.0), "combine": "mean", "window": window,
             **grams("intent")},
            {"name": f"mom-enc-guard-jailbreak-{version}", "function": "jailbreak", **sequence, "prefix": HEADS["guard"], "labels": labels.GUARD,
             "temperature": s("guard", "temperature", 1.0), "combine": "max", "threshold": s("guard", "threshold", 0.5), "window": window, **grams("guard")},
            {"name": f"mom-enc-guard-pii-{version}", "function": "pii", "task": "token-classification", "prefix": HEADS["pii"], "labels": labels.PII,
             "temperature": s("pii", "temperature", 1.0), "combine": "spans", "threshold": s("pii", "threshold", 0.5), "window": window},
        ],
    }


def write_json(path, obj, **how):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(obj, f, ensure_ascii=False, **how)
        f.write("\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--checkpoint", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--settings")
    p.add_argument("--int8", action="store_true")
    for task in ("intent", "guard"):
        p.add_argument(f"--{task}-ngrams", help=f"what ngrams.py made for the {task} head")
    p.add_argument("--shards", action="store_true", help="the embeddings in a file of their own")
    p.add_argument("--trunk", help="minilm, or a folder; default the checkpoint's")
    a = p.parse_args()
    settings = {}
    if a.settings:
        with open(a.settings) as f:
            settings = json.load(f)
    os.makedirs(a.out, exist_ok=True)
    if os.path.isdir(a.checkpoint):
        trunk.use(a.checkpoint)
        labels.cut_as(a.checkpoint)
        named = {k: v.numpy() for k, v in stored_in(a.checkpoint).items() if ".ngrams." not in k}
    else:
        checkpoint = torch.load(a.checkpoint, map_location="cpu")
        trunk.use(a.trunk or checkpoint.get("arguments", {}).get("trunk", "minilm"))
        named = tensors(checkpoint["model"])
        named = int8(named) if a.int8 else named
    buckets = {}
    for task, path in (("intent", a.intent_ngrams), ("guard", a.guard_ngrams)):
        if path and settings.get(task, {}).get("mix", 1.0):  # a share of nothing needs no tensors
            made = load_file(path)
            buckets[task] = made["ngrams.weight"].shape[1]
            named |= {f"{HEADS[task]}.{k}": v.numpy() for k, v in made.items()}
    named = {k: np.ascontiguousarray(named[k]) for k in sorted(named)}
    store(named, a.out, a.shards)
    write_json(os.path.join(a.out, "config.json"), config(), indent=1)
    write_json(os.path.join(a.out, "tokenizer.json"), trunk.get().file, separators=(",", ":"))
    about = manifest(settings, buckets)
    about["heads"] = [h for h in about["heads"] if any(k.startswith(h["prefix"] + ".") for k in named)]  # a run of one task has one
    write_json(os.path.join(a.out, "mom.json"), about, indent=1)
    size = sum(os.path.getsize(os.path.join(a.out, f)) for f in os.listdir(a.out))
    print(f"{a.out}: {len(named)} tensors, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
