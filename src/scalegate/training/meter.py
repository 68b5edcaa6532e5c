"""FLOP of a training step, measured once per shape and cross-checked; never a guess that can be zero.

`torch.utils.flop_counter` counts what is dispatched, but it does not know every kernel: the fused attention
kernel on CPU counts as zero (pytorch/pytorch#195460). So each shape is counted on a copy without storage
(`meta` device), where attention takes the counted path, and the larger of that and the analytic count is
taken. A count of zero, or under the analytic floor, is a meter fault, and holds: no step can be taken on it. Where a
step was taken that it had counted too little for, the fault goes into the ledger of whatever run took one, for good.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias

from scalegate.errors import lacking
from scalegate.training.endings import Authorised, authorised, report, tell
from scalegate.training.held import Held
from scalegate.training.undisturbed import undisturbed

try:
    import torch
    from torch import Tensor, nn
    from torch.utils.flop_counter import FlopCounterMode
except ModuleNotFoundError as error:
    raise lacking("this module", error.name, "torch") from error

__all__ = ["MeterFaultError", "TorchMeter", "linear_parameters", "six_nd"]

Loss: TypeAlias = Callable[..., Tensor]
ANALYTIC = "give `analytic=` with the most that such a step can take"


def _untold() -> str:
    left = tell()
    return f"; it cannot be kept for {left}: let nobody train that on" if left else ""


class MeterFaultError(Held):
    """The compute of a step cannot be measured: the run holds."""


def linear_parameters(model: nn.Module, kind: type[nn.Linear | nn.Bilinear] = nn.Linear) -> int:
    """Parameters of matrix multiplications by such layers: each token uses each of them once."""
    return sum(module.weight.numel() for module in model.modules() if isinstance(module, kind))


def six_nd(model: nn.Module, tokens: int) -> int:
    """The rule of thumb 6 N D, with every parameter counted; shown beside the measured count."""
    return 6 * sum(parameter.numel() for parameter in model.parameters()) * tokens


class TorchMeter:
    """Counts forward and backward of `loss(model, *batch)` before the step is taken.

    `tokens` gives how many tokens (rows that pass each linear layer) a batch has; `analytic` may give an
    exact count for the architecture, and the larger of it and the measured count is used.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        *,
        tokens: Callable[..., int],
        analytic: Callable[..., int] | None = None,
    ) -> None:
        self._model = model
        self._loss = loss
        self._tokens = tokens
        self._analytic = analytic
        self._cache: dict[tuple[object, ...], int] = {}
        self._uses: dict[tuple[object, ...], int] = {}
        self._before: dict[tuple[object, ...], Authorised] = {}
        """What the gates of the process had authorised when a shape was counted first."""
        self._closed = authorised()[1]
        self._fault: str | None = None

    def flops(self, *batch: Tensor) -> int:
        """FLOP of the step on a batch of this shape. Raises MeterFaultError if it cannot be trusted.

        Counted at the first step of a shape and again at the 2nd, 4th, 8th and so on: a model that comes to do more
        work under the same shapes is a meter fault from then on, and for good of every run of this process that took a
        step since the shape was counted first.
        """
        if self._fault is not None:
            raise MeterFaultError(f"{self._fault}{_untold()}", fix=ANALYTIC)
        key = self._key(batch)
        before = self._before.setdefault(key, authorised())
        known = self._cache.get(key)
        if known is None:
            known = self._cache[key] = self._count(batch)
        uses = self._uses.get(key, 0) + 1
        if uses > 1 and uses & (uses - 1) == 0:
            try:
                again = self._count(batch)
            except MeterFaultError as error:
                raise self._found(f"a step was metered at {known} FLOP: {error.message}", before) from error
            if again > known:
                raise self._found(f"a step of this shape takes {again} FLOP, and was metered at {known}", before)
        # A count that fails for any other reason is still due: there is no further step of the shape without it.
        self._uses[key] = uses
        return known

    def _found(self, reason: str, before: Authorised) -> MeterFaultError:
        """Steps may have been taken that it counted too little for: that stays so, also for whoever starts again."""
        with undisturbed():
            self._fault = reason
            decision = report(reason, before)
        return MeterFaultError(f"{reason}{_untold()}", decision, fix=ANALYTIC)

    def _key(self, batch: tuple[Tensor, ...]) -> tuple[object, ...]:
        trained = tuple(parameter.requires_grad for parameter in self._model.parameters())
        return (
            *((tuple(item.shape), item.dtype) for item in batch),
            trained,
            self._model.training,
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
        )

    def _count(self, batch: tuple[Tensor, ...]) -> int:
        model = copy.deepcopy(self._model).to("meta")
        meta = [torch.empty_like(item, device="meta") for item in batch]
        with torch.enable_grad(), FlopCounterMode(display=False) as counter:
            torch.autograd.backward(self._loss(model, *meta))
        measured = int(counter.get_total_flops())
        tokens = int(self._tokens(*batch))
        frozen = any(not parameter.requires_grad for parameter in self._model.parameters())
        rows = linear_parameters(self._model) * tokens
        # Forward and weight gradient; the gradient of a first layer's input may rightly be absent.
        floor = (2 if frozen else 4) * rows
        analytic = int(self._analytic(*batch)) if self._analytic else 0
        # Whoever gives a count of their own says what passes by some layers.
        if measured <= 0 or (not self._analytic and measured < floor):
            raise MeterFaultError(
                f"the meter counts {measured} FLOP for a step whose linear layers alone take {floor}",
                fix="check that the loss runs the model, and that custom kernels are registered with the counter; where"
                f" rows pass by some layers, {ANALYTIC}",
            )
        # The counter does not see what a bilinear layer does.
        measured += 6 * linear_parameters(self._model, nn.Bilinear) * tokens
        if self._analytic:
            return max(measured, analytic)
        # A step on frozen layers takes less, and what is claimed for weights must not be more than went into them.
        return measured if frozen else max(measured, 6 * rows)

    def verify(self, step: Callable[[], Any], *batch: Tensor) -> Any:
        """Take the step under the counter, and fault if more was dispatched than `flops` said."""
        expected = self.flops(*batch)
        counter = FlopCounterMode(display=False)
        try:
            with counter:
                return step()
        finally:
            ran = int(counter.get_total_flops())
            if ran > expected:
                # This step was authorised before it was counted here, by a gate that is open.
                raise self._found(f"a step was metered at {expected} FLOP and took {ran}", ({}, self._closed))
