"""How capable one run may become: upper bounds by compute, from its own results and, where given, other families'.

Each form of forecast is worked out and kept: nothing is chosen. What counts at each compute is the largest bound of
them all. The forms are

- `persistence`: nothing changes;
- `steepest`: it goes on at the steepest rise that was seen between results at least `GROWTH` apart in compute;
- `line`: log odds are linear in the logarithm of compute (the form of Y. Ruan, C. Maddison and T. Hashimoto,
  arXiv:2405.10938). Each result enters by an exact interval of its true rate (C. J. Clopper and E. S. Pearson,
  Biometrika 26 (1934)), all of which hold at once at the level (C. E. Bonferroni, 1936); the bound is that of the
  steepest line through all of them. So where the form is right, it is over the true rate at that level. Where there is
  no such line, it is the line of least squares of the worst rate in each;
- `reference`: the curve and the errors of other families (`forecast`), from the run's last result.

To each is added, in log odds, what it missed: the most by which a result was over what the form said from those that
had at most 1/`GROWTH` of its compute, for as much growth as that was over. No bound is given further ahead than the
results themselves are apart, nor than any generation of the reference went: past that nothing is known. A bound is one
of the true rate, so it has the noise of sampling in it.

Not in it: a jump at a compute past the last result that nothing before it gave notice of.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil, exp, isfinite, log, log10

from scalegate.errors import InputError
from scalegate.evidence import binomial
from scalegate.evidence.forecast import GROWTH, Point, generations, learn

__all__ = ["COLUMNS", "DIGITS", "LEAST", "ROWS", "Ahead", "Form", "Own", "ahead", "read_reference"]

LEAST = 3
"""Results, each at another compute, under which a run's own make no bound."""
ROWS = 48
"""Most rows of a forecast."""
DIGITS = 6
"""Digits after the point to which bounds are rounded up."""
FARTHEST = 1000.0
"""Most growth of compute that a bound is given for."""
EDGE = 0.001
"""Rates nearer to 0 or 1 than this are taken as this far."""
SLACK = 1e-9
"""Added before rounding: another machine's arithmetic may differ in the last place, and comes to no higher bound."""
COLUMNS = ("family", "model", "compute", "score")


@dataclass(frozen=True)
class Own:
    """What one evaluation of the run showed."""

    compute: int
    """Effective FLOP behind the weights."""
    successes: int
    completed: int
    samples: int
    """Samples that there were to be; more than `completed`, where a rule ended it."""
    upper: Fraction | None = None
    """Of one that a rule ended: the upper bound of its rate by the rule."""


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
    if not results or any(it.compute < 1 for it in results):
        raise InputError("there is no result to forecast from", fix="evaluate the run first")
    at = _merged(results, (1 - level) / (2 * len(results)), error)
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
    speaking = {name: it for name, it in fitted.items() if isinstance(it, _Shape)}
    growth = min([FARTHEST, *(it.growth for it in speaking.values())])
    last = at[-1].compute
    if computes and not last <= computes[0] <= computes[-1] <= last * growth * (1 + SLACK):
        what = f"bounds are asked for up to {computes[-1]:.3g} FLOP, and there are some from {last:.3g} to"
        raise InputError(f"{what} {last * growth:.3g}", fix="ask for no others")
    computes = computes or _ladder(last, growth)
    forms = tuple(_form(name, shapes[name], it, at, computes) for name, it in speaking.items())
    worst = (max(it.bounds[row] for it in forms) for row in range(len(computes)))
    silent = tuple((name, it) for name, it in fitted.items() if isinstance(it, str))
    return Ahead(tuple(zip(computes, worst, strict=True)), forms, silent)


def _ladder(last: int, growth: float) -> tuple[int, ...]:
    """Amounts from the last result on, evenly apart in their logarithms."""
    steps = (last * growth ** (step / (ROWS - 1)) for step in range(ROWS))
    return tuple(sorted({last, *(max(int(it), last) for it in steps)}))


def _merged(results: Sequence[Own], chance: Fraction, error: Fraction) -> tuple[_At, ...]:
    """By compute; and never falling, since what came out lower at more compute was drawn out less."""
    found: list[_At] = []
    for compute, same in groupby(sorted(results, key=lambda it: it.compute), key=lambda it: it.compute):
        group = list(same)
        one = _At(
            compute,
            min(_odds(_lower(it, chance)) for it in group),
            max(_odds((it.successes + 0.5) / (it.completed + 1)) for it in group),
            max(_odds(_upper(it, chance, error)) for it in group),
        )
        last = found[-1] if found else one
        found.append(_At(compute, max(one.low, last.low), max(one.seen, last.seen), max(one.high, last.high)))
    return tuple(found)


def _lower(it: Own, chance: Fraction) -> float:
    return float(binomial.lower_bound(it.successes, max(it.samples, it.completed), chance))


def _upper(it: Own, chance: Fraction, error: Fraction) -> float:
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
        rises += [(after.seen - before.seen) / (after.x - before.x)] if after else []
    if not rises:
        return f"no two results are {GROWTH:g}x apart in compute"
    last, rise = at[-1], max(rises)

    def moved(start: float) -> Callable[[float], float]:
        return lambda compute: start + rise * (log10(compute) - last.x)

    return _Shape(moved(last.seen), moved(last.high), last.compute / at[0].compute)


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
        return sum(share * (it.high if share > 0 else it.low) for share, it in zip(shares(compute), at, strict=True))

    # Past the last result the highest line in all intervals goes from the low end of one to the high end of a later.
    pairs = ((one, other) for index, one in enumerate(at) for other in at[index + 1 :])
    lines = [(it.x, it.high, (it.high - one.low) / (it.x - one.x)) for one, it in pairs]
    within = [line for line in lines if all(it.low - SLACK <= _on(line, it.x) <= it.high + SLACK for it in at)]

    def bound(compute: float) -> float:
        return max((_on(line, log10(compute)) for line in within), default=worst(compute))

    return _Shape(expected, bound, at[-1].compute / at[0].compute)


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
    for compute in computes:
        more = float(added) * (log10(compute) - at[-1].x)
        bound = min(_up(_share(shape.high(compute) + more)), Fraction(1))
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


def read_reference(data: bytes) -> tuple[Point, ...]:
    """A reference of other families: a table (CSV) with the columns `family`, `model`, `compute` (effective FLOP, as
    the run's) and `score` (0 to 1). Raises InputError, naming the line, for anything else."""
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        columns, rows = tuple(table.fieldnames or ()), list(table)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"the reference is no table: {error}", fix="give a CSV file with a line of names") from error
    lacks = [name for name in COLUMNS if name not in columns]
    if lacks:
        fix = f"name them `{'`, `'.join(COLUMNS)}`: the compute in FLOP, the score from 0 to 1"
        raise InputError(f"the reference has no column `{lacks[0]}`", fix=fix)
    found: list[Point] = []
    for line, row in enumerate(rows, start=2):
        try:
            compute, score = float(row["compute"] or ""), float(row["score"] or "")
        except (TypeError, ValueError) as error:
            what = f"line {line} of the reference has no number for its compute or its score"
            raise InputError(what, fix="write both, or leave the line out") from error
        if not (isfinite(compute) and 1 <= compute <= 1e40 and 0 <= score <= 1 and row["family"]):
            what = f"line {line} of the reference has no family, no compute up to 1e40 FLOP, or no score from 0 to 1"
            raise InputError(what, fix="mend the line, or leave it out")
        found.append(Point(row["family"], row["model"] or "", compute, score))
    return tuple(found)
