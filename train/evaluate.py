"""Calibrates on dev and evaluates on test the folder that export.py wrote, beside the linear baselines.

    python evaluate.py --folder EXPORT --settings settings.json --calibrate --baseline baseline.json --out eval.json

With --calibrate temperatures and thresholds are fitted on dev and written to the settings file; without it they are
read. --act8 also rounds the activations of every matrix product to int8 rows, as the engine's int8 kernels do.
"""

import argparse
import collections
import json
import os

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score

import data
import export
import labels
import spans
import tasks
from model import Family, predict
from piigen import Filler

OOD_TEST = ("mmlu-pro/stemez", "mmlu-pro/theoremQA", "mmlu-pro/scibench")


def load(folder):
    """The model of an export folder, int8 storage unpacked."""
    state = export.state(folder)
    model = Family([t for t in export.HEADS if any(n.startswith(f"heads.{t}.") for n in state)])
    model.load_state_dict(state)
    return model.eval()


def round_activations(model):
    """Every input row of every linear layer: 8 bits from its lowest to its highest value, zero among them."""
    def hook(_, x):
        x = x[0]
        low, high = x.amin(-1, keepdim=True).clamp(max=0), x.amax(-1, keepdim=True).clamp(min=0)
        scale = ((high - low) / 254).clamp_min(1e-12)
        return ((x / scale).round() * scale,)
    for m in model.modules():
        if isinstance(m, torch.nn.Linear):
            m.register_forward_pre_hook(hook)


def window_logits(model, task, texts):
    """[(windows, logits per window, encoding)] of every text."""
    enc = tasks.encode(texts)
    cut = [labels.windows(e.ids) for e in enc]
    flat = predict(model, task, [ids for w in cut for _, ids in w])
    out, at = [], 0
    for e, w in zip(enc, cut):
        out.append((w, flat[at:at + len(w)], e))
        at += len(w)
    return out


def softmax(z, t):
    z = np.asarray(z, dtype=np.float64) / t
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def fit_temperature(logits, gold):
    logits, gold = np.asarray(logits), np.asarray(gold)
    nll = lambda t: -np.log(softmax(logits, t)[np.arange(len(gold)), gold] + 1e-12).mean()
    grid = np.exp(np.linspace(np.log(0.3), np.log(4), 131))
    return float(grid[int(np.argmin([nll(t) for t in grid]))])


def ece(probs, gold, bins=15):
    probs, gold = np.asarray(probs), np.asarray(gold)
    top, hit = probs.max(-1), probs.argmax(-1) == gold
    at = np.minimum((top * bins).astype(int), bins - 1)
    return round(float(sum(abs(top[at == b].mean() - hit[at == b].mean()) * (at == b).mean() for b in range(bins) if (at == b).any())), 4)


def combined(windows, t, how):
    """Probabilities of a text from the logits of its windows: of the mean logits, or of the window with the highest attack score."""
    z = np.stack([w.numpy() for w in windows])
    return softmax(z.mean(0), t) if how == "mean" else softmax(z[int((z[:, 1] - z[:, 0]).argmax())], t)


# --- intent

def intent(model, s, calibrate, out):
    rows = data.shared("intent.jsonl.gz")
    sets = {k: [r for r in rows if r["split"] == k] for k in ("dev", "test")}
    sets["chat_test"] = tasks.chat_rows("test")
    logits = {k: window_logits(model, "intent", [r["text"] for r in v]) for k, v in sets.items()}
    gold = {k: [labels.INTENT.index(r["label"]) for r in v] for k, v in sets.items()}
    if calibrate:
        s["intent"] = {"temperature": round(fit_temperature([w[1][0].numpy() for w in logits["dev"]], gold["dev"]), 4)}
    t = s["intent"]["temperature"]
    for k in sets:
        p = np.stack([combined(w[1], t, "mean") for w in logits[k]])
        raw = np.stack([combined(w[1], 1.0, "mean") for w in logits[k]])
        said = p.argmax(-1)
        res = {"accuracy": round(float((said == gold[k]).mean()), 4), "macro_f1": round(f1_score(gold[k], said, average="macro"), 4),
               "rows": len(said), "ece_before": ece(raw, gold[k]), "ece": ece(p, gold[k])}
        res["classes"] = {n: {"rows": int(sum(g == i for g in gold[k])), "recall": round(float(np.mean([y == i for y, g in zip(said, gold[k]) if g == i])), 3),
                              "precision": round(float(np.mean([g == i for y, g in zip(said, gold[k]) if y == i] or [0])), 3)} for i, n in enumerate(labels.INTENT)}
        if k == "test":
            by = collections.defaultdict(list)
            for r, y, g in zip(sets[k], said, gold[k]):
                by[r["source"]].append(y == g)
            res["sources"] = {n: {"accuracy": round(float(np.mean(v)), 4), "rows": len(v)} for n, v in sorted(by.items())}
        if k == "chat_test":
            res["wrong"] = [[r["text"][:60], r["label"], labels.INTENT[y]] for r, y, g in zip(sets[k], said, gold[k]) if y != g]
        out[k] = res


def other_source(model, out):
    rows = [r for r in data.shared("intent.jsonl.gz") if r["source"] in OOD_TEST]
    gold = [labels.INTENT.index(r["label"]) for r in rows]
    said = [int(combined(w[1], 1.0, "mean").argmax()) for w in window_logits(model, "intent", [r["text"] for r in rows])]
    out["other_source"] = {"accuracy": round(float(np.mean(np.array(said) == gold)), 4), "macro_f1": round(f1_score(gold, said, average="macro", labels=sorted(set(gold))), 4), "rows": len(rows)}


# --- guard

def guard(model, s, calibrate, out):
    rows = data.shared("guard.jsonl.gz")
    sets = {k: [r for r in rows if r["split"] == k] for k in ("dev", "test")}
    logits = {k: window_logits(model, "guard", [r["text"] for r in v]) for k, v in sets.items()}
    gold = {k: np.array([r["label"] for r in v]) for k, v in sets.items()}
    top = lambda w: max((x.numpy() for x in w[1]), key=lambda v: v[1] - v[0])
    if calibrate:
        t = round(fit_temperature([top(w) for w in logits["dev"]], gold["dev"]), 4)
        p = np.array([combined(w[1], t, "max")[1] for w in logits["dev"]])
        s["guard"] = {"temperature": t, "threshold": round(float(np.clip(np.quantile(p[gold["dev"] == 0], 0.99), 0.05, 0.995)), 4)}
    t, cut = s["guard"]["temperature"], s["guard"]["threshold"]
    for k in sets:
        p = np.stack([combined(w[1], t, "max") for w in logits[k]])
        raw = np.stack([combined(w[1], 1.0, "max") for w in logits[k]])
        flag = p[:, 1] >= cut
        by = collections.defaultdict(list)
        for r, f in zip(sets[k], flag):
            by[f"{r['source']}/{'attack' if r['label'] else 'benign'}"].append(f)
        out[k] = {"auc": round(roc_auc_score(gold[k], p[:, 1]), 4), "recall": round(float(flag[gold[k] == 1].mean()), 4),
                  "false_alarms": round(float(flag[gold[k] == 0].mean()), 4), "attacks": int(gold[k].sum()), "benign": int((1 - gold[k]).sum()),
                  "ece_before": ece(raw, gold[k]), "ece": ece(p, gold[k]),
                  "flagged": {n: {"share": round(float(np.mean(v)), 4), "rows": len(v)} for n, v in sorted(by.items())}}


# --- PII

def pii(model, s, calibrate, out):
    rows = data.shared("pii.jsonl.gz")
    sets = {k: [r for r in rows if r["split"] == k] for k in ("dev", "test")}
    sets["own"] = Filler(20261124, parts=("test",)).sample(4)
    token = {}
    for k, part in sets.items():
        token[k] = []
        for w, z, e in window_logits(model, "pii", [r["text"] for r in part]):
            merged = spans.merge(w, z, len(e.ids))
            token[k].append((np.stack([v.numpy() for v in merged]) if merged else np.zeros((0, len(labels.PII))), e))
    gold = {k: [tasks.token_labels(r, e) for r, (_, e) in zip(sets[k], token[k])] for k in sets}
    flat = lambda k: ([z for zs, g in zip(token[k], gold[k]) for z, y in zip(zs[0], g) if y >= 0], [y for g in gold[k] for y in g if y >= 0])
    say = lambda k, t, cut: [spans.decode(softmax(z, t), e, cut, r["text"]) if len(z) else [] for r, (z, e) in zip(sets[k], token[k])]
    if calibrate:
        t = round(fit_temperature(*flat("dev")), 4)
        tried = {cut: spans.table(spans.score(sets["dev"], say("dev", t, cut)))["micro_f1"] for cut in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)}
        s["pii"] = {"temperature": t, "threshold": max(tried, key=tried.get)}
        out["thresholds_tried"] = tried
    t, cut = s["pii"]["temperature"], s["pii"]["threshold"]
    for k in sets:
        said = say(k, t, cut)
        z, y = flat(k)
        out[k] = {**spans.table(spans.score(sets[k], said)), "loose": spans.table(spans.score(sets[k], said, loose=True)), "rows": len(said),
                  "ece_before": ece(softmax(z, 1.0), y), "ece": ece(softmax(z, t), y)}
    by = collections.defaultdict(lambda: ([], []))
    for r, m in zip(sets["test"], say("test", t, cut)):
        by[r["source"]][0].append(r)
        by[r["source"]][1].append(m)
    out["sources"] = {n: spans.table(spans.score(*v))["micro_f1"] for n, v in sorted(by.items())}
    plain = [r["text"] for r in tasks.chat_rows("test")]
    got = [spans.decode(softmax(np.stack([v.numpy() for v in spans.merge(w, z, len(e.ids))]), t), e, cut, x)
           for x, (w, z, e) in zip(plain, window_logits(model, "pii", plain))]
    out["chat_test_spans"] = dict(collections.Counter(x[2] for g in got for x in g))
    out["chat_test_examples"] = [[p[a:b], n] for p, g in zip(plain, got) for a, b, n in g]


def show(out, base):
    i, g, p = out.get("intent", {}), out.get("guard", {}), out.get("pii", {})
    bi, bg, bp = base.get("intent", {}), base.get("guard", {}), base.get("pii", {})
    print(f"{'':34s}{'linear':>9s}{'mom':>9s}")
    line = lambda name, a, b: print(f"{name:34s}{a if a is not None else '':>9}{b if b is not None else '':>9}")
    for k in ("dev", "test", "chat_test"):
        if k in i:
            for m in ("accuracy", "macro_f1"):
                line(f"intent {k} {m}", bi.get("shared+chat", {}).get(k, {}).get(m), i[k][m])
    if "other_source" in i:
        line("intent other source accuracy", bi.get("other_source", {}).get("accuracy"), i["other_source"]["accuracy"])
    if g:
        line("guard test AUC", bg.get("test_auc"), g["test"]["auc"])
        for n, v in g["test"]["flagged"].items():
            line(f" {n} ({v['rows']})"[:34], bg.get("flagged", {}).get(n, {}).get("share"), v["share"])
    if p:
        for k in ("test", "own"):
            line(f"pii {k} micro F1", bp.get(k, {}).get("micro_f1"), p[k]["micro_f1"])
            for n, v in p[k]["types"].items():
                line(f" {n} ({v['gold']})", bp.get(k, {}).get("types", {}).get(n, {}).get("f1"), v["f1"])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--folder", required=True)
    a.add_argument("--settings", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--baseline")
    a.add_argument("--calibrate", action="store_true")
    a.add_argument("--act8", action="store_true")
    a.add_argument("--other-source", action="store_true", help="only the transfer test of an intent model trained with --only-intent ood")
    a = a.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    model = load(a.folder)
    if a.act8:
        round_activations(model)
    s, base, out = {}, {}, {}
    if not a.calibrate and not a.other_source:
        with open(a.settings) as f:
            s = json.load(f)
    if a.baseline:
        with open(a.baseline) as f:
            base = json.load(f)
    if a.other_source:
        out["intent"] = {}
        other_source(model, out["intent"])
    else:
        for name, f in (("intent", intent), ("guard", guard), ("pii", pii)):
            out[name] = {}
            f(model, s, a.calibrate, out[name])
    out["settings"] = s
    if a.calibrate:
        export.write_json(a.settings, s, indent=1)
    export.write_json(a.out, out, indent=1)
    show(out, base)


if __name__ == "__main__":
    main()
