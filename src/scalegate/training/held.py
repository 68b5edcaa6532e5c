"""What a training script sees when it may not go on."""

from __future__ import annotations

import logging
import shlex
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scalegate.errors import ScalegateError
from scalegate.gate import Decision, Piece
from scalegate.text import escaped

__all__ = ["Held", "holding", "whole"]

LOG = logging.getLogger(__name__)


class Held(ScalegateError):
    """The run may not take another step. `decision` says why and what would release it.

    `decision` is None when no decision could be taken or recorded at all (a ledger that cannot be written,
    a run taken over by another process): that holds just the same.
    """

    exit_code = 3

    def __init__(self, message: str, decision: Decision | None = None, *, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.decision = decision

    @classmethod
    def by(cls, decision: Decision, unfinished: Sequence[Piece] = (), folder: Path = Path()) -> Held:
        """The hold that a decision pronounces, with the evaluations that were announced and have no result.

        `folder` is that of the project, for the command that is named.
        """
        way_out = decision.resumption
        because = way_out.held_by() if way_out else "?"
        kind = "STOP" if way_out and way_out.stop else "HOLD"
        missing = "".join(f"; evaluation {it.evaluation} of `{it.domain}` has no result" for it in unfinished)
        stop = way_out is not None and way_out.stop
        where = "" if folder.resolve() == Path.cwd() else f" -p {shlex.quote(str(folder))}"
        told = "why: nothing under this policy releases it" if stop else "what releases it"
        fix = f"`scalegate status{where}` says {told}"
        if unfinished:
            fix += "; `scalegate evidence add` adds a result, with `null` for each sample that has none"
        return cls(f"{kind} for run `{decision.run}` by: {because}{missing}", decision, fix=fix)

    @classmethod
    def unsaved(cls, held: Held, refused: Exception) -> Held:
        """A hold at which the run cannot be saved either."""
        also = "" if str(refused) == str(held) else f"; nor can it be saved: {refused}"
        return cls(f"{held.message}{also}", held.decision, fix=held.fix)


@contextmanager
def holding(run: str, decision: Decision | None = None) -> Iterator[None]:
    """Whatever goes wrong becomes a Held, with the decision that was to be acted on if there is one."""
    try:
        yield
    except Held:
        raise
    except Exception as error:  # a fault of ours or of the script's must become a HOLD
        said = str(error) if isinstance(error, ScalegateError) else f"{type(error).__name__}: {error}"
        if not isinstance(error, ScalegateError):
            LOG.error("run `%s` holds\n%s", run, whole(error))
        if decision is None:
            raise Held(f"run `{run}` holds: {said}") from error
        raise Held(f"{Held.by(decision).message}; nor can it be evaluated: {said}", decision) from error


def whole(error: Exception) -> str:
    """All that there is to say about an exception of the script's, with where it came from."""
    return escaped("".join(traceback.format_exception(error)), lines=True)
