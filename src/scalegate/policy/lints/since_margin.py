"""Which of two margins permits more, and what of the gains that they are worked out from is less than it was."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from scalegate.policy.lints.lint import Rule
from scalegate.policy.lints.since_fields import CHANGED, STRICTER, UNCLEAR, WEAKER
from scalegate.policy.parts import Domain, Gain, StatedMargin
from scalegate.units import format_duration, format_factor, format_share

__all__ = ["margin_rule", "margin_told"]


def margin_rule(old: Domain, new: Domain) -> Rule:
    """By the factor that each comes to; where that is the same, whether something of it is less than it was."""
    if old.margin != new.margin:
        return WEAKER if new.margin < old.margin else STRICTER
    return UNCLEAR if any(less for less, _ in _moved(old, new)) else CHANGED


def margin_told(old: Domain, new: Domain) -> str:
    """What was changed of a margin, in words."""
    was, now = format_factor(old.margin), format_factor(new.margin)
    by = "; ".join(what for _, what in _moved(old, new))
    if not by:
        return f"`margin` was {was}, and is {now}"
    return (f"`margin` still comes to {now}" if was == now else f"`margin` was {was}, and comes to {now}") + f": {by}"


def _moved(old: Domain, new: Domain) -> Iterator[tuple[bool, str]]:
    """Each thing that differs in what the margins are worked out from, and whether it is less than it was."""
    was, now = old.stated_margin, new.stated_margin
    if isinstance(was, StatedMargin) and isinstance(now, StatedMargin):
        if was.within != now.within:
            what = f"`within` was {format_duration(was.within)}, and is {format_duration(now.within)}"
            yield now.within < was.within, what
        if was.budget != now.budget:
            what = f"`budget` was {format_share(was.budget)}, and is {format_share(now.budget)}"
            yield now.budget < was.budget, what
    elif isinstance(now, StatedMargin):
        yield False, f"it is worked out from gains within {format_duration(now.within)}"
    elif isinstance(was, StatedMargin):
        yield True, "it is no longer worked out from gains"
        return
    before, after = {it.id: it for it in old.gains}, {it.id: it for it in new.gains}
    for name, gain in before.items():
        if name not in after:
            yield True, f"the gain `{name}` of {format_factor(gain.gain)} is gone"
        elif gain != after[name]:
            yield from _of_gain(gain, after[name])
    for name, gain in after.items():
        if name not in before:
            yield False, f"the gain `{name}` of {format_factor(gain.gain)} is new"


def _of_gain(old: Gain, new: Gain) -> Iterator[tuple[bool, str]]:
    name = f"of the gain `{new.id}`"
    if old.gain != new.gain:
        yield new.gain < old.gain, f"`gain` {name} was {format_factor(old.gain)}, and is {format_factor(new.gain)}"
    if old.takes != new.takes:
        was, now = ("unknown" if it is None else format_duration(it) for it in (old.takes, new.takes))
        yield _harder(old.takes, new.takes), f"`takes` {name} was {was}, and is {now}"
    if old.cost != new.cost:
        was, now = ("unknown" if it is None else format_share(it) for it in (old.cost, new.cost))
        yield _harder(old.cost, new.cost), f"`cost` {name} was {was}, and is {now}"
    if (old.about, old.source) != (new.about, new.source):
        yield False, f"what is said {name} is worded anew, by {new.source}"


def _harder(old: Fraction | int | None, new: Fraction | int | None) -> bool:
    """Whether a gain may be out of reach where it was not: what is unknown counts always."""
    return new is not None and (old is None or new > old)
