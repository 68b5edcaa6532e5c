"""What an elicitation tells beside its score: how the recipe was chosen, the recovery curve, the control, probes.

It is information. Nothing is ruled out by it; what contradicts itself keeps the whole result from ruling out, and what
it shows of the evaluated weights counts against them as any measurement does.

A control (the same recipe on a model that is known not to have the capability, at no less compute) tells what was
uncovered from what the fine-tuning taught: without one a rise shows either (arXiv:2405.19550, arXiv:2512.07810).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from scalegate.ledger.predicate import Count, Digest, FlopText, Line
from scalegate.units import format_flop

__all__ = [
    "MOST_POINTS",
    "MOST_PROBES",
    "NO_CONTROL",
    "Control",
    "Elicited",
    "Point",
    "Probe",
    "ProbePoint",
    "contradictions",
    "of_the_control",
    "points",
]

MOST_POINTS = 32
MOST_PROBES = 4
NO_CONTROL = "no control: what the fine-tuning taught cannot be told from what it uncovered"


def _strength(value: str) -> str:
    if Decimal(value) != 0 and value.endswith("0") and "." in value:
        raise ValueError("a strength is written without trailing zeros")
    return value


Said = Annotated[Line, Field(max_length=400)]
"""A line, short enough that an entry with all of them is under what an entry may be."""
StrengthText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$"), AfterValidator(_strength)]
"""A plain decimal: no float is recorded."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")


class Point(_Part):
    """What so much fine-tuning showed. On a curve the samples are of the split that the recipe was chosen on, and none
    of the score."""

    flops: FlopText
    """FLOP of elicitation spent until then, all attempts counted."""
    successes: Count
    samples: Count


class ProbePoint(_Part):
    """What a probe of one strength showed, once: another seed is another point."""

    strength: StrengthText
    successes: Count
    samples: Count


class Control(_Part):
    """The same recipe on a model that is known not to have the capability."""

    what: Said
    """Which model, and how it is known not to have it."""
    weights: Digest
    flops: FlopText
    """FLOP spent on it: no less than on the evaluated weights."""
    before: Point
    """As it was, on the samples of the score; `flops` is nought."""
    after: Point
    """Fine-tuned, on the same samples."""
    curve: Annotated[tuple[Point, ...], Field(max_length=MOST_POINTS)] = ()
    """Its recovery curve, on the split of the other's."""


class Probe(_Part):
    """A measurement of the same weights by other means than fine-tuning."""

    name: Said
    points: Annotated[tuple[ProbePoint, ...], Field(min_length=1, max_length=MOST_POINTS)]
    limits: Said
    """What its silence does not show."""


class Elicited(_Part):
    """How a capability was drawn out, and what came of it on the way."""

    attempts: Annotated[int, Field(ge=0, le=10**6, strict=True)]
    """Runs of fine-tuning, each trial of a recipe counted."""
    selection_flops: FlopText
    """Of the elicitation's FLOP, what choosing among them took."""
    chosen: Said
    """The recipe: learning rate, demonstrations, full or LoRA."""
    curve: Annotated[tuple[Point, ...], Field(max_length=MOST_POINTS)]
    control: Control | None = None
    probes: Annotated[tuple[Probe, ...], Field(max_length=MOST_PROBES)] = ()


def points(elicited: Elicited, *, control: bool) -> Iterator[tuple[str, int, int]]:
    """What it shows of the evaluated weights: where, successes and samples.

    `control`: whether the control is of the same lineage: then what it shows is shown of that too. More successes than
    samples cannot be, and are taken for all of them.
    """
    for at in elicited.curve:
        yield _shown(f"the recovery curve at {format_flop(at.flops)}", at)
    for probe in elicited.probes:
        for point in probe.points:
            yield _shown(f"the probe `{probe.name}` at strength {point.strength}", point)
    if control and elicited.control is not None:
        yield from of_the_control(elicited.control)


def of_the_control(control: Control) -> Iterator[tuple[str, int, int]]:
    """What is shown of the weights of a control: where, successes and samples; of a lineage that these are of."""
    yield _shown("its control as it is, which is of this lineage,", control.before)
    yield _shown("its control when fine-tuned, which is of this lineage,", control.after)
    for at in control.curve:
        yield _shown("the curve of its control, which is of this lineage,", at)


def _shown(where: str, it: Point | ProbePoint) -> tuple[str, int, int]:
    return where, min(it.successes, it.samples), it.samples


def contradictions(elicited: Elicited, weights: str, flops: int) -> tuple[str, ...]:
    """What of it cannot be. `weights`: those evaluated; `flops`: of the elicitation, by the result's own words."""
    return tuple(_contradictions(elicited, weights, flops))


def _contradictions(elicited: Elicited, weights: str, flops: int) -> Iterator[str]:
    if elicited.selection_flops > flops:
        yield f"{elicited.selection_flops} FLOP to choose the recipe, of {flops} FLOP of elicitation, cannot be"
    if elicited.attempts == 0 and (elicited.curve or elicited.selection_flops):
        yield "no run of fine-tuning is told, and what came of it is"
    yield from _of_curve("the recovery curve", elicited.curve, flops)
    counted: list[tuple[str, Point | ProbePoint]] = [("the recovery curve", it) for it in elicited.curve]
    for probe in elicited.probes:
        strengths = [Decimal(it.strength) for it in probe.points]
        if strengths != sorted(strengths):
            yield f"the strengths of the probe `{probe.name}` fall"
        counted += [(f"the probe `{probe.name}`", it) for it in probe.points]
    control = elicited.control
    if control is not None:
        if control.weights == weights:
            yield "its control is the evaluated model itself"
        if control.flops < flops:
            yield f"its control took {control.flops} FLOP, less than the {flops} of the elicitation"
        if control.before.flops != 0 or not 0 < control.after.flops <= control.flops:
            yield "its control is told before any FLOP and after those that it took, and is not"
        if not control.before.samples or control.before.samples != control.after.samples:
            yield "its control was scored on other samples before than after, or on none"
        yield from _of_curve("the curve of its control", control.curve, control.flops)
        of_it = (control.before, control.after, *control.curve)
        counted += [("its control", it) for it in of_it]
    for where, it in counted:
        if it.successes > it.samples:
            yield f"{it.successes} successes of {it.samples} in {where} cannot be"
        elif not it.samples:
            yield f"{where} has a point without a sample"


def _of_curve(name: str, curve: tuple[Point, ...], flops: int) -> Iterator[str]:
    spent = [it.flops for it in curve]
    if spent != sorted(set(spent)):
        yield f"{name} does not rise in FLOP"
    if spent and max(spent) > flops:
        yield f"{name} goes to {max(spent)} FLOP, past the {flops} that were spent"
