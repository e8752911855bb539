"""Chooses the layers that a shallower decoder keeps.

    python decoder_layers.py --base R1 --count 15 --out layers.json

Layers go one by one: each time the one without which the answers of a few training rows become the least improbable. The other
candidate is a row of equal steps. Both are written; run_decoders.sh heals each for a while and takes the better one.
"""

import argparse
import json
import random
import time

import torch
from torch.nn import functional as F

import decoder_data
import decoder_model
from decoder_train import answers
from train import BF16


@torch.no_grad()
def without(model, text, batch, layers):
    """[(loss without a layer, the layer)], the least first; what comes before a layer is computed once for all."""
    want, target, weight = answers(batch)
    x, form = model.begin(text.prefix, [e[0] for e in batch])
    out = []
    for at, i in enumerate(layers[:-1]):
        if at:
            y = x
            for k in layers[at + 1:]:
                y = model.block(y, k, *form)
            each = F.cross_entropy(model.end(y, form, want), target, reduction="none")
            out.append((float((each * weight).sum() / len(batch)), i))
        x = model.block(x, i, *form)
    return sorted(out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--base", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--vocab", type=int, default=32768)
    p.add_argument("--count", type=int, default=15)
    p.add_argument("--rows", type=int, default=12)
    a = p.parse_args()
    torch.set_num_threads(2)
    text = decoder_data.Text(a.base, a.vocab)
    weights, config = decoder_model.load(a.base, a.vocab)
    model = decoder_model.Decoder(weights, config, rank=0, dtype=torch.bfloat16 if BF16 else torch.float32)
    made = sorted(filter(None, map(text.reason, decoder_data.reasons("train"))), key=lambda e: len(e[0]))
    batch = random.Random(3).sample(made[len(made) // 8:len(made) // 2], a.rows)
    layers, began = list(model.layers), time.time()
    while len(layers) > a.count:
        loss, worst = without(model, text, batch, layers)[0]
        layers.remove(worst)
        print(f"{time.time() - began:.0f}s without {worst}: {loss:.3f}, {len(layers)} left", flush=True)
    n = config["num_hidden_layers"]
    steps = sorted({round(i * (n - 1) / (a.count - 1)) for i in range(a.count)})
    with open(a.out, "w") as f:
        json.dump({"least": layers, "steps": steps}, f)
    print(open(a.out).read())


if __name__ == "__main__":
    main()
