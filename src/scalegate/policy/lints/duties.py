"""Obligations that nothing is held by."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Condition, Policy
from scalegate.policy.lints.lint import Lint, Rule, clause_path, gating
from scalegate.policy.obliged import name_of
from scalegate.policy.syntax import fact_names

__all__ = ["lints"]

HOLDS_NOTHING = Rule(
    "breach-holds-nothing",
    "note",
    "obligations whose breach holds nothing",
    "That it was not kept is told with each decision, and nothing comes of it.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document."""
    read = {
        name
        for _, clause in gating(policy)
        if isinstance(clause, Condition) and not isinstance(clause.when, str)
        for name in fact_names(clause.when)
    }
    for index, clause in enumerate(policy.clauses):
        if clause.kind == "obligation" and not clause.gates and name_of(clause) not in read:
            what = f"its modality is `{clause.modality}`, and no condition of a clause that gates reads its fact"
            fix = f"make the modality `will`, or ask for `{name_of(clause)}` in a `when:`"
            yield Lint(HOLDS_NOTHING, clause_path(index, "modality"), f"clause {clause.id}", what, fix)
