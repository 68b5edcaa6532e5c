"""Numbers for the risk that remains that say little."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from scalegate.policy.document import Policy, ResidualRisk
from scalegate.policy.lints.lint import Lint, Rule, clause_path, gating
from scalegate.units import format_chance

__all__ = ["lints"]

MUCH = Fraction(1, 10)
SAYS_LITTLE = Rule(
    "number-says-little",
    "weakness",
    "numbers for the risk that remains that nearly anything keeps",
    "The banner's line on it goes all the same: a number of so much says little.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document."""
    for index, clause in gating(policy):
        if isinstance(clause, ResidualRisk) and clause.at_most >= MUCH:
            what = f"it lets a risk of {format_chance(clause.at_most)} be claimed: a number of so much says little"
            fix = f"put a number under {format_chance(MUCH)}, or leave the clause out, and the banner says so"
            yield Lint(SAYS_LITTLE, clause_path(index, "at_most"), f"clause {clause.id}", what, fix)
