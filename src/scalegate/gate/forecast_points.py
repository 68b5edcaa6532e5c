"""The results that a forecast is made from, each with the bases that it is in."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

from scalegate.evidence.ahead import DIGITS
from scalegate.evidence.results import BASES, Basis, Own
from scalegate.gate.assessing import Assessment, all_shown, assess, whole_of
from scalegate.gate.clustering import can_be
from scalegate.gate.signed import Forecast
from scalegate.gate.situation import Piece
from scalegate.ledger.forecast_entry import ForecastPoint
from scalegate.policy.document import Domain, Policy
from scalegate.policy.forecast_faults import LEAST_RESULTS
from scalegate.units import MAX_SAMPLES

__all__ = ["about_same", "as_decimal", "gone_past", "least_results", "own_of", "points_of"]


def points_of(
    policy: Policy,
    domain: Domain,
    found: Iterable[Piece],
    theirs: Iterable[Piece],
    way: Sequence[str],
    order: Sequence[str],
    before: Sequence[Forecast] = (),
) -> tuple[ForecastPoint, ...]:
    """Every result of a lineage that a forecast is made from, by compute and name.

    theirs: of weights that grew from the lineage's. way: all recorded weights of the lineage, as they were recorded one
    after the other. order: evaluations, in the order of their results. before: forecasts that were made, in theirs.

    Each base is built from results in their order, which only ever get more: one is taken if it is the first of its
    weights and these were recorded after those of all before it, or as long as there are too few. So no base loses what
    it has, but for those in whatever order. What a forecast was made from once stays a base, with each result that
    comes past all of it, whatever has become of it or is asked for since. What could be in a base and is in none keeps
    its compute and is put back by itself (`sets_of`). Whatever else an evaluator signed of the lineage, or of what grew
    from it, may only raise a bound where it shows more than all that counts: of a configuration, in a probe,
    unannounced.
    """
    place = {weights: at for at, weights in enumerate(way)}
    come = {name: at for at, name in enumerate(order)}
    signed = [it for it in (*found, *theirs) if _speaks(domain, it)]
    judged = [assess(policy, domain, it) for it in signed]
    ordered = sorted(judged, key=lambda it: come.get(it.piece.evaluation, len(come)))
    able = [(it, _able(policy, domain, it, place)) for it in ordered]
    chains = {name: _chain(domain, [it for it, bases in able if name in bases], place) for name in BASES}
    for name in ("now", "was", "ever"):
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
    points = _with_former(domain, points, before)
    return tuple(sorted(set(points), key=lambda it: (it.compute, it.evaluation, it.within, it.successes, it.completed)))


def _with_former(domain: Domain, points: Sequence[ForecastPoint], before: Sequence[Forecast]) -> list[ForecastPoint]:
    """The results, and the bases of former forecasts, where these are not among theirs: each as it was then."""
    found = list(points)
    bases = {name: {it for it in found if name in it.within} for name in BASES}
    known = [{_bare(it) for it in base} for base in bases.values()]
    for forecast in before:
        if not about_same(domain, forecast, points):
            continue
        since = {_bare(it) for it in gone_past(forecast, points)}
        for former in dict.fromkeys(name for it in forecast.points for name in it.within):
            base = since | {_bare(it) for it in forecast.points if former in it.within}
            if base not in known:
                known.append(base)
                _put_down(found, base)
    return found


def _put_down(found: list[ForecastPoint], base: Collection[ForecastPoint]) -> None:
    """Say of each of these results that it is in the base, which is called by what is in it: so it has one name,
    whatever else there is. What is among them with other numbers is put down as it was."""
    what = "".join(sorted(f"{it.evaluation} {it.compute} {it.successes} {it.completed}\n" for it in base))
    name = "former-" + hashlib.sha256(what.encode()).hexdigest()[:12]
    there = {_bare(it): at for at, it in enumerate(found) if it.compute}
    for it in base:
        if it in there:
            at = there[it]
            found[at] = found[at].model_copy(update={"within": (*found[at].within, name)})
        else:
            found.append(it.model_copy(update={"within": (name,)}))


def _bare(it: ForecastPoint) -> ForecastPoint:
    """A result by its numbers, whatever bases it is in and whatever is said of its weights since."""
    return it.model_copy(update={"within": (), "contested": False})


def about_same(domain: Domain, forecast: Forecast, points: Iterable[ForecastPoint]) -> bool:
    """Whether it is of this domain, by whatever name it was called then."""
    mine = {it.evaluation for it in points}
    return forecast.domain == domain.id or any(it.evaluation in mine for it in forecast.points)


def gone_past(forecast: Forecast, points: Iterable[ForecastPoint]) -> Iterator[ForecastPoint]:
    """The results that count and came past all that a forecast was made from: of weights that were recorded later, and
    have more compute behind them."""
    made_from = [it for it in forecast.points if it.compute]
    most, last = max((it.compute for it in made_from), default=0), max((it.place for it in made_from), default=0)
    yield from (it for it in points if "counts" in it.within and it.compute > most and it.place > last)


def _speaks(domain: Domain, it: Piece) -> bool:
    return it.domain == domain.id and it.signed and it.status != "open" and not it.incident


def _chain(domain: Domain, able: Sequence[Assessment], place: Mapping[str, int]) -> list[Assessment]:
    """Of these, in their order, those that each go on from the ones before."""
    taken: list[Assessment] = []
    places: list[int] = []
    for it in able:
        at = place[it.piece.weights]
        short = len(places) < least_results(domain)
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
    able |= {"now": able["counts"], "was": able["kept"] and piece.ancestor, "ever": able["kept"]}
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
        upper=min(as_decimal(it.bound), Fraction(1)) if ended and it.bound is not None and it.bound > 0 else None,
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


def as_decimal(value: Fraction) -> Fraction:
    return Fraction(ceil(value * 10**DIGITS), 10**DIGITS)


def least_results(domain: Domain) -> int:
    """Results that a forecast is made from at the least."""
    asked = domain.forecast
    if asked is None:
        return LEAST_RESULTS
    return asked.at_least if asked.reference_table else max(asked.at_least, LEAST_RESULTS)
