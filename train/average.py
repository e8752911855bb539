"""Averages the weights of runs that went on from each other (Wortsman et al. 2022, arXiv:2109.01903, 2203.05482).

    python average.py --out average.pt 0.2:../weights/mom-enc-v1 0.4:ckpt3/final.pt 0.4:ckpt4/final.pt

A source is a final.pt of train.py or an exported folder, with its share before it. What a later run forgot of the earlier
one's data comes back, and little of what it learned is lost.
"""

import argparse
import os

import torch

import export


def main():
    p = argparse.ArgumentParser()
    p.add_argument("sources", nargs="+", metavar="SHARE:SOURCE")
    p.add_argument("--out", required=True)
    a = p.parse_args()
    shares, first, total = {}, {}, 0.0
    for source in a.sources:
        share, path = source.split(":", 1)
        total += float(share)
        state = export.state(path) if os.path.isdir(path) else torch.load(path)["model"]
        for name, value in state.items():
            same = torch.equal(first.setdefault(name, value), value)
            if not same:
                first[name] = torch.full_like(value, float("nan")) if value.is_floating_point() else value
            part = value.float() * float(share) if value.is_floating_point() else value
            shares[name] = shares[name] + part if name in shares and value.is_floating_point() else part
    if abs(total - 1) > 1e-6:
        p.error(f"the shares add up to {total}, want 1")
    for name, value in first.items():  # what no run has learned stays as it is, to the last bit
        if not value.isnan().any():
            shares[name] = value
    torch.save({"model": shares}, a.out)


if __name__ == "__main__":
    main()
