"""What is compared in a condition: sums of facts and numbers, each side with its kind.

Instants and durations are told apart by counting: an instant less an instant is a duration, an instant and a duration
are an instant, and two instants cannot be added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from scalegate import meant
from scalegate.errors import InputError
from scalegate.policy.instead import ELICITATION, spent_on
from scalegate.policy.syntax import TIMES, Linear, parts, term
from scalegate.policy.vocabulary import Kind

__all__ = ["NoSuchFact", "Quantity", "of_fact", "one_kind"]


class NoSuchFact(InputError):
    """A condition names a fact that the policy does not have."""


@dataclass(frozen=True)
class Quantity:
    """A sum, with its kind. A mixture is kept with why it is none, so that the whole comparison can be named."""

    linear: Linear
    kind: Kind
    instants: Fraction = Fraction(0)
    """How many instants are in it: 0 makes a duration, 1 an instant."""
    factor: Fraction | None = None
    """The plain number that it is, if it is one: it may multiply."""
    by: tuple[str, ...] = ()
    """The parameters that it multiplies by besides, where it is a plain number times these."""
    mixed: tuple[str, str] | None = None
    """Why it is of no kind, and what to write instead."""

    @staticmethod
    def instant(seconds: int) -> Quantity:
        return Quantity(Linear(Fraction(seconds)), Kind.DURATION, Fraction(1))

    def __neg__(self) -> Quantity:
        return self * Fraction(-1)

    def __mul__(self, by: Fraction) -> Quantity:
        factor = None if self.factor is None else self.factor * by
        return replace(self, linear=self.linear * by, instants=self.instants * by, factor=factor)

    def times(self, by: Quantity) -> Quantity:
        """It, multiplied by a plain number and by the parameters that stand with that."""
        grown = self * (by.factor or Fraction(0))
        if not by.by:
            return grown
        if self.factor is not None:
            return replace(grown, by=tuple(sorted((*self.by, *by.by))))
        if self.linear.const:
            what = f"`{by.by[0]}` multiplies an amount that is no fact"
            return replace(grown, mixed=(what, "write the product as a parameter of its own"))
        terms = tuple((c, _scaled(name, by.by)) for c, name in grown.linear.terms)
        return replace(grown, linear=Linear(grown.linear.const, terms))

    def __add__(self, other: Quantity) -> Quantity:
        mixed = self.mixed or other.mixed or _bare(self, other) or _unlike(self, other)
        factor = self.factor + other.factor if self.factor is not None and other.factor is not None else None
        return Quantity(self.linear + other.linear, self.kind, self.instants + other.instants, factor, mixed=mixed)

    @property
    def name(self) -> str:
        """Its kind in words."""
        if self.kind is not Kind.DURATION:
            return str(self.kind.value)
        if self.instants == 1:
            return str(Kind.INSTANT.value)
        return f"{self.instants} instants" if self.instants else str(Kind.DURATION.value)


def of_fact(name: str, kind: Kind) -> Quantity:
    """A fact or a parameter that is an amount, or a parameter that multiplies one."""
    if kind is Kind.FACTOR:
        return Quantity(Linear(Fraction(1)), Kind.COUNT, factor=Fraction(1), by=(name,))
    return Quantity(term(name), Kind.DURATION, Fraction(1)) if kind is Kind.INSTANT else Quantity(term(name), kind)


def one_kind(left: Quantity, right: Quantity) -> tuple[str, str] | None:
    """Why two sides cannot be compared, and what to write instead; None: they can."""
    fault = left.mixed or right.mixed or _bare(left, right) or _unlike(left, right)
    if fault or left.kind is not Kind.DURATION:
        return fault
    if left.instants != right.instants or left.instants not in (0, 1):
        return (
            f"{left.name} against {right.name}",
            "compare instants, or a difference of two with a duration, as in `now - cyber.evidence.time <= ... days`",
        )
    return None


def _scaled(name: str, by: tuple[str, ...]) -> str:
    *factors, last = parts(name)
    return TIMES.join((*sorted((*factors, *by)), last))


def _bare(*sides: Quantity) -> tuple[str, str] | None:
    """That a parameter that multiplies stands where an amount should."""
    for side in sides:
        if side.by:
            return f"`{side.by[0]}` is a factor, and no amount", f"multiply with it: `{side.by[0]} * compute`"
    return None


def _unlike(left: Quantity, right: Quantity) -> tuple[str, str] | None:
    if left.kind is right.kind:
        return None
    for plain, other in ((left, right), (right, left)):
        if plain.factor is not None and other.kind is Kind.CHANCE:
            return None
        if plain.factor is not None:
            number = meant.decimal(plain.factor) or plain.factor
            spent = next((name for _, name in other.linear.terms if name.endswith(ELICITATION)), None)
            what = f"{number} has no unit, and stands beside {other.name}"
            if spent is not None and plain.factor <= 1:
                return what, f"{spent_on(spent)}; the score itself stands in the domain, as `alarm:`"
            fix = f"write its unit: `{number} FLOP`" if other.kind is Kind.FLOP else "write its unit, as `... days`"
            if other.kind is Kind.FLOP and plain.factor.denominator != 1:
                fix = f"write an amount, as `... FLOP`; a share multiplies: `{number} * ...`"
            return what, fix
    return f"two kinds are mixed: {left.name} and {right.name}", "compare FLOP with FLOP and time with time"
