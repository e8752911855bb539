"""The three training sets: which rows, how often, with which augmentation, cut to which windows.

Every function takes a random.Random, so that one seed fixes all. An example is (ids, target): ids with [CLS] and
[SEP]; target is a class index, or for PII a list of label indices (-100 = no loss) as long as ids.
"""

import collections
import functools
import random
import re
import string

import data
import glossary
import labels
import trunk
from piigen import Filler

INTENT_TOKENS = 128
STRETCH = 126  # tokens of a part of a long text for the guard
PII_TOKENS = 192
CHAT_SOURCES = ("clinc150", "banking77", "snips")
OPENERS = ["quick question: ", "hi! ", "hey, ", "pls help: ", "can you help me with this? ", "homework: ", "i need to know: ",
           "Hello, ", "not sure about this one: ", "question - ", "ok so ", "Explain please: ", "help me understand this: "]


def encode(texts):
    return trunk.get().tokenizer.encode_batch(texts, add_special_tokens=False)


def wrap(ids):
    return [trunk.get().cls] + ids + [trunk.get().sep]


# --- text augmentation

def typo(text, rnd):
    """One random slip: a letter dropped, doubled, or swapped with its neighbour."""
    at = [i for i in range(len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
    if not at:
        return text
    i = rnd.choice(at)
    kind = rnd.randrange(3)
    if kind == 0:
        return text[:i] + text[i + 1:]
    if kind == 1:
        return text[:i] + text[i] + text[i:]
    return text[:i] + text[i + 1] + text[i] + text[i + 2:]


def casual(text, rnd, strength=1.0):
    if rnd.random() < 0.4 * strength:
        text = text.rstrip("?.! ")
    if rnd.random() < 0.2 * strength:
        text = text.replace(",", "").replace("'", "")
    if rnd.random() < 0.25 * strength:
        text = rnd.choice(OPENERS) + text
    if rnd.random() < 0.12 * strength:
        text += rnd.choice([" thanks", " pls", "??", " please explain", " thx!", " Short answer please."])
    for _ in range(3):
        if rnd.random() < 0.2 * strength:
            text = typo(text, rnd)
    return text


# --- intent

def intent_text(row, rnd, options_share=0.15):
    """An exam row as it is, with its options, or made casual."""
    text = row["text"]
    options = row.get("options")
    if options:
        vague = len(text) < 60 or text.lower().startswith(("which of the following", "which one of", "all of the following"))
        if rnd.random() < (max(0.5, options_share) if vague else options_share):
            options = options[:]
            rnd.shuffle(options)
            text += " " + rnd.choice(["; ", " ", "\n", ", "]).join(options[:5])
    return casual(text, rnd, 0.6) if rnd.random() < 0.3 else text


def chat_rows(part):
    return [r for r in data.own("chat.jsonl") if r["split"] == part]


def guard_rows(part):
    return [r for r in data.own("guard.jsonl") if r["split"] == part]


def intent(rnd, only=None, own=True, keep=1.0, chat_times=3, chat_other=0.35, terms=0, options=0.15):
    """`only` names the sources of shared rows, `own` says whether there are own texts too; `keep` is the share of the shared rows, `options` of those that have their options with them, `chat_times` how often an own prompt is seen, `terms` how many prompts around a term."""
    texts, target = [], []
    for row in data.shared("intent.jsonl.gz"):
        if row["split"] != "train" or (only and row["source"] not in only) or rnd.random() > keep:
            continue
        if row["source"] in CHAT_SOURCES and rnd.random() > chat_other:
            continue
        texts.append(intent_text(row, rnd, options))
        target.append(labels.INTENT.index(row["label"]))
    if own:
        for row in chat_rows("train") + [r for r in data.own("reasons.jsonl") if r["split"] == "train" and "chat" not in r]:
            for i in range(chat_times):
                sloppy = i if chat_times > 1 else rnd.random() < 0.4
                texts.append(casual(row["text"], rnd) if sloppy else row["text"])
                target.append(labels.INTENT.index(row["label"]))
        for text, label in glossary.prompts(rnd, terms):
            texts.append(casual(text, rnd, 0.5))
            target.append(labels.INTENT.index(label))
    out = []
    for e, y in zip(encode(texts), target):
        ids = e.ids
        room = INTENT_TOKENS - 2
        if len(ids) > room:
            at = 0 if rnd.random() < 0.6 else rnd.randrange(len(ids) - room + 1)
            ids = ids[at:at + room]
        out.append((wrap(ids), y))
    return out


# --- guard

def gibberish(rnd):
    """A suffix as gradient or random search finds it: vocabulary pieces glued with punctuation."""
    t = trunk.get()
    out = []
    for _ in range(rnd.randint(10, 25)):
        piece = t.piece(rnd.choice(t.pieces))
        if rnd.random() < 0.3:
            piece = piece.capitalize()
        out.append(piece + rnd.choice(["", "", "", ".", "\\", "!!", "(", "}}", "]", "'", " ==", "{", ":", "\n"]) + rnd.choice([" ", " ", ""]))
    if rnd.random() < 0.5:
        out.insert(rnd.randrange(len(out)), rnd.choice(["Sure, here is ", "Sure ", "Step 1 ", "tutorial ", "Here's "]))
    return "".join(out)


def noise(rnd):
    """Harmless strings that look odd: keyboard noise, hex, code, logs."""
    kind = rnd.randrange(4)
    if kind == 0:
        return " ".join("".join(rnd.choices("asdfghjkl;qwer", k=rnd.randint(3, 9))) for _ in range(rnd.randint(1, 5)))
    if kind == 1:
        return " ".join(f"{rnd.randrange(256):02x}" for _ in range(rnd.randint(8, 60)))
    if kind == 2:
        name = "".join(rnd.choices(string.ascii_lowercase, k=5))
        return f"for({name}=0;{name}<{rnd.randint(2, 99)};{name}++){{a[{name}]+=b[{name}]*{rnd.random():.3f};}} why is this slow"
    return "\n".join(f"2026-0{rnd.randint(1, 9)}-1{rnd.randrange(10)} {rnd.choice(['INFO', 'WARN', 'ERROR'])} worker-{rnd.randrange(9)} "
                     f"job {rnd.randrange(9999)} {rnd.choice(['done', 'failed: timeout', 'retry', 'ignored'])}" for _ in range(rnd.randint(2, 12)))


def cost(text):
    """About four times the tokens of a text."""
    return sum(1 if c < "\u0250" else 1.5 if c < "\u2e80" else 3 for c in text)


def mixtures(rnd, harmless, attacks, count):
    """Some texts behind each other that fit into a window, `count` times all harmless and `count` times with an attack among or behind them: (text, label, where the attack stands)."""
    harmless, attacks = ([t for t in texts if cost(t) < 400] for texts in (harmless, attacks))
    out = []
    for _ in range(count):
        room = rnd.randint(150, 900)
        for label in (0, 1):
            mix, used = [], 0
            if label:
                mix = [rnd.choice(attacks)]
                used = cost(mix[0])
            while used < room:
                text = rnd.choice(harmless)
                used += cost(text)
                if used > 920 and mix:
                    break
                mix.append(text)
            if label:
                at = len(mix) - 1 if rnd.random() < 0.6 else rnd.randrange(len(mix))
                mix.insert(at, mix.pop(0))
            out.append(together(rnd, mix, at if label else None))
    return out


def together(rnd, texts, attack=None):
    """Texts behind each other, with the number of that which is an attack: (text, label, (start, end) of the attack in code points)."""
    sep = rnd.choice(["\n", "\n\n", " "])
    if attack is None:
        return sep.join(texts), 0, None
    start = sum(len(t) + len(sep) for t in texts[:attack])
    return sep.join(texts), 1, (start, start + len(texts[attack]))


def padding(rnd, harmless, tokens):
    """Harmless texts behind each other, of about so many tokens, to stand before another text."""
    out, left = "", 4 * tokens
    while left > 8:
        text = rnd.choice(harmless)
        if cost(text) > left:
            text = text[:max(1, int(len(text) * left / cost(text)))]
        left -= cost(text) + 2
        out += text + rnd.choice(["\n", "\n\n", "\n\n", " "])
    return out


def guard_texts(rnd, keep=1.0, times=2, skip=(), mixed=0, always=()):
    """[(text, label, where the attack stands or None)] of one epoch; `keep` is the share of the shared rows, of which those of the sources `always` all stay, `times` how often an own text is seen, `mixed` how many mixtures of own texts are made.

    And how many of them are texts as they are; behind those come texts put together, whose attack may stand at their end.
    """
    rows = [r for r in data.shared("guard.jsonl.gz") if r["split"] == "train" and r["source"] not in skip]
    own = guard_rows("train")
    out = [(r["text"], r["label"]) for r in rows if rnd.random() < keep or r["source"] in always]
    out += [(casual(r["text"], rnd, 0.5) if rnd.random() < 0.3 else r["text"], 1) for r in rows if r["label"] and rnd.random() < keep]
    for r in own:
        for i in range(times):
            sloppy = i if times > 1 else rnd.random() < 0.4
            out.append((casual(r["text"], rnd, 0.7) if sloppy else r["text"], r["label"]))
    chat = [r["text"] for r in chat_rows("train")]
    plain = chat + [r["text"] for r in rows if r["label"] == 0 and len(r["text"]) < 400]
    attacks = [r["text"] for r in rows + own if r["label"] and len(r["text"]) < 400]
    out += [(t, 0) for t in rnd.sample(chat, min(len(chat) // 2, 4000))]
    out += [(r["text"], 0) for r in rnd.sample(Filler(rnd.randrange(1 << 30)).sample(1), 400)]
    out += [(noise(rnd), 0) for _ in range(60)]
    apart = len(out)
    out += [(rnd.choice(plain) + " " + gibberish(rnd), 1) for _ in range(200)]
    for _ in range(350):  # an attack inside harmless text, and as many harmless mixtures
        out.append(together(rnd, rnd.sample(plain, 3)))
        mix, at = rnd.sample(plain, 3), rnd.randrange(3)
        mix[at] = rnd.choice(attacks)
        out.append(together(rnd, mix, at))
    harmless, bad = ([r["text"] for r in own if r["label"] == label] for label in (0, 1))
    out += mixtures(rnd, harmless + rnd.sample(plain, len(harmless) // 2), bad, mixed)
    return [(*t, None)[:3] for t in out], apart


def stretches(rnd, text, encoding, most):
    """Up to `most` stretches of a long text; most of them begin with a line, as the engine's windows do."""
    room = STRETCH
    last = len(encoding.ids) - room
    lines = [t for t in range(1, last) if "\n" in text[encoding.offsets[t - 1][1]:encoding.offsets[t][0] + 1]]
    out = []
    for _ in range(min(most, len(encoding.ids) // room + 1)):
        at = rnd.choice(lines) if lines and rnd.random() < 0.7 else rnd.randrange(last + 1)
        out.append(encoding.ids[at:at + room])
    return out


def tokens_of(encoding, span):
    """(first, end) of the tokens of a stretch of code points."""
    inside = [t for t, (a, b) in enumerate(encoding.offsets) if a < span[1] and b > span[0]]
    return inside[0], inside[-1] + 1


def guard(rnd, keep=1.0, times=2, skip=(), mixed=0, pieces=1):
    """`pieces` is how many stretches of a long harmless text a round has; with more than one it has all long system prompts."""
    rows, apart = guard_texts(rnd, keep, times, skip, mixed, always=("custom GPT system prompts",) if pieces > 1 else ())
    out = []
    for i, (e, (text, y, span)) in enumerate(zip(encode([t for t, _, _ in rows]), rows)):
        ids, room = e.ids, labels.WINDOW - 2
        if pieces > 1 and not y and len(ids) > room:
            out += [(wrap(part), 0) for part in stretches(rnd, text, e, pieces)]
            continue
        if pieces > 1 and i < apart and rnd.random() < 0.5:
            room = STRETCH
        elif rnd.random() < 0.25:
            room = rnd.randint(96, room)
        if len(ids) > room:
            last = len(ids) - room
            if y and span:  # all of the attack, or its beginning
                first, end = tokens_of(e, span)
                at = rnd.randint(min(first, last, max(0, end - room)), min(first, last))
            elif y and i >= apart:
                at = last
            elif y:
                u = rnd.random()
                at = 0 if u < 0.7 else last if u < 0.85 else rnd.randrange(last + 1)
            else:
                at = rnd.randrange(last + 1)
            ids = ids[at:at + room]
        out.append((wrap(ids), y))
    return out


# --- PII

def token_labels(row, encoding):
    """Label index of every token of the text; -100 where the row says that its labels are not to be trusted."""
    index = {name: i for i, name in enumerate(labels.PII)}
    marks = [None] * len(row["text"])
    for s in row["spans"]:
        for c in range(s["start"], s["end"]):
            marks[c] = (s["label"], s["start"])
    void = [False] * len(row["text"])
    for s in row["ignore"]:
        for c in range(s["start"], min(s["end"], len(void))):
            void[c] = True
    out, seen = [], set()
    for start, end in encoding.offsets:
        mark = next((marks[c] for c in range(start, end) if marks[c]), None)
        if mark is None:
            out.append(-100 if any(void[start:end]) else 0)
        else:
            out.append(index[("I-" if mark in seen else "B-") + mark[0]])
            seen.add(mark)
    return out


WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+")
AGE_OR_DATE = re.compile(r"year|yr|\bold\b|\bage|born|male\b|woman|\bman\b|1[5-9]\d\d|20\d\d|\bam\b|\bpm\b|\d:\d|month|\bat \d|(?i:january|march|april|may|june|july)\b")


@functools.lru_cache(None)
def lower_words():
    """Words that stand in lower case in at least five training questions: as good as never a name."""
    seen = collections.Counter()
    for row in data.shared("intent.jsonl.gz"):
        if row["split"] == "train" and row["source"] != "clinc150":
            seen.update(set(w for w in WORD.findall(row["text"]) if w.islower()))
    return {w for w, n in seen.items() if n >= 5}


def plain_labels(text, encoding, numbers):
    """Token labels of a text in which no PII was looked for: O where there can hardly be any, -100 (no loss) elsewhere.

    `numbers`: its numbers are known to be quantities.
    """
    void = [False] * len(text)
    common = lower_words()
    for m in WORD.finditer(text):
        w, low = m[0], m[0].lower()
        if w[0].isdigit():
            doubt = not numbers or bool(AGE_OR_DATE.search(text))
        elif w.islower():
            doubt = False
        else:
            before = text[:m.start()].rstrip()
            start = not before or before[-1] in ".?!:;\"\n" or "\n" in text[len(before):m.start()]
            doubt = low not in common or not (start or w.isupper() or len(w) == 1)
        if doubt:
            void[m.start():m.end()] = [True] * (m.end() - m.start())
    for m in re.finditer(r"\S*(?:@|://|www\.|\d[-.:/]\d)\S*", text):
        void[m.start():m.end()] = [True] * (m.end() - m.start())
    return [-100 if any(void[a:b]) else 0 for a, b in encoding.offsets]


def plain(rnd):
    """Questions, role play, attacks, noise: what the tagger meets most, and hardly any PII in it."""
    out = [(casual(r["text"], rnd, 0.4), False) for r in rnd.sample(chat_rows("train"), 1500) + rnd.sample(guard_rows("train"), 900)]
    out += [(noise(rnd), True) for _ in range(40)]
    rows = [r for r in data.shared("intent.jsonl.gz") if r["split"] == "train" and r["source"] not in ("banking77", "clinc150", "snips")]
    sums = ("math", "physics", "chemistry", "engineering", "economics", "biology")
    out += [(r["text"], r["label"] in sums) for r in rnd.sample(rows, 900)]
    rows = [r for r in data.shared("guard.jsonl.gz") if r["split"] == "train"]
    out += [(r["text"], False) for r in rnd.sample([r for r in rows if r["label"]], 250) + rnd.sample([r for r in rows if not r["label"]], 450)]
    made = []
    for (text, numbers), e in zip(out, encode([t for t, _ in out])):
        ids, tags, room = e.ids, plain_labels(text, e, numbers), 126
        at = rnd.randrange(max(1, len(ids) - room + 1))
        made.append((wrap(ids[at:at + room]), [-100] + tags[at:at + room] + [-100]))
    return made


def pii(rnd, keep=1.0, own_each=3, plain_too=True):
    rows = [r for r in data.shared("pii.jsonl.gz") if r["split"] == "train"]
    rows = [r for r in rows if not r["source"].startswith("pii-anon") or rnd.random() < keep]
    rows += Filler(rnd.randrange(1 << 30)).sample(own_each)
    banking = [r["text"] for r in data.shared("intent.jsonl.gz") if r["split"] == "train" and r["source"] == "banking77"]
    rows += [{"text": t, "spans": [], "ignore": []} for t in rnd.sample(banking, 300)]
    out = plain(rnd) if plain_too else []
    for e, row in zip(encode([r["text"] for r in rows]), rows):
        ids, tags, room = e.ids, token_labels(row, e), PII_TOKENS - 2
        if len(ids) > room:
            at = rnd.randrange(len(ids) - room + 1)
            ids, tags = ids[at:at + room], tags[at:at + room]
        out.append((wrap(ids), [-100] + tags + [-100]))
    return out
