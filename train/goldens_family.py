"""Writes models/testdata/mom_enc_v1.json.gz and mom_enc_r1.json.gz: what the reference makes of the stored int8 folder (weights unpacked to
float32, activations in float32) for own texts, so that the engine can be held against it.

{"source", "window", "cases": [{"text", "ids" with special tokens, "intent": [14 logits], "jailbreak": [2 logits],
"pii": [[start, end, label, min over the span's tokens of 1 - p(O) after the temperature]] in code points}]}; logits of
the first window, with what n-grams add, before any temperature. Texts: some of the test rows of train/data and generated PII.

    python goldens_family.py ../weights/mom-enc-v1 ../models/testdata/mom_enc_v1.json.gz
"""

import gzip
import json
import os
import sys

import numpy as np
import torch

import export
import labels
import ngrams
import spans
import tasks
import trunk
from calibrate import load, softmax, window_text
from model import predict
from piigen import Filler


def main():
    torch.set_num_threads(1)
    folder, path = sys.argv[1:]
    model = load(folder)
    with open(os.path.join(folder, "mom.json")) as f:
        heads = {h["function"]: h for h in json.load(f)["heads"]}
    texts = [r["text"] for r in tasks.chat_rows("test")][::8] + [r["text"] for r in tasks.guard_rows("test")][::16]
    texts += [r["text"] for r in Filler(77, parts=("test",)).sample(1)][::2]
    enc = tasks.encode(texts)
    first = [labels.windows(e.ids, trunk.get().cls, trunk.get().sep)[0][1] for e in enc]
    out = {t: predict(model, t, first) for t in ("intent", "guard", "pii")}
    grams = heads["intent"].get("ngrams")
    if grams:
        said = ngrams.read({k: v.numpy() for k, v in export.stored_in(folder).items() if ".intent.ngrams." in k}).scores(texts)
        out["intent"] = [z + torch.tensor(grams["mix"] * s) for z, s in zip(out["intent"], said)]
    grams = heads["jailbreak"].get("ngrams")
    if grams:
        said = ngrams.read({k: v.numpy() for k, v in export.stored_in(folder).items() if ".jailbreak.ngrams." in k}, "heads.jailbreak.")
        cut = [labels.windows(e.ids, trunk.get().cls, trunk.get().sep)[0] for e in enc]
        odds = said.odds([window_text(t, e, w) for t, e, w in zip(texts, enc, cut)])
        out["guard"] = [z + torch.tensor([0, grams["mix"] * o]) for z, o in zip(out["guard"], odds)]
    cases = []
    digits = lambda v: [round(float(x), 5) for x in v]
    for i, (text, e) in enumerate(zip(texts, enc)):
        p = softmax(out["pii"][i].numpy()[1:-1], heads["pii"]["temperature"])
        found = []
        if len(e.ids) == len(p) and len(p):
            for a, b, label in spans.decode(p, e, heads["pii"]["threshold"], text):
                inside = [1 - p[k][0] for k, (s, t) in enumerate(e.offsets) if a <= s and t <= b]
                found.append([a, b, label, round(float(np.min(inside)), 4)])
        cases.append({"text": text, "ids": first[i], "intent": digits(out["intent"][i]), "jailbreak": digits(out["guard"][i]), "pii": found})
    obj = {"source": "torch, float32, weights unpacked from int8", "window": labels.WINDOW, "cases": cases}
    with gzip.GzipFile(path, "wb", mtime=0) as f:
        f.write(json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode())
    print(len(cases), "texts")


if __name__ == "__main__":
    main()
