"""Risk budgets: what permits rested on, added up over the record, within a year and within a tenfold of compute.

The sum is over claimed things, each once and with the worst bound on which a permit of it rested, so it is no less than
the chance that any of it comes about (union bound). Nothing is given back: a lower claim later, or a permit that was
not used up, takes nothing off. A new year begins with nothing spent but for what is still in use then, and that is the
one way in which time gives room: by a date of the policy. What is released stays in use. Amounts are training FLOP, and
scaled by the factor in force: an amendment moves nothing out of a tenfold that was spent in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from scalegate.gate.decision import Decision, Taken
from scalegate.gate.situation import Situation, Spent, Word
from scalegate.ledger.entries import RiskClaimed
from scalegate.policy.document import Policy, ResidualRisk, Risk
from scalegate.policy.semantics import Reason, Unknown
from scalegate.units import DAY

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
FOR_GOOD = 2**47
"""Until when released weights are in use."""
NO_YEARS = 366 * DAY
"""For how long it counts what was spent while the risk had no years, should it come to have them."""


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
    counted = [it for it in others if _in_year(it, risk, situation.now)]
    unbounded = _unbounded((*counted, *((before,) if before else ())))
    return unbounded or sum((it.bound for it in counted), _worst(taken, before))


def _in_year(spent: Spent, risk: Risk, now: int) -> bool:
    """Whether it counts in the present year: in use in it, or in one that had not ended when years were moved."""
    return spent.last >= year_of(risk.years_from or 0, now) or spent.year_ends > now


def _unbounded(counted: Iterable[Spent]) -> Unknown | None:
    """That a sum has no bound; None: it has."""
    for it in counted:
        if it.unbounded:
            names = ", ".join(dict.fromkeys(f"`{word.by}`" for word in it.unbounded))
            what = f"what permits took of the risk `{it.risk}` for `{it.action}` of weights {it.weights[:12]}..."
            return Unknown(Reason.UNDERMINED, f"{what} cannot be bounded, says {names} since")
    return None


def spent_in_tenfold(policy: Policy, situation: Situation, action: str, taken: Taken) -> Fraction | Unknown:
    """The most that would be spent in any tenfold of effective compute that this is in."""
    others, before = _apart(situation, action, taken)
    least = min(taken.least, before.least) if before else taken.least
    most = max(taken.most, before.most) if before else taken.most
    tenfolds = _span(policy, least, most)
    spans = [(_span(policy, it.least, it.most), it) for it in others]
    counted = [it for span, it in spans if span[0] in tenfolds or tenfolds[0] in span]
    unbounded = _unbounded((*counted, *((before,) if before else ())))
    if unbounded:
        return unbounded
    sums = (sum((it.bound for span, it in spans if at in span), Fraction(0)) for at in tenfolds)
    return max(sums) + _worst(taken, before)


def spent_so_far(spent: Iterable[Spent], policy: Policy, clause: ResidualRisk, now: int) -> Fraction | Unknown:
    """What is spent by now of what a clause leaves: in the present year, or in the tenfold where it is most."""
    risk = next(it for it in policy.risks if it.id == clause.risk)
    mine = [it for it in spent if it.risk == risk.id]
    if clause.per == "year":
        mine = [it for it in mine if _in_year(it, risk, now)]
        return _unbounded(mine) or sum((it.bound for it in mine), Fraction(0))
    tenfolds: dict[int, Fraction] = {}
    for it in mine:
        for at in _span(policy, it.least, it.most):
            tenfolds[at] = tenfolds.get(at, Fraction(0)) + it.bound
    return _unbounded(mine) or max(tenfolds.values(), default=Fraction(0))


def spent_before(situation: Situation, action: str, taken: Taken) -> Fraction:
    """What was spent of this very thing before."""
    before = _apart(situation, action, taken)[1]
    return before.bound if before else Fraction(0)


def _worst(taken: Taken, before: Spent | None) -> Fraction:
    return max(taken.bound, before.bound) if before else taken.bound


def _span(policy: Policy, least: int, most: int) -> range:
    """The tenfolds of effective compute from so much training to so much."""
    low = _tenfold(floor(least * policy.factor))
    return range(low, max(_tenfold(ceil(most * policy.factor)), low) + 1)


def _tenfold(flops: int) -> int:
    """How many digits an amount has past its first: from 10^n FLOP on it is n, until 10^(n+1)."""
    return len(str(flops)) - 1


def spend(spent: dict[Key, Spent], decision: Decision, policy: Policy | None) -> tuple[Key, ...]:
    """Put down what a decision takes; returns that of which more is spent than before."""
    grown: list[Key] = []
    permit = decision.reach
    if permit is None:
        return ()
    released = decision.action == "release_weights"
    until = FOR_GOOD if released else min(permit.time, decision.now + permit.lease)
    anchors = {it.id: it.years_from for it in policy.risks} if policy else {}
    for taken in decision.risks:
        configuration = None if released or decision.action == "train" else decision.configuration
        anchor = anchors.get(taken.risk)
        ends = 0 if released else until + NO_YEARS if anchor is None else next_year(anchor, until)
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
            also=tuple(sorted({*taken.also, *(before.also if before else ())})),
            year_ends=max(ends, before.year_ends) if before else ends,
        )
        if before is None or _more(before, spent[key], policy.risks if policy else ()):
            grown.append(key)
    return tuple(grown)


def claimed_since(spent: dict[Key, Spent], entry: RiskClaimed) -> None:
    """Put down a later word on what was spent: a worse one counts, a better one gives nothing back.

    One on any weights of which a word counted then; and one on bare weights is of all that they are deployed as. Of
    what cannot be bounded each word stands until it is taken back, of these same weights.
    """
    word = Word(by=entry.actor, weights=entry.weights, configuration=entry.configuration)
    for key, it in spent.items():
        of_it = entry.weights in (it.weights, *it.also) and entry.configuration in (None, it.configuration)
        if of_it and (it.risk, it.action) == (entry.risk, entry.action):
            others = tuple(other for other in it.unbounded if other != word)
            changed: dict[str, object] = {"unbounded": others}
            if entry.bound is None:
                changed["unbounded"] = (*others, word)
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
