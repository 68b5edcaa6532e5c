"""Forecasts that were recorded: which of them count, and how far training goes by them.

The gate works no forecast out. It checks what is exact: that a forecast was made from every result that there is, and
from each as the ledger has it; that its bound is no lower than any of its forms, nor than what was measured already;
and where that bound meets the alarm. Whether the numbers are those that the results give, `verify --deep` works out
again. Of several that count the worst does, so that a second one gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from scalegate.evidence.results import AHEAD, amounts, reaches
from scalegate.gate.assessing import assess
from scalegate.gate.forecast_points import as_decimal, least_results, own_of, points_of
from scalegate.gate.lineage import Runs, members, steps_back
from scalegate.gate.pieces import Attempt, descendants, pieces, trained_in
from scalegate.gate.signed import Forecast
from scalegate.gate.situation import Piece, Situation
from scalegate.gate.stopping import look_alpha
from scalegate.ledger.forecast_entry import ForecastMade, ForecastPoint
from scalegate.policy.document import Domain, Policy
from scalegate.policy.forecast_faults import LEAST, LEAST_RESULTS
from scalegate.policy.semantics import Reason, Unknown, Value

__all__ = [
    "MOST_POINTS",
    "Forecasts",
    "end_of",
    "forecast_fact",
    "forecast_facts",
    "keep_standing",
    "look_of",
    "own_of",
    "points_in",
    "points_of",
    "recorded_on_the_way",
    "results_in_order",
    "still_due",
    "way_of",
    "worst_of",
]

MOST_POINTS = 64
"""Most results that one is made from."""


def forecast_fact(domain: Domain) -> str:
    """How a domain's end by forecast is called."""
    return f"{domain.id}.forecast.end"


def look_of(policy: Policy) -> Fraction:
    """The error that one evaluation may spend, rounded up to a decimal."""
    return as_decimal(look_alpha(policy))


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
        mine, theirs = pieces(attempts, runs, entry.run), descendants(attempts, runs, entry.run)
        way, order = way_of(policy, runs, entry.run), results_in_order(policy, attempts)
        due = points_of(policy, domain, mine, theirs, way, order)
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


def points_in(policy: Policy, domain: Domain, situation: Situation) -> tuple[ForecastPoint, ...]:
    """Those of a situation."""
    lineage = situation.lineage
    return points_of(policy, domain, situation.pieces, situation.descendants, lineage.way, lineage.results)


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
    counting = amounts(it.compute for it in entry.points if "counts" in it.within)
    if entry.confidence <= LEAST:
        return f"no bound is one at a confidence of {float(entry.confidence):.0%}"
    if not counting or (len(counting) < LEAST_RESULTS and entry.reference is None):
        return f"results at {len(counting)} amounts of compute make no bound"
    if rows[0].compute < counting[-1]:
        return "its bounds begin before its last result"
    far = reaches(own_of(entry.points))
    if far is not None and rows[-1].compute > far:
        return f"its bounds go further ahead than {AHEAD}x its last result"
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
    return max(least_results(domain) - len(amounts(it.compute for it in due if "counts" in it.within)), 0)


def keep_standing(policy: Policy, attempts: Mapping[str, Attempt], runs: Runs) -> None:
    """Note of each result that it is conclusive, but for what spoiled it, under a version that ends: a forecast keeps
    it, whatever the next one asks for."""
    domains = {it.id: it for it in policy.domains}
    for run in runs:
        for piece in pieces(attempts, runs, run):
            attempt, domain = attempts.get(piece.evaluation), domains.get(piece.domain)
            if attempt is not None and domain is not None and piece.signed and not attempt.stood:
                attempt.stood = assess(policy, domain, piece).otherwise


def way_of(policy: Policy, runs: Runs, run: str) -> tuple[str, ...]:
    """The recorded weights of a run's lineage, in the order in which they were recorded; none without a forecast to
    make. That order stands, whatever is recorded again or gone back to."""
    if all(it.forecast is None for it in policy.domains):
        return ()
    found: dict[str, int] = {}
    for member in members(runs, run):
        for weights, at in runs[member].recorded_at.items():
            found[weights] = min(at, found.get(weights, at))
    return tuple(sorted(found, key=lambda weights: (found[weights], weights)))


def results_in_order(policy: Policy, attempts: Mapping[str, Attempt]) -> tuple[str, ...]:
    """Evaluations by when their first result came; none without a forecast to make."""
    if all(it.forecast is None for it in policy.domains):
        return ()
    come = {name: it.first_at for name, it in attempts.items() if it.finished is not None}
    return tuple(sorted(come, key=lambda name: (come[name], name)))


def recorded_on_the_way(policy: Policy, runs: Runs, run: str) -> tuple[int, ...]:
    """Training FLOP in each recorded weights that a run's present ones grew from; none without a forecast to make."""
    if all(it.forecast is None for it in policy.domains):
        return ()
    known = (trained_in(runs, weights)[1] for weights in steps_back(runs, run))
    return tuple(sorted({it for it in known if it}))


def forecast_facts(policy: Policy, situation: Situation, domain: Domain) -> dict[str, Value]:
    """Up to where the worst forecast that counts stays under the alarm."""
    name, due = forecast_fact(domain), points_in(policy, domain, situation)
    more = still_due(domain, due)
    if more:
        what = f"a forecast of `{domain.id}` takes results at {more} more amount{'s' * (more > 1)} of compute"
        return {name: Unknown(Reason.MISSING, what)}
    contested = next((it for it in due if it.contested), None)
    if contested is not None:
        what = f"of the weights of {contested.evaluation[:12]}... different runs say what compute is behind them"
        return {name: Unknown(Reason.UNDERMINED, what)}
    worst = worst_of(policy, situation, domain)
    if not isinstance(worst, Forecast):
        return {name: Unknown(Reason.MISSING, f"there is no forecast of `{domain.id}` that counts{worst}")}
    return {name: end_of(worst, domain.alarm)}


def worst_of(policy: Policy, situation: Situation, domain: Domain) -> Forecast | str:
    """Of the forecasts that count the one that lets training go least far; or why the last one does not count."""
    due = points_in(policy, domain, situation)
    mine = [it for it in situation.forecasts if it.domain == domain.id]
    reasons = [(it, "; ".join(_faults(policy, domain, it, due))) for it in mine]
    counting = [it for it, why in reasons if not why]
    if not counting:
        return f": {reasons[-1][1]}" if reasons else ""
    return min(counting, key=lambda it: end_of(it, domain.alarm))


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
