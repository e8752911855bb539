"""Linear models of hashed words and pieces of words beside the heads for intent and guard: they know words that the encoder's vocabulary does not.

    python ngrams.py --task intent --folder EXPORT --settings settings.json --out intent-ngrams.safetensors [--act8] [--mom BINARY]
    python ngrams.py --task guard --folder EXPORT --settings settings.json --out guard-ngrams.safetensors [--act8] [--mom BINARY]

Features are those of engine/ngram, to the number. The model of intent is trained on the public rows, the own prompts and prompts around the
terms of the glossary; how much of its log-probabilities is added to the head's logits is chosen on dev: of --mixes the one with the highest sum of both
accuracies, public and own, that costs public questions at most 0.15 points; the temperature of the sum after it. settings.json is what calibrate.py wrote; both are
added to it. The model of the guard is one row, trained on windows of texts; its log-odds are added to the attack logit of every window. Its share is
the one that finds most at 1 % false alarms, public and own rows counted alike. What --out holds already is not trained again.
"""

import argparse
import functools
import json
import os
import random
import unicodedata

import numpy as np
from safetensors.numpy import load_file, save_file

import data
import glossary
import labels
import tasks

BUCKETS = {"intent": 44 << 10, "guard": 96 << 10}
MASK = (1 << 64) - 1
OFFSET, PRIME = 14695981039346656037, 1099511628211
WORD, PAIR, PIECE = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9


def lower(c):
    return c.lower()[0]  # of the one that becomes two, a dotted I, the letter


def words(text):
    out, word = [], []
    for c in text:
        if unicodedata.category(c)[0] in "LNM":
            word.append(lower(c))
        elif word:
            out.append("".join(word))
            word = []
    return out + (["".join(word)] if word else [])


def fnv(text, h=OFFSET):
    for byte in text.encode("utf-8", "surrogatepass"):
        h = (h ^ byte) * PRIME & MASK
    return h


def bucket(h, n):
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & MASK
    return (h ^ h >> 33) % n


@functools.lru_cache(1 << 18)
def of_word(word, n):
    """(hash, buckets) of a word alone."""
    h = fnv(word)
    out = [bucket(h ^ WORD, n)]
    padded = f" {word} "
    for i in range(len(padded)):
        p = OFFSET
        for k, c in enumerate(padded[i:i + 5], 1):
            p = fnv(c, p)
            if k >= 2:
                out.append(bucket(p ^ PIECE, n))
    return h, tuple(dict.fromkeys(out))


def features(text, n):
    """Different buckets of a text."""
    out, before = set(), None
    for word in words(text):
        h, mine = of_word(word, n)
        out.update(mine)
        if before is not None:
            out.add(bucket((before * 31 + h & MASK) ^ PAIR, n))
        before = h
    return sorted(out)


def matrix(texts, n):
    from scipy.sparse import csr_matrix
    rows = [features(t, n) for t in texts]
    at = np.cumsum([0] + [len(r) for r in rows])
    values = np.concatenate([np.full(len(r), 1 / max(1, len(r)) ** 0.5, np.float32) for r in rows])
    return csr_matrix((values, np.concatenate([np.array(r, np.int32) for r in rows]), at), (len(rows), n))


class Ngrams:
    """What export.py stores: weight int8 [labels buckets] with a scale a label, and a bias."""

    def __init__(self, weight, scale, bias):
        self.weight, self.scale, self.bias = weight, scale, bias

    def odds(self, texts):
        """Log-odds of one row, [texts]; nothing for a text without words."""
        x = matrix(texts, self.weight.shape[1])
        z = x @ (self.weight.astype(np.float32) * self.scale[:, None]).T + self.bias
        return np.where(np.diff(x.indptr) > 0, z[:, 0], 0)

    def scores(self, texts):
        """Log-probabilities of each label by itself, [texts labels]; nothing for a text without words."""
        x = matrix(texts, self.weight.shape[1])
        z = x @ (self.weight.astype(np.float32) * self.scale[:, None]).T + self.bias
        return np.where(np.diff(x.indptr)[:, None] > 0, -np.logaddexp(0, -z), 0)


def read(tensors, prefix="heads.intent."):
    return Ngrams(tensors[prefix + "ngrams.weight"], tensors[prefix + "ngrams.weight_scale"], tensors[prefix + "ngrams.bias"])


def stored(w, bias):
    scale = (np.abs(w).max(1) / 127).astype(np.float32)
    return Ngrams(np.clip(np.rint(w / scale[:, None]), -127, 127).astype(np.int8), scale, bias.astype(np.float32))


def guard_rows(rnd):
    """[(text, label, weight)]: windows of the public and own texts, own prompts as harmless ones."""
    import calibrate
    rows = [r | {"weight": 0.5} for r in data.shared("guard.jsonl.gz") if r["split"] == "train"]
    rows += [r | {"weight": 2.0} for r in tasks.guard_rows("train")]
    rows += [{"text": r["text"], "label": 0, "weight": 0.5} for r in tasks.chat_rows("train")]
    out = []
    for r, e in zip(rows, tasks.encode([r["text"] for r in rows])):
        cut = labels.windows(e.ids, 0, 0)
        if len(cut) > 3:  # of an attack the first, of the others some
            cut = cut[:1] if r["label"] else rnd.sample(cut, 3)
        out += [(calibrate.window_text(r["text"], e, w), r["label"], r["weight"]) for w in cut]
    return out


def train_guard(seed, alpha, runs, buckets):
    from sklearn.linear_model import SGDClassifier
    w, bias = 0, 0
    rows = guard_rows(random.Random(seed))
    x = matrix([r[0] for r in rows], buckets)
    for run in range(runs):
        model = SGDClassifier(loss="log_loss", alpha=alpha, max_iter=12, tol=None, average=True, random_state=seed + run)
        model.fit(x, [r[1] for r in rows], sample_weight=[r[2] for r in rows])
        w, bias = w + model.coef_ / runs, bias + model.intercept_ / runs
        print(f"run {run + 1} of {runs}: {len(rows)} windows", flush=True)
    return stored(w, bias)


def train(seed, terms, alpha, runs, buckets):
    """The mean of several runs, each with other prompts of the glossary."""
    from sklearn.linear_model import SGDClassifier
    shared = [r for r in data.shared("intent.jsonl.gz") if r["split"] == "train"]
    own = tasks.chat_rows("train") + [r for r in data.own("reasons.jsonl") if r["split"] == "train" and "chat" not in r]
    w, bias = 0, 0
    for run in range(runs):
        rnd = random.Random(seed + run)
        rows = [(r["text"], r["label"], 0.5) for r in shared if r["source"] not in tasks.CHAT_SOURCES or rnd.random() < 0.35]
        rows += [(r["text"], r["label"], 2.0) for r in own] + [(*x, 0.4) for x in glossary.prompts(rnd, terms)]
        model = SGDClassifier(loss="log_loss", alpha=alpha, max_iter=12, tol=None, average=True, random_state=seed + run, n_jobs=2)
        model.fit(matrix([r[0] for r in rows], buckets), [labels.INTENT.index(r[1]) for r in rows], sample_weight=[r[2] for r in rows])
        w, bias = w + model.coef_ / runs, bias + model.intercept_ / runs
        print(f"run {run + 1} of {runs}: {len(rows)} texts", flush=True)
    return stored(w, bias)


def mix_intent(model, made, mixes):
    """What settings.json says of intent: share and temperature."""
    from calibrate import fit_temperature, intent_logits
    sets = [[r for r in data.shared("intent.jsonl.gz") if r["split"] == "dev"], tasks.chat_rows("dev")]
    rows = sets[0] + sets[1]
    texts, gold = [r["text"] for r in rows], np.array([labels.INTENT.index(r["label"]) for r in rows])
    z = intent_logits(model, texts)
    s, cut, tried = made.scores(texts), len(sets[0]), {}
    for mix in mixes:
        right = (z + mix * s).argmax(1) == gold
        tried[mix] = right[:cut].mean(), right[cut:].mean()
        print(f"mix {mix}: public {right[:cut].mean():.4f}, own {right[cut:].mean():.4f}", flush=True)
    mix = max((m for m in tried if tried[m][0] >= tried[0.0][0] - 0.0015), key=lambda m: sum(tried[m]))
    return {"mix": mix, "temperature": round(fit_temperature(z + mix * s, gold), 4)}


def mix_guard(model, made, mixes):
    """The same of the guard, with its threshold."""
    import calibrate
    from sklearn.metrics import roc_auc_score
    rows = calibrate.guard_dev()
    windows = calibrate.guard_windows(model, rows)
    odds = made.odds([t for _, texts in windows for t in texts])
    gold, own = np.array([r["label"] for r in rows]), np.array(["apart" in r for r in rows])
    tried = {}
    for mix in mixes:
        at, mixed = 0, []
        for z, texts in windows:
            mixed.append([v + np.array([0, mix * o], np.float32) for v, o in zip(z, odds[at:at + len(texts)])])
            at += len(texts)
        score = np.array([max(v[1] - v[0] for v in w) for w in mixed])
        found = []
        for part in (~own, own):
            y, p = gold[part], score[part]
            found.append((p[y == 1] > np.quantile(p[y == 0], 0.99)).mean())
            print(f"mix {mix}: {'own' if part is own else 'public'} AUC {roc_auc_score(y, p):.4f}, found at 1 % {found[-1]:.3f}", flush=True)
        tried[mix] = sum(found), mixed
    mix = max(tried, key=lambda m: tried[m][0])
    return {"mix": mix, **calibrate.guard(rows, tried[mix][1])}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--task", choices=["intent", "guard"], required=True)
    p.add_argument("--buckets", type=int)
    for name in ("folder", "settings", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--seed", type=int, default=20261126)
    p.add_argument("--terms", type=int, default=40000, help="prompts around terms of the glossary")
    p.add_argument("--alpha", type=float, default=1e-6)
    p.add_argument("--runs", type=int, default=4)
    p.add_argument("--mixes", default="0.1,0.2,0.3,0.4,0.5,0.6,0.8,1")
    from calibrate import reader, reading
    reading(p)
    a = p.parse_args()
    model = reader(a)
    buckets = a.buckets or BUCKETS[a.task]
    if os.path.exists(a.out):
        made = read(load_file(a.out), "")
    elif a.task == "intent":
        made = train(a.seed, a.terms, a.alpha, a.runs, buckets)
    else:
        made = train_guard(a.seed, a.alpha, a.runs, buckets)
    save_file({"ngrams.weight": made.weight, "ngrams.weight_scale": made.scale, "ngrams.bias": made.bias}, a.out)
    with open(a.settings) as f:
        settings = json.load(f)
    mixes = [0.0] + [float(x) for x in a.mixes.split(",")]
    settings[a.task] |= (mix_intent if a.task == "intent" else mix_guard)(model, made, mixes)
    with open(a.settings, "w") as f:
        json.dump(settings, f, indent=1)
    print(settings)


if __name__ == "__main__":
    main()
