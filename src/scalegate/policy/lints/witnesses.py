"""Clauses that ask for witnesses, and that one of them, or two halves of them, could get around."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.clause_figures import all_values
from scalegate.policy.document import Policy, Witnessed
from scalegate.policy.lints.lint import Lint, Rule, clause_path, gating
from scalegate.units import DAY, format_duration

__all__ = ["lints"]

LONGEST = 7 * DAY
BY_ONE = Rule(
    "witnessed-by-one",
    "weakness",
    "a ledger that one witness is enough for",
    "One witness that is mistaken, or is in on it, can be shown another history than everybody else.",
)
TWO_HALVES = Rule(
    "witnessed-by-halves",
    "weakness",
    "witnesses of whom two groups could each be enough",
    "One history can be shown to the one group and another to the other: each is cosigned by enough who are honest.",
)
SELDOM = Rule(
    "witnessed-seldom",
    "weakness",
    "witnesses that are asked seldom",
    "For so long a ledger may be rolled back, or written anew, and nothing holds.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document. That no clause asks for witnesses is no weakness."""
    for index, clause in gating(policy):
        if not isinstance(clause, Witnessed):
            continue
        about, many = f"clause {clause.id}", len(clause.witnesses)
        if clause.at_least == 1:
            what = f"1 of its {many} witnesses is enough" if many > 1 else "its only witness is enough"
            fix = "name several that different people keep, and ask for more than half of them"
            yield Lint(BY_ONE, clause_path(index, "at_least"), about, what, fix)
        elif 2 * clause.at_least <= many:
            what = f"{clause.at_least} of its {many} witnesses are enough, and {clause.at_least} others would be too"
            yield Lint(TWO_HALVES, clause_path(index, "at_least"), about, what, f"write at least `{many // 2 + 1}`")
        longest = max(all_values(policy, clause.within), default=0)
        if longest > LONGEST:
            what = f"`within` is {format_duration(longest)}"
            yield Lint(SELDOM, clause_path(index, "within"), about, what, "write a day or a few: asking costs nothing")
