"""Writes what decoder_train.py has trained as folders that the engine reads.

    python decoder_export.py --checkpoint CKPT/final.pt --base FOLDER --out FOLDER [--int4 | --int8]     adapter summed into the weights
    python decoder_export.py --checkpoint CKPT/final.pt --base FOLDER --weights R1_INT4 --out FOLDER --adapter     the adapter alone

A summed folder has config.json (with `mom_layers` where layers were left out), tokenizer.json, model.safetensors, mom.json.
int8: X.weight I8 [n k], X.weight_scale F32 [n]. int4: X.weight U8 [n k/2], two values a byte, the even one in the low half, v-8
times X.weight_scale F16 [n k/32]; embeddings, which are the output too, are int8 then. Norms stay F32.
--adapter writes what PEFT does, in f16, with the config.json and mom.json that go with it; the matrices lie in the folder --weights.
"""

import argparse
import json
import os

import torch
from safetensors.torch import load_file, save_file

import decoder_agents
import decoder_data
import decoder_model
import labels
from export import write_json

NAMES = {True: "mom-dec-class-intent-r1", False: "mom-dec-class-intent-v1"}  # all layers, some
GROUP = 32
TOPS = torch.tensor([s * t for s in (1, -1) for t in (5.75, 6.25, 6.75, 7.25, 7.75, 8.25, 8.75, 9.25)])


def int8(w):
    scale = w.abs().amax(1) / 127
    return torch.where(scale[:, None] > 0, w / scale[:, None], 0.0).round().clamp(-127, 127).to(torch.int8), scale


def int4(w):
    """[n k] -> (bytes [n k/2], scale f16 [n k/32]): of sixteen scales of a group the one with the least squared error, each rounded
    to f16 first and fitted to the rounded values once."""
    n, k = w.shape
    g = w.reshape(-1, GROUP)
    most = g.gather(1, g.abs().argmax(1, keepdim=True))                       # [groups 1]
    best = torch.full((len(g),), torch.inf)
    scale, q = torch.zeros(len(g)), torch.zeros_like(g)
    for top in TOPS:
        s = most[:, 0] / top
        for _ in range(2):
            s = s.half().float()
            r = torch.where(s[:, None] != 0, g / s[:, None], 0.0).round().clamp(-8, 7)
            error = (g - r * s[:, None]).square().sum(1)
            better = error < best
            best = torch.where(better, error, best)
            scale = torch.where(better, s, scale)
            q = torch.where(better[:, None], r, q)
            s = (g * r).sum(1) / r.square().sum(1).clamp(min=1)
    q = (q + 8).to(torch.uint8).view(n, k)
    return q[:, 0::2] | q[:, 1::2] << 4, scale.half().view(n, k // GROUP)


def pack(weights, form):
    out = {}
    for name, w in weights.items():
        if w.dim() != 2 or form is None:
            out[name] = w
        elif form == "int8" or name == "model.embed_tokens.weight":
            out[name], out[name + "_scale"] = int8(w)
        else:
            out[name], out[name + "_scale"] = int4(w)
    return {k: v.contiguous() for k, v in sorted(out.items())}


def read(folder):
    """The weights of a folder in float32, int8 and int4 unpacked."""
    stored, out = load_file(os.path.join(folder, "model.safetensors")), {}
    for name, w in stored.items():
        scale = stored.get(name + "_scale")
        if name.endswith("_scale"):
            continue
        if w.dtype == torch.int8:
            w = w.float() * scale[:, None]
        elif w.dtype == torch.uint8:
            q = torch.stack([w & 15, w >> 4], -1).view(w.shape[0], -1, GROUP).float() - 8
            w = (q * scale.float()[..., None]).view(w.shape[0], -1)
        out[name] = w.float()
    return out


def summed(weights, model, layers):
    """The weights with the adapter added; those of left-out layers are left out."""
    out = dict(weights)
    for i in layers:
        for name in model.modules:
            key = decoder_model.Decoder.key(i, name)
            out[f"model.layers.{i}.{name}.weight"] = model.merged[key].clone()
    kept = tuple(f"model.layers.{i}." for i in layers)
    return {k: v for k, v in out.items() if not k.startswith("model.layers.") or k.startswith(kept)}


def manifest(name, run):
    field = run.get("agent")
    if field:
        return {"version": 1, "name": f"mom-dec-agent-{field}-v1", "function": "agent", "field": field,
                "difficulties": decoder_data.DIFFICULTIES, "tools": decoder_agents.TOOLS, "tiers": decoder_agents.TIERS,
                "shift": decoder_agents.shift(field), "prompt": decoder_agents.prefix(field) + "{text}" + decoder_data.SUFFIX,
                "answer": decoder_agents.ANSWER, "quotes": True}
    return {"version": 1, "name": name, "function": "intent", "labels": labels.INTENT, "difficulties": decoder_data.DIFFICULTIES,
            "prompt": decoder_data.PREFIX + "{text}" + decoder_data.SUFFIX, "answer": decoder_data.ANSWER, "quotes": True}


def adapter(model, a, out):
    tensors = {}
    for i in model.layers:
        for name in model.modules:
            key, at = model.key(i, name), f"base_model.model.model.layers.{i}.{name}"
            tensors[at + ".lora_A.weight"] = model.a[key].detach().half().contiguous()
            tensors[at + ".lora_B.weight"] = model.b[key].detach().half().contiguous()
    save_file(tensors, os.path.join(out, "adapter_model.safetensors"), metadata={"format": "pt"})
    write_json(os.path.join(out, "adapter_config.json"), {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": os.path.basename(os.path.normpath(a.weights or a.base)),
        "r": model.rank, "lora_alpha": model.alpha, "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False, "inference_mode": True,
        "layers_to_transform": model.layers, "target_modules": [n.split(".")[1] for n in model.modules]}, indent=1)


def modules(run):
    names = run.get("modules")
    return [n for n in decoder_model.LINEAR if names is None or n.split(".")[1] in names.split(",")]


def main():
    p = argparse.ArgumentParser()
    for name in ("checkpoint", "base", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--weights", help="the folder under the adapter, where the run had one")
    p.add_argument("--share", type=float, default=1.0, help="of the adapter that is added to the weights")
    p.add_argument("--int8", action="store_true")
    p.add_argument("--int4", action="store_true")
    p.add_argument("--adapter", action="store_true")
    a = p.parse_args()
    state = torch.load(a.checkpoint, map_location="cpu")
    run, layers = state["arguments"], state.get("layers")
    weights, config = decoder_model.load(a.base, run["vocab"])
    if a.weights:
        weights = read(a.weights)
    if layers is None:  # last.pt of a run that goes on
        layers = run["layers"] or list(range(config["num_hidden_layers"]))
    model = decoder_model.Decoder(weights, config, layers, run["rank"], run["alpha"] * a.share, modules=modules(run))
    model.load_state_dict(state["model"])
    model.merge()
    os.makedirs(a.out, exist_ok=True)
    whole = len(layers) == config["num_hidden_layers"]
    config |= {"bos_token_id": 1, "eos_token_id": decoder_data.END, "torch_dtype": "float32"} | ({} if whole else {"mom_layers": layers})
    if a.adapter:
        adapter(model, a, a.out)
    else:
        form = "int8" if a.int8 else "int4" if a.int4 else None
        save_file(pack(summed(weights, model, layers), form), os.path.join(a.out, "model.safetensors"), metadata={"format": "pt"})
        write_json(os.path.join(a.out, "tokenizer.json"), decoder_data.Text(a.base, run["vocab"]).json, separators=(",", ":"))
    write_json(os.path.join(a.out, "config.json"), config, indent=1)
    write_json(os.path.join(a.out, "mom.json"), manifest(NAMES[whole], run), indent=1)
    for f in sorted(os.listdir(a.out)):
        os.chmod(os.path.join(a.out, f), 0o644)
        print(f"{os.path.getsize(os.path.join(a.out, f)) / 1e6:8.2f} MB {f}")


if __name__ == "__main__":
    main()
