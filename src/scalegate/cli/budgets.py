"""What is spent of the risk budgets of the policy in force, for `status`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from scalegate.gate import Journal
from scalegate.gate.budgets import spent_so_far, year_of
from scalegate.policy.document import ResidualRisk
from scalegate.policy.semantics import Unknown
from scalegate.units import exact_decimal, format_chance, format_instant

__all__ = ["budget_lines", "risk_budgets"]


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


def budget_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each."""
    for it in found:
        limit = format_chance(Fraction(it["at_most"]))
        spent = "what cannot be bounded" if it["spent"] is None else format_chance(Fraction(it["spent"]))
        since = f" since {format_instant(it['since'])[:10]}" if it["since"] is not None else ", where that is most"
        yield f"`{it['clause']}`: of the risk `{it['risk']}`, {spent} is spent{since}, of {limit} per {it['per']}."
