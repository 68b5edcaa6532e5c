"""How a copy is fine-tuned, and one run of it: what was done, what it cost, what the model could do on the way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from scalegate.elicitation.finetune import IGNORED, answer_loss, logits_of, take_steps
from scalegate.elicitation.pool import Part
from scalegate.errors import InputError
from scalegate.training.meter import TorchMeter, linear_parameters

__all__ = ["Meter", "OnStep", "Recipe", "Run", "StepFlops", "exact_match", "forward_flops", "grid", "torch_meter"]

StepFlops: TypeAlias = Callable[[Tensor, Tensor], int]
"""FLOP of a step, forward and backward, on (inputs, targets)."""
Meter: TypeAlias = Callable[[nn.Module], StepFlops]
"""Of a model as it will be trained, its adapters and frozen weights included, what a step costs."""
OnStep: TypeAlias = Callable[[int], None]
"""Told the FLOP of each step and each scoring before it is taken; refuses it by raising."""


@dataclass(frozen=True)
class Recipe:
    """One way to fine-tune: the optimiser is that of `finetune`, with the learning rate falling to nought."""

    lr: float
    demonstrations: int
    """The first so many of the pool's training part are learned from."""
    rank: int | None = None
    """Of the LoRA adapters that alone are trained; None: every weight is."""
    batch_size: int = 16

    def __post_init__(self) -> None:
        """Raises InputError for a rate, count, rank or batch size that is not positive."""
        if not 0 < self.lr < float("inf"):
            raise InputError(f"a recipe's learning rate must be positive, got {self.lr}")
        for name in ("demonstrations", "batch_size", *(["rank"] if self.rank is not None else [])):
            if getattr(self, name) < 1:
                raise InputError(f"a recipe's {name} must be at least 1, got {getattr(self, name)}")

    def __str__(self) -> str:
        how = "all weights" if self.rank is None else f"LoRA of rank {self.rank}"
        return f"{how}, {self.demonstrations} demonstrations, learning rate {self.lr:g}, {self.batch_size} a step"


def grid(
    *, lr: Sequence[float], demonstrations: Sequence[int], rank: Sequence[int | None] = (None,), batch_size: int = 16
) -> list[Recipe]:
    """Every combination, as recipes."""
    return [Recipe(rate, count, low, batch_size) for low in rank for count in demonstrations for rate in lr]


class Run:
    """A copy of a model under one recipe, `model`, and what a step of it costs. `merged` ends the run."""

    def __init__(self, original: nn.Module, recipe: Recipe, part: Part, meter: Meter, seed: int) -> None:
        self.recipe = recipe
        self._original, self._part, self._seed = original, part, seed
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.model, self._adapted = _prepared(original, recipe)
        self._flops = meter(self.model)
        self.step_flops = self._flops(*next(self._batches()))
        """FLOP of each step: the shapes are the same."""
        if self.step_flops < 1:
            raise ValueError(f"the meter says that a step takes {self.step_flops} FLOP")

    def take(self, steps: int, on_step: OnStep | None, after: Callable[[int, int], None] | None = None) -> int:
        """Take all steps of the run; returns their FLOP. `after(taken, flops)` may score the model as it then is.

        Raises ValueError as `take_steps` does, and where a step turns out to cost something else than the first.
        """

        def checked(inputs: Tensor, targets: Tensor) -> int:
            cost = self._flops(inputs, targets)
            if cost != self.step_flops:
                raise ValueError(f"a step takes {cost} FLOP, and one of the same shape took {self.step_flops}")
            return cost

        def after_step(taken: int, flops: int) -> None:
            if after is not None:
                after(taken, flops)
                self.model.train()

        try:
            with torch.random.fork_rng():
                torch.manual_seed(self._seed)
                return take_steps(
                    self.model,
                    self._batches(),
                    lr=self.recipe.lr,
                    steps=steps,
                    flops_of_step=checked,
                    on_step=on_step,
                    after_step=after_step,
                )
        except ValueError as error:
            error.add_note(f"The recipe: {self.recipe}. Nothing was elicited; the FLOP spent so far are spent.")
            raise

    def merged(self) -> None:
        """End the run: `model` is of the class of the original again, with its parameters' names, modes and flags."""
        if self._adapted is not None:
            from scalegate.elicitation.lora import merge_adapters

            self.model = merge_adapters(self._adapted)
        flags = {name: parameter.requires_grad for name, parameter in self._original.named_parameters()}
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(flags[name])
        self.model.train(self._original.training)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches of exactly `batch_size` rows: each demonstration once, in a new order, then again."""
        generator = torch.Generator().manual_seed(self._seed)
        waiting = torch.empty(0, dtype=torch.int64)
        while True:
            while len(waiting) < self.recipe.batch_size:
                waiting = torch.cat([waiting, torch.randperm(self.recipe.demonstrations, generator=generator)])
            numbers, waiting = waiting[: self.recipe.batch_size], waiting[self.recipe.batch_size :]
            yield self._part.rows(numbers)


def _prepared(original: nn.Module, recipe: Recipe) -> tuple[nn.Module, Any]:
    """A deep copy ready to be tuned by the recipe, and what holds its adapters (None without).

    Without adapters EVERY weight of the copy is trained, also those that the original holds frozen: what is frozen for
    whoever trained it is not frozen for whoever draws a capability out.
    """
    model = copy.deepcopy(original)
    for parameter in model.parameters():
        parameter.grad = None
    if recipe.rank is None:
        for parameter in model.parameters():
            parameter.requires_grad_(parameter.is_floating_point() or parameter.is_complex())
        return model, None
    from scalegate.elicitation.lora import add_adapters

    return model, add_adapters(model, recipe.rank)


def torch_meter(model: nn.Module) -> StepFlops:
    """Counts a step as it runs, by `TorchMeter`: weights that are frozen take no gradient, and none is counted."""
    return TorchMeter(model, answer_loss, tokens=lambda inputs, targets: int(targets.numel())).flops


def forward_flops(model: nn.Module, inputs: Tensor) -> int:
    """FLOP of one forward pass, counted on a copy without storage, as `TorchMeter` counts.

    Raises ValueError where the linear layers alone would take more than the counter saw of one row.
    """
    bare = copy.deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        logits_of(bare, torch.empty_like(inputs, device="meta"))
    counted = int(counter.get_total_flops())
    if counted < max(1, 2 * linear_parameters(model) * len(inputs)):
        raise ValueError(f"the counter sees {counted} FLOP in a forward pass on {len(inputs)} rows")
    return counted


def exact_match(model: nn.Module, part: Part, at_once: int = 128) -> tuple[list[bool], float]:
    """For each row whether every target that counts has the highest logit, and the mean loss over all that count.

    For a causal model that is exact match under greedy decoding, in one pass. The model's mode is left as it was.
    A NaN raises ValueError: a broken model is not an incapable one.
    """
    right: list[bool] = []
    loss, counted = 0.0, 0
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for first in range(0, len(part), at_once):
                numbers = torch.arange(first, min(first + at_once, len(part)))
                inputs, targets = part.rows(numbers)
                logits = logits_of(model, inputs)
                if bool(torch.isnan(logits).any()):
                    raise ValueError("the model's logits contain NaN: no evaluation is possible")
                matches = (logits.argmax(dim=-1) == targets) | (targets == IGNORED)
                right += matches.reshape(len(numbers), -1).all(dim=1).tolist()
                flat = functional.cross_entropy(
                    logits.flatten(0, -2).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
                )
                loss += float(flat)
                counted += int((targets != IGNORED).sum())
    finally:
        model.train(was_training)
    return right, loss / counted
