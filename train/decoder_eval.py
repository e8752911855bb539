"""Judges what a decoder said about requests: labels, and the reasons by the rules of check_reasons.py.

    python decoder_eval.py --rows intent-test|chat-test|reasons-test > asked.jsonl      the rows of a test, as mom reads them
    mom route --explain --explain-limit 0 --decoder FOLDER --in asked.jsonl --json > said.jsonl
    python decoder_eval.py --asked asked.jsonl --said said.jsonl [--sample 100 > sample.md]

The runner-up of an answer is the first other label that its reason names outside of quotes.
"""

import argparse
import json
import random
import re
import statistics

import check_reasons
import data
import labels


def rows(name):
    kind, part = name.split("-")
    if kind == "intent":
        found = data.shared("intent.jsonl.gz")
    else:
        found = data.own({"chat": "chat.jsonl", "reasons": "reasons.jsonl"}[kind])
    return [{k: r[k] for k in ("id", "text", "label")} for r in found if r["split"] == part]


def runner_up(label, reason):
    bare = re.sub(check_reasons.QUOTE, " ", reason).lower()
    places = sorted((m.start(), name) for name in labels.INTENT if name != label for m in [re.search(rf"\b{name}\b", bare)] if m)
    return places[0][1] if places else ""


def faults(text, said):
    row = {"text": text, "label": said["category"], "difficulty": said.get("difficulty"), "reason": said.get("reason") or ""}
    return check_reasons.faults(row | {"runner_up": runner_up(row["label"], row["reason"])})


def main():
    p = argparse.ArgumentParser()
    for name in ("rows", "asked", "said"):
        p.add_argument("--" + name)
    p.add_argument("--sample", type=int)
    a = p.parse_args()
    if a.rows:
        for r in rows(a.rows):
            print(json.dumps(r, ensure_ascii=False))
        return
    asked = {r["id"]: r for r in data.rows(a.asked)}
    said = [s for s in data.rows(a.said) if s["id"] in asked]
    found = {s["id"]: faults(asked[s["id"]]["text"], s) for s in said}
    if a.sample:
        for s in random.Random(1).sample(said, min(a.sample, len(said))):
            r = asked[s["id"]]
            right = "" if s["category"] == r["label"] else f" (should be {r['label']})"
            print(f"- > {' '.join(r['text'].split())[:300]}\n\n  **{s['category']}**{right}, {s.get('difficulty')}: {s.get('reason')}"
                  + "".join(f"\n  *{f}*" for f in found[s["id"]]) + "\n")
        return
    right = [s["category"] == asked[s["id"]]["label"] for s in said]
    kinds = {}
    for f in found.values():
        for x in {re.sub(r"'.*'|\"[^\"]*\"|\d+", "…", x) for x in f}:
            kinds[x] = kinds.get(x, 0) + 1
    print(f"{len(said)} of {len(asked)} rows; label right {sum(right) / len(said):.4f}; "
          f"reasons that pass {sum(not f for f in found.values()) / len(said):.4f}; "
          f"ms p50 {statistics.median(s['ms'] for s in said):.1f}, first token p50 {statistics.median(s.get('first_token_ms') or 0 for s in said):.1f}")
    for k, n in sorted(kinds.items(), key=lambda x: -x[1])[:12]:
        print(f"{n:6} {k}")


if __name__ == "__main__":
    main()
