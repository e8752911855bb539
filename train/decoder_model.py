"""Llama in torch for training on a CPU: low-rank adapters, and a prefix that all requests of a batch share.

Names of dimensions: p tokens of the prefix, b requests, l tokens of the longest one, t = p + b*l, d hidden, h query heads,
g key and value heads, e = d/h, f of the feed-forward block, r rank.
"""

import json
import os

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

LINEAR = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


class Adapted(torch.autograd.Function):
    """y = x(W + sBA)ᵀ with the sum made once a step: one product forward, one back, and thin ones for A and B; all in the type of
    the sum, the gradients of A and B in float32."""

    @staticmethod
    def forward(ctx, x, a, b, merged, scale):
        ctx.save_for_backward(x, a, b)
        ctx.merged, ctx.scale = merged, scale
        return x @ merged.T

    @staticmethod
    def backward(ctx, dy):
        x, a, b = ctx.saved_tensors
        dx = dy @ ctx.merged if ctx.needs_input_grad[0] else None
        a, b = a.to(x.dtype), b.to(x.dtype)
        u = (dy @ b) * ctx.scale  # [t r]
        return dx, (u.T @ x).float(), (dy.T @ ((x @ a.T) * ctx.scale)).float(), None, None


def attention(q, k, v, mask):
    """[b h l e]; torch's own takes up to four times as long on a CPU in bfloat16 with a mask."""
    s = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    return s.masked_fill(~mask, -1e30).softmax(-1).to(q.dtype) @ v


class Decoder(torch.nn.Module):
    """The weights are constants; the parameters are the adapters'. Products are taken in `dtype`, all else in float32."""

    def __init__(self, weights, config, layers=None, rank=32, alpha=32.0, dtype=torch.float32, modules=LINEAR):
        super().__init__()
        c = config
        self.w, self.config, self.rank, self.alpha, self.dtype = weights, config, rank, alpha, dtype
        self.modules = modules if rank else ()  # that have an adapter
        self.near = {k: w.to(dtype) for k, w in weights.items() if w.dim() == 2}
        self.scale = alpha / rank if rank else 0.0
        self.layers = list(layers if layers is not None else range(c["num_hidden_layers"]))
        self.heads, self.groups = c["num_attention_heads"], c["num_key_value_heads"]
        self.e = c["hidden_size"] // self.heads
        self.eps = c["rms_norm_eps"]
        angle = torch.outer(torch.arange(1024).float(), c["rope_theta"] ** (-torch.arange(0, self.e, 2).float() / self.e))
        angle = torch.cat([angle, angle], 1)
        self.cos, self.sin = angle.cos(), angle.sin()  # [position e]
        self.a, self.b, self.merged = torch.nn.ParameterDict(), torch.nn.ParameterDict(), {}
        if rank:
            for i in self.layers:
                for name in self.modules:
                    n, k = self.weight(i, name).shape
                    self.a[self.key(i, name)] = torch.nn.Parameter(torch.randn(rank, k) / k ** 0.5)
                    self.b[self.key(i, name)] = torch.nn.Parameter(torch.zeros(n, rank))

    @staticmethod
    def key(i, name):
        return f"{i}-{name.replace('.', '-')}"

    def weight(self, i, name):
        return self.w[f"model.layers.{i}.{name}.weight"]

    @torch.no_grad()
    def merge(self):
        """Sums weights and adapters; to be called after every change of a parameter."""
        for i in self.layers:
            for name in self.modules:
                k, w = self.key(i, name), self.weight(i, name)
                added = self.b[k].to(self.dtype) @ self.a[k].to(self.dtype)
                if k not in self.merged:
                    self.merged[k] = torch.empty_like(w, dtype=self.dtype)
                torch.add(w, added, alpha=self.scale, out=self.merged[k])

    def linear(self, x, i, name):
        x = x.to(self.dtype)
        if name not in self.modules:
            return x @ self.near[f"model.layers.{i}.{name}.weight"].T
        k = self.key(i, name)
        return Adapted.apply(x, self.a[k], self.b[k], self.merged[k], self.scale)

    def norm(self, x, name):
        return F.rms_norm(x, (x.shape[-1],), self.w[name], self.eps)

    def turn(self, x, position):
        """Rotary positions; x [t heads e]."""
        half = self.e // 2
        cos, sin = self.cos[position][:, None], self.sin[position][:, None]
        return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin

    def block(self, x, i, position, p, b, mask):
        t = x.shape[0]
        at = f"model.layers.{i}"
        y = self.norm(x, at + ".input_layernorm.weight")                          # [t d]
        q = self.turn(self.linear(y, i, LINEAR[0]).view(t, self.heads, self.e), position).to(self.dtype)
        k = self.turn(self.linear(y, i, LINEAR[1]).view(t, self.groups, self.e), position).to(self.dtype)
        v = self.linear(y, i, LINEAR[2]).view(t, self.groups, self.e)
        each = self.heads // self.groups
        k, v = k.repeat_interleave(each, 1), v.repeat_interleave(each, 1)          # [t h e]
        first = lambda z: z[:p].transpose(0, 1)[None]                              # [1 h p e]
        rest = lambda z: z[p:].view(b, -1, self.heads, self.e).transpose(1, 2)     # [b h l e]
        both = lambda z: torch.cat([first(z).expand(b, -1, -1, -1), rest(z)], 2)   # [b h p+l e]
        o = attention(rest(q), both(k), both(v), mask)
        o = o.transpose(1, 2).reshape(t - p, -1)
        if p:
            op = attention(first(q), first(k), first(v), torch.ones(p, p, dtype=torch.bool).tril())
            o = torch.cat([op[0].transpose(0, 1).reshape(p, -1), o])               # [t d]
        x = x + self.linear(o, i, LINEAR[3])
        y = self.norm(x, at + ".post_attention_layernorm.weight")
        return x + self.linear(F.silu(self.linear(y, i, LINEAR[4])) * self.linear(y, i, LINEAR[5]), i, LINEAR[6])

    def begin(self, prefix, requests):
        """The embedded tokens [t d], and what `block` and `end` want to know of them."""
        p, b, l = len(prefix), len(requests), max(map(len, requests))
        ids = torch.tensor(prefix + [i for r in requests for i in r + [0] * (l - len(r))])
        position = torch.cat([torch.arange(p), (p + torch.arange(l)).repeat(b)])
        mask = torch.ones(l, p + l, dtype=torch.bool).tril(p)
        return self.w["model.embed_tokens.weight"][ids], (position, p, b, mask)

    def end(self, x, form, want):
        rows = torch.tensor([form[1] + r * len(form[3]) + j for r, j in want])
        return (self.norm(x[rows], "model.norm.weight").to(self.dtype) @ self.near["model.embed_tokens.weight"].T).float()

    def forward(self, prefix, requests, want):
        """requests: lists of ids; want: [(request, place)]. Returns the logits [len(want) v] of what follows these places."""
        x, form = self.begin(prefix, requests)
        for i in self.layers:
            x = self.block(x, i, *form)
        return self.end(x, form, want)


def load(folder, vocab=None):
    """(weights, config) of a Hugging Face folder, with the first `vocab` tokens alone."""
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    weights = {k: v.float() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}
    if vocab and vocab < config["vocab_size"]:
        config["vocab_size"] = vocab
        weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:vocab].clone()
    return weights, config
