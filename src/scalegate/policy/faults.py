"""Faults of a policy, or of a file beside one: what is wrong where, and what to write; all of a file are one error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from scalegate.errors import InputError, Place
from scalegate.text import escaped

__all__ = ["Fault", "FileFaults", "Form", "Found", "Located", "Malformed", "PartPath", "PolicyFaults", "Spot"]

PartPath: TypeAlias = "tuple[str | int, ...]"
"""A place in the document: names of fields and positions in lists, from the top."""
Located: TypeAlias = "tuple[Spot | None, str, str | None]"
"""A fault by its place in the text."""


class Spot(NamedTuple):
    """A 0-based place in the text."""

    line: int
    column: int


class Found(NamedTuple):
    """A fault by its place in the document."""

    path: PartPath
    message: str
    fix: str | None
    character: int | None = None
    """Where it begins in the text of a condition, from 0."""


class Malformed(Exception):
    """Faults of the YAML itself: there is no document to read."""

    def __init__(self, found: list[Located]) -> None:
        self.found = found


@dataclass(frozen=True)
class Fault:
    """One fault of a file: where, what, and what to do instead."""

    place: Place
    message: str
    fix: str | None

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        snippet = f"\n    {escaped(self.place.snippet)}" if self.place.snippet else ""
        fix = f"\n    fix: {escaped(self.fix)}" if self.fix else ""
        return f"{where}{escaped(self.message)}{snippet}{fix}"


class FileFaults(InputError):
    """All faults of one file, in order of place."""

    noun = "file"
    """What is not read until there is no fault."""

    def __init__(self, faults: list[Fault], *, more: bool = False) -> None:
        self.faults = faults
        self.more = more
        """Whether something was not looked at because of them, so that more may show once they are mended."""
        super().__init__("\n".join(map(str, faults)))


class PolicyFaults(FileFaults):
    """All faults of one policy file, in order of place."""

    noun = "policy"


@dataclass(frozen=True)
class Form:
    """What a file is meant to be, in the words of its messages."""

    noun: str
    """What the file is: `policy`."""
    holds: str
    """What one file holds one of."""
    first: str
    """How it starts."""
    advice: str
    """What to do with one that is too large."""
    examples: Mapping[str, str]
    """A value of each field, as it is written."""
    faults: type[FileFaults]
