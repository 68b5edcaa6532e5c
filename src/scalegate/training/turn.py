"""One thing at a time: no step, save or evaluation begins within another, nor from a signal handler during one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scalegate.gate import Decision
from scalegate.training.held import Held

__all__ = ["Turn"]


class Turn:
    """Whose turn it is on the gate of a run: nobody's, or that of the call under way."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._taken = False

    @contextmanager
    def take(self, decision: Decision | None) -> Iterator[None]:
        """Have the gate alone. Raises Held, with the latest decision, while another call has it."""
        if self._taken:
            raise Held(
                f"run `{self._run}`: no step, save or evaluation within another, or within a checkpoint",
                decision,
                fix="call it between two steps; let a signal handler set a flag for that",
            )
        self._taken = True
        try:
            yield
        finally:
            self._taken = False
