# SPDX-License-Identifier: Apache-2.0
"""The Llama-architecture decoder behind tools/train_tiny.py: layers, files, scoring.

Tensor names, layouts and the rotary convention (rotate_half) are those of Hugging Face's
LlamaForCausalLM, so the exported folder loads there as well.
"""

import hashlib
import json
import math

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

BOS, EOS = 1, 2

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 256,
    "intermediate_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 512,
    "vocab_size": 2048,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "initializer_range": 0.02,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
    "torch_dtype": "bfloat16",
    "use_cache": True,
}


def rotate_half(x):
    low, high = x.chunk(2, dim=-1)
    return torch.cat((-high, low), dim=-1)


class Norm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config["hidden_size"]))
        self.eps = config["rms_norm_eps"]

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, self.head = config["hidden_size"], config["head_dim"]
        self.heads, self.kv = config["num_attention_heads"], config["num_key_value_heads"]
        self.q_proj = nn.Linear(hidden, self.heads * self.head, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv * self.head, bias=False)
        self.v_proj = nn.Linear(hidden, self.kv * self.head, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head, hidden, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        q, k, v = (p(x).view(batch, length, n, self.head).transpose(1, 2) for p, n in
                   ((self.q_proj, self.heads), (self.k_proj, self.kv), (self.v_proj, self.kv)))
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        q, k = (t * cos + rotate_half(t) * sin for t in (q, k))
        k, v = (t.repeat_interleave(self.heads // self.kv, dim=1) for t in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(out.transpose(1, 2).reshape(batch, length, -1))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.input_layernorm, self.self_attn = Norm(config), Attention(config)
        self.post_attention_layernorm, self.mlp = Norm(config), Mlp(config)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = Norm(config)


class Llama(nn.Module):
    """Token ids [batch, length] to f32 logits [batch, length, vocab]. Output weights are tied."""

    def __init__(self, config):
        super().__init__()
        self.config, self.model = config, Body(config)
        head, context = config["head_dim"], config["max_position_embeddings"]
        frequency = config["rope_theta"] ** (-torch.arange(0, head, 2).double() / head)
        angle = torch.outer(torch.arange(context).double(), frequency)
        angle = torch.cat((angle, angle), dim=-1)
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)
        depth_scale = 1 / math.sqrt(2 * config["num_hidden_layers"])
        for name, p in self.named_parameters():
            if p.dim() == 2:
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                std = config["initializer_range"] * (depth_scale if residual else 1)
                nn.init.normal_(p, std=std)

    def forward(self, ids):
        x = self.model.embed_tokens(ids)
        cos, sin = self.cos[:ids.shape[1]], self.sin[:ids.shape[1]]
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight).float()


def save(model, folder):
    """Writes config.json and model.safetensors (bf16, rounded to nearest even)."""
    (folder / "config.json").write_text(json.dumps(model.config, indent=2) + "\n")
    tensors = {name: p.detach().to(torch.bfloat16).contiguous()
               for name, p in model.named_parameters()}
    fresh = folder / "model.safetensors.new"
    save_file(tensors, str(fresh), metadata={"format": "pt"})
    fresh.chmod(0o644)
    fresh.replace(folder / "model.safetensors")


def load(folder):
    """The shipped weights, widened to f32 without change; the tokenizer with them."""
    config = json.loads((folder / "config.json").read_text())
    model = Llama(config)
    tensors = load_file(str(folder / "model.safetensors"))
    model.load_state_dict({name: t.float() for name, t in tensors.items()})
    return model.eval(), spm.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


PERPLEXITY_RULE = (
    "ids = the SentencePiece encoding of the whole UTF-8 file (every byte, newlines too), without "
    "BOS and without EOS. Cut ids into chunks of `context` tokens; the last may be shorter. Each "
    "chunk is scored alone, from an empty KV cache and position 0: the input is BOS and then the "
    "chunk without its last token (so at most `context` positions); the logits at input position i "
    "give the probability of chunk[i]. Every token of ids is scored exactly once; BOS is never "
    "scored. nll_sum = the sum of -log softmax(logits)[token], natural logarithm, summed in f64; "
    "perplexity = exp(nll_sum / tokens_scored). Weights: the shipped bf16 values, widened to f32; "
    "activations and accumulations are f32."
)


@torch.no_grad()
def score(model, ids):
    """(sum of -log p, number of tokens), by PERPLEXITY_RULE."""
    context, total = model.config["max_position_embeddings"], 0.0
    for at in range(0, len(ids), context):
        chunk = ids[at:at + context]
        logits = model(torch.tensor([[BOS] + chunk[:-1]]))[0].double()
        total -= logits.log_softmax(-1)[range(len(chunk)), chunk].sum().item()
    return total, len(ids)


@torch.no_grad()
def greedy(model, prompt, count):
    """Up to count (token, top-1 minus top-2 logit) after the prompt's ids; stops after EOS."""
    ids, steps = list(prompt), []
    while len(steps) < count and (not steps or steps[-1][0] != EOS):
        top = model(torch.tensor([ids]))[0, -1].topk(2)
        steps.append((top.indices[0].item(), (top.values[0] - top.values[1]).item()))
        ids.append(steps[-1][0])
    return steps


def prompt_metrics(model, tokenizer, prompt, count=64):
    ids = [BOS] + tokenizer.encode(prompt)
    steps = greedy(model, ids, count)
    margins = [margin for _, margin in steps]
    tokens = [token for token, _ in steps]
    return {"prompt": prompt, "prompt_tokens": ids, "tokens": tokens,
            "text": tokenizer.decode(ids[1:] + tokens)[len(prompt):],
            "min_margin": round(min(margins), 5), "min_margin_at": int(np.argmin(margins))}


def measure(folder, default_prompt):
    """What metrics.json says of the files in folder, but for the history of their training."""
    model, tokenizer = load(folder)
    heldout = (folder / "heldout.txt").read_bytes()
    ids = tokenizer.encode(heldout.decode("utf-8"))
    nll_sum, scored = score(model, ids)
    digest = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
              for name in ("config.json", "model.safetensors", "tokenizer.model", "heldout.txt")}
    return {
        "sha256": digest,
        "parameters": sum(p.numel() for p in model.parameters()),
        "perplexity": {
            "file": "heldout.txt", "rule": PERPLEXITY_RULE,
            "context": model.config["max_position_embeddings"], "bos_token_id": BOS,
            "tokens_scored": scored, "first_tokens": ids[:16], "last_tokens": ids[-16:],
            "nll_sum": nll_sum, "perplexity": math.exp(nll_sum / scored),
            "bits_per_byte": nll_sum / math.log(2) / len(heldout),
        },
        "default_prompt": default_prompt,
        "greedy": prompt_metrics(model, tokenizer, default_prompt),
    }
