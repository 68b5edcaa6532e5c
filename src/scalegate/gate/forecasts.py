"""Forecasts that were recorded: which of them count, and how far training goes by them.

The gate works no forecast out. It checks what is exact: that a forecast was made from every result that there is, and
from each as the ledger has it; that its bound is no lower than any of its forms, nor than what was measured already;
and where that bound meets the alarm. Whether the numbers are those that the results give, `verify --deep` works out
again. Of several that count the worst does, so that a second one gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Literal

from scalegate.evidence.ahead import DIGITS, NEAR, amounts
from scalegate.gate.assessing import Assessment, all_shown, assess, whole_of
from scalegate.gate.lineage import Runs, steps_back
from scalegate.gate.pieces import Attempt, pieces, trained_in
from scalegate.gate.signed import Forecast
from scalegate.gate.situation import Piece, Situation
from scalegate.gate.stopping import look_alpha
from scalegate.ledger.forecast_entry import ForecastMade, ForecastPoint
from scalegate.policy.document import Domain, Policy
from scalegate.policy.forecast_faults import LEAST, LEAST_RESULTS
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.units import MAX_SAMPLES

__all__ = [
    "MOST_POINTS",
    "Forecasts",
    "end_of",
    "forecast_fact",
    "forecast_facts",
    "look_of",
    "points_of",
    "recorded_on_the_way",
    "still_due",
]

MOST_POINTS = 64
"""Most results that one is made from."""


def forecast_fact(domain: Domain) -> str:
    """How a domain's end by forecast is called."""
    return f"{domain.id}.forecast.end"


def look_of(policy: Policy) -> Fraction:
    """The error that one evaluation may spend, rounded up to a decimal."""
    return _up(look_alpha(policy))


@dataclass
class Forecasts:
    """What the fold knows of forecasts."""

    made: list[ForecastMade] = field(default_factory=list)

    def take(self, policy: Policy, attempts: Mapping[str, Attempt], runs: Runs, entry: ForecastMade) -> str | None:
        """Put one down. Returns why it counts for nothing, if it does."""
        domain = next((it for it in policy.domains if it.id == entry.domain), None)
        if domain is None:
            return f"the policy has no domain `{entry.domain}`"
        if entry.run not in runs:
            return f"run `{entry.run}` was never opened"
        due = points_of(policy, domain, pieces(attempts, runs, entry.run))
        wrong = _not_those(entry.points, due) or _inconsistent(entry)
        if wrong is None and entry.look != look_of(policy):
            wrong = "it takes evaluations to fail otherwise than the policy lets them"
        if wrong is None:
            self.made.append(entry)
        return wrong

    def of(self, policy: Policy, found: Sequence[Piece]) -> tuple[Forecast, ...]:
        """Those of a lineage with these evaluations, in the order of the ledger."""
        names = {it.evaluation for it in found}
        ids = {it.id for it in policy.domains if it.forecast is not None}
        return tuple(
            Forecast(
                domain=it.domain,
                by=it.actor,
                time=it.time,
                confidence=it.confidence,
                look=it.look,
                table=it.reference.table if it.reference else None,
                points=it.points,
                rows=it.rows,
            )
            for it in self.made
            if it.domain in ids and all(point.evaluation in names for point in it.points)
        )


def points_of(policy: Policy, domain: Domain, found: Iterable[Piece]) -> tuple[ForecastPoint, ...]:
    """Every result of a lineage that a forecast is made from, by compute and name.

    A bound is made by those on the way to its weights that are conclusive. Others may only make it larger: those that
    would be conclusive but for a second result or for what broke, and whatever an evaluator signed of the lineage that
    shows more than every conclusive one of no more compute: of a branch, of a configuration, in a probe, unannounced.
    """
    signed = [it for it in found if it.domain == domain.id and it.signed and it.status != "open" and not it.incident]
    judged = [assess(policy, domain, it) for it in signed]
    points, others = [], []
    for it in judged:
        role = _role(policy, domain, it)
        if role is None:
            others += [(it, shown) for shown in all_shown(it.piece)]
        else:
            points.append(_point(policy, it, role))
            others += [(it, shown) for shown in all_shown(it.piece)[1:]]
    counting = [it for it in points if it.role == "counts"]
    last = max((it.compute for it in counting), default=1)
    for it, (successes, completed) in others:
        point = _raising(policy, domain, it, successes, completed, last)
        below = (known for known in counting if known.compute <= point.compute and known.samples)
        if successes and all(point.successes * known.completed > known.successes * point.completed for known in below):
            points.append(point)
    return tuple(sorted(set(points), key=lambda it: (it.compute, it.evaluation, it.role, it.successes, it.completed)))


def _role(policy: Policy, domain: Domain, it: Assessment) -> Literal["counts", "kept"] | None:
    piece = it.piece
    on_the_way = piece.ancestor and piece.configuration is None and it.compute > 0
    if not on_the_way or not 0 <= piece.successes <= piece.completed <= max(piece.samples, 1) <= MAX_SAMPLES:
        return None
    if not it.faults:
        return "counts"
    whole = assess(policy, domain, piece.model_copy(update={"announced": True}))
    return "kept" if whole.otherwise else None


def _point(policy: Policy, it: Assessment, role: Literal["counts", "kept"]) -> ForecastPoint:
    piece = it.piece
    ended = piece.completed < piece.samples and it.bound is not None
    claimed = piece.compute_claimed
    return ForecastPoint(
        evaluation=piece.evaluation,
        compute=it.compute,
        successes=piece.successes,
        completed=piece.completed,
        samples=max(piece.samples, piece.completed),
        upper=min(_up(it.bound), Fraction(1)) if ended and it.bound is not None and it.bound > 0 else None,
        role=role,
        most=floor(claimed * policy.factor) if claimed is not None else None,
    )


def _raising(
    policy: Policy, domain: Domain, it: Assessment, successes: int, completed: int, last: int
) -> ForecastPoint:
    """With what was due and not completed as failures; and of unknown compute where it says the most."""
    piece = it.piece
    announced = piece.samples if completed == piece.completed else 0
    whole = max(whole_of(policy, domain, completed, piece.asked), announced)
    if whole > MAX_SAMPLES:
        successes, whole = successes * MAX_SAMPLES // whole, MAX_SAMPLES
    return ForecastPoint(
        evaluation=piece.evaluation,
        compute=last if piece.compute is None else max(it.compute, 1),
        successes=successes,
        completed=whole,
        samples=whole,
        upper=None,
        role="raises",
        most=None,
    )


def _up(value: Fraction) -> Fraction:
    return Fraction(ceil(value * 10**DIGITS), 10**DIGITS)


def _not_those(made_from: Sequence[ForecastPoint], due: Sequence[ForecastPoint]) -> str | None:
    """Whether it was made from other results than there are: one left out, put in, or put otherwise."""
    if tuple(made_from) == tuple(due):
        return None
    there, known = {it.evaluation: it for it in made_from}, {it.evaluation: it for it in due}
    left = [name for name in known if name not in there]
    if left:
        return f"it was not made from {len(left)} of the {len(due)} results that there are, as {left[0][:12]}..."
    strange = [name for name in there if name not in known]
    if strange:
        return f"it was made from {strange[0][:12]}..., which is no result on the way to this run's weights that counts"
    other = next((name for name, it in there.items() if it != known[name]), "")
    return f"it has {other[:12]}... otherwise than the ledger" if other else "its results are not in their order"


def _inconsistent(entry: ForecastMade) -> str | None:
    """What cannot be so of any forecast."""
    rows = entry.rows
    if not rows or not entry.points or not entry.forms:
        return "it has no results, no form, or no bound"
    if any(one.compute >= other.compute or one.bound > other.bound for one, other in pairwise(rows)):
        return "its compute does not grow from row to row, or its bound falls"
    counting = amounts(it.compute for it in entry.points if it.role == "counts")
    if entry.confidence <= LEAST:
        return f"no bound is one at a confidence of {float(entry.confidence):.0%}"
    if not counting or (len(counting) < LEAST_RESULTS and entry.reference is None):
        return f"results at {len(counting)} amounts of compute make no bound"
    if rows[0].compute < counting[-1]:
        return "its bounds begin before its last result"
    far = counting[-1] * counting[-1] * (NEAR + 1)
    if len(counting) >= LEAST_RESULTS and rows[-1].compute * counting[-LEAST_RESULTS] * NEAR > far:
        return f"its bounds go further ahead than its last {LEAST_RESULTS} results are apart"
    if any(len(form.bounds) != len(rows) for form in entry.forms):
        return "one of its forms has not a bound for each row"
    if any(form.bounds[at] > row.bound for form in entry.forms for at, row in enumerate(rows)):
        return "its bound is lower than that of one of its forms"
    if any(it.successes > rows[0].bound * it.completed for it in entry.points):
        return "its bound is lower than what was measured already"
    return None


def end_of(forecast: Forecast, alarm: Fraction) -> int:
    """Effective FLOP to which the bound stays under an alarm; 0: nowhere. Up to each row its own bound counts."""
    end = 0
    for row in forecast.rows:
        if row.bound >= alarm:
            break
        end = row.compute
    return end


def still_due(domain: Domain, due: Sequence[ForecastPoint]) -> int:
    """How many more results, each at another compute, the domain asks for before a forecast counts."""
    if domain.forecast is None:
        return 0
    least = (
        domain.forecast.at_least if domain.forecast.reference_table else max(domain.forecast.at_least, LEAST_RESULTS)
    )
    return max(least - len(amounts(it.compute for it in due if it.role == "counts")), 0)


def recorded_on_the_way(policy: Policy, runs: Runs, run: str) -> tuple[int, ...]:
    """Training FLOP in each recorded weights that a run's present ones grew from; none without a forecast to make."""
    if all(it.forecast is None for it in policy.domains):
        return ()
    known = (trained_in(runs, weights)[1] for weights in steps_back(runs, run))
    return tuple(sorted({it for it in known if it}))


def forecast_facts(policy: Policy, situation: Situation, domain: Domain) -> dict[str, Value]:
    """Up to where the worst forecast that counts stays under the alarm."""
    name, due = forecast_fact(domain), points_of(policy, domain, situation.pieces)
    more = still_due(domain, due)
    if more:
        what = f"a forecast of `{domain.id}` takes results at {more} more amount{'s' * (more > 1)} of compute"
        return {name: Unknown(Reason.MISSING, what)}
    mine = [it for it in situation.forecasts if it.domain == domain.id]
    reasons = [(it, "; ".join(_faults(policy, domain, it, due))) for it in mine]
    counting = [it for it, why in reasons if not why]
    if not counting:
        why = f": {reasons[-1][1]}" if reasons else ""
        return {name: Unknown(Reason.MISSING, f"there is no forecast of `{domain.id}` that counts{why}")}
    return {name: min(end_of(it, domain.alarm) for it in counting)}


def _faults(policy: Policy, domain: Domain, it: Forecast, due: Sequence[ForecastPoint]) -> Iterator[str]:
    asked = domain.forecast
    wrong = _not_those(it.points, due)
    if wrong is not None:
        yield f"of the last one, {wrong}"
    if asked is not None and it.confidence < asked.confidence:
        yield f"the last one is at {float(it.confidence):.1%}, and {float(asked.confidence):.1%} is due"
    if asked is not None and asked.reference_table not in (None, it.table):
        yield "the last one is not made from the table that the policy names"
    if it.look != look_of(policy):
        yield "the last one takes evaluations to fail otherwise than the policy lets them"
