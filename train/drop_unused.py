"""Takes the tokens [unusedN] out of a folder with a WordPiece tokenizer: their embeddings, and their places in the vocabulary.

    python drop_unused.py FOLDER

No text has them, so that nothing changes but the ids, and BERT's 994 of them are 0.4 MB in int8.
"""

import json
import os
import re
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

TABLE = "embeddings.word_embeddings.weight"


def main():
    folder, = sys.argv[1:]
    path = lambda name: os.path.join(folder, name)
    with open(path("tokenizer.json"), encoding="utf-8") as f:
        tokenizer = json.load(f)
    vocab = tokenizer["model"]["vocab"]
    kept = [t for t in sorted(vocab, key=vocab.get) if not re.fullmatch(r"\[unused\d+\]", t)]
    old = [vocab[t] for t in kept]
    new = {o: i for i, o in enumerate(old)}
    tokenizer["model"]["vocab"] = {t: i for i, t in enumerate(kept)}
    for a in tokenizer["added_tokens"]:
        a["id"] = new[a["id"]]
    for s in tokenizer["post_processor"]["special_tokens"].values():
        s["ids"] = [new[i] for i in s["ids"]]
    tensors = load_file(path("model.safetensors"))
    for name in (TABLE, TABLE + "_scale"):
        if name in tensors:
            tensors[name] = np.ascontiguousarray(tensors[name][old])
    with open(path("config.json")) as f:
        config = json.load(f)
    print(f"{config['vocab_size']} -> {len(kept)} tokens")
    config["vocab_size"], config["pad_token_id"] = len(kept), new[config["pad_token_id"]]
    save_file(dict(sorted(tensors.items())), path("model.safetensors"), metadata={"format": "pt"})
    with open(path("tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(tokenizer, f, ensure_ascii=False, separators=(",", ":"))
    with open(path("config.json"), "w") as f:
        json.dump(config, f, indent=1)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        os.chmod(path(name), 0o644)


if __name__ == "__main__":
    main()
