"""Plain words for what a schema says about a value, and the place of a fault inside a JSON file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from scalegate.errors import InputError, Place, ScalegateError

__all__ = ["plain"]

_PHRASES = (
    (r"Field required", "is missing"),
    (r"Extra inputs are not permitted", "is not a field here"),
    (r"(List|Tuple) should have at least 1 item.*", "is empty: write at least one item"),
    (r"String should have at least 1 character", "is empty: write a sentence"),
    (r"String should have at most (\d+) characters?", r"is longer than \1 characters"),
    (r"String should match pattern '\^\[0-9a-f\]\{64\}\$'", "is not a digest: write its 64 characters of 0-9 and a-f"),
    (
        r"String should match pattern .*",
        "is not a name: that has only letters, digits and `_.:/@+-`, no space, 128 at most",
    ),
    (r"Input should be a valid boolean.*", "is not an outcome: write true, false or null"),
    (r"Input should be a valid (string|list|integer|tuple)", r"is not a \1"),
    (r"Input should be (greater|less) than or equal to (-?\d+)", r"must be \1 than or equal to \2"),
    (r"Input should be a valid dictionary.*|Input should be an object", "is not a JSON object"),
    (r"Value error, (.*)", r"is not right: \1"),
)


def _typed(cause: BaseException | None) -> str | None:
    """What was given where a schema first complained, if that is text."""
    given = cause.errors()[0]["input"] if isinstance(cause, ValidationError) else None
    return given if isinstance(given, str) else None


@contextmanager
def plain(option: str | None = None, *, fix: str | None = None) -> Iterator[None]:
    """Say a schema's complaint in our words: with its option, its line and column where known, and a `fix`."""
    try:
        yield
    except InputError as error:
        subject, _, complaint = error.message.partition("`: ")
        words = error.message
        for pattern, replacement in _PHRASES if complaint else ():
            if re.fullmatch(pattern, complaint):
                typed = _typed(error.__cause__) if "is not a name" in replacement else None
                named = f"{subject}`: `{typed}` " if typed is not None else f"{subject}` "
                words = (named if subject[1:] else "this ") + re.sub(pattern, replacement, complaint)
                fix = error.fix or fix
                break
        else:
            fix = error.fix
        words = f"`{option}`: {words}" if option else words
        cause, place = error.__cause__, error.place
        if place and isinstance(cause, ScalegateError) and cause.place and cause.place.line:
            place = Place(file=place.file, line=cause.place.line, column=cause.place.column)
        raise InputError(words, place=place, fix=fix) from error
