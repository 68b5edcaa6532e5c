"""Signal handlers wait while the ledger is read or written, or reasoned about.

What a handler raises goes through whatever is under way, and much of that catches exceptions of its own accord: a
serialiser takes one for a value that does not fit and tries another, a reader for an entry that cannot be read. Then a
step would be decided on half of the ledger. So no handler of Python's runs in between.
"""

from __future__ import annotations

import _signal  # `signal` itself looks names up between, and catches ValueError there: a handler's would be lost
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["undisturbed"]

Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have every signal that comes meanwhile handled afterwards; in any thread but the main one none is at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Handler] = {}
    waiting: list[tuple[int, FrameType | None]] = []
    try:
        for number in range(1, signal.NSIG):
            handler = _signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                _signal.signal(number, lambda number, frame: waiting.append((number, frame)))
        yield
    finally:
        _afterwards(handlers, waiting)


def _afterwards(handlers: dict[int, Handler], waiting: list[tuple[int, FrameType | None]]) -> None:
    """Put every handler back, also if one of them is called and raises meanwhile; then call those that waited."""
    raised: BaseException | None = None
    left = dict(handlers)
    while left:
        try:
            for number in tuple(left):
                _signal.signal(number, left[number])
                del left[number]
        except BaseException as error:  # noqa: BLE001 - it is raised once all are back
            raised = raised or error
    for number, frame in waiting:
        try:
            handlers[number](number, frame)
        except BaseException as error:  # noqa: BLE001
            raised = raised or error
    if raised is not None:
        raise raised
