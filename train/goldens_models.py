"""Writes the parity goldens of the model package: models/testdata/NAME/{config.json,model.safetensors,golden.json}.

Every model is tiny and random; its outputs come from Hugging Face transformers (float32, eager attention), each
sequence run alone and without padding. The config.json files are written here by hand, in the spellings that occur
in published folders, and transformers reads those very files.

golden.json: {"task", "source", "cases": [{"ids": [[...], ...], OUT: [...]}]} with one entry of OUT per sequence:
  sequence-classification  "logits": [labels]
  token-classification     "positions": [p, ...], "logits": [[labels] per position]
  masked-lm                "positions", "logits": [[vocab] per position]
  base                     "positions", "hidden": [[hidden] per position], "mean": [hidden] (mean over all tokens)

    python train/goldens_models.py [models/testdata]
"""

import json
import math
import os
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

VOCAB = 96
SOURCE = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float32, eager attention"

CLASSES = {
    ("modernbert", "sequence-classification"): "ModernBertForSequenceClassification",
    ("modernbert", "token-classification"): "ModernBertForTokenClassification",
    ("modernbert", "masked-lm"): "ModernBertForMaskedLM",
    ("modernbert", "base"): "ModernBertModel",
    ("bert", "sequence-classification"): "BertForSequenceClassification",
    ("bert", "token-classification"): "BertForTokenClassification",
    ("bert", "masked-lm"): "BertForMaskedLM",
    ("bert", "base"): "BertModel",
}


def rounded(x, digits=8):
    """Nested lists of floats with `digits` significant digits."""
    if isinstance(x, list):
        return [rounded(v, digits) for v in x]
    return float(f"{x:.{digits}g}")


def modernbert(task, hidden, heads, inter, layers, labels=None, **more):
    cfg = {
        "architectures": [CLASSES["modernbert", task]],
        "model_type": "modernbert",
        "vocab_size": VOCAB,
        "hidden_size": hidden,
        "intermediate_size": inter,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_activation": "gelu",
        "max_position_embeddings": 512,
        "norm_eps": 1e-5,
        "norm_bias": False,
        "attention_bias": False,
        "mlp_bias": False,
        "classifier_bias": False,
        "classifier_pooling": "cls",
        "local_attention": 8,
        "global_attn_every_n_layers": 3,
        "global_rope_theta": 160000.0,
        "local_rope_theta": 10000.0,
        "bos_token_id": 1,
        "cls_token_id": 1,
        "eos_token_id": 2,
        "sep_token_id": 2,
        "pad_token_id": 3,
    }
    if labels:
        cfg["id2label"] = {str(i): f"L{i}" for i in range(labels)}
        cfg["label2id"] = {f"L{i}": i for i in range(labels)}
    cfg.update(more)
    return {k: v for k, v in cfg.items() if v != "drop"}


def bert(task, hidden, heads, inter, layers, labels=None, **more):
    cfg = {
        "architectures": [CLASSES["bert", task]],
        "model_type": "bert",
        "vocab_size": VOCAB,
        "hidden_size": hidden,
        "intermediate_size": inter,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 304,
        "type_vocab_size": 2,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
    }
    if labels:
        cfg["id2label"] = {str(i): f"L{i}" for i in range(labels)}
        cfg["label2id"] = {f"L{i}": i for i in range(labels)}
    cfg.update(more)
    return cfg


ROPE_NEW = {
    "full_attention": {"rope_type": "default", "rope_theta": 5000.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 300.0},
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 32.0, "beta_slow": 1.0}
NEW = {"global_rope_theta": "drop", "local_rope_theta": "drop", "global_attn_every_n_layers": "drop"}
SC, TC, LM, BASE = "sequence-classification", "token-classification", "masked-lm", "base"

# name -> (task, config, options)
MODELS = {
    "modernbert-seq-cls": (SC, modernbert(SC, 40, 5, 32, 3, 5), {}),
    "modernbert-seq-mean": (SC, modernbert(SC, 40, 5, 32, 3, 4, classifier_pooling="mean", local_attention=16), {}),
    "modernbert-seq-biases": (SC, modernbert(SC, 24, 3, 40, 4, 3, attention_bias=True, mlp_bias=True, norm_bias=True,
                                             classifier_bias=True, local_attention=4, global_attn_every_n_layers=2), {}),
    "modernbert-token": (TC, modernbert(TC, 40, 5, 24, 3, 7, local_attention=4, classifier_bias=True), {}),
    "modernbert-token-local2": (TC, modernbert(TC, 24, 3, 40, 5, 5, local_attention=2, global_attn_every_n_layers=5), {}),
    "modernbert-lm": (LM, modernbert(LM, 32, 1, 40, 3, local_attention=16, decoder_bias=True), {}),
    "modernbert-lm-nobias": (LM, modernbert(LM, 24, 3, 32, 3, local_attention=8, decoder_bias=False,
                                            global_attn_every_n_layers=1, classifier_activation="silu"), {}),
    "modernbert-base": (BASE, modernbert(BASE, 48, 3, 16, 3, local_attention=8), {}),
    "modernbert-base-theta-null": (BASE, modernbert(BASE, 32, 4, 32, 4, local_rope_theta="drop",
                                                    global_rope_theta=8000.0, global_attn_every_n_layers=2), {}),
    "modernbert-rope-parameters": (SC, modernbert(SC, 24, 3, 24, 4, 3, rope_parameters=ROPE_NEW, local_attention=16,
        layer_types=["full_attention", "sliding_attention", "sliding_attention", "full_attention"], **NEW), {}),
    "modernbert-layer-types": (BASE, modernbert(BASE, 24, 3, 32, 4, rope_parameters=ROPE_NEW, local_attention=4,
        layer_types=["sliding_attention", "full_attention", "sliding_attention", "full_attention"], **NEW), {}),
    "modernbert-yarn": (SC, modernbert(SC, 32, 1, 32, 3, 4, rope_scaling=YARN, max_position_embeddings=128 * 4,
                                       local_attention=16), {}),
    "modernbert-yarn-parameters": (BASE, modernbert(BASE, 32, 1, 32, 3, max_position_embeddings=512, local_attention=16,
        rope_parameters={"full_attention": {**YARN, "rope_theta": 160000.0, "original_max_position_embeddings": 128},
                         "sliding_attention": {**YARN, "rope_theta": 10000.0, "original_max_position_embeddings": 128}},
        layer_types=["full_attention", "sliding_attention", "full_attention"], **NEW), {}),
    "modernbert-gelu-tanh": (TC, modernbert(TC, 24, 3, 40, 3, 5, hidden_activation="gelu_pytorch_tanh",
                                            classifier_activation="gelu_pytorch_tanh"), {}),
    "modernbert-silu": (SC, modernbert(SC, 24, 3, 40, 3, 3, hidden_activation="silu", classifier_activation="tanh",
                                       classifier_pooling="mean"), {}),
    "modernbert-relu": (SC, modernbert(SC, 24, 3, 40, 3, 2, hidden_activation="relu", classifier_activation="relu"), {}),
    "modernbert-orig-mod": (SC, modernbert(SC, 24, 3, 40, 3, 3), {"prefix": "_orig_mod."}),
    "modernbert-f16": (SC, modernbert(SC, 24, 3, 32, 3, 4), {"dtype": torch.float16}),
    "modernbert-bf16": (TC, modernbert(TC, 40, 5, 32, 3, 4), {"dtype": torch.bfloat16}),
    "modernbert-sharded": (SC, modernbert(SC, 24, 3, 40, 3, 3), {"shard": 20_000}),
    "modernbert-lora": (SC, modernbert(SC, 24, 3, 32, 3, 4), {"lora": True}),
    "bert-seq": (SC, bert(SC, 24, 3, 40, 2, 4), {}),
    "bert-token": (TC, bert(TC, 24, 3, 40, 2, 5, hidden_act="gelu_new"), {}),
    "bert-lm": (LM, bert(LM, 24, 3, 32, 2, hidden_act="relu"), {}),
    "bert-base": (BASE, bert(BASE, 40, 5, 24, 2), {}),
    "bert-base-prefixed": (BASE, bert(BASE, 24, 3, 40, 3), {"prefix": "bert."}),
}


def randomise(model, gen):
    """Large random values everywhere (norms and biases too), so that every error shows."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 2 and "embeddings" in name:
                p.normal_(0, 0.5, generator=gen)
            elif p.dim() == 2:
                p.normal_(0, 1.3 / math.sqrt(p.shape[1]), generator=gen)
            elif name.endswith("bias"):
                p.normal_(0, 0.3, generator=gen)
            else:
                p.normal_(1.0, 0.3, generator=gen)


def batches(cfg, gen):
    """Mixed lengths: 1, both sides of the window's edges, and up to 300."""
    reach = cfg.get("local_attention", 16) // 2
    lens = [[1], [1, 2, reach, reach + 1, reach + 2], [2 * reach, 2 * reach + 1, 2 * reach + 2, 3 * reach + 1],
            [17, 33, 64, 5], [65, 129, 31], [300, 3]]
    return [[torch.randint(1, VOCAB, (n,), generator=gen).tolist() for n in batch] for batch in lens]


def spots(n, task):
    most = 4 if task == TC else 2
    all_ = sorted({0, n - 1, n // 2, n // 3})
    return all_ if len(all_) <= most else [all_[0], all_[-1]] if most == 2 else all_[:most]


@torch.no_grad()
def golden(model, task, batched):
    cases = []
    for ids in batched:
        case = {"ids": ids}
        for row in ids:
            x = torch.tensor([row])
            out = model(input_ids=x, attention_mask=torch.ones_like(x))
            y = (out.last_hidden_state if task == BASE else out.logits)[0]
            if task == SC:
                case.setdefault("logits", []).append(rounded(y.tolist()))
                continue
            at = spots(len(row), task)
            case.setdefault("positions", []).append(at)
            case.setdefault("hidden" if task == BASE else "logits", []).append(rounded(y[at].tolist()))
            if task == BASE:
                case.setdefault("mean", []).append(rounded(y.mean(0).tolist()))
        cases.append(case)
    return {"task": task, "source": SOURCE, "cases": cases}


def dump(path, obj):
    with open(path, "w") as f:
        json.dump(obj, f, separators=(",", ":"))
        f.write("\n")


def build(kind, task, folder):
    cls = getattr(transformers, CLASSES[kind, task])
    config = AutoConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    more = {"add_pooling_layer": True} if (kind, task) == ("bert", BASE) else {}
    return cls(config, **more).float().eval()


def lora(model, folder, gen, batched):
    """Two adapters over the same base: adapter-a plain, adapter-b rank-stabilised with a classifier of its own."""
    from peft import LoraConfig, get_peft_model
    kinds = {
        "adapter-a": LoraConfig(r=4, lora_alpha=8, target_modules=["Wqkv", "Wo", "Wi"], lora_dropout=0.0),
        "adapter-b": LoraConfig(r=3, lora_alpha=5, target_modules=["attn.Wqkv"], use_rslora=True, task_type="SEQ_CLS",
                                modules_to_save=["classifier"]),
    }
    start = {k: v.clone() for k, v in model.state_dict().items()}
    for name, conf in kinds.items():
        fresh = type(model)(model.config).eval()
        fresh.load_state_dict(start)
        wrapped = get_peft_model(fresh, conf).eval()
        with torch.no_grad():
            for n, p in wrapped.named_parameters():
                if "lora_A" in n:
                    p.normal_(0, 0.4, generator=gen)
                elif "lora_B" in n or "modules_to_save" in n:
                    p.normal_(0, 0.3, generator=gen)
        sub = os.path.join(folder, name)
        wrapped.save_pretrained(sub)
        if os.path.exists(os.path.join(sub, "README.md")):
            os.remove(os.path.join(sub, "README.md"))
        merged = wrapped.merge_and_unload()
        dump(os.path.join(sub, "golden.json"), golden(merged, SC, batched))
        path = os.path.join(sub, "adapter_config.json")
        with open(path) as f:
            keep = json.load(f)
        keep["base_model_name_or_path"] = "modernbert-lora"
        keep["target_modules"] = sorted(keep["target_modules"])
        with open(path, "w") as f:
            json.dump(keep, f, indent=1, sort_keys=True)
            f.write("\n")


def make(name, root):
    task, cfg, opt = MODELS[name]
    kind = cfg["model_type"]
    gen = torch.Generator().manual_seed(sum(map(ord, name)) * 7919)
    folder = os.path.join(root, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    text = json.dumps(cfg, indent=1) + "\n"
    with open(os.path.join(folder, "config.json"), "w") as f:
        f.write(text)
    model = build(kind, task, folder)
    randomise(model, gen)
    dtype = opt.get("dtype")
    if dtype:
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(p.to(dtype).float())
    batched = batches(cfg, gen)
    dump(os.path.join(folder, "golden.json"), golden(model, task, batched))
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp, max_shard_size=opt.get("shard", "1GB"))
        for file in sorted(os.listdir(tmp)):
            if "safetensors" not in file:
                continue
            src, dst = os.path.join(tmp, file), os.path.join(folder, file)
            if file.endswith(".safetensors") and (dtype or "prefix" in opt):
                t = load_file(src)
                t = {opt.get("prefix", "") + k: v.to(dtype or v.dtype).contiguous() for k, v in t.items()}
                save_file(t, dst, metadata={"format": "pt"})
            else:
                shutil.copy(src, dst)
    if opt.get("lora"):
        lora(model, folder, gen, batched)


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "models", "testdata")
    for name in MODELS:
        make(name, root)
        size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(os.path.join(root, name)) for f in fs)
        print(f"{name:30s} {size:8d} bytes")


if __name__ == "__main__":
    main()
