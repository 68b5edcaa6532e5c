"""Elicitation by fine-tuning a copy of the model under evaluation.

A score "as is" is a lower bound of what a model can do.  Greenblatt, Roger, Krasheninnikov and Krueger,
"Stress-Testing Capability Elicitation With Password-Locked Models" (arXiv:2405.19550), find that a few
high-quality demonstrations are often enough for fine-tuning to bring out a capability that a model has and
does not show.  So a policy that acts on capabilities evaluates the model again after a small, metered
fine-tuning of a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["IGNORED", "Finetuned", "answer_loss", "finetune", "logits_of", "take_steps"]

IGNORED = -100  # a target that carries no loss, as in torch.nn.functional.cross_entropy

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Finetuned(Generic[Model]):
    """The fine-tuned copy, the optimiser steps taken and the FLOP they cost (`steps * flops_per_step`)."""

    model: Model
    steps: int
    flops: int


def finetune(
    model: Model,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    lr: float,
    flops_per_step: int,
    budget_flops: int,
    on_step: Callable[[int], None] | None = None,
) -> Finetuned[Model]:
    """Fine-tune a deep COPY of `model` until at least `budget_flops` is spent; `model` itself is untouched.

    Untouched means: its weights, its gradients and its train/eval mode are those it had before; nothing of it
    is shared with the copy.  `batches` yields (inputs, targets) with `model(inputs)` giving logits of shape
    `targets.shape + (classes,)`, or something that has them as `.logits`; targets equal to `IGNORED` carry no
    loss.  Each batch must cost `flops_per_step`, forward and backward.  The budget is rounded UP to whole steps, so
    the spending is never below what was asked for; `on_step(flops)` is called before each step with what it is about
    to cost, so that a meter can refuse it by raising.

    AdamW with fresh moments, no weight decay, gradient norm clipped to 1; the learning rate falls linearly
    from `lr` towards zero over the steps, which are known in advance.  A loss that is not finite raises
    ValueError, as does running out of batches before the budget is spent (an elicitation that spent less than
    it claims would be dishonest).  Fine-tuning follows arXiv:2405.19550 (password-locked models: fine-tuning
    elicits what a model hides).
    """
    if flops_per_step < 1 or budget_flops < 1:
        raise ValueError(f"flops_per_step {flops_per_step} and budget_flops {budget_flops} must be positive")
    if not lr > 0:
        raise ValueError(f"lr must be positive, got {lr}")
    steps = -(-budget_flops // flops_per_step)
    tuned = copy.deepcopy(model)
    for parameter in tuned.parameters():
        parameter.grad = None
    take_steps(tuned, iter(batches), lr=lr, steps=steps, flops_of_step=lambda *_: flops_per_step, on_step=on_step)
    tuned.train(model.training)
    return Finetuned(model=tuned, steps=steps, flops=steps * flops_per_step)


def logits_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """What the model gives for the inputs, itself or as its `.logits` (transformers). Raises ValueError for neither."""
    given: Any = model(inputs)
    logits = given if isinstance(given, Tensor) else getattr(given, "logits", None)
    if not isinstance(logits, Tensor):
        raise ValueError(f"the model gives {type(given).__name__}, neither a tensor nor something with `.logits`")
    return logits


def answer_loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of the targets that are not `IGNORED`; what `take_steps` descends."""
    return functional.cross_entropy(logits_of(model, inputs).flatten(0, -2), targets.flatten(), ignore_index=IGNORED)


def take_steps(
    model: nn.Module,
    stream: Iterator[tuple[Tensor, Tensor]],
    *,
    lr: float,
    steps: int,
    flops_of_step: Callable[[Tensor, Tensor], int],
    on_step: Callable[[int], None] | None = None,
    after_step: Callable[[int, int], None] | None = None,
) -> int:
    """Take exactly `steps` steps on the parameters of `model` that require a gradient; returns their FLOP.

    The recipe is that of `finetune`. Before each step `flops_of_step(inputs, targets)` is asked what it costs and
    `on_step` may refuse that by raising; `after_step(taken, flops)` is told the steps taken so far and their FLOP.
    The model is left in training mode, without gradients. Raises ValueError where the loss is not finite or the stream
    ends too early.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.train()
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=0.0)
    spent = 0
    for step in range(steps):
        try:
            inputs, targets = next(stream)
        except StopIteration:
            raise ValueError(f"the batches ended after {step} of {steps} steps") from None
        cost = flops_of_step(inputs, targets)
        if on_step is not None:
            on_step(cost)
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / steps)
        optimizer.zero_grad(set_to_none=True)
        loss = answer_loss(model, inputs, targets)
        if not bool(torch.isfinite(loss)):
            raise ValueError(f"the loss is {float(loss.detach())} at fine-tuning step {step}")
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        spent += cost
        if after_step is not None:
            after_step(step + 1, spent)
    model.zero_grad(set_to_none=True)
    return spent
