"""Trains the decoders that label a request and say why, on a CPU: two processes of one thread that share their gradients.

    python decoder_train.py --out CKPT/dec-r1 --base FOLDER                                       all layers
    python decoder_train.py --out CKPT/dec-v1 --base R1 --weights R1_INT4 --layers 0,1,…  --first-round 10     a part of them
    python decoder_train.py --out CKPT/agent-law --agent law --base R1 --weights R1_INT4 --modules q_proj,v_proj --rank 8     an agent
    … --smoke                                                                                     a few steps

--base is a Hugging Face folder of a llama; the loss is the cross entropy of the answers. With --layers, the adapter heals what the
missing layers did: the folder --base, whole, is the teacher, and the loss is --kl of the divergence from it besides.
--weights is the folder under the adapter where that is another than --base: int4 weights of the same model, as they are shipped,
so that the adapter heals the rounding too. A run that was stopped goes on when it is started again.
"""

import argparse
import json
import os
import random
import time

import torch
from torch.nn import functional as F

import decoder_agents
import decoder_data
import decoder_export
import decoder_model
from train import BF16, save, share


def arguments(given=None):
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--base", required=True)
    p.add_argument("--weights")
    p.add_argument("--layers", help="numbers of the kept layers with commas; all without")
    p.add_argument("--vocab", type=int, default=32768, help="the first so many tokens are kept")
    p.add_argument("--agent", help="train the agent of a field: sci, math, hum, soc, law or gen; all of them at once: all")
    p.add_argument("--start", help="checkpoint of an adapter of the same form to go on from")
    p.add_argument("--modules", help="names with commas of the layers that have an adapter, as q_proj,v_proj; all without")
    p.add_argument("--seed", type=int, default=20261126)
    p.add_argument("--first-round", type=int, default=0)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--keep", type=float, default=0.34, help="share of the shared intent rows in a round")
    p.add_argument("--chat-each", type=int, default=1)
    p.add_argument("--reason-each", type=int, default=1)
    p.add_argument("--reason-keep", type=float, default=1.0, help="share of the rows with reasons in a round,")
    p.add_argument("--reason-last", type=int, default=0, help="and all of the last so many")
    p.add_argument("--rank", type=int, default=32)
    p.add_argument("--alpha", type=float, default=32)
    p.add_argument("--lr", type=float, default=6e-4)
    p.add_argument("--kl", type=float, default=1.0)
    p.add_argument("--tokens", type=int, default=900, help="padded tokens of a batch")
    p.add_argument("--most", type=int, default=24, help="requests of a batch, at most")
    p.add_argument("--steps", type=int, help="stop after so many, with the rates of a run of that length")
    p.add_argument("--minutes-between-checkpoints", type=float, default=4)
    p.add_argument("--smoke", action="store_true")
    a = p.parse_args(given)
    a.layers = [int(i) for i in a.layers.split(",")] if a.layers else None
    return a


def plan(a, text):
    """The steps of the whole run: (round, a batch for each of the two workers)."""
    steps = []
    for r in range(a.first_round, a.first_round + a.rounds):
        rnd = random.Random(a.seed * 1000 + r)
        made = decoder_agents.examples(text, a.agent, a.reason_each) if a.agent else decoder_data.examples(text, rnd, a.keep, a.chat_each, a.reason_each, a.reason_keep, a.reason_last)
        print(f"round {r}: {len(made)} requests, {sum(len(e[0]) for e in made)} tokens", flush=True)
        part = sorted(decoder_data.batches(made, a.tokens, a.most, rnd), key=lambda b: len(b) * max(len(e[0]) for e in b))
        pairs = [(r, part[i:i + 2]) for i in range(0, len(part), 2)]  # of like cost: the two wait for each other
        rnd.shuffle(pairs)
        steps += pairs
    return steps[:a.steps] if a.steps else steps


def answers(batch):
    """What the answers' tokens are predicted from, what they are, and what each weighs: label and reason of a request as much."""
    want, target, weight = [], [], []
    for r, (ids, start, label_end, end) in enumerate(batch):
        for j in range(start, end):
            want.append((r, j - 1))
            target.append(ids[j])
            weight.append(1 / (label_end - start) if j < label_end else 1 / (end - label_end))
    return want, torch.tensor(target), torch.tensor(weight)


def loss_of(model, teacher, batch, text, a):
    want, target, weight = answers(batch)
    ids = [e[0] for e in batch]
    logits = model(text.prefix, ids, want)
    each = F.cross_entropy(logits, target, reduction="none")
    loss = (each * weight).sum() / len(batch)
    said = float(loss.detach())
    if teacher is not None:
        with torch.no_grad():
            right = teacher(text.prefix, ids, want).log_softmax(-1)
        kl = F.kl_div(logits.log_softmax(-1), right, reduction="none", log_target=True).sum(-1)
        loss = (loss + a.kl * (kl * weight).sum() / len(batch)) / (1 + a.kl)
    return loss, said


@torch.no_grad()
def label_scores(model, text, asked, most=16):
    """The log-probabilities of the labels for requests (ids, start of the answer)."""
    out = [None] * len(asked)
    order = sorted(range(len(asked)), key=lambda i: len(asked[i][0]))
    for at in range(0, len(order), most):
        part = order[at:at + most]
        given = [text.asked(*asked[i]) for i in part]
        logits = model(text.prefix, [ids for ids, _ in given], [(r, j) for r, (_, places) in enumerate(given) for j in places])
        for r, i in enumerate(part):
            out[i] = text.scores(logits[2 * r:2 * r + 2].log_softmax(-1))
    return out


@torch.no_grad()
def scored(model, text, examples, tokens, most=16):
    """The logits of some tokens at the beginning of the answers."""
    out = []
    for at in range(0, len(examples), most):
        part = examples[at:at + most]
        out += list(model(text.prefix, [e[0][:e[1]] for e in part], [(r, e[1] - 1) for r, e in enumerate(part)])[:, tokens])
    return out


@torch.no_grad()
def look(model, text, few=False, agent=None):
    """Cross entropy a token of the held-out answers, and how often the label is right."""
    model.merge()
    if agent:
        made = decoder_agents.dev(text, agent)
        found = [out.argmax() for out in scored(model, text, [e for e, _ in made], decoder_agents.first(text))]
        return {"difficulty": round(sum(int(y) == r for y, (_, r) in zip(found, made)) / len(made), 4), "of": len(made)}
    said, sets = decoder_data.dev(text, few)
    total = count = 0
    said = sorted(said, key=lambda e: len(e[0]))
    for at in range(0, len(said), 8):
        want, target, _ = answers(said[at:at + 8])
        logits = model(text.prefix, [e[0] for e in said[at:at + 8]], want)
        total += F.cross_entropy(logits, target, reduction="sum").item()
        count += len(target)
    out = {"answer": round(total / max(1, count), 4)}
    for name, (made, right) in sets.items():
        found = label_scores(model, text, [e[:2] for e in made])
        out[name] = round(sum(int(y.argmax()) == r for y, r in zip(found, right)) / len(right), 4)
    return out


def work(rank, a, steps, text, model, teacher, barrier, buffers):
    torch.set_num_threads(1)
    opt = torch.optim.AdamW(model.parameters(), lr=a.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    warm = max(1, len(steps) // 20)
    rate = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / warm, max(0.02, (len(steps) - s) / (len(steps) - warm + 1))))
    path, start, log = os.path.join(a.out, "last.pt"), 0, []
    if os.path.exists(path):
        state = torch.load(path)
        model.load_state_dict(state["model"])
        opt.load_state_dict(state["opt"])
        rate.load_state_dict(state["rate"])
        start, log = state["step"], state["log"]
        print("continues at step", start, flush=True)
    began = saved = time.time()
    mean, tokens = None, 0
    for s in range(start, len(steps)):
        r, batches = steps[s]
        model.merge()
        if rank < len(batches):
            loss, said = loss_of(model, teacher, batches[rank], text, a)
            (loss / len(batches)).backward()
            mean = said if mean is None else 0.98 * mean + 0.02 * said
        share(model, rank, barrier, buffers)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        rate.step()
        tokens += sum(len(e[0]) for b in batches for e in b)
        if rank:
            continue
        if s % 10 == 9 or a.smoke:
            sec = time.time() - began
            left = sec / (s + 1 - start) * (len(steps) - s - 1) / 3600
            print(f"step {s + 1}/{len(steps)} {sec:.0f}s {tokens / sec:.0f} tok/s loss {mean:.4f}, {left:.1f} h left", flush=True)
        last = s + 1 == len(steps)
        if last or steps[s + 1][0] != r:
            log.append({"round": r, "step": s + 1, **look(model, text, a.smoke, a.agent)})
            print(json.dumps(log[-1]), flush=True)
        if last or time.time() - saved > 60 * a.minutes_between_checkpoints:
            save(path, {"model": model.state_dict(), "opt": opt.state_dict(), "rate": rate.state_dict(), "step": s + 1, "log": log})
            saved = time.time()
    if rank == 0:
        save(os.path.join(a.out, "final.pt"), {"model": model.state_dict(), "log": log, "arguments": vars(a), "layers": model.layers})
        print("done", round(time.time() - began), "s", flush=True)


def models(a):
    """(model, teacher or None) of a run."""
    weights, config = decoder_model.load(a.base, a.vocab)
    under = decoder_export.read(a.weights) if a.weights else weights
    torch.manual_seed(a.seed)
    dtype = torch.bfloat16 if BF16 else torch.float32
    model = decoder_model.Decoder(under, config, a.layers, a.rank, a.alpha, dtype, decoder_export.modules(vars(a)))
    if a.start:
        model.load_state_dict(torch.load(a.start)["model"])
    return model, decoder_model.Decoder(weights, config, rank=0, dtype=dtype) if a.layers else None


def main():
    a = arguments()
    if a.smoke:
        a.rounds, a.steps = 1, a.steps or 4
    os.makedirs(a.out, exist_ok=True)
    torch.set_num_threads(1)
    text = decoder_data.Text(a.base, a.vocab, decoder_agents.prefix(a.agent) if a.agent else decoder_data.PREFIX)
    steps = plan(a, text)
    print(len(steps), "steps", flush=True)
    model, teacher = models(a)
    context = torch.multiprocessing.get_context("fork")
    barrier = context.Barrier(2, timeout=3600)
    buffers = [torch.zeros(sum(p.numel() for p in model.parameters())).share_memory_() for _ in range(2)]
    workers = [context.Process(target=work, args=(k, a, steps, text, model, teacher, barrier, buffers)) for k in range(2)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    raise SystemExit(max(abs(w.exitcode) for w in workers))


if __name__ == "__main__":
    main()
