"""The results that a forecast is made from, each with the bases that it is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

from scalegate.evidence.ahead import DIGITS
from scalegate.evidence.results import BASES, Basis, Own
from scalegate.gate.assessing import Assessment, all_shown, assess, whole_of
from scalegate.gate.clustering import can_be
from scalegate.gate.situation import Piece
from scalegate.ledger.forecast_entry import ForecastPoint
from scalegate.policy.document import Domain, Policy
from scalegate.policy.forecast_faults import LEAST_RESULTS
from scalegate.units import MAX_SAMPLES

__all__ = ["as_decimal", "least_results", "own_of", "points_of"]


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

    Of each it is told in which bases it is, and the how manieth result it was: which sets of them are bounded follows
    from that (`bases_of`). What is in none may only raise a bound, where it shows more than all that counts: whatever
    an evaluator signed of a configuration, in a probe, unannounced, or of what grew from the lineage.
    """
    place = {weights: at for at, weights in enumerate(way)}
    come = {name: at for at, name in enumerate(order)}
    signed = [it for it in (*found, *theirs) if _speaks(domain, it)]
    judged = [assess(policy, domain, it) for it in signed]
    ordered = sorted(judged, key=lambda it: come.get(it.piece.evaluation, len(come)))
    able = [(it, _able(policy, domain, it, place)) for it in ordered]
    points: list[ForecastPoint] = []
    others: list[tuple[Assessment, tuple[int, int]]] = []
    raising: list[ForecastPoint] = []
    for it, within in able:
        if within:
            points.append(_point(policy, domain, it, within, place[it.piece.weights], len(points)))
        others += [(it, shown) for shown in all_shown(it.piece)[1 if within else 0 :]]
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
    stood = whole.otherwise or piece.stood
    able = {"counts": not it.faults and piece.ancestor, "was": stood and piece.ancestor, "kept": stood}
    able["tried"] = tried or stood
    return tuple(name for name in BASES if able[name])


def _point(
    policy: Policy, domain: Domain, it: Assessment, within: tuple[Basis, ...], place: int, come: int
) -> ForecastPoint:
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
        come=come,
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
        come=0,
        contested=False,
        least=None,
    )


def own_of(points: Iterable[ForecastPoint]) -> list[Own]:
    """The results of an entry, as they are forecast from."""
    return [
        Own(it.compute, it.successes, it.completed, it.samples, it.upper, it.within, it.place, it.come, it.least)
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
