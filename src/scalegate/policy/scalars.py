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

__all__ = ["Count", "Duration", "Factor", "Flop", "Identifier", "Instant", "Score", "Share", "Text"]


def _decimal(value: Fraction) -> str:
    """Exact decimal text; every scalar came from decimal text, so one exists."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
        if digits > 400:
            raise InputError(f"{value} has no finite decimal form")
    text = str(int(value * 10**digits)).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def _read(parse: Callable[[str], Any]) -> BeforeValidator:
    def validate(value: object) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"`{value}` is not text | write it as plain text")
        if len(value) > 2_000:
            raise ValueError("the text is longer than 2,000 characters | shorten it")
        try:
            return parse(value)
        except InputError as error:
            raise ValueError(f"{error.message} | {error.fix or ''}") from error

    return BeforeValidator(validate)


def _write(show: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(show, return_type=str)


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_.-]{0,63}", text):
        raise InputError(
            f"`{text}` is not an identifier",
            fix="start with a letter; use a-z, 0-9, `_`, `-`, `.`; 64 at most",
        )
    return text


def _text(text: str) -> str:
    if not text.strip() or len(text) > 2_000 or any(ord(c) < 32 and c != "\n" for c in text):
        raise InputError("the text is empty, longer than 2,000 characters or has control characters")
    return text


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise InputError(f"`{text}` is not a whole number of at least 1", fix="write digits only: `2`")
    return int(text)


Flop = Annotated[int, _read(units.parse_flop), _write(lambda v: f"{v} FLOP")]
Duration = Annotated[int, _read(units.parse_duration), _write(lambda v: f"{v} seconds")]
Instant = Annotated[int, _read(units.parse_instant), _write(units.format_instant)]
Factor = Annotated[Fraction, _read(units.parse_factor), _write(lambda v: f"{_decimal(v)}x")]
Share = Annotated[Fraction, _read(units.parse_share), _write(lambda v: f"{_decimal(v * 100)}%")]
Score = Annotated[Fraction, _read(units.parse_score), _write(_decimal)]
Count = Annotated[int, _read(_count), _write(str)]
Identifier = Annotated[str, _read(_identifier)]
Text = Annotated[str, _read(_text)]
