"""Faults of a policy: what is wrong where, and what to write instead; all that a file has are one error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from scalegate.errors import InputError, Place
from scalegate.text import escaped

__all__ = ["Fault", "Found", "Located", "Malformed", "PartPath", "PolicyFaults", "Spot"]

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
    """One fault of a policy file: where, what, and what to do instead."""

    place: Place
    message: str
    fix: str | None

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        snippet = f"\n    {escaped(self.place.snippet)}" if self.place.snippet else ""
        fix = f"\n    fix: {escaped(self.fix)}" if self.fix else ""
        return f"{where}{escaped(self.message)}{snippet}{fix}"


class PolicyFaults(InputError):
    """All faults of one policy file, in order of place."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))
