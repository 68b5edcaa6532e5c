"""Results that a run's forecast is made from: how sure each is, and the sets that are bounded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from math import exp, inf, log, log10
from typing import Literal, TypeAlias

from scalegate.evidence import binomial

__all__ = [
    "AHEAD",
    "BASES",
    "EDGE",
    "LEAST",
    "NEAR",
    "At",
    "Basis",
    "Own",
    "Role",
    "amounts",
    "bases_of",
    "goes_on",
    "merged",
    "odds_of",
    "reaches",
    "role_of",
    "sets_of",
    "share_of",
]

LEAST = 3
"""Results, each at another compute, under which a run's own make no bound."""
AHEAD = 4
"""How many times the compute of the last result a bound is given for. A choice: at such a growth published policies
evaluate anew at the latest. It turns on no result, so that neither more of them nor fewer reach farther."""
EDGE = 0.001
"""Rates nearer to 0 or 1 than this are taken as this far; of how little one may be it is where nothing is said."""
HEAVIER = 3
"""A little more than e: by how much likelier a mean of clusters may be far off than one of single items."""
SHARED = 12
"""Among so many results the error is shared, also where there are fewer: so it turns on none whether another's interval
is wide enough for a line. It is how many evaluations of a domain the example policies spend alpha on."""
NEAR = 10**9
"""Amounts of compute nearer to each other than one part of so many are the same."""


Basis: TypeAlias = Literal["counts", "was", "kept", "tried"]
"""Of what a bound is made: what is conclusive on the way to the present weights; what is or was there; what is or was
on any recorded weights of the lineage; and whatever was tried on these."""
BASES: tuple[Basis, ...] = ("counts", "was", "kept", "tried")
Role: TypeAlias = Literal["counts", "kept", "raises"]
"""What a result may do: make a bound; or what was to make one, and what is too weak for that, only make it larger."""


@dataclass(frozen=True)
class Own:
    """What one evaluation of the run showed."""

    compute: int
    """Effective FLOP behind the weights; 0 of one that is none of weights on the way."""
    successes: int
    completed: int
    samples: int
    """Samples that there were to be; more than `completed`, where a rule ended it."""
    upper: Fraction | None = None
    """Of one that a rule ended: the upper bound of its rate by the rule."""
    within: tuple[Basis, ...] = BASES
    """The bases that it is in; in none it may only raise."""
    place: int = 0
    """Of one that has compute: which of the weights of the lineage it is of. Two of one place are of the same."""
    come: int = 0
    """There, the how manieth result it was."""
    least: int | None = None
    """Where it is of clusters, successes by the lower of the two rates that these have, rounded down."""

    @property
    def role(self) -> Role:
        return role_of(self.within)


def role_of(within: Sequence[Basis]) -> Role:
    return "counts" if "counts" in within else "kept" if within else "raises"


@dataclass(frozen=True)
class At:
    """All results at one compute, in log odds: an exact interval of the rate, and what was seen."""

    compute: int
    low: float
    seen: float
    high: float
    sure: float
    """The least that it can be by any of them; `low` is the least that a line may be there."""

    @property
    def x(self) -> float:
        return log10(self.compute)


def amounts(computes: Iterable[int]) -> list[int]:
    """Those that are another amount: over one part in `NEAR` more than the one before."""
    found: list[int] = []
    for it in sorted(computes):
        if not found or (it - found[-1]) * NEAR > found[-1]:
            found.append(it)
    return found


def reaches(results: Iterable[Own]) -> int | None:
    """Up to how much compute a run's own results make any bound; None: they make none."""
    at = amounts(it.compute for it in results if it.role == "counts")
    return AHEAD * at[-1] if len(at) >= LEAST else None


def bases_of(results: Sequence[Own]) -> Iterator[list[Own]]:
    """What bounds are made from without anything that only raises, in the order of their weights."""
    seen: list[list[Own]] = []
    for name in BASES:
        for found in _as_it_stood([it for it in results if name in it.within]):
            base = sorted(found, key=lambda it: (it.place, it.compute, it.come))
            if base in seen:
                continue
            seen.append(base)
            near = amounts(it.compute for it in base)
            first = list({bisect_right(near, it.compute): it for it in reversed(base)}.values())[::-1]
            for one in (base, first) if len(first) < len(base) else (base,):
                yield one
                # What is low before and high after is the steepest: of clusters either rate may be the true one.
                for split in range(1, len(one) + 1) if any(it.least is not None for it in one) else ():
                    yield [*(_by_the_lower(it) for it in one[:split]), *one[split:]]


def goes_on(it: Own, before: Iterable[Own]) -> bool:
    """Whether a result is or was conclusive, and past all such."""
    known = (one for one in before if "kept" in one.within)
    return "kept" in it.within and all(it.place > one.place and it.compute > one.compute for one in known)


def _as_it_stood(results: Iterable[Own]) -> list[list[Own]]:
    """All results as they stood after each that did not go on from those before it, with what went on since.

    One goes on that is or was conclusive, of later weights with more compute than all such before it. Any other adds a
    set, and changes none: so a bound made from all of them is made no lower by it.
    """
    there: list[Own] = []
    sets: list[list[Own]] = []
    for it in sorted(results, key=lambda it: it.come):
        before, there = there, [*there, it]
        if len(amounts(one.compute for one in before)) < LEAST:
            # What is too little for a line is no base beside others.
            sets = [there]
        elif goes_on(it, before):
            sets = [[*one, it] for one in sets]
        else:
            sets.append(there)
    return sets


def _by_the_lower(it: Own) -> Own:
    return it if it.least is None else replace(it, successes=it.least)


def sets_of(results: Sequence[Own]) -> Iterator[list[Own]]:
    """Every base, and each with every result that is not in it by itself: at the base's last amount of compute, for to
    have come to as much with less is worse, and whose claim of compute is true nobody needs to know; and at its own,
    where it has any, so that whatever took it out of a base has put it back."""
    for base in bases_of(results):
        yield base
        last, inside = max(it.compute for it in base), {_which(it) for it in base}
        others = [it for it in results if _which(it) not in inside]
        yield from ([*base, replace(it, within=(), compute=last)] for it in others)
        back = [replace(it, within=it.within or BASES) for it in others if it.compute]
        lower = [_by_the_lower(it) for it in back]
        for one in (back, lower) if lower != back else (back,):
            yield from ([*base, it] for it in one)


def _which(it: Own) -> tuple[object, ...]:
    """The same of a result by either rate of its clusters."""
    successes = it.least if it.least is not None else it.successes
    return it.within, it.place, it.come, it.compute, it.completed, it.samples, successes


def merged(results: Sequence[Own], level: Fraction, error: Fraction) -> tuple[At, ...]:
    """By amount of compute; and never falling, since what came out lower at more compute was
    drawn out less. Whichever of `SHARED` results are taken, all their intervals hold at once."""
    chance = (1 - level) / (2 * max(SHARED, len(results)))
    found: list[At] = []
    near = amounts(it.compute for it in results)
    by_amount = sorted(results, key=lambda it: it.compute)
    for _, same in groupby(by_amount, key=lambda it: bisect_right(near, it.compute)):
        group = list(same)
        lows = {it: _least(it, chance) for it in group}
        one = At(
            group[0].compute,
            min((low for it, low in lows.items() if it.within), default=-inf),
            max(odds_of((it.successes + 0.5) / (it.completed + 1)) for it in group),
            max(odds_of(_upper(it, chance, error)) for it in group),
            max(lows.values()),
        )
        last = found[-1] if found else one
        found.append(
            At(
                one.compute,
                *(max(one.low, last.low), max(one.seen, last.seen)),
                *(max(one.high, last.high), max(one.sure, last.sure)),
            )
        )
    return tuple(found)


@lru_cache(maxsize=4096)
def _least(it: Own, chance: Fraction) -> float:
    """In log odds; under the edge it may be anything."""
    low = _lower(it, chance)
    return odds_of(low) if low > EDGE else -inf


def _lower(it: Own, chance: Fraction) -> float:
    if it.least is not None:
        return float(binomial.lower_bound(it.least, max(it.samples, it.completed), chance / HEAVIER))
    return float(binomial.lower_bound(it.successes, max(it.samples, it.completed), chance))


@lru_cache(maxsize=4096)
def _upper(it: Own, chance: Fraction, error: Fraction) -> float:
    chance = chance / HEAVIER if it.least is not None else chance
    if it.upper is not None and error <= chance:
        return float(it.upper)
    left = max(it.samples - it.completed, 0)
    return float(binomial.upper_bound(it.successes + left, it.completed + left, chance))


def odds_of(rate: float) -> float:
    near = min(max(rate, EDGE), 1 - EDGE)
    return log(near / (1 - near))


def share_of(odds: float) -> float:
    return 1 / (1 + exp(-max(odds, -500.0)))
