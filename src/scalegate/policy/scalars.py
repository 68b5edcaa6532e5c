"""Scalar types of the policy document: read from exact text, written back to exact text.

Every scalar of a policy is text with one grammar, in YAML and in the canonical JSON alike, so one reader
serves both and nothing passes through a float.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from scalegate import units
from scalegate.errors import InputError
from scalegate.policy.syntax import Expr, from_json, to_json
from scalegate.text import unshowable

__all__ = [
    "Count",
    "Duration",
    "Factor",
    "Flop",
    "Identifier",
    "Instant",
    "Role",
    "Score",
    "Share",
    "Text",
    "When",
    "identifier",
]

MAX_TEXT = 2_000
MAX_CONDITION = 10_000
MAX_WORD = 300
"""Longest text of a scalar other than prose; a verification key is the longest of them."""
MAX_FACTOR = 10**9


def _read(parse: Callable[[str], Any]) -> BeforeValidator:
    def validate(value: object) -> Any:
        if not isinstance(value, str):
            shape = "a list" if isinstance(value, list) else "a set of fields" if isinstance(value, dict) else "this"
            raise ValueError(f"{shape} is not plain text | write one value, in quotes if it holds brackets or braces")
        if len(value) > (MAX_TEXT if parse is _text else MAX_WORD):
            raise ValueError("the value is too long | shorten it")
        try:
            return parse(value)
        except InputError as error:
            raise ValueError(f"{error.message} | {error.fix or ''}") from error

    return BeforeValidator(validate)


def _write(show: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(show, return_type=str)


def identifier(text: str) -> str:
    """The name of a part or a person of a policy. Raises InputError for what cannot be one."""
    if len(text) > 64 or not re.fullmatch(r"[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*", text):
        raise InputError(
            f"`{text}` is not an identifier",
            fix="start with a letter; use a-z, 0-9, `_`, and single `-` or `.` between them; 64 at most",
        )
    return text


def _role(text: str) -> str:
    """A role of the policy, or one of a floor, by the floor's name."""
    floor, sign, role = text.partition("/")
    return f"{identifier(floor)}/{identifier(role)}" if sign else identifier(text)


def _text(text: str) -> str:
    if not text.strip():
        raise InputError("the text is empty", fix="write what is meant")
    hidden = unshowable(text, lines=True)
    if hidden:
        raise InputError(f"the text has the character U+{ord(hidden):04X}, which cannot be shown", fix="remove it")
    return text


def _factor(text: str) -> Fraction:
    value = units.parse_factor(text)
    if value > MAX_FACTOR:
        raise InputError(f"`{text}` is more than a billion", fix="write a smaller factor: `4x`")
    return value


def _instant(text: str) -> int:
    value = units.parse_instant(text)
    if value < 0:
        raise InputError(f"`{text}` is before 1970", fix="write a later date: `2026-11-23`")
    return value


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        digits = re.match(r"[1-9][0-9]{0,8}(?![0-9.,])", text)
        fix = f"write digits only: `{digits[0] if digits else 2}`"
        raise InputError(f"`{text}` is not a whole number of at least 1", fix=fix)
    return int(text)


Flop = Annotated[int, _read(units.parse_flop), _write(lambda v: f"{v} FLOP")]
Duration = Annotated[int, _read(units.parse_duration), _write(lambda v: f"{v} seconds")]
Instant = Annotated[int, _read(_instant), _write(units.format_instant)]
Factor = Annotated[Fraction, _read(_factor), _write(lambda v: f"{units.exact_decimal(v)}x")]
Share = Annotated[Fraction, _read(units.parse_share), _write(lambda v: f"{units.exact_decimal(v * 100)}%")]
Score = Annotated[Fraction, _read(units.parse_score), _write(units.exact_decimal)]
Count = Annotated[int, _read(_count), _write(str)]
Identifier = Annotated[str, _read(identifier)]
Role = Annotated[str, _read(_role)]
Text = Annotated[str, _read(_text)]


def _when(value: object) -> Expr | str:
    try:
        if isinstance(value, str):
            if len(value) > MAX_CONDITION:
                raise InputError("the condition is too long", fix=f"write at most {MAX_CONDITION} characters")
            return _text(value)
        return value if isinstance(value, Expr) else from_json(value)
    except InputError as error:
        raise ValueError(f"{error.message} | {error.fix or ''}") from error


When = Annotated[Any, BeforeValidator(_when), PlainSerializer(lambda it: it if isinstance(it, str) else to_json(it))]
"""A condition as text, or as its tree."""
