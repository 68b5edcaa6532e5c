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

from scalegate.evidence.ahead import DIGITS
from scalegate.evidence.results import NEAR, Own, amounts, reaches
from scalegate.gate.assessing import Assessment, all_shown, assess, whole_of
from scalegate.gate.lineage import Runs, steps_back
from scalegate.gate.pieces import Attempt, descendants, pieces, trained_in
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
    "own_of",
    "points_in",
    "points_of",
    "recorded_on_the_way",
    "still_due",
    "way_of",
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
        mine, theirs = pieces(attempts, runs, entry.run), descendants(attempts, runs, entry.run)
        due = points_of(policy, domain, mine, theirs, way_of(policy, runs, entry.run))
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
    return points_of(policy, domain, situation.pieces, situation.descendants, situation.lineage.way)


def points_of(
    policy: Policy, domain: Domain, found: Iterable[Piece], theirs: Iterable[Piece], way: Sequence[str]
) -> tuple[ForecastPoint, ...]:
    """Every result of a lineage that a forecast is made from, by compute and name.

    found: in the order in which they were announced. theirs: of weights that grew from the lineage's. way: the recorded
    weights that the present ones grew from, oldest first.

    A bound is made by those on the way that are conclusive, each the first of its weights; and of weights that come
    before others that count already only as long as there are too few. Others may only make it larger: those that were
    announced on the way and would count but for a second result, for what broke or for samples without outcome; and
    whatever an evaluator signed of the lineage, or of what grew
    from it, that shows more than every one that counts of no more compute: a second one of the same weights, of a
    branch, of a configuration, in a probe, unannounced.
    """
    place = {weights: at for at, weights in enumerate(way)}
    signed = [it for it in (*found, *theirs) if _speaks(domain, it)]
    judged = [assess(policy, domain, it) for it in signed]
    able = [(it, _role(policy, domain, it, place)) for it in judged]
    counting = _chain(domain, [it for it, role in able if role == "counts"], place)
    kept = _chain(domain, [it for it, role in able if role is not None], place)
    points, others = [], []
    for it, role in able:
        own = role is not None and any(it is other for other in (counting if role == "counts" else kept))
        if role is not None and own:
            points.append(_point(policy, it, role, place[it.piece.weights]))
        others += [(it, shown) for shown in all_shown(it.piece)[1 if own else 0 :]]
    known = [it for it in points if it.role == "counts"]
    last = max((it.compute for it in known), default=1)
    for it, (successes, completed) in others:
        point = _raising(policy, domain, it, successes, completed)
        at = min(point.compute or last, last)
        below = (other for other in known if other.compute <= at and other.samples)
        if successes and all(point.successes * other.completed > other.successes * point.completed for other in below):
            points.append(point)
    return tuple(sorted(set(points), key=lambda it: (it.compute, it.evaluation, it.role, it.successes, it.completed)))


def _speaks(domain: Domain, it: Piece) -> bool:
    return it.domain == domain.id and it.signed and it.status != "open" and not it.incident


def _chain(domain: Domain, able: Sequence[Assessment], place: Mapping[str, int]) -> list[Assessment]:
    """Of these, in the order in which they were announced, those that each go on from the ones before."""
    taken: list[Assessment] = []
    places: list[int] = []
    for it in able:
        at = place[it.piece.weights]
        short = len(places) < _least(domain)
        if at not in places and (short or at > max(places)):
            taken.append(it)
            places.append(at)
    return taken


def _role(policy: Policy, domain: Domain, it: Assessment, place: Mapping[str, int]) -> Literal["counts", "kept"] | None:
    piece = it.piece
    on_the_way = piece.ancestor and piece.configuration is None and it.compute > 0 and piece.weights in place
    on_the_way = on_the_way and piece.origin is None
    if not on_the_way or not 0 <= piece.successes <= piece.completed <= max(piece.samples, 1) <= MAX_SAMPLES:
        return None
    if not it.faults:
        return "counts"
    whole = assess(policy, domain, piece.model_copy(update={"announced": True}))
    tried = piece.announced and piece.elicitation != "none" and piece.completed > 0
    return "kept" if tried or whole.otherwise else None


def _point(policy: Policy, it: Assessment, role: Literal["counts", "kept"], place: int) -> ForecastPoint:
    piece = it.piece
    successes, completed, samples = _counts(piece)
    ended = piece.completed < piece.samples and it.bound is not None
    claimed = piece.compute_claimed
    return ForecastPoint(
        evaluation=piece.evaluation,
        compute=it.compute,
        successes=successes,
        completed=completed,
        samples=samples,
        upper=min(_up(it.bound), Fraction(1)) if ended and it.bound is not None and it.bound > 0 else None,
        role=role,
        most=floor(claimed * policy.factor) if claimed is not None else None,
        place=place,
        clustered=piece.clusters is not None,
    )


def _counts(piece: Piece) -> tuple[int, int, int]:
    """Successes, what was completed, and what there was to be: of clusters where they are told, by the higher rate.

    To add items to a cluster, or a cluster of failures, makes neither rate of the others lower.
    """
    if piece.clusters is None:
        return piece.successes, piece.completed, max(piece.samples, piece.completed)
    number = sum(many for _, _, many in piece.clusters)
    mean = sum((Fraction(of, items) * many for of, items, many in piece.clusters if items), Fraction(0))
    rate = Fraction(piece.successes, piece.completed) if piece.completed else Fraction(0)
    missing = max(piece.samples - piece.completed, 0)
    return min(ceil(max(mean, rate * number)), number), number, number + missing


def _raising(policy: Policy, domain: Domain, it: Assessment, successes: int, completed: int) -> ForecastPoint:
    """With what was due and not completed as failures; of unknown compute it is put where it says the most."""
    piece = it.piece
    claimed = piece.compute_claimed
    announced = piece.samples if completed == piece.completed else 0
    whole = max(whole_of(policy, domain, completed, piece.asked), announced)
    if whole > MAX_SAMPLES:
        successes, whole = successes * MAX_SAMPLES // whole, MAX_SAMPLES
    return ForecastPoint(
        evaluation=piece.evaluation,
        compute=0 if piece.compute is None else max(it.compute, 1),
        successes=successes,
        completed=whole,
        samples=whole,
        upper=None,
        role="raises",
        most=floor(claimed * policy.factor) if claimed is not None else None,
        place=0,
        clustered=False,
    )


def own_of(points: Iterable[ForecastPoint]) -> list[Own]:
    """The results of an entry, as they are forecast from."""
    return [
        Own(it.compute, it.successes, it.completed, it.samples, it.upper, it.role, it.most, it.place, it.clustered)
        for it in points
    ]


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
    far = reaches(own_of(entry.points))
    if far is not None and rows[-1].compute * NEAR > far * (NEAR + 1):
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
    return max(_least(domain) - len(amounts(it.compute for it in due if it.role == "counts")), 0)


def _least(domain: Domain) -> int:
    """Results that a forecast is made from at the least."""
    asked = domain.forecast
    if asked is None:
        return LEAST_RESULTS
    return asked.at_least if asked.reference_table else max(asked.at_least, LEAST_RESULTS)


def way_of(policy: Policy, runs: Runs, run: str) -> tuple[str, ...]:
    """The recorded weights that a run's present ones grew from, and these, oldest first; none without a forecast to
    make."""
    if all(it.forecast is None for it in policy.domains):
        return ()
    return tuple(reversed(steps_back(runs, run)))


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
