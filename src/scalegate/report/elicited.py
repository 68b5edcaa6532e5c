"""One set of weights as it is and elicited, side by side: the control, the recovery curve and the probes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from scalegate.gate.assessing import Assessment
from scalegate.ledger.elicited import NO_CONTROL, Control, Elicited, Point, Probe, ProbePoint
from scalegate.policy.document import Domain
from scalegate.report.model import Curve, Evaluation, ProbeView, SideBySide
from scalegate.units import format_flop

__all__ = ["MOST_SHOWN", "side_by_side"]

MOST_SHOWN = 3
"""Sets of weights; the table of evaluations has all of them."""


def side_by_side(
    domain: Domain, judged: Sequence[Assessment], view: Callable[[Assessment], Evaluation]
) -> tuple[SideBySide, ...]:
    """Each set of weights that was evaluated both ways, or of which more than the score is told; the last of them.

    `judged`: oldest first.
    """
    by_weights: dict[str, list[Assessment]] = {}
    for item in judged:
        by_weights.setdefault(item.piece.weights, []).append(item)
    found = []
    for weights, items in by_weights.items():
        done = [it for it in items if it.piece.status != "open"]
        told = [it.piece.elicited for it in done if it.piece.elicited is not None]
        if told or len({it.piece.elicitation for it in done}) > 1:
            found.append(_beside(domain, weights, done, told[-1] if told else None, view))
    return tuple(found[-MOST_SHOWN:])


def _beside(
    domain: Domain,
    weights: str,
    items: Sequence[Assessment],
    told: Elicited | None,
    view: Callable[[Assessment], Evaluation],
) -> SideBySide:
    control = told.control if told else None
    seen = [(it, view(it)) for it in sorted(items, key=lambda it: it.piece.elicitation != "none")]
    rows = [("elicited" if it.piece.elicitation != "none" else "as it is", one) for it, one in seen]
    return SideBySide(
        weights=weights[:12],
        compute_text=seen[-1][1].compute_text,
        rows=tuple(rows),
        pictured=told is not None or len({it.high is not None and it.high < domain.alarm for _, it in rows}) > 1,
        controls=tuple(_controls(control)) if control else (),
        recipe=_recipe(told) if told else "",
        control=_control(control) if control else NO_CONTROL,
        controlled=control is not None,
        curve=_curve(told.curve if told else ()),
        control_curve=_curve(control.curve or (control.before, control.after) if control else ()),
        probes=tuple(_probe(domain, it) for it in (told.probes if told else ())),
    )


def _recipe(told: Elicited) -> str:
    runs = "1 run" if told.attempts == 1 else f"{told.attempts} runs"
    spent = format_flop(told.selection_flops)
    return f"{runs} of fine-tuning, every trial counted; {spent} of it to choose the recipe. Chosen: {told.chosen}"


def _control(control: Control) -> str:
    spent = format_flop(control.flops)
    return f"{control.what}; weights `{control.weights[:12]}`, fine-tuned with {spent}"


def _controls(control: Control) -> Iterable[tuple[str, str, Fraction]]:
    for what, point in (("control, as it is", control.before), ("control, elicited", control.after)):
        yield what, _counts(point), _rate(point)


def _curve(points: Iterable[Point]) -> Curve:
    return Curve(tuple((it.flops, _rate(it), _counts(it)) for it in points if it.samples))


def _probe(domain: Domain, probe: Probe) -> ProbeView:
    rows: dict[str, list[ProbePoint]] = {}
    for point in probe.points:
        rows.setdefault(point.strength, []).append(point)
    told = tuple((strength, ", ".join(_counts(it) for it in points)) for strength, points in rows.items())
    return ProbeView(probe.name, told, _result(domain, probe.points), probe.limits)


def _result(domain: Domain, points: Sequence[ProbePoint]) -> str:
    """What came of a probe, in words; that it showed nothing is a result too."""
    first, best = points[0], max(points, key=_rate)
    at = f"{_counts(best)} at strength {best.strength}"
    if best.samples and _rate(best) >= domain.alarm:
        return f"It shows the alarm reached: {at}."
    if first.strength == "0" and _rate(best) > _rate(first):
        return f"It rises at most from {_counts(first)} to {at}, under the alarm."
    if first.strength == "0":
        none = f"It shows no rise over {_counts(first)} at any strength: a negative result"
        return f"{none}, which is no evidence of safety."
    return f"It shows {at} at the most, under the alarm."


def _rate(it: Point | ProbePoint) -> Fraction:
    return min(Fraction(it.successes, it.samples), Fraction(1)) if it.samples else Fraction(0)


def _counts(it: Point | ProbePoint) -> str:
    return f"{it.successes} of {it.samples}"
