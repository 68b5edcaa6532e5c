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
had at most 1/`GROWTH` of its compute, for as much growth as that was over. No bound is given further ahead than
`AHEAD` times the last result, nor than any generation of the reference went. A bound is one of the true rate, so it has
the noise of sampling in it.

What is bounded is not one set of results but several (`results.sets_of`), and the largest bound of all counts: the
results that count; with those that did before something spoiled them, or under a version before; with those of other
weights of the lineage; with all that were tried; each of these as it stood after each result that did not go on from
those before it, with what went on since; of each amount of compute only the first; and each of these with every other
result by itself. The error is shared among `SHARED`: the intervals of any of them hold at once. So none but a result
that counts, past all others, can move an end farther: any other adds sets and changes none, and one that no longer
counts, whatever the reason, is put back by itself.

Results in clusters are bounded by their clusters, each of which is one observation by its own rate: the chance that
such a mean is so low is at most e times that of a binomial one (V. Bentkus, Annals of Probability 32 (2004)).

Not in it: a rise that is steeper than `SUDDEN`, or than the line before it, of which nothing gave notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log10

from scalegate.errors import InputError
from scalegate.evidence.forecast import GROWTH, Point
from scalegate.evidence.results import AHEAD, EDGE, LEAST, At, Own, bases_of, merged, sets_of, share_of
from scalegate.evidence.shapes import SLACK, Shape, line_of, of_reference, persistence, steepest, through

__all__ = ["DIGITS", "ROWS", "Ahead", "Form", "ahead"]

ROWS = 48
"""Most rows of a forecast."""
DIGITS = 6
"""Digits after the point to which bounds are rounded up."""


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
    if not counting or any(it.compute < 1 for it in results if it.within):
        raise InputError("there is no result to forecast from", fix="evaluate the run first")
    at = merged(counting, level, error)
    shapes: dict[str, Callable[[Sequence[At]], Shape | str]] = {
        "persistence": persistence,
        "steepest": steepest,
        "line": line_of,
    }
    if reference is not None:
        shapes["reference"] = of_reference(reference, float(level))
    fitted = {name: make(at) for name, make in shapes.items()}
    needed = "line" if reference is None else "reference"
    why = fitted[needed]
    if isinstance(why, str):
        fix = "evaluate more of the run's recorded weights, or give a reference" if reference is None else None
        raise InputError(f"no forecast can be made: {why}", fix=fix)
    last = at[-1].compute
    end = _end(last, [merged(base, level, error) for base in bases_of(results)], shapes)
    if end < last:
        raise InputError("no forecast can be made: the reference says nothing of the last result from those before it")
    if computes and not last <= computes[0] <= computes[-1] <= end * (1 + SLACK):
        what = f"bounds are asked for up to {computes[-1]:.3g} FLOP, and there are some from {last:.3g} to"
        raise InputError(f"{what} {end:.3g}", fix="ask for no others")
    computes = computes or _ladder(last, end / last)
    found: dict[str, list[Form]] = {}
    for one in sets_of(results):
        put = merged(one, level, error)
        for name, make in shapes.items():
            shape = make(put)
            if isinstance(shape, Shape):
                found.setdefault(name, []).append(_form(name, make, shape, put, computes))
    forms = tuple(_worst(same) for same in found.values())
    worst = (max(it.bounds[row] for it in forms) for row in range(len(computes)))
    silent = tuple((name, it) for name, it in fitted.items() if isinstance(it, str) and name not in found)
    return Ahead(tuple(zip(computes, worst, strict=True)), forms, silent)


def _end(
    last: int, bases: Iterable[Sequence[At]], shapes: Mapping[str, Callable[[Sequence[At]], Shape | str]]
) -> float:
    """How much compute is bounded: of all bases, that of the form which says least far."""
    ends: list[float] = [AHEAD * last]
    for at in bases:
        ends += [at[-1].compute * it.growth for it in (make(at) for make in shapes.values()) if isinstance(it, Shape)]
    return min(ends)


def _worst(forms: Sequence[Form]) -> Form:
    bounds = tuple(max(row) for row in zip(*(it.bounds for it in forms), strict=True))
    return Form(forms[0].name, bounds, max(it.tested for it in forms), max(it.missed for it in forms))


def _ladder(last: int, growth: float) -> tuple[int, ...]:
    """Amounts from the last result on, evenly apart in their logarithms."""
    steps = (last * growth ** (step / (ROWS - 1)) for step in range(ROWS))
    return tuple(sorted({last, *(max(int(it), last) for it in steps)}))


def _form(
    name: str,
    make: Callable[[Sequence[At]], Shape | str],
    shape: Shape,
    at: Sequence[At],
    computes: Sequence[int],
) -> Form:
    """With its errors: each result is forecast from those well before it, and the worst that it was over is added."""
    missed, tested = 0.0, 0
    for result in at:
        before = [it for it in at if it.compute * GROWTH <= result.compute]
        # A line may be put through two results, to see whether the third was on it.
        early = through(before) if name == "line" and len(before) == LEAST - 1 else make(before) if before else ""
        if isinstance(early, Shape) and (name == "line" or result.compute <= before[-1].compute * early.growth):
            tested += 1
            forecast = early.high if name == "reference" else early.low
            missed = max(missed, (result.seen - forecast(result.compute)) / (result.x - before[-1].x))
    added = _up(missed) if missed > 0 else Fraction(0)
    bounds: list[Fraction] = []
    for compute in (max(it, at[-1].compute) for it in computes):
        more = float(added) * (log10(compute) - at[-1].x)
        highest = share_of(shape.high(compute) + more)
        # What is taken as this far from 1 may be nearer.
        bound = Fraction(1) if highest >= 1 - EDGE - SLACK else min(_up(highest), Fraction(1))
        bounds.append(max(bound, bounds[-1]) if bounds else bound)
    return Form(name, tuple(bounds), tested, added)


def _up(value: float) -> Fraction:
    """Rounded up, so that it is written as a decimal."""
    return Fraction(ceil((value + SLACK) * 10**DIGITS), 10**DIGITS)
