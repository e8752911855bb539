"""Writes the goldens of engine/chat: what transformers' apply_chat_template and its Jinja environment print.

    engine/chat/testdata/fetch.sh                              # once: templates of published models, into a cache folder
    MOM_TEMPLATES=DIR python train/goldens_chat.py             # transformers 5.23, jinja2 3.1.6

engine/chat/jinja/testdata/snippets.json.gz has the pieces of chat_snippets.py, each with its output or "error". In
engine/chat/testdata, cases.json has conversations with options, templates/*.jinja are templates of our own wording, and
goldens.json.gz has the output of every template for every case. Of templates that belong to others only the outputs are
kept, with a hash of what they were made with.
"""
import datetime
import gzip
import hashlib
import json
import os
import sys

import transformers.utils.chat_template_utils as utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from chat_snippets import BLOCKS, EXPRESSIONS, VARS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CHAT = os.path.join(ROOT, "engine", "chat", "testdata")
NOW = datetime.datetime(2026, 3, 7, 15, 4, 5)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


utils.datetime = Clock


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as f:
        f.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def snippet(source):
    try:
        out = utils._compile_jinja_template(source).render(**json.loads(json.dumps(VARS)))
        out.encode()
        if " at 0x" in out or " method " in out or "<class " in out:
            return [source, "error", "prints an address"]
        return [source, out]
    except Exception as e:
        return [source, "error", f"{type(e).__name__}: {e}"]


def main():
    snippets = [snippet("{{ " + x + " }}") for x in EXPRESSIONS] + [snippet(x) for x in BLOCKS]
    write(os.path.join(ROOT, "engine", "chat", "jinja", "testdata", "snippets.json.gz"), {"vars": VARS, "snippets": snippets})
    print(len(snippets), "snippets,", sum(len(s) == 3 for s in snippets), "of them errors")


if __name__ == "__main__":
    main()
