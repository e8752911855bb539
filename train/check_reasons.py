"""Checks texts with a label and a reason by rule; the same rules judge what a decoder writes.

    python check_reasons.py FILE.jsonl...      prints what is wrong, and counts; exit 1 if anything is

A row is {"text", "label", "runner_up", "difficulty", "lang", "reason", "group"}. The reason is one or two sentences of
English that quote, in single quotes, at least one stretch of the text (two where the text has more than eight words),
and that name the runner-up and why it lost.
"""

import collections
import json
import re
import sys

import labels

DIFFICULTY = ("easy", "medium", "hard")
QUOTE = re.compile(r"(?<!\w)'([^']+(?:'\w[^']*)*)'(?!\w)")


def quotes(reason):
    return QUOTE.findall(reason)


def faults(row):
    """What is wrong with a row, as short texts."""
    out = []
    text, reason = row["text"], row["reason"]
    if row["label"] not in labels.INTENT:
        out.append(f"label {row['label']!r} is none of the 14")
    if row["runner_up"] not in labels.INTENT or row["runner_up"] == row["label"]:
        out.append(f"runner_up {row['runner_up']!r}")
    if row.get("difficulty") not in DIFFICULTY:
        out.append(f"difficulty {row.get('difficulty')!r}")
    words = len(reason.split())
    if not 10 <= words <= 45:
        out.append(f"the reason has {words} words, want 10 to 45")
    if len(re.findall(r"[.!?](?:\s|$)", re.sub(QUOTE, "Q", reason))) > 2:
        out.append("more than two sentences")
    said = quotes(reason)
    want = 2 if len(text.split()) > 8 else 1
    if len(said) < want:
        out.append(f"{len(said)} quotes, want {want}")
    for q in said:
        if q.lower() not in text.lower():
            out.append(f"quote {q!r} is not in the text")
    if row["runner_up"] not in re.sub(QUOTE, " ", reason).lower():
        out.append(f"the reason does not name the runner-up {row['runner_up']}")
    return out


def main():
    seen, bad, n, count = {}, 0, 0, collections.Counter()
    for path in sys.argv[1:]:
        for i, line in enumerate(open(path, encoding="utf-8"), 1):
            if not line.strip():
                continue
            n += 1
            try:
                row = json.loads(line)
                found = faults(row)
            except (ValueError, KeyError) as e:
                found, row = [f"{type(e).__name__}: {e}"], {"text": str(i)}
            key = " ".join(row["text"].lower().split())
            if key in seen:
                found.append(f"the same text as {seen[key]}")
            seen[key] = f"{path}:{i}"
            count[row.get("label"), row.get("difficulty")] += 1
            if found:
                bad += 1
                print(f"{path}:{i}: {'; '.join(found)}")
    print(f"{n} rows, {bad} with faults;", ", ".join(f"{l} {sum(v for (a, _), v in count.items() if a == l)}" for l in labels.INTENT),
          "|", ", ".join(f"{d} {sum(v for (_, b), v in count.items() if b == d)}" for d in DIFFICULTY))
    raise SystemExit(bad > 0)


if __name__ == "__main__":
    main()
