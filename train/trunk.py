"""The trunk under the heads: the packaged MiniLM-L6, or the folder of another BERT as e5_folder.py and export.py write it."""

import functools
import json
import os
import unicodedata

from tokenizers import Tokenizer

import data

# Scripts that are written without spaces, or, as Hangul, with particles that touch a name; engine/spans.go has the same.
UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x318F),
            (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x323AF))


class Trunk:
    """folder; config; tokenizer without padding and truncation; cls, sep, pad ids; version of the family; pieces for gibberish."""

    def __init__(self, name):
        self.folder = data.minilm_folder() if name == "minilm" else name
        with open(os.path.join(self.folder, "config.json"), encoding="utf-8") as f:
            self.config = json.load(f)
        with open(os.path.join(self.folder, "tokenizer.json"), encoding="utf-8") as f:
            self.file = json.load(f)
        self.file["padding"] = self.file["truncation"] = None
        self.tokenizer = Tokenizer.from_file(os.path.join(self.folder, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.cls, self.sep = self.tokenizer.encode("").ids
        self.pad = self.config["pad_token_id"]
        word_piece = self.file["model"]["type"] == "WordPiece"
        self.version = "v1" if word_piece else "r1"
        size = self.tokenizer.get_vocab_size()
        self.pieces = range(1996, size) if word_piece else [i for i in range(size) if self.piece(i).isascii() and not self.piece(i).startswith("<")]
        step = self.file["pre_tokenizer"]
        self.spaced = all(p["type"] in ("Metaspace", "WhitespaceSplit") for p in step.get("pretokenizers", [step]))

    def piece(self, i):
        """The text of a token, without the marks of what goes on or begins a word."""
        return self.tokenizer.id_to_token(i).replace("##", "").replace("▁", "")

    def words(self, encoding, text):
        """The number of the word of every token. Where the tokenizer cuts at spaces alone, a word also ends at a token that
        begins or ends with what is no letter or digit, or with a letter of a script without spaces."""
        if not self.spaced:
            return encoding.word_ids
        out, word = [], -1
        joined = False  # the last token ends with what may go on
        for i, (start, end) in enumerate(encoding.offsets):
            goes_on = i > 0 and encoding.word_ids[i] == encoding.word_ids[i - 1]
            if start < end:
                goes_on = goes_on and joined and joins(text[start])
                joined = joins(text[end - 1])
            word += not goes_on
            out.append(word)
        return out


def joins(c):
    return unicodedata.category(c)[0] in "LMN" and not any(a <= ord(c) <= b for a, b in UNSPACED)


@functools.lru_cache(None)
def opened(name):
    return Trunk(name)


chosen = "minilm"


def use(name):
    """Makes a trunk that of this process: minilm, or a folder."""
    global chosen
    chosen = name
    return opened(name)


def get():
    return opened(chosen)
