"""The one error family: each error names where the fault is and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from scalegate.text import escaped

__all__ = ["InputError", "LedgerError", "NotVerified", "Place", "ScalegateError", "Undecided", "lacking"]


@dataclass(frozen=True)
class Place:
    """Where a fault is: a file with 1-based line and column, or an entry of a ledger (0-based index)."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    entry: int | None = None
    snippet: str | None = None

    def __str__(self) -> str:
        parts = [self.file or ""]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        text = ":".join(part for part in parts if part)
        if self.entry is not None:
            text = f"{text}: entry {self.entry}" if text else f"entry {self.entry}"
        return text


class ScalegateError(Exception):
    """Base of every error that scalegate raises on purpose.

    `message` says what is wrong, `place` where, `fix` what to write or do instead. `exit_code` is what the
    command line ends with: 2 bad input, 3 hold, 4 not verified. What cannot be shown in any of them is written out:
    a message may quote what somebody wrote to hide it.
    """

    exit_code = 2

    def __init__(self, message: str, *, place: Place | None = None, fix: str | None = None) -> None:
        self.message = escaped(message, lines=True)
        self.place = place
        self.fix = escaped(fix, lines=True) if fix else fix
        super().__init__(self.message)

    def __str__(self) -> str:
        where = f"{escaped(str(self.place))}: " if self.place and str(self.place) else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{where}{self.message}{fix}"


class InputError(ScalegateError):
    """Something that a person or program handed in is not well formed or not allowed."""


class LedgerError(ScalegateError):
    """The ledger cannot be read or appended to; nothing was half-written."""


class Undecided(LedgerError):
    """No decision could be taken, for a fault on the way to it: that holds, and nothing was recorded."""

    exit_code = 3


class NotVerified(ScalegateError):
    """A ledger, entry, signature, proof or recorded decision does not check out."""

    exit_code = 4


def lacking(what: str, package: str | None, extra: str) -> InputError:
    """That something needs a package which is not installed, with the command that installs the extra it is in."""
    fix = f"pip install './scalegate[{extra}]', where ./scalegate is the folder of your clone"
    return InputError(f"{what} needs `{package}`, which is not installed", fix=fix)
