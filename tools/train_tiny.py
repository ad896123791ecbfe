#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the small language model that ships in examples/llm/model, or checks it.

  python3 -m venv venv && venv/bin/pip install torch sentencepiece safetensors numpy
  venv/bin/python tools/train_tiny.py                        # trains; writes the model folder
  venv/bin/python tools/train_tiny.py --check DIR            # recomputes DIR/metrics.json
  venv/bin/python tools/train_tiny.py --default-prompt TEXT --remeasure DIR

Runs on the CPU of a Debian 12 machine: the text comes out of Debian packages (apt-get download).
Nothing here is needed to build or to test the project.
"""

import argparse
import hashlib
import io
import json
import math
import platform
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
import torch.distributed as dist
import torch.multiprocessing
import torch.nn.functional as F

import tiny_corpus
import tiny_model
from tiny_model import BOS, CONFIG, EOS

MIN_MARGIN = 0.02
CHECK_RELATIVE = 1e-5
# Attention over short windows is cheaper; the rest of the time goes to windows of the full context.
SHORT_WINDOW, SHORT_SHARE = 256, 0.55
PROMPTS = (
    "In the beginning", "And it came to pass", "The ship", "The captain of the ship",
    "Elizabeth was", "It was a fine morning, and", "The old man said", "She was very happy",
    "The sea was calm, and", "The king said to the woman", "My dear Jane,",
    "And the angel of the LORD said unto", "He had never seen so many people",
    "There was a man in the land of", "The whale", "I have always thought", "When the ship",
    "Blessed is the man", "The next morning", "Behold, I will", "It was now", "Once upon a time",
    "The young lady", "As soon as they were gone,", "Now there was a great king in",
)


def train_tokenizer(documents, folder):
    """Byte-pair pieces with byte fallback; no normalisation, so that every text round-trips."""
    model = io.BytesIO()
    lines = (line for text in documents for line in text.split("\n"))
    spm.SentencePieceTrainer.train(
        sentence_iterator=lines, model_writer=model, model_type="bpe",
        vocab_size=CONFIG["vocab_size"], byte_fallback=True, split_digits=True,
        character_coverage=1.0, normalization_rule_name="identity",
        remove_extra_whitespaces=False, max_sentence_length=1 << 20, num_threads=1,
        unk_id=0, bos_id=BOS, eos_id=EOS, pad_id=-1, minloglevel=1)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    return spm.SentencePieceProcessor(model_proto=model.getvalue())


class Batches:
    """Random windows of the corpus as (input, target): BOS and length-1 tokens, the tokens."""

    def __init__(self, documents, tokenizer, seed):
        self.random = np.random.default_rng(seed)
        parts, starts, at = [], [], 0
        newline = tokenizer.piece_to_id("<0x0A>")
        for ids in tokenizer.encode(documents):
            parts.append(np.array(ids + [EOS], dtype=np.int64))
            starts += [at] + list(at + 1 + np.flatnonzero(parts[-1] == newline))
            at += len(parts[-1])
        self.ids, self.starts = np.concatenate(parts), np.array(starts)

    def take(self, count, length):
        """Every second window begins at the beginning of a paragraph, as prompts do."""
        at = self.random.integers(0, len(self.ids) - length, count)
        paragraph = np.searchsorted(self.starts, at[::2], side="right") - 1
        at[::2] = self.starts[paragraph]
        windows = torch.from_numpy(np.stack([self.ids[a:a + length] for a in at]))
        return torch.cat((torch.full((count, 1), BOS), windows[:, :-1]), 1), windows


def optimizers_of(model, options):
    """Muon for the matrices of the layers, AdamW for the (tied) embedding and the norms."""
    layers = [p for p in model.model.layers.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() != 2]
    embedding = [model.model.embed_tokens.weight]
    return (torch.optim.Muon(layers, lr=options.learning_rate, weight_decay=0.1,
                             adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW([{"params": embedding, "weight_decay": 0.1},
                               {"params": norms, "weight_decay": 0.0}],
                              lr=options.learning_rate, betas=(0.9, 0.95), fused=True))


def rate(progress):
    """Share of the peak learning rate: a linear rise over 2 % of the time, then a cosine to 1 %."""
    if progress < 0.02:
        return max(progress / 0.02, 0.01)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 0.02) / 0.98)))


def validation_perplexity(model, documents):
    model.eval()
    sums = [tiny_model.score(model, ids[:CONFIG["max_position_embeddings"]]) for ids in documents]
    model.train()
    return math.exp(sum(nll for nll, _ in sums) / sum(count for _, count in sums))


def export(model, options, history, prompts):
    """Writes the weights and metrics.json; prints how each candidate prompt goes on."""
    tiny_model.save(model, options.out)
    shipped, tokenizer = tiny_model.load(options.out)
    chosen, best = options.default_prompt, -1.0
    for prompt in prompts:
        result = tiny_model.prompt_metrics(shipped, tokenizer, prompt)
        print(f"  [{result['min_margin']:.4f}] {prompt!r} ->{result['text']!r}", flush=True)
        if not options.default_prompt and result["min_margin"] > best:
            chosen, best = prompt, result["min_margin"]
    write_metrics(options.out, tiny_model.measure(options.out, chosen) | {"training": history})


def write_metrics(folder, metrics):
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(f"{folder}: held-out perplexity {metrics['perplexity']['perplexity']:.4f}, "
          f"{metrics['perplexity']['tokens_scored']} tokens; default prompt "
          f"{metrics['default_prompt']!r}, smallest margin {metrics['greedy']['min_margin']}",
          flush=True)


def train_step(model, forward, batch):
    """One forward and backward pass; leaves the gradients in the parameters."""
    inputs, targets = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = forward(inputs)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    model.zero_grad(set_to_none=True)
    loss.backward()
    return loss.item()


def average(model, *numbers):
    """Averages gradients and numbers over the workers, so that all of them do the same step."""
    grads = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in grads] + [torch.tensor(numbers)])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for grad, mean in zip(grads, flat.split([g.numel() for g in grads] + [len(numbers)])):
        grad.copy_(mean.view_as(grad))
    return flat[-len(numbers):].tolist()


def fit(model, batches, options, report):
    """Trains for options.minutes by the workers' mean clock; report(step) now and then."""
    forward = torch.compile(model, dynamic=False) if options.compile else model
    optimizers = optimizers_of(model, options)
    context, tokens = CONFIG["max_position_embeddings"], options.batch_tokens // options.workers
    start, step, reported, elapsed, losses = time.monotonic(), 0, 0.0, 0.0, 0.0
    while elapsed < options.minutes:
        length = context if elapsed > SHORT_SHARE * options.minutes else SHORT_WINDOW
        loss = train_step(model, forward, batches.take(tokens // length, length))
        elapsed, loss = average(model, (time.monotonic() - start) / 60, loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * rate(elapsed / options.minutes)
            optimizer.step()
        step, losses = step + 1, losses + loss
        if step % 50 == 0 and dist.get_rank() == 0:
            print(f"{elapsed:6.2f} min  step {step}  loss {losses / 50:.4f}", flush=True)
        losses = losses if step % 50 else 0.0
        if elapsed - reported >= options.export_minutes:
            reported = elapsed
            report(step)
    return step


def work(rank, options, documents, validation, history):
    """One of options.workers processes: each takes its share of every batch on one thread."""
    dist.init_process_group("gloo", init_method=f"file://{options.rendezvous}", rank=rank,
                            world_size=options.workers)
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    tokenizer = spm.SentencePieceProcessor(model_file=str(options.out / "tokenizer.model"))
    batches = Batches(documents, tokenizer, [options.seed, rank])
    validation = tokenizer.encode(validation)
    model = tiny_model.Llama(CONFIG)
    if options.resume:
        model.load_state_dict(tiny_model.load(options.out)[0].state_dict())
        model.train()
    history["corpus_tokens"] = len(batches.ids)

    def report(step, prompts=PROMPTS[:2]):
        if rank == 0:
            perplexity = validation_perplexity(model, validation)
            print(f"validation perplexity {perplexity:.3f}", flush=True)
            export(model, options, history | {
                "steps": step, "tokens_seen": step * options.batch_tokens,
                "validation_perplexity": round(perplexity, 4)}, prompts)

    steps = fit(model, batches, options, report)
    report(steps, PROMPTS)
    dist.barrier()
    dist.destroy_process_group()


def train(options):
    options.out.mkdir(parents=True, exist_ok=True)
    documents, validation, heldout, versions = tiny_corpus.load(options.work)
    corpus = "\0".join(documents).encode()
    (options.out / "heldout.txt").write_text(heldout)
    train_tokenizer(documents, options.out)
    history = {
        "date": date.today().isoformat(), "packages": versions, "seed": options.seed,
        "corpus_sha256": hashlib.sha256(corpus).hexdigest(), "corpus_bytes": len(corpus),
        "batch_tokens": options.batch_tokens, "short_window": SHORT_WINDOW,
        "short_share": SHORT_SHARE, "learning_rate": options.learning_rate,
        "minutes": options.minutes, "workers": options.workers, "compiled": options.compile,
        "torch": torch.__version__, "sentencepiece": spm.__version__,
        "python": platform.python_version(),
    }
    if options.resume:
        history["before"] = json.loads((options.out / "metrics.json").read_text())["training"]
    with tempfile.TemporaryDirectory() as folder:
        options.rendezvous = Path(folder) / "rendezvous"
        torch.multiprocessing.spawn(work, (options, documents, validation, history),
                                    nprocs=options.workers)


def check(folder):
    """Fails unless the shipped files give the numbers of metrics.json."""
    said = json.loads((folder / "metrics.json").read_text())
    found = tiny_model.measure(folder, said["default_prompt"])
    faults = [f"{name}: another file than the one measured"
              for name, digest in said["sha256"].items() if digest != found["sha256"].get(name)]
    for key in ("tokens_scored", "first_tokens", "last_tokens"):
        if said["perplexity"][key] != found["perplexity"][key]:
            faults.append(f"perplexity.{key}: {found['perplexity'][key]}")
    was, now = said["perplexity"]["perplexity"], found["perplexity"]["perplexity"]
    if not abs(now - was) <= CHECK_RELATIVE * was:
        faults.append(f"perplexity {now}, metrics.json says {was}")
    for key in ("prompt_tokens", "tokens", "text"):
        if said["greedy"][key] != found["greedy"][key]:
            faults.append(f"greedy.{key}: {found['greedy'][key]}")
    if found["greedy"]["min_margin"] < MIN_MARGIN or len(found["greedy"]["tokens"]) != 64:
        faults.append(f"greedy: {len(found['greedy']['tokens'])} tokens with a margin of "
                      f"{found['greedy']['min_margin']}; wanted 64 and {MIN_MARGIN}")
    for fault in faults:
        print(f"{folder}: {fault}", file=sys.stderr)
    if not faults:
        print(f"{folder}: perplexity {now:.6f} and {len(said['greedy']['tokens'])} greedy tokens "
              "are as recorded")
    return 1 if faults else 0


def main():
    repository = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=repository / "examples/llm/model")
    parser.add_argument("--work", type=Path, default=repository / ".cache/train_tiny",
                        help="where packages are downloaded and unpacked")
    parser.add_argument("--minutes", type=float, default=70, help="wall-clock time of training")
    parser.add_argument("--export-minutes", type=float, default=8)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--batch-tokens", type=int, default=8192, help="per step, over all workers")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--resume", action="store_true",
                        help="go on from the weights in --out, with a new cycle of the rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--default-prompt", help="recorded in metrics.json; else the candidate "
                        "with the largest margin")
    parser.add_argument("--check", type=Path, metavar="DIR")
    parser.add_argument("--remeasure", type=Path, metavar="DIR",
                        help="rewrite DIR/metrics.json for --default-prompt, keeping its history")
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    if options.remeasure:
        said = json.loads((options.remeasure / "metrics.json").read_text())
        prompt = options.default_prompt or said["default_prompt"]
        write_metrics(options.remeasure, tiny_model.measure(options.remeasure, prompt) |
                      {"training": said["training"]})
        return 0
    train(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
