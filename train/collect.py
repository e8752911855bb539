"""Turns texts as they were written (a text a line below `# key=value ...` headers) into the files of train/data.

    python collect.py --chat DIR,DIR --guard DIR,DIR --pii DIR,DIR --own-test DIR --fresh DIR --glossary DIR,DIR --out data

Near-duplicates are dropped (word 5-grams shared with an earlier text), groups are kept together, and a tenth of each set becomes
the part `test`, another twentieth `dev`: by the hash of the group, or of the text where there is none. The texts of --own-test
were written apart from the others and are test as a whole. Those of --fresh, too, go into files of their own, chat_fresh.jsonl and
guard_fresh.jsonl, which no choice is made by; what is like another text is dropped there. --glossary lists terms instead of texts.

    python collect.py --add --chat DIR,DIR --guard DIR,DIR --pii DIR --glossary DIR

keeps the rows that are there and puts new ones behind them, all into the part `train`: the test stays what it was.
"""

import argparse
import collections
import hashlib
import json
import os
import re

HEADER = re.compile(r"(\w+)=(\S+)")
HEADERS = re.compile(r"#( \w+=\S+)+ *")
WORDS = re.compile(r"\w+")
UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


def read(folder):
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".txt"):
            continue
        attributes = {}
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            for line in f:
                line = line.rstrip("\n")
                if HEADERS.fullmatch(line):
                    attributes = dict(HEADER.findall(line))
                elif line.strip():
                    yield line.replace("\\n", "\n").replace("\\t", "\t").strip(), attributes


def shingles(text):
    """Word 5-grams, or 8 characters in a row where words are not set apart. Short texts count as a whole."""
    units = list(text.lower()) if len(UNSPACED.findall(text)) * 2 > len(text) else WORDS.findall(text.lower())
    n = 8 if units and len(units[0]) == 1 and len(units) == len(text) else 5
    if len(units) <= n:
        return {tuple(units)}
    return {tuple(units[i:i + n]) for i in range(len(units) - n + 1)}


class Seen:
    """Drops texts of which more than a third of the shingles were seen in one earlier text."""

    def __init__(self):
        self.where, self.dropped = {}, 0

    def new(self, text):
        mine = shingles(text)
        count = collections.Counter(self.where[s] for s in mine if s in self.where)
        if count and count.most_common(1)[0][1] * 3 > len(mine):
            self.dropped += 1
            return False
        for s in mine:
            self.where.setdefault(s, id(mine))
        return True


def part(key):
    h = int(hashlib.sha1(key.encode()).hexdigest(), 16) % 20
    return "test" if h < 2 else "dev" if h == 2 else "train"


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for r in rows:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")
    print(path, len(rows), dict(collections.Counter(r["split"] for r in rows)))


def name_of(folder):
    return os.path.basename(folder.rstrip("/"))


def folders(names):
    return [d for d in (names or "").split(",") if d]


def sources(own_test, others, fresh):
    """Folders with whether their texts are test as a whole. The fresh ones come last: they must not change the others."""
    return [(d, True) for d in folders(own_test)] + [(d, False) for d in folders(others)] + [(d, True) for d in folders(fresh)]


def there(a, name):
    """With --add: what was seen, and the rows that stay; otherwise nothing of either."""
    seen, out = Seen(), []
    for part in (name + ".jsonl", name + "_fresh.jsonl") if a.add else ():
        with open(os.path.join(a.out, part), encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        for r in rows:
            seen.new(r["text"])
        out += [] if "fresh" in part else rows
    seen.dropped = 0
    return seen, out


def chat(a):
    seen, out = there(a, "chat")
    for folder, apart in sources(a.own_test, a.chat, a.fresh):
        for text, at in read(folder):
            if "label" not in at or at["label"] in ("0", "1"):
                continue
            if seen.new(text):
                out.append({"id": f"chat-{len(out)}", "text": text, "label": at["label"].replace("_", " "), "lang": at.get("lang", "en"),
                            "source": name_of(folder), "split": "train" if a.add else "test" if apart else part(text)})
    print("chat: near-duplicates dropped", seen.dropped)
    return out


def guard(a):
    seen, out = there(a, "guard")
    for folder, apart in sources(a.own_test, a.guard, a.fresh):
        attack, scenes = "attack" in name_of(folder), set()
        for text, at in read(folder):
            if "family" not in at:
                continue
            label = int(at["label"]) if "label" in at else int(attack)
            scene = (at.get("lang"), at.get("group"))
            twin = a.add and None not in scene and (*scene, 1 - label) in scenes  # in nearly the same words on purpose
            if seen.new(text) or twin:
                scenes.add((*scene, label))
                group = f"{at['family']}/{at.get('lang', 'xx')}/{at.get('group', text[:40])}"
                row = {"id": f"guard-{len(out)}", "text": text, "label": label, "source": at["family"], "group": group, "apart": apart, "folder": folder,
                       "split": "train" if a.add else "test" if apart else part(group)}
                out.append(row | ({"lang": at["lang"]} if "lang" in at else {}))
    print("guard: near-duplicates dropped", seen.dropped)
    return out


def templates(a):
    out = []
    if a.add:
        with open(os.path.join(a.out, "pii_templates.jsonl"), encoding="utf-8") as f:
            out = [json.loads(line) for line in f]
    for folder in folders(a.pii):
        for text, at in read(folder):
            # A template keeps its escapes: \n inside code is the two characters only if it was written \\n.
            out.append({"template": text, "genre": at["genre"], "lang": at["lang"], "group": at.get("group", text[:40]),
                        "split": "train" if a.add else part(at["genre"] + at.get("group", text[:40]))})
    return out


def glossary(a):
    out, seen = {}, set()
    if a.add:
        with open(os.path.join(a.out, "glossary.json"), encoding="utf-8") as f:
            out = json.load(f)
        seen = {" ".join(t.lower().split()) for of in out.values() for terms in of.values() for t in terms}
    for folder in folders(a.glossary):
        for term, at in read(folder):
            key = " ".join(term.lower().split())
            if key not in seen:
                seen.add(key)
                out.setdefault(at["label"].replace("_", " "), {}).setdefault(at["lang"], []).append(term)
    return out


def main():
    p = argparse.ArgumentParser()
    for name in ("chat", "guard", "pii", "own-test", "fresh", "glossary"):
        p.add_argument("--" + name)
    p.add_argument("--add", action="store_true", help="keep what is there")
    p.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
    a = p.parse_args()
    if a.add and (a.own_test or a.fresh):
        p.error("--add goes with --chat, --guard, --pii and --glossary")
    for name, made, key in (("chat", chat, "source"), ("guard", guard, "folder")):
        if getattr(a, name):
            rows, fresh = made(a), {d if key == "folder" else name_of(d) for d in folders(a.fresh)}
            where = [r.pop(key, None) if key == "folder" else r[key] for r in rows]
            write(os.path.join(a.out, name + ".jsonl"), [r for r, w in zip(rows, where) if w not in fresh])
            if fresh:
                write(os.path.join(a.out, name + "_fresh.jsonl"), [r for r, w in zip(rows, where) if w in fresh])
    if a.glossary:
        terms = glossary(a)
        with open(os.path.join(a.out, "glossary.json"), "w", encoding="utf-8") as f:
            json.dump(terms, f, ensure_ascii=False, indent=0)
    if a.pii:
        write(os.path.join(a.out, "pii_templates.jsonl"), templates(a))


if __name__ == "__main__":
    main()
