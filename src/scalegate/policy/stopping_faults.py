"""Whether a rule by which an evaluation may stop early can mean something."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.parts import Domain
from scalegate.units import MAX_LOOKS

__all__ = ["stopping_faults"]


def stopping_faults(domain: Domain) -> Iterator[tuple[str, str]]:
    """The field of the domain that each fault is in, and what is wrong with it | what to write."""
    stopping = domain.stopping
    if stopping is None:
        return
    if domain.samples > MAX_LOOKS:
        what = f"with `stopping` more than {MAX_LOOKS:,} samples are not worked out"
        yield "samples", f"{what} | write a smaller number, or leave `stopping` out"
    of_sprt = {"below": stopping.below, "beta": stopping.beta}
    if stopping.rule == "betting":
        for name in (name for name, value in of_sprt.items() if value is not None):
            yield f"stopping.{name}", f"`betting` takes no `{name}` | leave it out, or write `rule: sprt`"
        return
    for name in (name for name, value in of_sprt.items() if value is None):
        yield "stopping", f"`sprt` is made for one rate below the alarm, and `{name}` is missing | add `{name}: ...`"
    if stopping.below is not None and not 0 < stopping.below < domain.alarm:
        yield "stopping.below", "it is not between 0 and the alarm | write a score above 0 and under `alarm`"
    if stopping.beta is not None and not 0 < stopping.beta < 1:
        yield "stopping.beta", "it is not between 0% and 100% | write a chance above 0% and under 100%"
