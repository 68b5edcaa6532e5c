"""What is spent of the risk budgets of the policy in force, for `status`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from scalegate.gate import Journal
from scalegate.gate.budgets import NOBODY, spent_so_far, year_of
from scalegate.gate.risks import unbounded
from scalegate.policy.document import ACTIONS, ResidualRisk
from scalegate.policy.semantics import Unknown
from scalegate.units import exact_decimal, format_chance, format_instant

__all__ = ["budget_lines", "risk_budgets", "unbounded_lines", "unbounded_said"]


def risk_budgets(journal: Journal) -> list[dict[str, Any]]:
    """Each clause with a number for a risk, and what permits took of it by now."""
    found, now = [], journal.now()
    risks = {risk.id: risk for risk in journal.policy.risks}
    for clause in journal.policy.clauses:
        if not isinstance(clause, ResidualRisk) or clause.per == "action":
            continue
        risk = risks[clause.risk]
        spent = spent_so_far(journal.fold.spending.under(journal.policy), journal.policy, clause, now)
        since = year_of(risk.years_from, now) if clause.per == "year" and risk.years_from is not None else None
        found.append(
            {
                "clause": clause.id,
                "risk": risk.id,
                "per": clause.per,
                "at_most": exact_decimal(clause.at_most),
                "spent": None if isinstance(spent, Unknown) else exact_decimal(spent),
                "since": since,
            }
        )
    return found


def unbounded_said(journal: Journal) -> list[dict[str, Any]]:
    """Each word that stands by which a risk cannot be bounded: of a run, or of what was spent."""
    fold, now = journal.fold, journal.now()
    said: dict[tuple[str, str, str, str], int | None] = {}
    for run in fold.runs:
        situation = fold.situation(run, now=now)
        for action in ACTIONS:
            live = unbounded(journal.policy, situation, action)
            said |= {(it.risk, action, it.by, it.weights): it.time for it in live}
    for spent in fold.spending.under(journal.policy):
        for word in (it for it in spent.unbounded if it.by != NOBODY):
            said.setdefault((spent.risk, spent.action, word.by, word.weights), None)
    names = ("risk", "action", "by", "weights")
    return [dict(zip(names, key, strict=True)) | {"time": time} for key, time in said.items()]


def unbounded_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each."""
    for it in found:
        on = f" on {format_instant(it['time'])[:10]}" if it["time"] is not None else ""
        what = f"the risk `{it['risk']}` for `{it['action']}` of weights {it['weights'][:12]}..."
        yield f"Signed by `{it['by']}`{on}: {what} cannot be bounded. It stands until it is bounded again."


def budget_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each."""
    for it in found:
        limit = format_chance(Fraction(it["at_most"]))
        spent = "what cannot be bounded" if it["spent"] is None else format_chance(Fraction(it["spent"]))
        since = f" since {format_instant(it['since'])[:10]}" if it["since"] is not None else ", where that is most"
        yield f"`{it['clause']}`: of the risk `{it['risk']}`, {spent} is spent{since}, of {limit} per {it['per']}."
