"""The training task of the demo: a small transformer that learns multi-digit addition from scratch.

A problem is written `digits` + `digits` = `digits + 1`, zero padded, the answer with its least significant
digit FIRST (``012+345=7530``), so that a carry moves in the direction of decoding.  Exact match stays near
zero while the digits are learned and emerges once the carries are: a capability absent early in training
that appears with compute.

Split rule: a pair of operands {a, b}, unordered so that ``a+b`` and ``b+a`` fall on the same side, is held
out if and only if ``pair_hash(a, b, digits) % HELD_OUT_ONE_IN == 0``.  The training stream never contains a
held-out pair; the evaluation set contains only held-out pairs.

Everything is a pure function of the `Config` and the step: no schedule depends on a total number of steps,
so training can stop, go on or be resumed at any point.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "HELD_OUT_ONE_IN",
    "IGNORED",
    "VOCABULARY",
    "Config",
    "Trainer",
    "Transformer",
    "analytic_step_flops",
    "batch",
    "batches",
    "dataset_digest",
    "encode",
    "evaluate",
    "mixed_seed",
    "pair_hash",
    "problem_text",
    "problems",
    "training_pairs",
]

VOCABULARY = "0123456789+="
HELD_OUT_ONE_IN = 50
IGNORED = -100  # the target of a prompt position: no loss there
_PLUS = VOCABULARY.index("+")
_EQUALS = VOCABULARY.index("=")
_MASK32 = 0xFFFFFFFF
_FORMAT = 1


@dataclass(frozen=True)
class Config:
    """Model, optimiser and data of one run; every field enters the run's identity."""

    digits: int = 4
    d_model: int = 64
    layers: int = 2
    heads: int = 4
    batch_size: int = 32
    lr: float = 2e-3
    weight_decay: float = 0.1
    warmup_steps: int = 100
    clip_norm: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("digits", "d_model", "layers", "heads", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.digits > 4:  # pair_hash is exact in 64-bit integers for pairs below 10**8
            raise ValueError(f"digits must be at most 4, got {self.digits}")
        if self.d_model % self.heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of heads {self.heads}")
        if self.warmup_steps < 0 or self.seed < 0 or self.seed >= 2**31:
            raise ValueError("warmup_steps must be >= 0 and seed in [0, 2**31)")
        if not (self.lr > 0 and self.weight_decay >= 0 and self.clip_norm > 0):
            raise ValueError("lr and clip_norm must be positive and weight_decay non-negative")

    @property
    def prompt_length(self) -> int:
        return 2 * self.digits + 2

    @property
    def context(self) -> int:
        """Tokens the model reads in training: the whole problem but its last answer digit."""
        return self.prompt_length + self.digits


# ---------------------------------------------------------------- data


def pair_hash(a: Tensor, b: Tensor, digits: int) -> Tensor:
    """A 32-bit mix of the unordered operand pair, elementwise over int64 tensors (no overflow)."""
    h = torch.minimum(a, b) * 10**digits + torch.maximum(a, b)
    h = (h * 0x9E3779B1) & _MASK32
    h = ((h ^ (h >> 16)) * 0x045D9F3B) & _MASK32
    h = ((h ^ (h >> 15)) * 0x0119DE1F) & _MASK32
    mixed: Tensor = h ^ (h >> 16)
    return mixed


def _held_out(a: Tensor, b: Tensor, digits: int) -> Tensor:
    side: Tensor = pair_hash(a, b, digits) % HELD_OUT_ONE_IN == 0
    return side


def mixed_seed(*parts: int | str) -> int:
    """A 63-bit seed from its parts, so that (seed, step) pairs never share a generator stream by accident."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def training_pairs(digits: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`count` uniform operand pairs of the training side: a pure function of its arguments."""
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.empty(2, 0, dtype=torch.int64)
    while pairs.shape[1] < count:
        drawn = torch.randint(0, 10**digits, (2, count + count // 8 + 16), generator=generator)
        kept = drawn[:, ~_held_out(drawn[0], drawn[1], digits)]
        pairs = torch.cat([pairs, kept], dim=1)
    return pairs[0, :count], pairs[1, :count]


def problems(config: Config, n: int) -> list[tuple[int, int]]:
    """The first `n` distinct held-out problems (a, b), the same for every seed of training.

    They follow a fixed pseudo-random order, so those of a smaller `n` are a prefix of those of a larger one,
    and the set depends on `config.digits` alone.
    """
    return list(_problems(config.digits, n))


@lru_cache(maxsize=16)
def _problems(digits: int, n: int) -> tuple[tuple[int, int], ...]:
    generator = torch.Generator().manual_seed(mixed_seed("held-out", digits))
    found: dict[tuple[int, int], None] = {}
    for _ in range(64 + n // 40):  # each block holds about 80 held-out pairs, repeats included
        a, b = torch.randint(0, 10**digits, (2, 80 * HELD_OUT_ONE_IN), generator=generator)
        side = _held_out(a, b, digits)
        found.update(dict.fromkeys(zip(a[side].tolist(), b[side].tolist(), strict=True)))
        if len(found) >= n:
            return tuple(found)[:n]
    raise ValueError(f"there are fewer than {n} held-out problems with {digits} digits")


def problem_text(a: int, b: int, digits: int) -> str:
    """The canonical text, least significant answer digit first: (12, 345, 3) gives ``012+345=7530``."""
    return f"{a:0{digits}d}+{b:0{digits}d}={f'{a + b:0{digits + 1}d}'[::-1]}"


def dataset_digest(config: Config, n: int) -> str:
    """sha256 of the canonical text of the first `n` held-out problems, one per line."""
    text = "".join(problem_text(a, b, config.digits) + "\n" for a, b in problems(config, n))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def encode(a: Tensor, b: Tensor, digits: int) -> Tensor:
    """Token ids (rows, 3 * digits + 3) of the problems: `problem_text`, vectorised."""
    powers = 10 ** torch.arange(digits + 1)
    high_first = powers[:digits].flip(0)
    column = torch.ones(a.shape[0], 1, dtype=torch.int64)
    return torch.cat(
        [
            a[:, None] // high_first % 10,
            column * _PLUS,
            b[:, None] // high_first % 10,
            column * _EQUALS,
            (a + b)[:, None] // powers % 10,
        ],
        dim=1,
    )


def batch(config: Config, step: int) -> tuple[Tensor, Tensor]:
    """(inputs, targets) of one training step, a pure function of (config, step).

    Targets are the inputs shifted by one; those inside the prompt are `IGNORED`.
    """
    a, b = training_pairs(config.digits, config.batch_size, mixed_seed("train", config.seed, step))
    tokens = encode(a, b, config.digits)
    targets = tokens[:, 1:].clone()
    targets[:, : config.prompt_length - 1] = IGNORED
    return tokens[:, :-1].contiguous(), targets


def batches(config: Config, first_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """The endless training stream from `first_step` on."""
    step = first_step
    while True:
        yield batch(config, step)
        step += 1


# ---------------------------------------------------------------- model


class _Block(nn.Module):
    def __init__(self, d_model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.norm2 = nn.LayerNorm(d_model)
        self.up = nn.Linear(d_model, 4 * d_model, bias=False)
        self.down = nn.Linear(4 * d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows, length, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, length, width))
        hidden: Tensor = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return hidden


class Transformer(nn.Module):
    """Decoder-only, pre-norm, learned positions, no dropout (so no random state beside the data's)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(len(VOCABULARY), config.d_model)
        self.positions = nn.Embedding(config.context, config.d_model)
        self.blocks = nn.ModuleList(_Block(config.d_model, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, len(VOCABULARY), bias=False)
        generator = torch.Generator().manual_seed(mixed_seed("weights", config.seed))
        scale = config.d_model**-0.5  # with 0.02 the plateaus' lengths vary far more from seed to seed
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if parameter.dim() > 1:
                    into_residual = name.endswith(("out.weight", "down.weight"))
                    std = scale * (2 * config.layers) ** -0.5 if into_residual else scale
                    parameter.normal_(0.0, std, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits


# ---------------------------------------------------------------- training


class Trainer:
    """The whole state of a run: model, optimiser and the number of steps done.

    `save` then `load` then N steps gives the same bits as N uninterrupted steps, on the same machine with the
    same number of threads: batches and learning rate depend on the step alone.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.step = 0
        self.model = Transformer(config)
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        vectors = [p for p in self.model.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=config.lr,
            betas=(0.9, 0.98),
            foreach=True,
        )

    def train_step(self, examples: tuple[Tensor, Tensor] | None = None) -> float:
        """One optimiser step on `examples` (default: this step's own batch); returns its loss."""
        inputs, targets = batch(self.config, self.step) if examples is None else examples
        scale = min(1.0, (self.step + 1) / max(1, self.config.warmup_steps))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * scale
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(inputs)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write atomically: a temporary file in the same directory, fsync, rename, fsync of the directory."""
        target = Path(path)
        state = {
            "format": _FORMAT,
            "config": dataclasses.asdict(self.config),
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                torch.save(state, stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trainer:
        """The run saved at `path`; nothing in the file is executed (``weights_only=True``)."""
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise ValueError(f"{os.fspath(path)} is not a checkpoint of this trainer")
        trainer = cls(Config(**state["config"]))
        trainer.model.load_state_dict(state["model"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.step = int(state["step"])
        return trainer


# ---------------------------------------------------------------- evaluation and accounting


def evaluate(model: Transformer, n: int, *, operands: Sequence[tuple[int, int]] | None = None) -> list[bool]:
    """Greedy exact match for each of `n` problems, by default the first `n` held-out ones.

    Every answer digit must be right, and each is decoded from the model's own previous digits.  A NaN in any
    logit raises ValueError: a broken model is not an incapable one.
    """
    config = model.config
    pairs = problems(config, n) if operands is None else list(operands)[:n]
    if n < 1 or len(pairs) < n:
        raise ValueError(f"{n} problems asked for, {len(pairs)} available")
    expected = encode(torch.tensor([a for a, _ in pairs]), torch.tensor([b for _, b in pairs]), config.digits)
    tokens = expected[:, : config.prompt_length]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for _ in range(config.digits + 1):
                logits = model(tokens)
                if bool(torch.isnan(logits).any()):
                    raise ValueError("the model's logits contain NaN: no evaluation is possible")
                tokens = torch.cat([tokens, logits[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
    finally:
        model.train(was_training)
    return [bool(right) for right in (tokens == expected).all(dim=1).tolist()]


def analytic_step_flops(config: Config, batch_shape: tuple[int, int]) -> int:
    """Forward plus backward of one step on inputs of `batch_shape` = (rows, length), attention as non-causal.

    6 per matmul parameter and token (2 forward, 4 backward), plus 12 * layers * length * d_model per token
    for the two attention products.
    """
    rows, length = batch_shape
    tokens = rows * length
    linear = config.layers * 12 * config.d_model**2 + config.d_model * len(VOCABULARY)
    return 6 * linear * tokens + 12 * config.layers * length * config.d_model * tokens
