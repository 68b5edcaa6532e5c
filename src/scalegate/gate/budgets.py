"""Risk budgets: what permits rested on, added up over the record, within a year and within a tenfold of compute.

The sum is over claimed things, each once and with the worst bound on which a permit of it rested, so it is no less than
the chance that any of it comes about (union bound). Nothing is given back: a lower claim later, or a permit that was
not used up, takes nothing off. A new year begins with nothing spent but for what is still in use then, and that is the
one way in which time gives room: by a date of the policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TypeAlias

from scalegate.gate.decision import Decision, Taken
from scalegate.gate.situation import Situation, Spent
from scalegate.ledger.entries import RiskClaimed
from scalegate.policy.document import Policy, Risk
from scalegate.policy.semantics import Reason, Unknown

__all__ = [
    "Key",
    "claimed_since",
    "cleared",
    "key_of",
    "next_year",
    "spend",
    "spent_before",
    "spent_in_tenfold",
    "spent_in_year",
    "spent_so_far",
    "unbounded_since",
    "year_of",
]

Key: TypeAlias = tuple[str, str, str, str, str | None]
"""Risk, run, action, weights, configuration: what is counted once."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = int((datetime(9998, 1, 1, tzinfo=UTC) - EPOCH) / timedelta(seconds=1))
"""No year of a budget begins after this."""


def year_of(anchor: int, at: int) -> int:
    """When the budget year began in which an instant lies: the last anniversary of the anchor."""
    year = _day(at).year
    began = _anniversary(anchor, year)
    return began if began <= at else _anniversary(anchor, year - 1)


def next_year(anchor: int, at: int) -> int:
    """When the budget year after that begins."""
    return _anniversary(anchor, _day(year_of(anchor, at)).year + 1)


def _day(at: int) -> datetime:
    return EPOCH + timedelta(seconds=min(max(at, 0), LATEST))


def _anniversary(anchor: int, year: int) -> int:
    first = _day(anchor)
    try:
        day = first.replace(year=year)
    except ValueError:
        # Of the 29th of February, in a year without one.
        day = first.replace(year=year, month=3, day=1)
    return (day - EPOCH) // timedelta(seconds=1)


def key_of(situation: Situation, action: str, taken: Taken) -> Key:
    """What a decision would take, as it is counted."""
    configuration = None if action == "train" else situation.exact(action)[1]
    return taken.risk, situation.lineage.run, action, taken.weights, configuration


def _key(spent: Spent) -> Key:
    return spent.risk, spent.run, spent.action, spent.weights, spent.configuration


def _apart(situation: Situation, action: str, taken: Taken) -> tuple[list[Spent], Spent | None]:
    """What else was spent of the risk, and what was spent of this very thing before."""
    key = key_of(situation, action, taken)
    mine = [spent for spent in situation.spent if spent.risk == taken.risk]
    return [it for it in mine if _key(it) != key], next((it for it in mine if _key(it) == key), None)


def spent_in_year(situation: Situation, action: str, risk: Risk, taken: Taken) -> Fraction | Unknown:
    """All that would be spent in the present year of the budget, with what is taken now."""
    others, before = _apart(situation, action, taken)
    start = year_of(risk.years_from or 0, situation.now)
    counted = [it for it in others if it.last >= start]
    return _unbounded(counted) or sum((it.bound for it in counted), _worst(taken, before))


def _unbounded(counted: Iterable[Spent]) -> Unknown | None:
    """That a sum has no bound; None: it has."""
    for it in counted:
        if it.unbounded:
            names = ", ".join(f"`{name}`" for name in it.unbounded)
            what = f"what permits took of the risk `{it.risk}` for `{it.action}` of weights {it.weights[:12]}..."
            return Unknown(Reason.UNDERMINED, f"{what} cannot be bounded, says {names} since")
    return None


def spent_in_tenfold(situation: Situation, action: str, taken: Taken) -> Fraction | Unknown:
    """The most that would be spent in any tenfold of effective compute that this is in."""
    others, before = _apart(situation, action, taken)
    least = min(taken.least, before.least) if before else taken.least
    most = max(taken.most, before.most) if before else taken.most
    tenfolds = range(_tenfold(least), _tenfold(most) + 1)
    others = [it for it in others if _tenfold(it.least) in tenfolds or _tenfold(least) in _span(it)]
    unbounded = _unbounded(others)
    if unbounded:
        return unbounded
    spans = [(_tenfold(it.least), _tenfold(it.most), it.bound) for it in others]
    sums = (sum((bound for low, high, bound in spans if low <= at <= high), Fraction(0)) for at in tenfolds)
    return max(sums) + _worst(taken, before)


def spent_so_far(spent: Iterable[Spent], risk: Risk, now: int) -> tuple[Fraction | None, dict[int, Fraction]]:
    """What is spent of a risk in the present year of its budget (None: it has no years), and in each tenfold."""
    mine = [it for it in spent if it.risk == risk.id]
    tenfolds: dict[int, Fraction] = {}
    for it in mine:
        for at in _span(it):
            tenfolds[at] = tenfolds.get(at, Fraction(0)) + it.bound
    if risk.years_from is None:
        return None, tenfolds
    start = year_of(risk.years_from, now)
    return sum((it.bound for it in mine if it.last >= start), Fraction(0)), tenfolds


def spent_before(situation: Situation, action: str, taken: Taken) -> Fraction:
    """What was spent of this very thing before."""
    before = _apart(situation, action, taken)[1]
    return before.bound if before else Fraction(0)


def _worst(taken: Taken, before: Spent | None) -> Fraction:
    return max(taken.bound, before.bound) if before else taken.bound


def _span(spent: Spent) -> range:
    return range(_tenfold(spent.least), _tenfold(spent.most) + 1)


def _tenfold(flops: int) -> int:
    """How many digits an amount has past its first: from 10^n FLOP on it is n, until 10^(n+1)."""
    return len(str(flops)) - 1


def spend(spent: dict[Key, Spent], decision: Decision, policy: Policy | None) -> tuple[Key, ...]:
    """Put down what a decision takes; returns that of which more is spent than before."""
    grown: list[Key] = []
    permit = decision.reach
    if permit is None:
        return ()
    until = min(permit.time, decision.now + permit.lease)
    for taken in decision.risks:
        configuration = None if decision.action in ("train", "release_weights") else decision.configuration
        key: Key = (taken.risk, decision.run, decision.action, taken.weights, configuration)
        before = spent.get(key)
        spent[key] = Spent(
            risk=taken.risk,
            run=decision.run,
            action=decision.action,
            weights=taken.weights,
            configuration=configuration,
            bound=_worst(taken, before),
            least=min(taken.least, before.least) if before else taken.least,
            most=max(taken.most, before.most) if before else taken.most,
            last=max(until, before.last) if before else until,
            unbounded=before.unbounded if before else (),
        )
        if before is None or _more(before, spent[key], policy.risks if policy else ()):
            grown.append(key)
    return tuple(grown)


def claimed_since(spent: dict[Key, Spent], entry: RiskClaimed) -> None:
    """Put down a later word on what was spent: a worse one counts, a better one gives nothing back."""
    of = entry.risk, entry.action, entry.weights, entry.configuration
    for key, it in spent.items():
        if (it.risk, it.action, it.weights, it.configuration) == of:
            others = tuple(name for name in it.unbounded if name != entry.actor)
            changed: dict[str, object] = {"unbounded": others}
            if entry.bound is None:
                changed["unbounded"] = (*others, entry.actor)
            elif entry.bound > it.bound:
                changed["bound"] = entry.bound
            spent[key] = it.model_copy(update=changed)


def cleared(situation: Situation, risk: Risk) -> Situation:
    """As it would be if what was spent could be bounded after all."""
    spent = (it.model_copy(update={"unbounded": ()}) if it.risk == risk.id else it for it in situation.spent)
    return situation.model_copy(update={"spent": tuple(spent)})


def unbounded_since(situation: Situation, risk: Risk) -> tuple[Spent, ...]:
    """What was spent of the risk and is said since to have no bound."""
    return tuple(it for it in situation.spent if it.risk == risk.id and it.unbounded)


def _more(before: Spent, after: Spent, risks: Iterable[Risk]) -> bool:
    if (before.bound, before.least, before.most) != (after.bound, after.least, after.most):
        return True
    anchors = [it.years_from for it in risks if it.id == after.risk and it.years_from is not None]
    return any(year_of(anchor, before.last) != year_of(anchor, after.last) for anchor in anchors)
