"""Writes what a decoder reads and writes, whole, as lines of {"text"}: what mom convert --fit-on fits its rounding to.

    python decoder_texts.py --base FOLDER [--count 160] > texts.jsonl
"""

import argparse
import json
import random

import data
import decoder_data
import tasks


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--base", required=True)
    p.add_argument("--count", type=int, default=160)
    p.add_argument("--vocab", type=int, default=32768)
    a = p.parse_args()
    rnd = random.Random(5)
    text = decoder_data.Text(a.base, a.vocab)
    made = []
    for r in rnd.sample(decoder_data.reasons("train"), a.count):
        made.append(text.reason(r))
    shared = [r for r in data.shared("intent.jsonl.gz") if r["split"] == "train"]
    for r in rnd.sample(shared, a.count // 2) + rnd.sample(tasks.chat_rows("train"), a.count // 4):
        made.append(text.example(r["text"], r["label"]))
    for e in filter(None, made):
        print(json.dumps({"text": decoder_data.PREFIX + text.tokenizer.decode(e[0], skip_special_tokens=False)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
