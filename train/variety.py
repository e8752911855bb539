"""Prints how varied the own texts are, and how near to the public ones: python variety.py"""

import collections
import statistics

import data
from collect import WORDS, shingles


def grams(words, n):
    return [tuple(words[i:i + n]) for i in range(len(words) - n + 1)]


def spread(name, texts):
    words = [WORDS.findall(t.lower()) for t in texts]
    lengths = sorted(map(len, words))
    first = collections.Counter(w[0] for w in words if w)
    line = f"{name}: {len(texts)} texts, {sum(lengths)} words, {len({x for w in words for x in w})} different"
    for n in (2, 3):
        all_grams = [g for w in words for g in grams(w, n)]
        line += f", {len(set(all_grams)) / len(all_grams):.0%} of the {'pairs' if n == 2 else 'triples'} new"
    word, count = first.most_common(1)[0]
    print(line + f"; lengths {lengths[0]} to {lengths[-1]}, median {statistics.median(lengths):.0f}, a tenth from {lengths[len(lengths) * 9 // 10]}; "
          f"{word!r} begins {count / len(texts):.0%}")


def nearness(name, texts, others):
    """The largest share of a text's shingles that one other text has."""
    where = collections.defaultdict(list)
    for i, t in enumerate(others):
        for s in shingles(t):
            where[s].append(i)
    shares = []
    for t in texts:
        mine = shingles(t)
        count = collections.Counter(i for s in mine for i in where.get(s, ())[:50])
        shares.append(max(count.values(), default=0) / len(mine))
    print(f"{name}: {sum(s == 0 for s in shares) / len(shares):.1%} share no 5 words in a row with a public text, "
          f"{sum(s > 1 / 3 for s in shares)} of {len(shares)} more than a third of theirs")


def main():
    chat, guard, reasons = data.own("chat.jsonl"), data.own("guard.jsonl"), data.own("reasons.jsonl")
    for name, rows in (("chat", chat), ("guard", guard), ("chat_fresh", data.own("chat_fresh.jsonl")), ("guard_fresh", data.own("guard_fresh.jsonl"))):
        spread(name, [r["text"] for r in rows])
        print("  ", dict(collections.Counter(str(r["label"]) for r in rows)))
        print("  ", dict(collections.Counter(r.get("lang", "en") for r in rows).most_common()))
    spread("reasons", [r["reason"] for r in reasons])
    spread("pii_templates", [r["template"] for r in data.own("pii_templates.jsonl")])
    nearness("chat", [r["text"] for r in chat], [r["text"] for r in data.shared("intent.jsonl.gz")])
    nearness("guard", [r["text"] for r in guard], [r["text"] for r in data.shared("guard.jsonl.gz")])


if __name__ == "__main__":
    main()
