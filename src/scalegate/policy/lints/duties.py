"""Obligations that nothing is held by, that are overdue by their own dates, or that one signature keeps."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Condition, Obligation, Policy
from scalegate.policy.lints.lint import Lint, Rule, clause_path, gating
from scalegate.policy.obliged import name_of
from scalegate.policy.syntax import fact_names
from scalegate.units import format_last

__all__ = ["lints"]

HOLDS_NOTHING = Rule(
    "breach-holds-nothing",
    "note",
    "obligations whose breach holds nothing",
    "That it was not kept is told with each decision, and nothing comes of it.",
)
OVERDUE = Rule(
    "obligation-overdue",
    "note",
    "obligations that were due before today",
    "Only a ledger says whether that was kept. Where none does, it is late from the first day on.",
)
KEPT_BY_ONE = Rule(
    "kept-by-one",
    "note",
    "obligations that are kept on the word of one",
    "Nothing looks at whether it was done: one person who is mistaken, or pressed, is enough.",
)


def lints(policy: Policy, today: int) -> Iterator[Lint]:
    """In the order of the document; `today` is an instant."""
    read = {
        name
        for _, clause in gating(policy)
        if isinstance(clause, Condition) and not isinstance(clause.when, str)
        for name in fact_names(clause.when)
    }
    for index, clause in enumerate(policy.clauses):
        if not isinstance(clause, Obligation):
            continue
        about = f"clause {clause.id}"
        if not clause.gates and name_of(clause) not in read:
            what = f"its modality is `{clause.modality}`, and no condition of a clause that gates reads its fact"
            fix = f"make the modality `will`, or ask for `{name_of(clause)}` in a `when:`"
            yield Lint(HOLDS_NOTHING, clause_path(index, "modality"), about, what, fix)
        yield from _overdue(index, clause, today)
        if clause.kept_by.at_least == 1:
            what = f"one signature of role `{clause.kept_by.role}` keeps it"
            yield Lint(KEPT_BY_ONE, clause_path(index, "kept_by"), about, what, "ask for at least 2, of people apart")


def _overdue(index: int, clause: Obligation, today: int) -> Iterator[Lint]:
    """By its dates alone: what is due after something happened is for a ledger to say."""
    first = clause.by if clause.from_ is None or clause.each is None else clause.from_ + clause.each
    if first is None or first >= today:
        return
    times = 1 if clause.each is None else (today - 1 - first) // clause.each + 1
    more = f", and {times - 1} more time{'s' * (times > 2)} since" if times > 1 else ""
    if clause.late == "stands":
        what = (
            f"it was due by {format_last(first)}{more}: where that was not signed in time, no signature ends the breach"
        )
        fix = "write a date that is to come, or `late: counts`, unless it was kept"
    else:
        what = f"it was due by {format_last(first)}{more}: where that is not signed, it is late"
        fix = f"write a date that is to come, or sign that it was done: `scalegate keep {clause.id}`"
    yield Lint(OVERDUE, clause_path(index, "from" if clause.each else "by"), f"clause {clause.id}", what, fix)
