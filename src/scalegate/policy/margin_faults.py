"""Whether a margin, or the gains that it is worked out from, can mean something."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.errors import InputError
from scalegate.policy.parts import Domain, StatedMargin
from scalegate.units import exact_decimal, format_factor

__all__ = ["comes_to", "margin_faults"]


def comes_to(domain: Domain) -> str:
    """What the gains come to, as a part of a sentence; nothing where the margin is a factor."""
    stated = domain.stated_margin
    return f", which comes to {format_factor(stated.factor)}," if isinstance(stated, StatedMargin) else ""


def margin_faults(domain: Domain) -> Iterator[tuple[str, str]]:
    """The field of the domain that each fault is in, and what is wrong with it | what to write."""
    stated = domain.stated_margin
    if not isinstance(stated, StatedMargin):
        if stated < 1:
            yield "margin", "a margin under 1x claims that later techniques lose capability | write at least `1x`"
        return
    seen: set[str] = set()
    for index, it in enumerate(stated.gains):
        if it.gain < 1:
            what = "a gain under 1x claims that whoever has the weights makes them less capable"
            yield f"margin.gains.{index}.gain", f"{what} | write at least `1x`, or leave the gain out"
        if it.id in seen:
            # Two of one name would both count, and a change of one could not be told from that of the other.
            yield f"margin.gains.{index}", f"`{it.id}` stands twice | give each its own id"
        seen.add(it.id)
    try:
        exact_decimal(stated.factor)
    except InputError:
        what = "the product of these gains has more digits than are worked out"
        yield "margin.gains", f"{what} | write each gain with fewer digits, rounded up"
