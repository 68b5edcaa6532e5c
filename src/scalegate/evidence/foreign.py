"""JSON that others wrote, read strictly: exact numbers, no field twice, and nothing that is worked out for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from scalegate.errors import InputError, Place

__all__ = ["NEAR", "instant", "items", "number", "part", "read_json", "seconds", "shortly"]

MOST_DIGITS = 400
"""Longest number, and largest power of ten, that is read as one: every float is shorter."""
NEAR = Fraction(1, 10**9)
"""Means that differ by less are one: others compute in floats."""


def read_json(data: bytes, place: Place) -> dict[str, Any]:
    """With exact numbers; what is no number stays text, and a field that stands twice is refused."""

    def pairs(given: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(given)
        if len(found) < len(given):
            raise InputError("a field stands in it twice: nobody can say which counts", place=place)
        return found

    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_float=number, parse_constant=str)
    except (ValueError, RecursionError, ZeroDivisionError) as error:
        fix = "give a log as it was written"
        raise InputError(f"it is no JSON that can be read: {error}", place=place, fix=fix) from error
    if not isinstance(found, dict):
        raise InputError("it is no log: there are no fields in it", place=place)
    return found


def number(text: str) -> Fraction | str:
    """Exact, as long as that is no larger than it is long: `1e999999999` would be worked out for ever."""
    _, _, power = text.lower().partition("e")
    return Fraction(text) if len(text) <= MOST_DIGITS and abs(int(power or 0)) <= MOST_DIGITS else text


def part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def items(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def shortly(value: object) -> str:
    return f"{float(value):.6g}" if isinstance(value, int | Fraction) else str(value)


def instant(text: object) -> datetime | None:
    """An instant as ISO 8601 has it; None: it is none, or has no zone."""
    try:
        said = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return said if said is not None and said.tzinfo is not None else None


def seconds(at: datetime) -> int:
    """Whole seconds since 1970 UTC, rounded down."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
