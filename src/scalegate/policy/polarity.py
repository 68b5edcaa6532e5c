"""Whether more danger could help a condition to be met: then it is refused.

Guarantees: of a condition without a fault here, evidence of more capability, more compute, the loss of a safeguard or
an approval, and time that passes (but for a date that the condition itself names) never turn false or unknown into
true. Kleene's tables are monotone, so it is enough that each fact stands on its own side.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.claimed import is_chance
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Not, Undefined, children, net

__all__ = ["dangerous", "wrong_ways"]

_GROWS_WITH_DANGER = ("compute", "developer.others", "lineage.compute", "lineage.planned_end", "ledger.time")
_OF_A_DOMAIN = ("reached", "reached_early", "unevaluated", "unclaimed", "missed")
"""What stands for danger: an alarm that was reached or wrongly ruled out, compute that nobody evaluated. The rest
speaks against it."""


def wrong_ways(expr: Expr) -> Iterator[str]:
    """The facts by which danger would help, in order of appearance."""
    yield from _wrong(expr, positive=True)


def _wrong(expr: Expr, *, positive: bool) -> Iterator[str]:
    match expr:
        case Undefined():
            return
        case Fact(name):
            if dangerous(name) is positive:
                yield name
        case Not(item):
            yield from _wrong(item, positive=not positive)
        case Compare():
            pushes = {name: coefficient for name, coefficient in net(expr).items() if coefficient}
            for name, coefficient in pushes.items():
                helps = (coefficient > 0) is positive
                # The date that a condition names may come: a moratorium ends.
                dated = list(pushes) == ["now"] and helps
                if not dated and dangerous(name) is helps:
                    yield name
        case All() | Any() | AtLeast():
            for item in children(expr):
                yield from _wrong(item, positive=positive)


def dangerous(name: str) -> bool:
    """Whether it stands for more danger, the more of it there is or if it is so."""
    if name.startswith("obligation."):
        return name.count(".") > 1 and name.endswith(".missed")
    if name.startswith("determination."):
        return name.count(".") > 1 and name.endswith((".denied", ".denied_anywhere", ".unjudged"))
    return is_chance(name) or name == "now" or name in _GROWS_WITH_DANGER or name.rpartition(".")[2] in _OF_A_DOMAIN
