"""One thing at a time: no step, save or evaluation begins within another, nor from a signal handler during one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scalegate.errors import ScalegateError
from scalegate.gate import Decision
from scalegate.training.held import Held

__all__ = ["Turn"]

LOG = logging.getLogger(__name__)


class Turn:
    """Whose turn it is on the gate of a run: nobody's, or that of the call under way."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._taken = False
        self._after: Callable[[], None] | None = None

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do it at once, or when the call under way has ended: a result that it is about to write is not lost."""
        if self._taken:
            self._after = act
        else:
            act()

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
        except BaseException:
            try:
                self._give_up()
            except ScalegateError as error:
                # What ended the call is what the script is to see.
                LOG.error("run `%s`: %s", self._run, error)
            raise
        self._give_up()

    @contextmanager
    def join(self, decision: Decision | None) -> Iterator[None]:
        """Have the gate alone, or together with the call under way: for what must be said at once."""
        if self._taken:
            yield
        else:
            with self.take(decision):
                yield

    def _give_up(self) -> None:
        self._taken = False
        after, self._after = self._after, None
        if after is not None:
            after()
