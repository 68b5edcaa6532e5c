"""A rule that stops an evaluation early, as Inspect asks for one (`inspect_ai.util.EarlyStopping`).

Samples run side by side and end in any order, the easy ones sooner. So nothing is decided by what has ended alone:
every sample that was begun is counted, and it stops only where the verdict is the same however those in flight end.
What was begun has to be the beginning of an order that nobody chose; where it is not, all are taken.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from scalegate.errors import InputError
from scalegate.evidence.inspect_log import RIGHT
from scalegate.evidence.sequential import SequentialTest, ended

__all__ = ["EarlyStopper"]

NAME = "scalegate"
POLL = 0.01
"""Seconds after which it is looked again whether a sample has ended."""
PATIENCE, LEAST = 10, 1.0
"""How many times as long as the longest before a sample in flight is waited for, and how many seconds at the least."""


class EarlyStopper:
    """One run of one task. Its methods are those of Inspect's protocol."""

    def __init__(
        self,
        rule: SequentialTest,
        order: Sequence[str],
        score: str | None = None,
        *,
        stop: Callable[..., Any],
        sleep: Callable[[float], Awaitable[Any]],
        held: bool = False,
    ) -> None:
        """`order`: the ids of all samples, as they are to be taken. `score`: which of several counts. `held`: whether a
        success is that something held, and so none of what the rule is about.

        stop: makes Inspect's directive (`EarlyStop`). sleep: of whatever runs the samples.
        """
        self._stop, self._sleep = stop, sleep
        self._rule, self._order, self._score, self._held = rule, tuple(order), score, held
        self._begun: dict[str, float] = {}
        self._longest = 0.0
        self._outcomes: dict[str, bool] = {}
        self._over = False

    async def start_task(self, task: Any, samples: Sequence[Any], epochs: int) -> str:
        """Raises InputError for another dataset, or for samples that are taken several times: these are not alike."""
        if epochs != 1:
            raise InputError(
                f"each sample is taken {epochs} times, and a rule that stops early counts each once",
                fix="leave `epochs` out, or the domain's `stopping`",
            )
        if sorted(str(it.id) for it in samples) != sorted(self._order):
            raise InputError("the samples are not those that were announced", fix="run the dataset that was announced")
        return NAME

    async def schedule_sample(self, id: str | int, epoch: int) -> Any:
        """None: it is to be taken; else Inspect's directive that it is not."""
        name = str(id)
        if name in self._begun:
            return None  # it errored, and is run again
        while not (self._over or self._ended()) and self._may_end():
            await self._sleep(POLL)
        self._over = self._over or self._ended()
        if not self._over:
            self._begun[name] = time.monotonic()
            return None
        return self._stop(id=id, epoch=epoch, reason=f"the rule ended after {len(self._begun)} samples")

    async def complete_sample(self, id: str | int, epoch: int, scores: Mapping[str, Any]) -> None:
        """What has no outcome stays in flight: it may be a success."""
        names = [self._score] if self._score is not None else list(scores)
        found = scores.get(names[0]) if len(names) == 1 else None
        value = getattr(getattr(found, "score", None), "value", None)
        outcome = RIGHT.get(value) if isinstance(value, str) else None
        if isinstance(value, bool | int | float) and value in (0, 1):
            outcome = bool(value)
        self._outcomes.pop(str(id), None)
        if outcome is not None:
            self._outcomes[str(id)] = outcome is not self._held
        if str(id) in self._begun:
            self._longest = max(self._longest, time.monotonic() - self._begun[str(id)])

    async def complete_task(self) -> dict[str, Any]:
        """For the log."""
        return {"begun": len(self._begun), "stopped": self._over}

    def _ended(self) -> bool:
        begun = len(self._begun)
        return self._in_order() and ended(self._rule, sum(self._outcomes.values()), begun - len(self._outcomes), begun)

    def _may_end(self) -> bool:
        """Whether to wait for those in flight: if they fail, it has ended, and whatever is begun now would be wasted.

        Of one that errored nobody tells that it ended: what takes far longer than any before is waited for no more.
        """
        lost = time.monotonic() - max(PATIENCE * self._longest, LEAST)
        waited = [name for name, since in self._begun.items() if name not in self._outcomes and since > lost]
        successes, begun = sum(self._outcomes.values()), len(self._begun)
        if not waited or not self._in_order() or begun >= self._rule.samples:
            return False
        stuck = begun - len(self._outcomes) - len(waited)
        return self._rule.verdict(successes + stuck, begun) == "ruled out"

    def _in_order(self) -> bool:
        return self._begun.keys() == set(self._order[: len(self._begun)])
