"""What a parameter is at an instant: the value in force, or unknown, with why.

The value in force is the one that began last. It counts until the next one begins, or until it was to be looked at
again; before the first, and once it is overdue, the parameter is unknown, and what needs it is not met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scalegate.policy.document import Parameter, ParameterValue, Policy
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.show import amount, date
from scalegate.policy.syntax import PARAMETER
from scalegate.policy.vocabulary import Kind
from scalegate.units import exact_decimal, format_duration, format_instant, format_last

__all__ = [
    "Interval",
    "in_force",
    "name_of",
    "overdue",
    "parameter_facts",
    "parameter_faults",
    "shown_value",
    "shown_values",
    "spans",
]

MAX_VALUES = 100


@dataclass(frozen=True)
class Interval:
    """Whole seconds, both ends inclusive; None: without an end on that side."""

    start: int | None
    end: int | None
    value: ParameterValue | None
    """What the parameter is meanwhile; None: unknown."""


def name_of(parameter: Parameter) -> str:
    """How a condition calls it."""
    return f"{PARAMETER}{parameter.id}"


def spans(parameter: Parameter) -> tuple[Interval, ...]:
    """All of time in order, cut where the parameter changes."""
    found: list[Interval] = []
    values = sorted(parameter.values, key=lambda it: it.from_)
    reached: int | None = None
    for value, later in zip(values, (*values[1:], None), strict=True):
        if reached is None or reached < value.from_:
            found.append(Interval(reached, value.from_ - 1, None))
        end = value.review_by if later is None else min(value.review_by, later.from_ - 1)
        reached = max(end + 1, value.from_)
        if end >= value.from_:
            found.append(Interval(value.from_, end, value))
    return (*found, Interval(reached, None, None))


def in_force(parameter: Parameter, at: int) -> ParameterValue | None:
    """The value that began last, overdue or not; None before the first."""
    return max((it for it in parameter.values if it.from_ <= at), key=lambda it: it.from_, default=None)


def overdue(parameter: Parameter, at: int) -> ParameterValue | None:
    """The value in force, if it was to be looked at again before."""
    value = in_force(parameter, at)
    return value if value is not None and value.review_by < at else None


def parameter_facts(policy: Policy, now: Value | None) -> dict[str, Value]:
    """Why each parameter that is unknown at a time is so, under its name: words, and nothing is decided by them."""
    return {name_of(it): why for it in policy.parameters if (why := _why(it, now)) is not None}


def _why(parameter: Parameter, now: Value | None) -> Unknown | None:
    if isinstance(now, bool) or not isinstance(now, int):
        return Unknown(Reason.MISSING, f"which value of `{name_of(parameter)}` is in force turns on `now`")
    value = in_force(parameter, now)
    if value is None:
        first = date(min(it.from_ for it in parameter.values))
        return Unknown(Reason.MISSING, f"`{name_of(parameter)}` has no value before {first}")
    if value.review_by < now:
        late = f"was to be looked at again by {format_last(value.review_by)}"
        what = f"`{name_of(parameter)}`, {shown_value(value)} since {date(value.from_)}, {late}"
        return Unknown(Reason.STALE, what)
    return None


def shown_value(value: ParameterValue) -> str:
    """The figure as it is written: `4x`, `1e26 FLOP`, `90 days`."""
    figure = value.value
    match figure.kind:
        case "flop":
            return amount(figure.value, Kind.FLOP)
        case "duration":
            return format_duration(int(figure.value))
        case "instant":
            return format_instant(int(figure.value))
        case "share":
            return f"{exact_decimal(figure.value * 100)}%"
        case _:
            return str(figure)


def shown_values(parameter: Parameter) -> Iterator[str]:
    """Each value with its dates and where it was decided, a line each, the earliest first."""
    for value in sorted(parameter.values, key=lambda it: it.from_):
        look = f"to be looked at again by {format_last(value.review_by)}"
        yield f"{shown_value(value)} from {date(value.from_)}, {look} ({value.reference})"


def parameter_faults(policy: Policy) -> Iterator[tuple[str, str]]:
    """Faults of parameters: (path of the part, what is wrong | what to write)."""
    for index, parameter in enumerate(policy.parameters):
        path, first = f"parameters.{index}", dict[int, int]()
        if "." in parameter.id:
            yield f"{path}.id", f"`{parameter.id}` has a dot, which names of facts have | write `-` or `_`"
        if len(parameter.values) > MAX_VALUES:
            what = f"{len(parameter.values)} values: a parameter has at most {MAX_VALUES}"
            yield f"{path}.values", f"{what} | leave out those that are long over: the ledger keeps them"
        for place, value in enumerate(parameter.values):
            here = f"{path}.values.{place}"
            if value.value.kind != parameter.kind:
                what = f"`{shown_value(value)}` is a `{value.value.kind}`, and the parameter is a `{parameter.kind}`"
                yield f"{here}.value", f"{what} | write a `{parameter.kind}`, or `kind: {value.value.kind}`"
            if value.from_ in first:
                what = f"two values are from {date(value.from_)}: which one counts is not said"
                yield f"{here}.from", f"{what} | write the date from which this one counts"
            first.setdefault(value.from_, place)
            if value.review_by <= value.from_:
                what = "it would be overdue as soon as it begins"
                yield f"{here}.review_by", f"{what} | write a date after `from`"
