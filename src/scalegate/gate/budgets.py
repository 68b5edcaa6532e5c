"""Risk budgets: what permits rested on, added up over the record, within a year and within a tenfold of compute.

The sum is over claimed things, each once and with the worst bound on which a permit of it rested, or that was claimed
since of it, so it is no less than the chance that any of it comes about (union bound). Nothing is given back: a lower
claim later, or a permit that was not used up, takes nothing off. A new year begins with nothing spent but for what is
still in use then, and that is the one way in which time gives room: by a date of the policy. What is released stays in
use. Amounts are training FLOP, and scaled by the factor in force: an amendment moves nothing out of a tenfold that was
spent in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from scalegate.gate.decision import Taken
from scalegate.gate.situation import Situation, Spent
from scalegate.policy.document import Policy, ResidualRisk, Risk
from scalegate.policy.semantics import Reason, Unknown

__all__ = [
    "NOBODY",
    "Key",
    "cleared",
    "joined",
    "key_of",
    "next_year",
    "spent_before",
    "spent_in_all",
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
NOBODY = ""
"""In whose name it cannot be bounded what was permitted while no number was asked for."""


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


def _before(situation: Situation, action: str, taken: Taken) -> Spent | None:
    """What was spent of this very thing before."""
    key = key_of(situation, action, taken)
    return next((it for it in situation.spent if _key(it) == key and not it.unasked), None)


def _apart(situation: Situation, action: str, taken: Taken) -> tuple[list[Spent], Spent]:
    """What else was spent of the risk, and what is of this very thing with what is taken now."""
    before = _before(situation, action, taken)
    mine = joined(key_of(situation, action, taken), taken, before)
    return [it for it in situation.spent if it.risk == taken.risk and it is not before], mine


def joined(key: Key, taken: Taken, before: Spent | None) -> Spent:
    """What is spent of one thing once a permit takes so much of it."""
    risk, run, action, weights, configuration = key
    it = before or Spent(
        risk=risk,
        run=run,
        action=action,
        weights=weights,
        configuration=configuration,
        bound=taken.bound,
        least=taken.least,
        most=taken.most,
        last=0,
    )
    return it.model_copy(
        update={
            "bound": max(taken.bound, it.bound),
            "least": min(taken.least, it.least),
            "most": max(taken.most, it.most),
            "also": tuple(sorted({*taken.also, *it.also})),
        }
    )


def spent_in_year(situation: Situation, action: str, risk: Risk, taken: Taken) -> Fraction | Unknown:
    """All that would be spent in the present year of the budget, with what is taken now."""
    others, mine = _apart(situation, action, taken)
    return _sum([*(it for it in others if _in_year(it, risk, situation.now)), mine])


def _in_year(spent: Spent, risk: Risk, now: int) -> bool:
    """Whether it counts in the present year: in use in it, or in one that had not ended when years were moved."""
    return spent.last >= year_of(risk.years_from or 0, now) or spent.year_ends > now


def _sum(counted: Sequence[Spent]) -> Fraction | Unknown:
    """What was spent of all of these together, and of what was claimed since of what they came to: each thing once.

    Unknown once one of them has no bound.
    """
    come_to: dict[tuple[str, str, str | None], Fraction] = {}
    for it in counted:
        for word in it.said:
            thing = it.action, word.weights, word.configuration
            come_to[thing] = max(come_to.get(thing, Fraction(0)), word.bound or Fraction(0))
    whole = sum((it.bound for it in counted), Fraction(0))
    for (action, weights, configuration), bound in come_to.items():
        mine = (it for it in counted if (it.action, it.weights) == (action, weights))
        own = (it.bound for it in mine if configuration in (None, it.configuration))
        whole += max(bound - max(own, default=Fraction(0)), Fraction(0))
    return _unbounded(counted) or whole


def _unbounded(counted: Iterable[Spent]) -> Unknown | None:
    """That a sum has no bound; None: it has."""
    for it in counted:
        what = f"the risk `{it.risk}` for `{it.action}` of weights {it.weights[:12]}..."
        if any(word.by == NOBODY for word in it.unbounded):
            text = f"what was permitted of {what} while the policy had no number for it is not bounded since: those who"
            text += f" may claim the risk bound it, of weights {it.weights[:12]}..."
            return Unknown(Reason.UNDERMINED, text)
        if it.unbounded:
            names = ", ".join(dict.fromkeys(f"`{word.by}`" for word in it.unbounded))
            others = dict.fromkeys(f"{word.weights[:12]}..." for word in it.unbounded if word.weights != it.weights)
            of = f", of {', '.join(others)}, which that came to or comes from" if others else ""
            text = (
                f"what permits took of {what} cannot be bounded, says {names} since{of}: until they bound it again, or"
            )
            text += " others in the place of who may claim it no more"
            return Unknown(Reason.UNDERMINED, text)
    return None


def spent_in_tenfold(policy: Policy, situation: Situation, action: str, taken: Taken) -> Fraction | Unknown:
    """The most that would be spent in any tenfold of effective compute that this is in."""
    others, mine = _apart(situation, action, taken)
    tenfolds = _span(policy, mine.least, mine.most)
    return _most([*others, mine], policy, tenfolds)


def _most(counted: Iterable[Spent], policy: Policy, tenfolds: Iterable[int]) -> Fraction | Unknown:
    """The most that was spent in any of these tenfolds."""
    spans = [(_span(policy, it.least, it.most), it) for it in counted]
    sums = [_sum([it for span, it in spans if at in span]) for at in tenfolds]
    unknown = next((it for it in sums if isinstance(it, Unknown)), None)
    return unknown or max((it for it in sums if not isinstance(it, Unknown)), default=Fraction(0))


def spent_so_far(spent: Iterable[Spent], policy: Policy, clause: ResidualRisk, now: int) -> Fraction | Unknown:
    """What is spent by now of what a clause leaves: in the present year, or in the tenfold where it is most."""
    risk = next(it for it in policy.risks if it.id == clause.risk)
    mine = [it for it in spent if it.risk == risk.id]
    if clause.per == "year":
        return _sum([it for it in mine if _in_year(it, risk, now)])
    return _most(mine, policy, {at for it in mine for at in _span(policy, it.least, it.most)})


def spent_in_all(spent: Iterable[Spent]) -> Fraction | Unknown:
    """What all of this comes to, in whatever year and tenfold."""
    return _sum([*spent])


def spent_before(situation: Situation, action: str, taken: Taken) -> Fraction:
    """What was spent of this very thing before."""
    before = _before(situation, action, taken)
    return before.bound if before else Fraction(0)


def _span(policy: Policy, least: int, most: int) -> range:
    """The tenfolds of effective compute from so much training to so much."""
    low = _tenfold(floor(least * policy.factor))
    return range(low, max(_tenfold(ceil(most * policy.factor)), low) + 1)


def _tenfold(flops: int) -> int:
    """How many digits an amount has past its first: from 10^n FLOP on it is n, until 10^(n+1)."""
    return len(str(flops)) - 1


def cleared(situation: Situation, risk: Risk) -> Situation:
    """As it would be if what was spent could be bounded after all."""
    spent = (it.model_copy(update={"unbounded": ()}) if it.risk == risk.id else it for it in situation.spent)
    return situation.model_copy(update={"spent": tuple(spent)})


def unbounded_since(situation: Situation, risk: Risk) -> tuple[Spent, ...]:
    """What was spent of the risk and is said since to have no bound."""
    return tuple(it for it in situation.spent if it.risk == risk.id and it.unbounded)
