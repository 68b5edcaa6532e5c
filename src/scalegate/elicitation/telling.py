"""What the elicitor did, as a result tells it: its trials, recovery curve, control and probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scalegate.elicitation.elicit import Elicited
from scalegate.ledger import elicited as entry

__all__ = ["tell", "tell_control"]


def tell(
    outcome: Elicited[Any], *, control: entry.Control | None = None, probes: Sequence[entry.Probe] = ()
) -> entry.Elicited:
    """As a field of the result, `Measured.of(..., elicitation_flops=outcome.flops, elicited=...)`.

    Each trial and the chosen run count as an attempt, and on the curve all FLOP do that were spent until then. Raises
    ValueError for more points than a result holds.
    """
    return entry.Elicited(
        attempts=len(outcome.trials) + 1,
        selection_flops=outcome.selection_flops,
        chosen=str(outcome.recipe),
        curve=_curve(outcome),
        control=control,
        probes=tuple(probes),
    )


def tell_control(
    what: str, weights: str, outcome: Elicited[Any], before: Sequence[bool], after: Sequence[bool]
) -> entry.Control:
    """A control: the same search over recipes, at no less compute, on a model that is known not to have the capability.

    what: which model, and how that is known; weights: its digest before it was fine-tuned. before, after: its outcomes
    on the samples of the score, as it was and as `outcome` left it.
    """
    return entry.Control(
        what=what,
        weights=weights,
        flops=outcome.flops,
        before=entry.Point(flops=0, successes=sum(before), samples=len(before)),
        after=entry.Point(flops=outcome.flops, successes=sum(after), samples=len(after)),
        curve=_curve(outcome),
    )


def _curve(outcome: Elicited[Any]) -> tuple[entry.Point, ...]:
    return tuple(entry.Point(flops=it.spent, successes=it.successes, samples=it.samples) for it in outcome.curve)
