"""Trains the shared trunk and its heads on CPU.

    python train.py --out CKPT_FOLDER                      the release run
    python train.py --out CKPT_FOLDER --smoke              a few steps, to see that all runs through
    python train.py --out CKPT_FOLDER --only-intent ood    intent alone, on MMLU's own questions (evaluation of transfer)

All batches of the run are planned from the seed before the first step, so a run that was stopped continues where its
last checkpoint stands: start the same command again.
"""

import argparse
import json
import os
import random
import time

import numpy as np
import torch
from torch.nn import functional as F

import data
import labels
import tasks
from model import Family, pad, predict

OOD_SOURCES = ("mmlu", "mmlu-pro/ori_mmlu")


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=20261123)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--tokens", type=int, default=2560, help="padded tokens of a batch")
    p.add_argument("--most", type=int, default=48, help="texts of a batch, at most")
    p.add_argument("--lr", type=float, default=1.5e-4)
    p.add_argument("--head-lr", type=float, default=6e-4)
    p.add_argument("--smoothing", type=float, default=0.05)
    p.add_argument("--guard-keep", type=float, default=0.8, help="share of harmless guard rows in a round")
    p.add_argument("--pii-keep", type=float, default=0.6, help="share of the pii-anon rows in a round")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--minutes-between-checkpoints", type=float, default=4)
    p.add_argument("--only-intent", choices=["ood"])
    p.add_argument("--smoke", action="store_true")
    return p.parse_args()


def batches(examples, a, rnd):
    """Batches of similar length: sort within chunks of the shuffled examples, cut by padded tokens, shuffle again."""
    rnd.shuffle(examples)
    out = []
    for at in range(0, len(examples), 2000):
        chunk = sorted(examples[at:at + 2000], key=lambda e: len(e[0]))
        batch = []
        for e in chunk:
            if batch and (len(batch) >= a.most or (len(batch) + 1) * len(e[0]) > a.tokens):
                out.append(batch)
                batch = []
            batch.append(e)
        out.append(batch)
    rnd.shuffle(out)
    return out


def plan(a):
    """[(round, task, batch)] for the whole run."""
    steps = []
    for r in range(a.rounds):
        rnd = random.Random(a.seed * 1000 + r)
        sets = {}
        if a.only_intent:
            sets["intent"] = tasks.intent(rnd, only=OOD_SOURCES)
        else:
            sets["intent"] = tasks.intent(rnd)
            sets["guard"] = tasks.guard(rnd, keep=a.guard_keep)
            sets["pii"] = tasks.pii(rnd, keep=a.pii_keep)
        part = []
        for task, examples in sets.items():
            made = batches(examples, a, rnd)
            if a.smoke:
                made = made[:8]
            print(f"round {r} {task}: {len(examples)} texts, {sum(len(e[0]) for e in examples)} tokens, {len(made)} batches", flush=True)
            part += [(r, task, b) for b in made]
        rnd.shuffle(part)
        steps += part
    return steps


def loss_of(model, task, batch, a):
    ids, mask = pad([e[0] for e in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(task, ids, mask)
    logits = logits.float()
    if task == "pii":
        target = torch.full(ids.shape, -100)
        for i, e in enumerate(batch):
            target[i, :len(e[1])] = torch.tensor(e[1])
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=-100)
    return F.cross_entropy(logits, torch.tensor([e[1] for e in batch]), label_smoothing=a.smoothing if task == "intent" else 0.02)


def dev_sets(a):
    """Fixed parts of the development data, small enough to be looked at after every round."""
    rnd = random.Random(7)
    cut = lambda rows, n: rnd.sample(rows, min(n, len(rows)))
    n = 60 if a.smoke else 1200
    first = lambda ids: tasks.wrap(ids[:labels.WINDOW - 2])
    out = {}
    rows = cut([r for r in data.shared("intent.jsonl.gz") if r["split"] == "dev"], n)
    out["intent"] = ([first(e.ids) for e in tasks.encode([r["text"] for r in rows])], [labels.INTENT.index(r["label"]) for r in rows])
    rows = tasks.chat_rows("dev")
    out["chat"] = ([first(e.ids) for e in tasks.encode([r["text"] for r in rows])], [labels.INTENT.index(r["label"]) for r in rows])
    if a.only_intent:
        return out
    rows = cut([r for r in data.shared("guard.jsonl.gz") if r["split"] == "dev"], n // 2)
    out["guard"] = ([first(e.ids) for e in tasks.encode([r["text"] for r in rows])], [r["label"] for r in rows])
    rows = cut([r for r in data.shared("pii.jsonl.gz") if r["split"] == "dev"], n // 4)
    enc = tasks.encode([r["text"] for r in rows])
    out["pii"] = ([first(e.ids) for e in enc], [tasks.token_labels(r, e)[:labels.WINDOW - 2] for r, e in zip(rows, enc)])
    return out


def look(model, sets):
    from sklearn.metrics import roc_auc_score
    out = {}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for name in ("intent", "chat"):
            y = [int(v.argmax()) for v in predict(model, "intent", sets[name][0])]
            out[name] = round(float(np.mean([p == t for p, t in zip(y, sets[name][1])])), 4)
        if "guard" in sets:
            p = [float(v.softmax(-1)[1]) for v in predict(model, "guard", sets["guard"][0])]
            out["guard_auc"] = round(roc_auc_score(sets["guard"][1], p), 4)
        if "pii" in sets:
            hit = every = said = 0
            for v, tags in zip(predict(model, "pii", sets["pii"][0]), sets["pii"][1]):
                for p, t in zip(v.argmax(-1).tolist()[1:-1], tags):
                    if t >= 0:
                        every += t > 0
                        said += p > 0
                        hit += t > 0 and p == t
            out["pii_token_f1"] = round(2 * hit / max(1, every + said), 4)
    model.train()
    return out


def save(path, model, opt, step, log):
    torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "step": step, "log": log}, path + ".part")
    os.replace(path + ".part", path)


def main():
    a = arguments()
    if a.smoke:
        a.rounds = 1
    os.makedirs(a.out, exist_ok=True)
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    steps = plan(a)
    sets = dev_sets(a)
    model = Family(("intent",) if a.only_intent else ("intent", "guard", "pii"))
    decay = lambda n, p: 0.01 if p.dim() == 2 else 0.0
    groups = {}
    for n, p in model.named_parameters():
        groups.setdefault((a.head_lr if n.startswith("heads.") else a.lr, decay(n, p)), []).append(p)
    opt = torch.optim.AdamW([{"params": ps, "lr": lr, "weight_decay": wd} for (lr, wd), ps in groups.items()], betas=(0.9, 0.98), fused=True)
    warm = max(1, len(steps) // 20)
    rate = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / warm, max(0.0, (len(steps) - s) / (len(steps) - warm))))
    path, start, log = os.path.join(a.out, "last.pt"), 0, []
    if os.path.exists(path):
        state = torch.load(path)
        model.load_state_dict(state["model"])
        opt.load_state_dict(state["opt"])
        start, log = state["step"], state["log"]
        for _ in range(start):
            rate.step()
        torch.manual_seed(a.seed + start)
        print("continues at step", start, flush=True)
    model.train()
    began = saved = time.time()
    mean, tokens = {}, 0
    for s in range(start, len(steps)):
        r, task, batch = steps[s]
        loss = loss_of(model, task, batch, a)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        rate.step()
        mean[task] = 0.98 * mean.get(task, loss.item()) + 0.02 * loss.item()
        tokens += sum(len(e[0]) for e in batch)
        if s % 25 == 24:
            sec = time.time() - began
            print(f"step {s + 1}/{len(steps)} {sec:.0f}s {tokens / sec:.0f} tok/s " + " ".join(f"{k} {v:.3f}" for k, v in sorted(mean.items())), flush=True)
        if s + 1 == len(steps) or steps[s + 1][0] != r:
            log.append({"round": r, "step": s + 1, **look(model, sets)})
            print(json.dumps(log[-1]), flush=True)
        if time.time() - saved > 60 * a.minutes_between_checkpoints or s + 1 == len(steps):
            save(path, model, opt, s + 1, log)
            saved = time.time()
    torch.save({"model": model.state_dict(), "log": log, "arguments": vars(a)}, os.path.join(a.out, "final.pt"))
    print("done", round(time.time() - began), "s", flush=True)


if __name__ == "__main__":
    main()
