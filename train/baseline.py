"""The linear models that every number stands beside: TF-IDF with a linear SVM or logistic regression, and for PII a
linear tagger on word features. Trained on the neural model's training split.

    python baseline.py --out baseline.json
"""

import argparse
import json
import os
import re

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import data
import labels
import spans
from piigen import Filler
from tasks import chat_rows

OOD_TRAIN = ("mmlu", "mmlu-pro/ori_mmlu")
OOD_TEST = ("mmlu-pro/stemez", "mmlu-pro/theoremQA", "mmlu-pro/scibench")


def score(gold, said):
    names = sorted(set(gold))
    return {"accuracy": round(float(np.mean(np.array(gold) == said)), 4), "macro_f1": round(f1_score(gold, said, average="macro", labels=names), 4), "rows": len(gold)}


def intent(seed):
    rows = data.shared("intent.jsonl.gz")
    fit = lambda part: make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2), LinearSVC(C=0.5, random_state=seed)).fit(
        [r["text"] for r in part], [r["label"] for r in part])
    run = lambda m, part: score([r["label"] for r in part], m.predict([r["text"] for r in part]))
    train = [r for r in rows if r["split"] == "train"]
    split = {s: [r for r in rows if r["split"] == s] for s in ("dev", "test")}
    chat = data.own("chat_test.jsonl")
    out = {}
    m = fit(train)
    out["shared"] = {"dev": run(m, split["dev"]), "test": run(m, split["test"]), "chat_test": run(m, chat)}
    m = fit(train + chat_rows("train") * 9)
    out["shared+chat"] = {"dev": run(m, split["dev"]), "test": run(m, split["test"]), "chat_test": run(m, chat)}
    m = fit([r for r in train if r["source"] in OOD_TRAIN])
    out["other_source"] = run(m, [r for r in rows if r["source"] in OOD_TEST])
    return out


def guard(seed):
    rows = data.shared("guard.jsonl.gz")
    train, dev, test = ([r for r in rows if r["split"] == s] for s in ("train", "dev", "test"))
    m = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2), LogisticRegression(C=10, max_iter=200, class_weight="balanced", solver="liblinear", random_state=seed))
    m.fit([r["text"] for r in train], [r["label"] for r in train])
    p = lambda part: m.predict_proba([r["text"] for r in part])[:, 1]
    pd, pt = p(dev), p(test)
    cut = float(np.quantile([x for x, r in zip(pd, dev) if not r["label"]], 0.99))
    by = {}
    for r, x in zip(test, pt):
        key = f"{r['source']}/{'attack' if r['label'] else 'benign'}"
        by.setdefault(key, []).append(x >= cut)
    return {"dev_auc": round(roc_auc_score([r["label"] for r in dev], pd), 4), "test_auc": round(roc_auc_score([r["label"] for r in test], pt), 4),
            "threshold": round(cut, 4), "flagged": {k: {"share": round(float(np.mean(v)), 4), "rows": len(v)} for k, v in sorted(by.items())}}


WORD = re.compile(r"\w+|[^\w\s]")


def shape(w):
    return re.sub(r"(.)\1{2,}", r"\1\1+", "".join("9" if c.isdigit() else "A" if c.isupper() else "a" if c.islower() else c for c in w))


def features(ws):
    out = []
    for i in range(len(ws)):
        f = []
        for d in (-3, -2, -1, 0, 1, 2, 3):
            w = ws[i + d] if 0 <= i + d < len(ws) else "^"
            f += [f"{d}w={w.lower()}", f"{d}s={shape(w)}"]
        f += [f"p={ws[i][:3].lower()}", f"e={ws[i][-3:].lower()}", f"n={len(ws[i])}"]
        f += [f"b={ws[i - 1].lower() if i else '^'}_{ws[i].lower()}", f"sb={shape(ws[i - 1]) if i else '^'}_{shape(ws[i])}"]
        out.append(f)
    return out


def pii(seed):
    rows = data.shared("pii.jsonl.gz")
    train = [r for i, r in enumerate(rows) if r["split"] == "train" and (i % 3 == 0 or not r["source"].startswith("pii-anon"))]
    train += Filler(seed).sample(10)  # the pii-anon rows are copies of few templates: a third of them is enough here
    hasher = FeatureHasher(n_features=1 << 18, input_type="string")

    def words(r):
        return [(m.start(), m.end()) for m in WORD.finditer(r["text"])]

    feats, tags = [], []
    for r in train:
        at = words(r)
        fs = features([r["text"][a:b] for a, b in at])
        for f, (a, b) in zip(fs, at):
            hit = next((s for s in r["spans"] if s["start"] < b and a < s["end"]), None)
            if hit is None and spans.touches((a, b), r["ignore"]):
                continue
            feats.append(f)
            tags.append("O" if hit is None else ("B-" if a <= hit["start"] else "I-") + hit["label"])
    m = SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=4, tol=None, random_state=seed).fit(hasher.transform(feats), tags)

    def say(r):
        at = words(r)
        if not at:
            return []
        y = m.predict(hasher.transform(features([r["text"][a:b] for a, b in at])))
        out = []
        for (a, b), t in zip(at, y):
            if t == "O":
                kind = None
            elif t[0] == "I" and out and kind == t[2:]:
                out[-1][1] = b
            else:
                out.append([a, b, t[2:]])
            kind = None if t == "O" else t[2:]
        return [tuple(s) for s in out]

    test = [r for r in rows if r["split"] == "test"]
    said = [say(r) for r in test]
    own = Filler(seed + 1).sample(2)
    return {"test": spans.table(spans.score(test, said)), "test_loose": spans.table(spans.score(test, said, loose=True)),
            "own": spans.table(spans.score(own, [say(r) for r in own]))}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--only", choices=["intent", "guard", "pii"])
    p.add_argument("--seed", type=int, default=20261123)
    a = p.parse_args()
    out = {}
    if os.path.exists(a.out):
        with open(a.out) as f:
            out = json.load(f)
    for name, f in (("intent", intent), ("guard", guard), ("pii", pii)):
        if a.only in (None, name):
            out[name] = f(a.seed)
            print(name, json.dumps(out[name]))
    with open(a.out, "w") as f:
        json.dump(out, f, indent=1)


if __name__ == "__main__":
    main()
