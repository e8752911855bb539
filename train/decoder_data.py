"""Prompts, answers and batches of the decoders that label a request and say why.

An example is (ids, start, label_end, end): ids of one request after the constant prefix; the answer is ids[start:end], its label
ids[start:label_end]. Examples without a reason end with their label.
"""

import functools
import json
import os
import random

from tokenizers import Tokenizer

import data
import labels
import tasks

SYSTEM = "Name the field of the request, how hard it is, and why."
PREFIX = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n"
ANSWER = "{label} over {second}, {difficulty}: {reason}"
DIFFICULTIES = ["easy", "medium", "hard"]
END = 2  # <|im_end|>
TEXT_TOKENS = 128        # of a request with a label alone
REASON_TEXT_TOKENS = 320  # of a request with a reason: longer ones are left out, since a cut could lose what the reason quotes


def cut_tokenizer(tokenizer, vocab):
    """tokenizer.json with its first `vocab` tokens alone. Tokens of BPE are numbered in the order of their merges, so that
    the first ones with their merges are a tokenizer, and nothing is renumbered."""
    t = json.loads(json.dumps(tokenizer))
    m = t["model"]
    m["vocab"] = {k: v for k, v in m["vocab"].items() if v < vocab}
    pair = lambda x: x.split(" ") if isinstance(x, str) else x
    m["merges"] = [x for x in m["merges"] if all(k in m["vocab"] for k in (*pair(x), "".join(pair(x))))]
    return t


class Text:
    """The tokenizer with what is constant: prefix and suffix of the prompt, tokens of the labels."""

    def __init__(self, folder, vocab, prefix=PREFIX):
        with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as f:
            self.json = cut_tokenizer(json.load(f), vocab)
        self.tokenizer = Tokenizer.from_str(json.dumps(self.json))
        self.prefix, self.suffix = self.ids(prefix), self.ids(SUFFIX)
        self.label = {name: self.ids(name) for name in labels.INTENT}
        self.first = [self.label[name][0] for name in labels.INTENT]
        double = {i for i in self.first if self.first.count(i) > 1}  # as in ph-ysics, ph-ilos-ophy
        assert len(double) <= 1, "more than one first token is shared by labels"
        self.shared = next(iter(double), 0)
        self.second = {k: self.label[name][1] for k, name in enumerate(labels.INTENT) if self.first[k] in double}
        assert len(set(self.second.values())) == len(self.second)

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    @functools.cached_property
    def special(self):
        return [a["content"] for a in self.json["added_tokens"]]

    def request(self, text):
        """Ids of a request. Text that spells a special token is not one."""
        for s in self.special:
            text = text.replace(s, " ")
        return self.ids(text.strip())

    def example(self, text, label, answer=None, room=TEXT_TOKENS, at=0):
        """`answer` has runner-up, difficulty and reason. None where a request with a reason is too long."""
        ids = self.request(text)
        if answer is not None and len(ids) > room:
            return None
        ids = ids[at:at + room] + self.suffix
        start = len(ids)
        said = self.label[label]
        if answer is None:
            return ids + said, start, start + len(said), start + len(said)
        whole = self.ids(ANSWER.format(label=label, second=answer[0], difficulty=answer[1], reason=answer[2])) + [END]
        assert whole[:len(said)] == said
        return ids + whole, start, start + len(said), start + len(whole)

    def asked(self, ids, start):
        """What is to be given to a model to score the labels: (ids, places whose logits scores wants)."""
        return ids[:start] + [self.shared], (start - 1, start)

    def scores(self, logits):
        """Log-probabilities [2 v] at the places of `asked` -> those of the labels, up to tokens that are as good as certain."""
        out = logits[0][self.first].clone()
        for k, i in self.second.items():
            out[k] += logits[1][i]
        return out

    def reason(self, row):
        return self.example(row["text"], row["label"], (row["runner_up"], row["difficulty"], row["reason"]), REASON_TEXT_TOKENS)


def reasons(part):
    return [r for r in data.own("reasons.jsonl") if r["split"] == part]


def examples(text, rnd, keep, chat_each=1, reason_each=1, reason_keep=1.0, reason_last=0):
    """One round: a share `keep` of the shared rows and the own prompts with their label, and the rows with reasons: a share
    `reason_keep` of them, and all of the last `reason_last`."""
    out, chat_other = [], 0.35
    explained = {" ".join(r["text"].lower().split()) for r in data.own("reasons.jsonl")}
    for row in data.shared("intent.jsonl.gz"):
        if row["split"] != "train" or rnd.random() > keep or (row["source"] in tasks.CHAT_SOURCES and rnd.random() > chat_other):
            continue
        out.append(text.example(tasks.intent_text(row, rnd), row["label"]))
    for row in tasks.chat_rows("train"):
        if " ".join(row["text"].lower().split()) in explained and rnd.random() < 0.5:
            continue
        for _ in range(chat_each):
            t = tasks.casual(row["text"], rnd) if rnd.random() < 0.5 else row["text"]
            out.append(text.example(t, row["label"]))
    rows = reasons("train")
    for i, row in enumerate(rows):
        if i < len(rows) - reason_last and rnd.random() > reason_keep:
            continue
        out += [e for e in [text.reason(row)] * reason_each if e]
    return out


def batches(made, tokens, most, rnd):
    """Batches of similar length, cut by padded tokens, in random order."""
    rnd.shuffle(made)
    out = []
    for at in range(0, len(made), 1500):
        batch = []
        for e in sorted(made[at:at + 1500], key=lambda e: len(e[0])):
            if batch and (len(batch) >= most or (len(batch) + 1) * len(e[0]) > tokens):
                out.append(batch)
                batch = []
            batch.append(e)
        out.append(batch)
    rnd.shuffle(out)
    return out


def dev(text, few=False):
    """Fixed parts of the development data: (examples with a reason, {name: (examples with a label, class)})."""
    rnd = random.Random(7)
    rows = [r for r in data.shared("intent.jsonl.gz") if r["split"] == "dev"]
    sets = {"intent": rnd.sample(rows, 20 if few else 280), "chat": tasks.chat_rows("dev")[:20 if few else None]}
    made = {n: ([text.example(r["text"], r["label"]) for r in s], [labels.INTENT.index(r["label"]) for r in s]) for n, s in sets.items()}
    said = [e for e in map(text.reason, reasons("dev")) if e]
    return said[:8] if few else said, made
