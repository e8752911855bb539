"""Collects requests with a label and a reason, as they were written, into data/reasons.jsonl.

    python decoder_reasons.py [--keep] --new W1.jsonl,W2.jsonl --chat W3.jsonl [--out data/reasons.jsonl]

--new rows come with texts of their own: by the hash of the group a tenth becomes `test`, a twentieth `dev`; near-duplicates of an
earlier row, of a test text of chat.jsonl or of a shared intent test row are dropped. --chat rows give reasons for rows of
chat.jsonl whose part is `train`, by their id, and stay there; text, label and language need not be repeated. A row that breaks a
rule of check_reasons.py is left out and named. With --keep the rows that --out has stay, and the others come after them.
"""

import argparse
import json
import os

import check_reasons
import data
from collect import Seen, part, write


def read(names):
    for path in [p for p in (names or "").split(",") if p]:
        yield from data.rows(path)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--keep", action="store_true")
    p.add_argument("--new")
    p.add_argument("--chat")
    p.add_argument("--out", default=os.path.join(data.HERE, "data", "reasons.jsonl"))
    a = p.parse_args()
    chat = {r["id"]: r for r in data.own("chat.jsonl")}
    seen, out = Seen(), []
    for r in list(chat.values()) + data.shared("intent.jsonl.gz"):
        if r["split"] == "test":
            seen.new(r["text"])

    def keep(row, group, split, chat_id=None):
        found = check_reasons.faults(row)
        if found:
            print("left out:", row["text"][:60], "|", "; ".join(found))
        elif seen.new(row["text"]):
            row = {k: row[k] for k in ("text", "label", "runner_up", "difficulty", "lang", "reason")}
            out.append({"id": f"reason-{len(out)}", **row, "group": group, "split": split} | ({"chat": chat_id} if chat_id else {}))
        else:
            print("like a test or an earlier text:", row["text"][:80])

    if a.keep:
        for row in read(a.out):
            seen.new(row["text"])
            out.append(row)
    for row in read(a.chat):
        source = chat[row["id"]]
        row = {k: source[k] for k in ("text", "label", "lang")} | row
        if source["split"] != "train" or source["text"] != row["text"] or source["label"] != row["label"]:
            print("not a row of chat.jsonl's train:", row["id"])
            continue
        keep(row, row["id"], "train", row["id"])
    for row in read(a.new):
        keep(row, row["group"], part("reason/" + row["group"]))
    write(a.out, out)


if __name__ == "__main__":
    main()
