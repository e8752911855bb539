"""The shared trunk and its three heads."""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel

import labels
import trunk


class SequenceHead(nn.Module):
    """Mean over all tokens of the window -> dense -> tanh -> classifier."""

    def __init__(self, d, n):
        super().__init__()
        self.dense = nn.Linear(d, d)
        self.drop = nn.Dropout(0.1)
        self.classifier = nn.Linear(d, n)

    def forward(self, h, mask):  # h [b t d], mask [b t]
        m = mask.unsqueeze(-1).to(h.dtype)
        pooled = (h * m).sum(1) / m.sum(1)
        return self.classifier(self.drop(torch.tanh(self.dense(pooled))))  # [b n]


class TokenHead(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.classifier = nn.Linear(d, n)

    def forward(self, h, mask):
        return self.classifier(self.drop(h))  # [b t n]


class Family(nn.Module):
    def __init__(self, tasks=("intent", "guard", "pii"), empty=False):
        """With the weights of the trunk's folder; `empty`: with random ones, for a state dict that is loaded next."""
        super().__init__()
        folder, how = trunk.get().folder, {"dtype": torch.float32, "add_pooling_layer": False, "attn_implementation": "eager"}
        if empty:
            self.trunk = AutoModel.from_config(AutoConfig.from_pretrained(folder, attention_probs_dropout_prob=0.0), **how)
        else:
            self.trunk = AutoModel.from_pretrained(folder, attention_probs_dropout_prob=0.0, **how)
        d = self.trunk.config.hidden_size
        made = {"intent": lambda: SequenceHead(d, len(labels.INTENT)), "guard": lambda: SequenceHead(d, len(labels.GUARD)),
                "pii": lambda: TokenHead(d, len(labels.PII))}
        self.heads = nn.ModuleDict({t: made[t]() for t in tasks})

    def forward(self, task, ids, mask):
        h = self.trunk(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.heads[task](h.float(), mask)


def pad(rows):
    """Lists of ids -> (ids [b t], mask [b t])."""
    t = max(map(len, rows))
    ids = torch.full((len(rows), t), trunk.get().pad)
    mask = torch.zeros((len(rows), t), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = torch.tensor(row)
        mask[i, :len(row)] = 1
    return ids, mask


@torch.inference_mode()
def predict(model, task, rows, budget=8192):
    """Logits of every row (lists of ids with special tokens), in order; PII rows give [t n] without padding."""
    model.eval()
    out = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    at = 0
    while at < len(order):
        n = 1
        while at + n < len(order) and (n + 1) * len(rows[order[at + n]]) <= budget:
            n += 1
        part = order[at:at + n]
        ids, mask = pad([rows[i] for i in part])
        y = model(task, ids, mask).float()
        for i, row in zip(part, y):
            out[i] = row[:len(rows[i])].clone() if task == "pii" else row.clone()
        at += n
    return out
