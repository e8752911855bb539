"""Writes the cards of the agents: how many questions they learned from, and how often they tell the difficulty of others.

    python decoder_card.py --work WORK --out ../weights      WORK: what run_decoders.sh has made
"""

import argparse
import collections
import os

import torch

import data
import decoder_agents
import decoder_data

CARD = """# mom-dec-agent-{field}-v1

An adapter over mom-dec-class-intent-r1 (rank {rank} on all linear layers, f16) that reads a request of {name}: how hard it is, which tool an
answer needs ({tools}), and why the model that the policy then takes is right for it ({tiers}).

    mom route --agents weights "…"

Difficulty and tool are chosen by the probabilities of their names; by the difficulty the policy moves what it expects of each model
(`docs/routing.md`), picks one, and says its tier; the reason is written after that, and quotes the request.

## Origin and licence

Apache-2.0, as its base (see the card of mom-dec-class-intent-r1). Trained on {train} questions of MMLU-Pro (MIT / Apache-2.0; no row is part of this
repository), whose difficulty is how many of 29 models are right (the published results: easy from {easy:.0%}, hard below {hard:.0%}), and on {own}
requests of `train/data` with a tool and a reason. `train/run_decoders.sh`, seed 20261126: one round of the questions and requests of all fields, which the agents share, and one of the field's own.

## Numbers

Development questions of MMLU-Pro, none of them trained on:

| questions | easy / medium / hard | difficulty right | always the commonest |
|---|---|---|---|
| {dev} | {counts} | {right:.1%} | {common:.1%} |

Shift (what a difficulty adds to the log-odds of a right answer, from the same tables): {shift}.

What choosing by it gains is in `docs/routing.md`.

## Limits

- How hard a question is for models can only partly be seen in its text; the development questions of a field are few.
- Difficulty is that of exam questions; of everyday requests it is a guess.
- Tools are rare in the training texts ({needs} of {own} need one), and so in what the agent says.
- The reasons are those of a very small model: they quote the request and argue for whatever was chosen.
"""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    for field, name in decoder_agents.FIELDS.items():
        run = torch.load(os.path.join(a.work, f"agent-{field}", "final.pt"), map_location="cpu")
        dev = collections.Counter(decoder_agents.difficulty(s) for _, s in decoder_agents.outcomes(field, "dev"))
        n = sum(dev.values())
        own = [r for r in data.own("agents.jsonl") if r["field"] == field]
        text = CARD.format(
            field=field, name=name, rank=run["arguments"]["rank"], tools=", ".join(decoder_agents.TOOLS), tiers=", ".join(decoder_agents.TIERS),
            train=sum(1 for _ in decoder_agents.outcomes(field, "train")), easy=decoder_agents.EASY, hard=decoder_agents.HARD, own=len(own),
            needs=sum(r["tools"] != "none" for r in own), dev=n, counts=" / ".join(str(dev[k]) for k in range(3)), right=run["log"][-1]["difficulty"],
            common=max(dev.values()) / n, shift=", ".join(f"{d} {s:+}" for d, s in zip(decoder_data.DIFFICULTIES, decoder_agents.shift(field))))
        path = os.path.join(a.out, f"mom-dec-agent-{field}-v1", "README.md")
        with open(path, "w") as f:
            f.write(text)
        print(path)


if __name__ == "__main__":
    main()
