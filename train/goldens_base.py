"""Writes a folder with random weights in the shape of ModernBERT-base (600 MB, not committed) and golden.json beside it.

The test models.TestParityFolders compares every folder named in MOM_GOLDENS (separated by colons):

    python train/goldens_base.py /tmp/modernbert-base
    MOM_GOLDENS=/tmp/modernbert-base go test ./models -run ParityFolders -v
"""

import json
import sys

import torch
import transformers
from transformers import ModernBertConfig, ModernBertForSequenceClassification


def main():
    out = sys.argv[1]
    torch.manual_seed(20261123)
    torch.set_num_threads(2)
    model = ModernBertForSequenceClassification(ModernBertConfig(num_labels=14, attn_implementation="eager")).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:  # norms and biases: away from 1 and 0, so that leaving one out shows
                p.add_(torch.randn_like(p) * 0.1)
            elif "tok_embeddings" in name or "classifier" in name:
                p.copy_(torch.randn_like(p) * 0.3)
            else:
                p.copy_(torch.randn_like(p) * p.shape[1] ** -0.5)
    model.save_pretrained(out)
    g = torch.Generator().manual_seed(7)
    cases = []
    with torch.no_grad():
        for lengths in ([1, 17, 32], [128, 300], [129, 65, 64], [700]):
            ids = [torch.randint(5, 50000, (n,), generator=g) for n in lengths]
            logits = [model(input_ids=i[None], attention_mask=torch.ones_like(i[None])).logits[0].tolist() for i in ids]
            cases.append({"ids": [i.tolist() for i in ids], "logits": logits})
    source = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float32, eager attention"
    with open(f"{out}/golden.json", "w") as f:
        json.dump({"task": "sequence-classification", "source": source, "cases": cases}, f)


if __name__ == "__main__":
    main()
