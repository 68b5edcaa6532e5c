"""Optimizers that take no step that was not authorised, and tell which they took."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from scalegate.errors import InputError
from scalegate.training.arguments import check_accumulate
from scalegate.training.tranche import Tranche

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["watch"]


class Hook(Protocol):
    def remove(self) -> None: ...


_HOOKS: WeakKeyDictionary[Optimizer, tuple[Hook, Hook]] = WeakKeyDictionary()
"""Those of each optimizer that is watched: whoever watches it last has it alone."""


def watch(
    optimizer: Optimizer, check: Callable[[bool], None], tranche: Tranche, authorised: bool, accumulate: int
) -> None:
    """Have `check` raise before a step that may not be taken, and count the step once it was taken.

    `check` is told whether the step is still the one before. `authorised`: whether one is that was not taken yet.
    Raises InputError unless `accumulate` is a number of steps, and for what has no hooks.
    """
    at_once = check_accumulate(accumulate)
    # PyTorch counts how often a tensor was changed in place. Whoever loads weights changes all of them.
    every = [one for group in getattr(optimizer, "param_groups", ()) for one in group["params"]]
    ends = every[:1] + every[-1:]
    under_way = False

    def before(*_: Any) -> None:
        nonlocal under_way
        # A class of the script's own may call the step of the class that it comes from: PyTorch tells twice of the one
        # step. One that ended with an error may be tried again.
        same = under_way and tranche.pending > 0
        check(same)
        if not same:
            tranche.look()
        under_way = True

    def after(*_: Any) -> None:
        nonlocal under_way
        # One that is fused skips a step by itself where a gradient is not finite, as the scaler of gradients tells it.
        if under_way and not getattr(optimizer, "found_inf", None):
            tranche.taken(at_once)
        under_way = False

    try:
        before_that = _HOOKS.pop(optimizer, ())
        hooks = optimizer.register_step_pre_hook(before), optimizer.register_step_post_hook(after)
    except (AttributeError, TypeError) as error:
        what = f"a {type(optimizer).__name__} cannot be watched: it has no hooks before and after its step"
        raise InputError(what, fix="guard the optimizer that it wraps, whose `step` it calls") from error
    for hook in before_that:
        hook.remove()
    _HOOKS[optimizer] = hooks
    tranche.look()
    # What keeps no such count (a tensor made for inference, another library's) is not seen to change.
    with suppress(AttributeError, RuntimeError):
        sum(one._version for one in ends)
        tranche.version = lambda: sum(one._version for one in ends)
    tranche.known()
    tranche.guard(authorised, at_once)
