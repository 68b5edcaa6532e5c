"""What a linter says of a policy that reads without a fault: where it is weak, why that matters, what would mend it.

A lint never refuses a policy and never lets one pass: the gate does not read it. There is no way to silence one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from scalegate.policy.document import Clause, Policy

__all__ = ["Lint", "Path", "Rule", "Severity", "clause_path", "gating"]

Severity: TypeAlias = Literal["weakness", "note"]
"""A `weakness` makes the policy promise less than it seems to; a `note` is to be known."""
Path: TypeAlias = "tuple[str | int, ...]"
"""The steps from the top of the document to a part: `("clauses", 2, "text")`."""


@dataclass(frozen=True)
class Rule:
    """What is looked for. Its code is stable: it is what a reader looks up and a program compares."""

    code: str
    severity: Severity
    title: str
    why: str


@dataclass(frozen=True)
class Lint:
    """One thing that was found."""

    rule: Rule
    path: Path
    about: str
    """The part as people call it: `clause cap.absolute`."""
    what: str
    fix: str
    words: str = ""
    """The very words, where it is about some: they have a line and a column of their own."""


def gating(policy: Policy) -> list[tuple[int, Clause]]:
    """The clauses that gate, with their positions."""
    return [(index, clause) for index, clause in enumerate(policy.clauses) if clause.gates]


def clause_path(index: int, *steps: str | int) -> Path:
    return ("clauses", index, *steps)
