"""Conditions that rest on what was spent on eliciting a capability, where their sentence speaks of the capability."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate.policy.document import Condition, Policy
from scalegate.policy.entails import positive
from scalegate.policy.floors import floor_of
from scalegate.policy.instead import ELICITATION, spent_on
from scalegate.policy.lints.lint import Lint, Rule, clause_path, gating
from scalegate.policy.syntax import All, Compare, Expr, Fact, Not, children, net

__all__ = ["SPENT_ONLY", "spent_only"]

SPENT_ONLY = Rule(
    "spent-only",
    "weakness",
    "conditions that rest on what was spent on an evaluation, and not on what it found",
    "A model that turns out dangerous meets them as one that does not: both were elicited.",
)
_SAID = re.compile(r"elicit|effort|fine-?tun|\bspen[dt]|evaluation compute", re.IGNORECASE)


def spent_only(policy: Policy) -> tuple[Lint, ...]:
    """Of each condition the domains of which it reads no more than that. A sentence that speaks of it says as much."""
    found: list[Lint] = []
    for index, clause in gating(policy):
        if not isinstance(clause, Condition) or floor_of(clause.id) is not None or _SAID.search(clause.text):
            continue
        for fact in dict.fromkeys(_alone(positive(clause.when), frozenset())):
            what = f"`{fact}` alone can meet what it asks of `{fact.removesuffix(ELICITATION)}`"
            path = clause_path(index, "when")
            found.append(Lint(SPENT_ONLY, path, f"clause {clause.id}", what, f"{spent_on(fact)}, beside it or instead"))
    return tuple(found)


def _alone(expr: Expr, looked_at: frozenset[str]) -> Iterator[str]:
    """The elicitation that is read where nothing that was found is; `looked_at`: domains of which that is."""
    match expr:
        case Compare():
            names = [name for name, coefficient in net(expr).items() if coefficient and name.endswith(ELICITATION)]
            yield from (name for name in names if name.removesuffix(ELICITATION) not in looked_at)
        case All(items):
            here = {domain for item in items if (domain := _found(item))}
            for item in items:
                yield from _alone(item, looked_at | here)
        case _:
            for item in children(expr):
                yield from _alone(item, looked_at)


def _found(expr: Expr) -> str | None:
    """The domain of which it says that its alarm was not reached."""
    match expr:
        case Fact(name) if name.endswith(".ruled_out"):
            return name.removesuffix(".ruled_out")
        case Not(Fact(name)) if name.endswith(".reached"):
            return name.removesuffix(".reached")
    return None
