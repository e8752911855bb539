"""Prompts, answers and examples of the agents: of a field's requests, how hard they are, which tools they need, and why a model is
the right one.

How hard a question is was told by 29 models on MMLU-Pro (data of others, only here) and by the authors of data/reasons.jsonl; tools
and reasons are data/agents.jsonl: {"id" of a row of reasons.jsonl, "tier", "tools", "reason", "split"}.
"""

import math

import data
import decoder_data
import routing_rows

FIELDS = {"sci": "science", "math": "mathematics", "hum": "the humanities", "soc": "the social sciences", "law": "law", "gen": "general matters"}
TOOLS = ["none", "calculator", "code", "search"]
TIERS = ["cheapest", "between", "strongest"]
ANSWER = "{difficulty}, {tools}, {tier}: {reason}"
ALL = "all"  # the fields at once, from which each goes on
EASY, HARD = 0.62, 0.3  # shares of the models that are right


def prefix(field):
    return f"<|im_start|>system\nA request of {FIELDS.get(field, 'any field')}: how hard it is, which tools it needs, which model should answer, and why.<|im_end|>\n<|im_start|>user\n"


def outcomes(field, part):
    """(question, the share of the models that are right) of MMLU-Pro; hidden questions and what shares a group with them stay out."""
    price, _ = routing_rows.prices()
    hidden = routing_rows.hidden_groups()
    for r in routing_rows.mmlupro(price):
        if field in (r["field"], ALL) and r["split"] == part and r["group"] not in hidden:
            yield r["text"], sum(r["outcomes"].values()) / len(r["outcomes"])


def difficulty(share):
    return 0 if share >= EASY else 2 if share < HARD else 1


def shift(field):
    """What each difficulty adds to the log-odds of a right answer."""
    by = [[], [], []]
    for _, share in outcomes(field, "train"):
        by[difficulty(share)].append(share)
    odds = lambda p: math.log(p / (1 - p))
    mean = sum(map(sum, by)) / sum(map(len, by))
    return [round(odds(sum(b) / len(b)) - odds(mean), 2) for b in by]


def example(text, request, answer, label_only, room):
    ids = text.request(request)
    if not label_only and len(ids) > room:
        return None
    ids = ids[:room] + text.suffix
    said = text.ids(answer if not label_only else answer.split(",")[0])
    label = text.ids(answer.split(",")[0])
    assert said[:len(label)] == label
    start = len(ids)
    end = [] if label_only else [decoder_data.END]
    return ids + said + end, start, start + len(label), start + len(said) + len(end)


def examples(text, field, reason_each=1):
    out = [example(text, q, decoder_data.DIFFICULTIES[difficulty(s)], True, decoder_data.TEXT_TOKENS) for q, s in outcomes(field, "train")]
    known = {r["id"]: r for r in data.own("reasons.jsonl")}
    for r in data.own("agents.jsonl"):
        row = known[r["id"]]
        if field not in (r["field"], ALL) or row["split"] != "train":
            continue
        said = ANSWER.format(difficulty=row["difficulty"], tools=r["tools"], tier=r["tier"], reason=r["reason"])
        out += [e for e in [example(text, row["text"], said, False, decoder_data.REASON_TEXT_TOKENS)] * reason_each if e]
    return out


def first(text):
    """The first tokens of the difficulties."""
    ids = [text.ids(d)[0] for d in decoder_data.DIFFICULTIES]
    assert len(set(ids)) == len(ids)
    return ids


def dev(text, field):
    """[(example, difficulty)] of questions whose split is dev."""
    return [(example(text, q, decoder_data.DIFFICULTIES[difficulty(s)], True, decoder_data.TEXT_TOKENS), difficulty(s)) for q, s in outcomes(field, "dev")]
