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

from scalegate.evidence.ahead import DIGITS
from scalegate.evidence.results import AHEAD, BASES, Basis, Own, amounts, reaches
from scalegate.gate.assessing import Assessment, all_shown, assess, whole_of
from scalegate.gate.clustering import can_be
from scalegate.gate.lineage import Runs, members, steps_back
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
    "results_in_order",
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


def points_of(
    policy: Policy,
    domain: Domain,
    found: Iterable[Piece],
    theirs: Iterable[Piece],
    way: Sequence[str],
    order: Sequence[str],
) -> tuple[ForecastPoint, ...]:
    """Every result of a lineage that a forecast is made from, by compute and name.

    theirs: of weights that grew from the lineage's. way: all recorded weights of the lineage, as they were recorded one
    after the other. order: evaluations, in the order of their results.

    Each base is built from results in their order, which only ever get more: one is taken if it is the first of its
    weights and these were recorded after those of all before it, or as long as there are too few. So no base loses what
    it has, but for those of what is and was conclusive. What could be in a base and is in none keeps its compute and is
    put back by itself (`sets_of`). Whatever else an evaluator signed of the lineage, or of what grew from it, may only
    raise a bound where it shows more than all that counts: of a configuration, in a probe, unannounced.
    """
    place = {weights: at for at, weights in enumerate(way)}
    come = {name: at for at, name in enumerate(order)}
    signed = [it for it in (*found, *theirs) if _speaks(domain, it)]
    judged = [assess(policy, domain, it) for it in signed]
    ordered = sorted(judged, key=lambda it: come.get(it.piece.evaluation, len(come)))
    able = [(it, _able(policy, domain, it, place)) for it in ordered]
    chains = {name: _chain(domain, [it for it, bases in able if name in bases], place) for name in BASES}
    for name in ("now", "was"):
        first = {it.piece.weights: it for it, bases in reversed(able) if name in bases}
        chains[name] = list(first.values())
    points, others = [], []
    raising: list[ForecastPoint] = []
    for it, bases in able:
        within = tuple(name for name in BASES if any(it is other for other in chains[name]))
        if bases:
            points.append(_point(policy, domain, it, within, place[it.piece.weights]))
        others += [(it, shown) for shown in all_shown(it.piece)[1 if bases else 0 :]]
    most = max((Fraction(it.successes, it.completed) for it in points if "counts" in it.within), default=Fraction(0))
    for it, (successes, completed) in others:
        point = _raising(policy, domain, it, successes, completed)
        if point.successes > most * point.completed:
            raising.append(point)
    # Of two that show more of fewer samples says all that the other does.
    raising.sort(key=lambda it: (-it.successes, it.completed, it.evaluation))
    for at, point in enumerate(raising):
        if all(it.completed > point.completed for it in raising[:at]):
            points.append(point)
    return tuple(sorted(set(points), key=lambda it: (it.compute, it.evaluation, it.within, it.successes, it.completed)))


def _speaks(domain: Domain, it: Piece) -> bool:
    return it.domain == domain.id and it.signed and it.status != "open" and not it.incident


def _chain(domain: Domain, able: Sequence[Assessment], place: Mapping[str, int]) -> list[Assessment]:
    """Of these, in their order, those that each go on from the ones before."""
    taken: list[Assessment] = []
    places: list[int] = []
    for it in able:
        at = place[it.piece.weights]
        short = len(places) < _least(domain)
        if at not in places and (short or at > max(places)):
            taken.append(it)
            places.append(at)
    return taken


def _able(policy: Policy, domain: Domain, it: Assessment, place: Mapping[str, int]) -> tuple[Basis, ...]:
    """The bases that it may be in."""
    piece = it.piece
    ours = piece.weights in place and piece.origin is None and piece.configuration is None and it.compute > 0
    if not ours or not 0 <= piece.successes <= piece.completed <= max(piece.samples, 1) <= MAX_SAMPLES:
        return ()
    whole = it if piece.announced else assess(policy, domain, piece.model_copy(update={"announced": True}))
    # One of fewer samples than are due, or cut short, bounds nothing and may only raise: else whoever measures these
    # weights again is held for good by a crash or a smoke test.
    due = whole_of(policy, domain, piece.completed, piece.asked)
    tried = not piece.beside and piece.elicitation != "none" and due <= piece.completed == piece.samples
    able = {"counts": not it.faults and piece.ancestor, "kept": whole.otherwise, "tried": tried or whole.otherwise}
    able |= {"now": able["counts"], "was": whole.otherwise and piece.ancestor}
    return tuple(name for name in BASES if able[name])


def _point(policy: Policy, domain: Domain, it: Assessment, within: tuple[Basis, ...], place: int) -> ForecastPoint:
    piece = it.piece
    successes, completed, samples, least = _counts(domain, piece)
    ended = piece.completed < piece.samples and it.bound is not None
    return ForecastPoint(
        evaluation=piece.evaluation,
        compute=it.compute,
        successes=successes,
        completed=completed,
        samples=samples,
        upper=min(_up(it.bound), Fraction(1)) if ended and it.bound is not None and it.bound > 0 else None,
        within=within,
        place=place,
        contested=piece.compute_claimed is not None,
        least=least,
    )


def _counts(domain: Domain, piece: Piece) -> tuple[int, int, int, int | None]:
    """Successes, what was completed, and what there was to be; of clusters, where these are the observation, by the
    higher of their rates, with successes by the lower."""
    if piece.clusters is None or domain.clusters is None or not can_be(piece):
        return piece.successes, piece.completed, max(piece.samples, piece.completed), None
    number = sum(many for _, _, many in piece.clusters)
    mean = sum((Fraction(of, items) * many for of, items, many in piece.clusters if items), Fraction(0))
    rate = Fraction(piece.successes, piece.completed) if piece.completed else Fraction(0)
    ends = sorted((mean, rate * number))
    missing = max(piece.samples - piece.completed, 0)
    return min(ceil(ends[1]), number), number, number + missing, floor(ends[0])


def _raising(policy: Policy, domain: Domain, it: Assessment, successes: int, completed: int) -> ForecastPoint:
    """By the higher rate; with what was due at the least, and not completed, as failures."""
    piece = it.piece
    whole = whole_of(policy, domain, completed, piece.asked)
    if (successes, completed) == (piece.successes, piece.completed) and domain.clusters is not None:
        by_clusters = _counts(domain, piece)
        if by_clusters[3] is not None and by_clusters[0] * whole > successes * by_clusters[1]:
            successes, whole = by_clusters[:2]
    if whole > MAX_SAMPLES:
        successes, whole = successes * MAX_SAMPLES // whole, MAX_SAMPLES
    return ForecastPoint(
        evaluation=piece.evaluation,
        compute=0,
        successes=successes,
        completed=whole,
        samples=whole,
        upper=None,
        within=(),
        place=0,
        contested=False,
        least=None,
    )


def own_of(points: Iterable[ForecastPoint]) -> list[Own]:
    """The results of an entry, as they are forecast from."""
    return [
        Own(it.compute, it.successes, it.completed, it.samples, it.upper, it.within, it.place, it.least)
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
    return max(_least(domain) - len(amounts(it.compute for it in due if "counts" in it.within)), 0)


def _least(domain: Domain) -> int:
    """Results that a forecast is made from at the least."""
    asked = domain.forecast
    if asked is None:
        return LEAST_RESULTS
    return asked.at_least if asked.reference_table else max(asked.at_least, LEAST_RESULTS)


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
