"""From token probabilities to spans, and the scores of spans."""

import collections

import labels
import trunk


def merge(windows, logits, n):
    """Logits of overlapping windows -> one row for each of the n tokens, from the window in which it stands deepest."""
    best, out = [-1] * n, [None] * n
    for (first, ids), rows in zip(windows, logits):
        inner = len(ids) - 2
        for i in range(inner):
            depth = min(i, inner - 1 - i)
            if depth > best[first + i]:
                best[first + i], out[first + i] = depth, rows[i + 1]
    return out


TRIM = {"DOMAIN_NAME": ".,;:!?", "EMAIL_ADDRESS": ".,;:!?", "DATE_TIME": ".,;:!?"}


def decode(probs, encoding, threshold, text):
    """probs [n 35] (numpy) -> [(start, end, label)] in code points.

    The tokens of a word (Trunk.words) vote with their probabilities. A word is inside an entity if 1 - p(O) >= threshold;
    its type is the one with the largest p(B) + p(I). Words of one type in a row are a span; a word that rather begins
    starts a new one, but not where it touches the word before it (e-mail addresses, dates, numbers with hyphens), and
    such a word takes the open span's type unless it rather begins one. Commas and the like at the end are cut off.
    """
    out, kind, at, n = [], None, 0, len(encoding.ids)
    words, offsets = trunk.get().words(encoding, text), encoding.offsets
    while at < n:
        end = at + 1
        while end < n and words[end] == words[at]:
            end += 1
        p = probs[at:end].mean(0)
        start, stop = offsets[at][0], offsets[end - 1][1]
        close = out and kind is not None and start == out[-1][1]
        if 1 - p[0] < threshold:
            kind = None
        else:
            t = int((p[1::2] + p[2::2]).argmax())
            begins = probs[at][1 + 2 * t] > probs[at][2 + 2 * t]
            if kind is not None and close and (t == kind or p[1 + 2 * t] < p[2 + 2 * t]):
                out[-1][1] = stop
            elif t == kind and not begins:
                out[-1][1] = stop
            else:
                out.append([start, stop, labels.PII_TYPES[t]])
                kind = t
        at = end
    for s in out:
        while s[1] > s[0] + 1 and text[s[1] - 1] in TRIM.get(s[2], ",;:"):
            s[1] -= 1
    return [tuple(s) for s in out]


def touches(span, others):
    return any(span[0] < o["end"] and o["start"] < span[1] for o in others)


def score(rows, said, loose=False):
    """{label: (hits, gold, predicted)}; exact ends, or with `loose` the same label and any overlap."""
    c = collections.defaultdict(lambda: [0, 0, 0])
    for row, mine in zip(rows, said):
        gold = [(s["start"], s["end"], s["label"]) for s in row["spans"]]
        mine = [s for s in mine if not touches(s, row["ignore"])]
        for g in gold:
            c[g[2]][1] += 1
        left = list(gold)
        for s in mine:
            c[s[2]][2] += 1
            match = next((g for g in left if g[2] == s[2] and ((g[0] < s[1] and s[0] < g[1]) if loose else g[:2] == s[:2])), None)
            if match:
                left.remove(match)
                c[s[2]][0] += 1
    return dict(c)


def f1(hits, gold, said):
    return 2 * hits / max(1, gold + said)


def table(counts):
    total = [sum(v[i] for v in counts.values()) for i in range(3)]
    per = {k: {"f1": round(f1(*v), 4), "recall": round(v[0] / max(1, v[1]), 4), "precision": round(v[0] / max(1, v[2]), 4), "gold": v[1]}
           for k, v in sorted(counts.items())}
    present = [v["f1"] for v in per.values() if v["gold"]]
    return {"micro_f1": round(f1(*total), 4), "macro_f1": round(sum(present) / max(1, len(present)), 4), "types": per}
