"""Chooses temperatures and thresholds on the development data for a folder that export.py wrote; mom eval measures the result.

    python calibrate.py --folder EXPORT --settings settings.json [--act8] [--mom BINARY]

Temperatures make the probabilities of each head right on dev. The guard's threshold is the lowest that at most 1 % of all harmless
dev texts reach, public and own; the tagger's is the one with the best F1 of exact spans. --act8 also rounds the activations of every
matrix product to int8 rows, as the engine's int8 kernels do. With --mom that program reads the texts for intent and guard, as it is used
(the guard's score is then the highest of its windows, which end with lines, and views), which takes a tenth of the time.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import tempfile

import numpy as np
import torch

import data
import export
import labels
import spans
import tasks
import trunk
from model import Family, predict
from piigen import Filler


def load(folder):
    """The model of an exported folder, which from now on is the trunk too, and tells the windows."""
    trunk.use(folder)
    labels.cut_as(folder)
    state = export.state(folder)
    model = Family([t for t in export.HEADS if any(n.startswith(f"heads.{t}.") for n in state)], empty=True)
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


class Engine:
    """A folder as the program reads it; torch for the tagger."""

    def __init__(self, mom, folder, model):
        self.mom, self.folder, self.model = mom, folder, model

    def logits(self, task, texts):
        head = {"intent": "intent", "guard": "jailbreak"}[task]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
            for i, text in enumerate(texts):
                f.write(json.dumps({"id": str(i), "text": text}) + "\n")
            f.flush()
            said = subprocess.run([self.mom, "classify", "--model", self.folder, "--heads", head, "--logits", "--json", "--in", f.name],
                                  check=True, stdout=subprocess.PIPE).stdout
        rows = {r["id"]: r["logits"] for r in map(json.loads, said.splitlines())}
        return [torch.tensor(rows[str(i)]) for i in range(len(texts))]


def window_logits(model, task, texts):
    """[(windows, logits per window, encoding)] of every text."""
    enc = tasks.encode(texts)
    cut = [labels.windows(e.ids, trunk.get().cls, trunk.get().sep) for e in enc]
    if isinstance(model, Engine) and task != "pii":
        flat = model.logits(task, [window_text(t, e, w) for t, e, c in zip(texts, enc, cut) for w in c])
    else:
        flat = predict(model.model if isinstance(model, Engine) else model, task, [ids for w in cut for _, ids in w])
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


def intent_logits(model, texts):
    """[texts labels]: the mean of the windows, in which each counts by its tokens."""
    if isinstance(model, Engine):
        return np.stack([z.numpy() for z in model.logits("intent", texts)])
    return np.stack([np.average([v.numpy() for v in z], axis=0, weights=[len(ids) for _, ids in w]) for w, z, _ in window_logits(model, "intent", texts)])


def intent(model):
    rows = [r for r in data.shared("intent.jsonl.gz") if r["split"] == "dev"] + tasks.chat_rows("dev")
    return {"temperature": round(fit_temperature(intent_logits(model, [r["text"] for r in rows]), [labels.INTENT.index(r["label"]) for r in rows]), 4)}


def window_text(text, encoding, window):
    """What a window is of, with what comes before the text's first token and behind its last."""
    at, ids = window
    end = at + len(ids) - 2
    return text[encoding.offsets[at][0] if at else 0:encoding.offsets[end][0] if end < len(encoding.ids) else len(text)]


def guard_dev():
    """Public and own texts, own prompts as harmless ones, and long texts made of the harmless ones, alone and before own attacks."""
    rows = [r for r in data.shared("guard.jsonl.gz") if r["split"] == "dev"] + tasks.guard_rows("dev")
    rows += [{"text": r["text"], "label": 0, "source": "own chat", "apart": False} for r in tasks.chat_rows("dev")]
    rnd = random.Random(20261127)
    harmless = [r["text"] for r in rows if not r["label"]]
    long = [{"text": tasks.padding(rnd, harmless, rnd.randint(300, 900)), "label": 0, "source": "long", "apart": False} for _ in range(200)]
    attacks = rnd.sample([r["text"] for r in tasks.guard_rows("dev") if r["label"]], 150)
    return rows + long + [{"text": tasks.padding(rnd, harmless, rnd.randint(300, 900)) + t, "label": 1, "source": "long", "apart": False} for t in attacks]


def guard_worst(model, rows):
    """[[logits]] of every row: of its windows, or with the program of the worst of its windows and views."""
    if isinstance(model, Engine):
        return [[z.numpy()] for z in model.logits("guard", [r["text"] for r in rows])]
    return [z for z, _ in guard_windows(model, rows)]


def guard_windows(model, rows):
    """[(logits of the windows, their texts)] of every row."""
    texts = [r["text"] for r in rows]
    return [([x.numpy() for x in z], [window_text(t, e, one) for one in w]) for t, (w, z, e) in zip(texts, window_logits(model, "guard", texts))]


def guard(rows, windows):
    """Temperature and threshold for rows and the logits of their windows."""
    gold = np.array([r["label"] for r in rows])
    worst = [max(w, key=lambda v: v[1] - v[0]) for w in windows]
    t = round(fit_temperature(worst, gold), 4)
    p = softmax(np.stack(worst), t)[:, 1]
    cut = round(float(np.clip(np.quantile(p[gold == 0], 0.99), 0.05, 0.995)), 4)
    by = collections.defaultdict(list)
    for r, x in zip(rows, p):
        by[(r["source"], r["label"])].append(x >= cut)
    for (source, label), v in sorted(by.items(), key=lambda kv: (kv[0][1], kv[0][0])):
        print(f"{'found' if label else 'alarms'} {np.mean(v):6.3f} of {len(v):4d}  {source}")
    return {"temperature": t, "threshold": cut}


def pii(model):
    rows = [r for r in data.shared("pii.jsonl.gz") if r["split"] == "dev"] + Filler(20261125, parts=("dev",)).sample(4)
    token = []
    for w, z, e in window_logits(model, "pii", [r["text"] for r in rows]):
        merged = spans.merge(w, z, len(e.ids))
        token.append((np.stack([v.numpy() for v in merged]) if merged else np.zeros((0, len(labels.PII))), e))
    pairs = [(z, y) for r, (zs, e) in zip(rows, token) for z, y in zip(zs, tasks.token_labels(r, e)) if y >= 0]
    t = round(fit_temperature([z for z, _ in pairs], [y for _, y in pairs]), 4)
    say = lambda cut: [spans.decode(softmax(z, t), e, cut, r["text"]) if len(z) else [] for r, (z, e) in zip(rows, token)]
    tried = {cut: spans.table(spans.score(rows, say(cut)))["micro_f1"] for cut in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)}
    print("PII F1 by threshold", tried)
    return {"temperature": t, "threshold": max(tried, key=tried.get)}


def reading(p):
    """The flags that say how a folder is read."""
    p.add_argument("--act8", action="store_true")
    p.add_argument("--mom", help="the program that reads the texts instead of torch")


def reader(a):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    model = load(a.folder)
    if a.act8:
        round_activations(model)
    return Engine(a.mom, a.folder, model) if a.mom else model


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--folder", required=True)
    p.add_argument("--settings", required=True)
    reading(p)
    a = p.parse_args()
    model = reader(a)
    rows = guard_dev()
    s = {"intent": intent(model), "guard": guard(rows, guard_worst(model, rows)), "pii": pii(model)}
    export.write_json(a.settings, s, indent=1)
    print(s)


if __name__ == "__main__":
    main()
