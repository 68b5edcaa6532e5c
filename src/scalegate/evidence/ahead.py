"""How capable one run may become: upper bounds by compute, from its own results and, where given, other families'.

Each form of forecast is worked out and kept: nothing is chosen. What counts at each compute is the largest bound of
them all. The forms are

- `persistence`: nothing changes;
- `steepest`: it goes on at the steepest rise that was seen between results at least `GROWTH` apart in compute, or
  nearer where their intervals do not meet;
- `line`: log odds are linear in the logarithm of compute (the form of Y. Ruan, C. Maddison and T. Hashimoto,
  arXiv:2405.10938). Each result enters by an exact interval of its true rate (C. J. Clopper and E. S. Pearson,
  Biometrika 26 (1934)), all of which hold at once at the level (C. E. Bonferroni, 1936); the bound is that of the
  steepest line through all of them. A result whose interval reaches down to `EDGE` sets no least rate, so it makes no
  line flatter: what no other result bounds either rises by `SUDDEN` log odds for each tenfold of compute. So where the
  form is right and no steeper than that, it is over the true rate at that level, and of any steepness where a result
  before the last is over `EDGE`. Where there is no such line, it is the line of least squares of the worst rate in
  each, which may be over what it would be where a higher last result made the form right again; and 1 where one that
  sets no least rate is followed by a rise steeper than `SUDDEN` beyond all sampling;
- `reference`: the curve and the errors of other families (`forecast`), from the run's last result.

To each is added, in log odds, what it missed: the most by which a result was over what the form said from those that
had at most 1/`GROWTH` of its compute, for as much growth as that was over. No bound is given further ahead than the
last three results are apart, nor than any generation of the reference went: past that nothing is known. A bound is one
of the true rate, so it has the noise of sampling in it.

What is bounded is not one set of results but several (`_bases`, `_sets`), and the largest bound of all counts: the
results that count; these with what was kept in place of what came after it; of each amount of compute only the first;
with the least and with the most compute that anybody claims for them; and each of these with every other result by
itself. A set is bounded with the error that its own number leaves each result, and no bound goes past the nearest end
of any. So none but a result that counts, past all others, can move an end farther: any other adds sets and takes none
away, and one that no longer counts leaves the sets that it was in.

Results in clusters are bounded by their clusters, each of which is one observation by its own rate: the chance that
such a mean is so low is at most e times that of a binomial one (V. Bentkus, Annals of Probability 32 (2004)).

Not in it: a rise that is steeper than `SUDDEN`, at a compute past the last result, of which nothing gave notice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import groupby, product
from math import ceil, exp, inf, log, log10
from typing import Literal, TypeAlias

from scalegate.errors import InputError
from scalegate.evidence import binomial
from scalegate.evidence.forecast import GROWTH, Point, generations, learn

__all__ = [
    "DIGITS",
    "LEAST",
    "ROWS",
    "SUDDEN",
    "Ahead",
    "Form",
    "Own",
    "Role",
    "ahead",
    "amounts",
    "reaches",
]

LEAST = 3
"""Results, each at another compute, under which a run's own make no bound."""
ROWS = 48
"""Most rows of a forecast."""
DIGITS = 6
"""Digits after the point to which bounds are rounded up."""
FARTHEST = 1000.0
"""Most growth of compute that a bound is given for."""
EDGE = 0.001
"""Rates nearer to 0 or 1 than this are taken as this far; of how little one may be it is where nothing is said."""
SUDDEN = 16.0
"""Log odds for each tenfold of compute: the steepest rise that a bound allows for where no result bounds it. That is
from 0.1% to 80% within 3.3x the compute. A choice, and no measurement."""
MOST_CLAIMED = 4
"""Results of which different runs say what compute is behind them: each way to read them all is bounded."""
HEAVIER = 3
"""A little more than e: by how much likelier a mean of clusters may be far off than one of single items."""
NEAR = 10**9
"""Amounts of compute nearer to each other than one part of so many are the same."""
SLACK = 1e-9
"""Added before rounding: another machine's arithmetic may differ in the last place, and comes to no higher bound."""


Role: TypeAlias = Literal["counts", "kept", "raises"]
"""What a result may do: make a bound; what was to make one, and may only make it larger; or what is too weak to make
one, of which neither its compute nor its least rate makes anything smaller."""


@dataclass(frozen=True)
class Own:
    """What one evaluation of the run showed."""

    compute: int
    """Effective FLOP behind the weights; of one that raises 0 where nobody knows."""
    successes: int
    completed: int
    samples: int
    """Samples that there were to be; more than `completed`, where a rule ended it."""
    upper: Fraction | None = None
    """Of one that a rule ended: the upper bound of its rate by the rule."""
    role: Role = "counts"
    most: int | None = None
    """Effective FLOP that somebody else says are behind the weights, where that is more."""
    place: int = 0
    """Of one that counts or was kept: which of the weights on the way it is of. Two of one place are of the same."""
    clustered: bool = False
    """Whether the counts are of clusters, with successes rounded up."""

    @property
    def farthest(self) -> int:
        """The most compute that anybody says is behind the weights."""
        return max(self.compute, self.most or 0)


@dataclass(frozen=True)
class Form:
    """One way to forecast, with its bounds."""

    name: str
    bounds: tuple[Fraction, ...]
    """At each row; never falling."""
    tested: int
    """How many of the results were forecast from those before them."""
    missed: Fraction
    """The most by which one was over that, in log odds for each tenfold of compute: added to each bound."""


@dataclass(frozen=True)
class Ahead:
    """What is forecast of a run."""

    rows: tuple[tuple[int, Fraction], ...]
    """Effective FLOP, and the bound up to there; from the last result on, compute growing and bounds never falling."""
    forms: tuple[Form, ...]
    silent: tuple[tuple[str, str], ...]
    """The forms that say nothing, and why."""


@dataclass(frozen=True)
class _At:
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


@dataclass(frozen=True)
class _Shape:
    """A form fitted to some results."""

    low: Callable[[float], float]
    """What is expected at a compute, in log odds."""
    high: Callable[[float], float]
    """The bound there, before its errors are added."""
    growth: float
    """How far ahead of the last result it says anything."""


def ahead(
    results: Sequence[Own],
    level: Fraction,
    reference: Sequence[Point] | None = None,
    error: Fraction = Fraction(1),
    computes: Sequence[int] = (),
) -> Ahead:
    """Upper bounds of a run's true success rate past its last result, one-sided, at the level.

    error: the chance at which the bounds of rules that ended evaluations fail. Where that is more than such a bound may
    fail here, each sample that was not taken counts as a success.
    computes: where bounds are asked for, in effective FLOP and growing; without, as far as there are any.

    Raises InputError where nothing can be said: too few results without a reference, a reference that has none like it,
    or bounds asked for before the last result or further ahead than any form says something.
    """
    if not Fraction(1, 2) < level < 1:
        raise InputError(f"a level of {float(level):g} is none of a bound", fix="write one over 50% and under 100%")
    counting = [it for it in results if it.role == "counts"]
    if not counting or any(it.compute < 1 for it in results if it.role != "raises"):
        raise InputError("there is no result to forecast from", fix="evaluate the run first")
    if sum(it.farthest > it.compute for it in results if it.role != "raises") > MOST_CLAIMED:
        what = f"other runs claim the weights of more than {MOST_CLAIMED} results for theirs"
        raise InputError(what, fix="mend what those runs say they grew from")
    at = _merged(counting, level, error)
    shapes: dict[str, Callable[[Sequence[_At]], _Shape | str]] = {
        "persistence": _persistence,
        "steepest": _steepest,
        "line": _line,
    }
    if reference is not None:
        shapes["reference"] = _of_reference(reference, float(level))
    fitted = {name: make(at) for name, make in shapes.items()}
    needed = "line" if reference is None else "reference"
    why = fitted[needed]
    if isinstance(why, str):
        fix = "evaluate more of the run's recorded weights, or give a reference" if reference is None else None
        raise InputError(f"no forecast can be made: {why}", fix=fix)
    last, end = at[-1].compute, _end([_merged(base, level, error) for base in _bases(results)], shapes)
    if computes and not last <= computes[0] <= computes[-1] <= end * (1 + SLACK):
        what = f"bounds are asked for up to {computes[-1]:.3g} FLOP, and there are some from {last:.3g} to"
        raise InputError(f"{what} {end:.3g}", fix="ask for no others")
    computes = computes or _ladder(last, end / last)
    found: dict[str, list[Form]] = {}
    for one in _sets(results):
        put = _merged(one, level, error)
        for name, make in shapes.items():
            shape = make(put)
            if isinstance(shape, _Shape):
                found.setdefault(name, []).append(_form(name, make, shape, put, computes))
    forms = tuple(_worst(same) for same in found.values())
    worst = (max(it.bounds[row] for it in forms) for row in range(len(computes)))
    silent = tuple((name, it) for name, it in fitted.items() if isinstance(it, str) and name not in found)
    return Ahead(tuple(zip(computes, worst, strict=True)), forms, silent)


def amounts(computes: Iterable[int]) -> list[int]:
    """Those that are another amount: over one part in `NEAR` more than the one before."""
    found: list[int] = []
    for it in sorted(computes):
        if not found or (it - found[-1]) * NEAR > found[-1]:
            found.append(it)
    return found


def reaches(results: Iterable[Own]) -> Fraction | None:
    """Up to how much compute a run's own results make any bound: the nearest of all its bases; None: they make none."""
    found = []
    for base in _bases(list(results)):
        at = amounts(it.compute for it in base)
        found += [Fraction(at[-1] * at[-1], at[-LEAST])] if len(at) >= LEAST else []
    return min(found, default=None)


def _bases(results: Sequence[Own]) -> Iterator[list[Own]]:
    """What bounds are made from without anything that only raises, in the order of their weights."""
    counting, kept = ([it for it in results if it.role == role] for role in ("counts", "kept"))
    places = {it.place for it in kept}
    bases = [counting, *([[*kept, *(it for it in counting if it.place not in places)]] if kept else [])]
    for base in (sorted(it, key=lambda it: (it.place, it.compute)) for it in bases):
        yield base
        first = list(
            {bisect_right(amounts(it.compute for it in base), it.compute): it for it in reversed(base)}.values()
        )
        if len(first) < len(base):
            yield first[::-1]
        # Nobody knows whose claim is true of each, and it may be another's for every one.
        told = [at for at, it in enumerate(base) if it.farthest > it.compute]
        for most in product((False, True), repeat=len(told)):
            more = dict(zip(told, most, strict=True))
            if any(most):
                yield [replace(it, compute=it.farthest) if more.get(at) else it for at, it in enumerate(base)]


def _sets(results: Sequence[Own]) -> Iterator[list[Own]]:
    """Every base, and each with every result that is not in it by itself.

    Nothing that raises goes past the last of those: to have come to as much with less is worse.
    """
    for base in _bases(results):
        yield base
        names = {(it.place, it.successes, it.completed, it.samples) for it in base}
        last = max(it.compute for it in base)
        for it in results:
            if it.role == "raises" or (it.place, it.successes, it.completed, it.samples) not in names:
                for compute in {min(it.compute or last, last), min(it.farthest or last, last)}:
                    yield [*base, replace(it, role="raises", compute=compute)]


def _end(bases: Iterable[Sequence[_At]], shapes: Mapping[str, Callable[[Sequence[_At]], _Shape | str]]) -> float:
    """How much compute the nearest of all bases bounds."""
    ends = []
    for at in bases:
        speaking = [it for it in (make(at) for make in shapes.values()) if isinstance(it, _Shape)]
        ends.append(at[-1].compute * min(FARTHEST, *(it.growth for it in speaking)))
    return min(ends)


def _worst(forms: Sequence[Form]) -> Form:
    bounds = tuple(max(row) for row in zip(*(it.bounds for it in forms), strict=True))
    return Form(forms[0].name, bounds, max(it.tested for it in forms), max(it.missed for it in forms))


def _ladder(last: int, growth: float) -> tuple[int, ...]:
    """Amounts from the last result on, evenly apart in their logarithms."""
    steps = (last * growth ** (step / (ROWS - 1)) for step in range(ROWS))
    return tuple(sorted({last, *(max(int(it), last) for it in steps)}))


def _merged(results: Sequence[Own], level: Fraction, error: Fraction) -> tuple[_At, ...]:
    """By amount of compute; and never falling, since what came out lower at more compute was
    drawn out less."""
    chance = (1 - level) / (2 * len(results))
    found: list[_At] = []
    near = amounts(it.compute for it in results)
    by_amount = sorted(results, key=lambda it: it.compute)
    for _, same in groupby(by_amount, key=lambda it: bisect_right(near, it.compute)):
        group = list(same)
        lows = {it: _least(it, chance) for it in group}
        one = _At(
            group[0].compute,
            min((low for it, low in lows.items() if it.role != "raises"), default=-inf),
            max(_odds((it.successes + 0.5) / (it.completed + 1)) for it in group),
            max(_odds(_upper(it, chance, error)) for it in group),
            max(lows.values()),
        )
        last = found[-1] if found else one
        found.append(
            _At(
                one.compute,
                *(max(one.low, last.low), max(one.seen, last.seen)),
                *(max(one.high, last.high), max(one.sure, last.sure)),
            )
        )
    return tuple(found)


def _least(it: Own, chance: Fraction) -> float:
    """In log odds; under the edge it may be anything."""
    low = _lower(it, chance)
    return _odds(low) if low > EDGE else -inf


def _lower(it: Own, chance: Fraction) -> float:
    if it.clustered:
        return float(binomial.lower_bound(max(it.successes - 1, 0), max(it.samples, it.completed), chance / HEAVIER))
    return float(binomial.lower_bound(it.successes, max(it.samples, it.completed), chance))


def _upper(it: Own, chance: Fraction, error: Fraction) -> float:
    chance = chance / HEAVIER if it.clustered else chance
    if it.upper is not None and error <= chance:
        return float(it.upper)
    left = max(it.samples - it.completed, 0)
    return float(binomial.upper_bound(it.successes + left, it.completed + left, chance))


def _persistence(at: Sequence[_At]) -> _Shape | str:
    return _Shape(lambda _: at[-1].seen, lambda _: at[-1].high, FARTHEST)


def _steepest(at: Sequence[_At]) -> _Shape | str:
    rises = []
    for index, before in enumerate(at):
        after = next((it for it in at[index + 1 :] if it.compute >= GROWTH * before.compute), None)
        apart = next((it for it in at[index + 1 :] if it.sure > before.high), None)
        rises += [(it.seen - before.seen) / (it.x - before.x) for it in (after, apart) if it]
    if not rises:
        return f"no two results are {GROWTH:g}x apart in compute"
    last, rise = at[-1], max(rises)

    def moved(start: float) -> Callable[[float], float]:
        return lambda compute: start + rise * (log10(compute) - last.x)

    return _Shape(moved(last.seen), moved(last.high), _apart(at))


def _apart(at: Sequence[_At]) -> float:
    """How much compute grew over the last results that make a line: what is far behind them tells of none ahead."""
    return at[-1].compute / at[-min(LEAST, len(at))].compute


def _line(at: Sequence[_At]) -> _Shape | str:
    if len(at) < LEAST:
        return f"the run has results at {len(at)} amounts of compute, and its own line takes {LEAST}"
    return _through(at)


def _through(at: Sequence[_At]) -> _Shape:
    """The line of least squares, as what each result adds to it at a compute."""
    middle = sum(it.x for it in at) / len(at)
    spread = sum((it.x - middle) ** 2 for it in at)

    def shares(compute: float) -> list[float]:
        return [1 / len(at) + (log10(compute) - middle) * (it.x - middle) / spread for it in at]

    def expected(compute: float) -> float:
        return sum(share * it.seen for share, it in zip(shares(compute), at, strict=True))

    def worst(compute: float) -> float:
        ends = (
            (share, it.high if share > 0 else max(it.low, _odds(0)))
            for share, it in zip(shares(compute), at, strict=True)
        )
        return sum(share * end for share, end in ends)

    @cache
    def steepest() -> list[tuple[float, float, float]]:
        # Past the last result the highest line in all intervals goes from the low end of one to the high end of a
        # later, or is as steep as any is taken to be.
        pairs = ((one, other) for index, one in enumerate(at) for other in at[index + 1 :] if one.low > -inf)
        lines = [(it.x, it.high, (it.high - one.low) / (it.x - one.x)) for one, it in pairs]
        lines += [(it.x, it.high, SUDDEN) for it in at]
        return [line for line in lines if all(it.low - SLACK <= _on(line, it.x) <= it.high + SLACK for it in at)]

    def bound(compute: float) -> float:
        within, last = steepest(), at[-1]
        if within:
            return max(_on(line, log10(compute)) for line in within)
        rising = (one for one in at if last.sure - one.high > SUDDEN * (last.x - one.x))
        if any(one.sure == -inf for one in rising):
            return inf
        unbounded = any(it.low == -inf for it in at)
        return max(worst(compute), _on((last.x, last.high, SUDDEN), log10(compute)) if unbounded else -inf)

    return _Shape(expected, bound, _apart(at))


def _on(line: tuple[float, float, float], x: float) -> float:
    start, odds, slope = line
    return odds + slope * (x - start)


def _of_reference(points: Sequence[Point], level: float) -> Callable[[Sequence[_At]], _Shape | str]:
    try:
        learned = learn(points, level)
    except ValueError as error:
        why = f"the reference has {error}"
        return lambda _: why
    farthest = max(it.after.compute / it.before.compute for it in generations(points))
    least, most = min(it.compute for it in points), max(it.compute for it in points)

    def made(at: Sequence[_At]) -> _Shape | str:
        last = at[-1]
        if not least <= last.compute < most:
            return (
                f"the last result is at {last.compute:.3g} FLOP, and the reference goes from {least:.3g} to {most:.3g}"
            )

        def moved(odds: float, margin: float) -> Callable[[float], float]:
            before = Point("", "", float(last.compute), _share(odds))
            return lambda compute: _odds(learned.middle(before, compute)) + margin

        return _Shape(moved(last.seen, 0.0), moved(last.high, learned.margin), min(farthest, most / last.compute))

    return made


def _form(
    name: str,
    make: Callable[[Sequence[_At]], _Shape | str],
    shape: _Shape,
    at: Sequence[_At],
    computes: Sequence[int],
) -> Form:
    """With its errors: each result is forecast from those well before it, and the worst that it was over is added."""
    missed, tested = 0.0, 0
    for result in at:
        before = [it for it in at if it.compute * GROWTH <= result.compute]
        # A line may be put through two results, to see whether the third was on it.
        early = _through(before) if name == "line" and len(before) == LEAST - 1 else make(before) if before else ""
        if isinstance(early, _Shape) and (name == "line" or result.compute <= before[-1].compute * early.growth):
            tested += 1
            forecast = early.high if name == "reference" else early.low
            missed = max(missed, (result.seen - forecast(result.compute)) / (result.x - before[-1].x))
    added = _up(missed) if missed > 0 else Fraction(0)
    bounds: list[Fraction] = []
    for compute in (max(it, at[-1].compute) for it in computes):
        more = float(added) * (log10(compute) - at[-1].x)
        highest = _share(shape.high(compute) + more)
        # What is taken as this far from 1 may be nearer.
        bound = Fraction(1) if highest >= 1 - EDGE - SLACK else min(_up(highest), Fraction(1))
        bounds.append(max(bound, bounds[-1]) if bounds else bound)
    return Form(name, tuple(bounds), tested, added)


def _up(value: float) -> Fraction:
    """Rounded up, so that it is written as a decimal."""
    return Fraction(ceil((value + SLACK) * 10**DIGITS), 10**DIGITS)


def _odds(rate: float) -> float:
    near = min(max(rate, EDGE), 1 - EDGE)
    return log(near / (1 - near))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-max(odds, -500.0)))
