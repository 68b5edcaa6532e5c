"""What may stand in a text that is kept, how a text that may not is shown, and how long a document may be.

A ledger and a policy are read on screens, by people who did not write them. A text that steers the screen (a
control character, a mark that turns the direction of text around) can hide the warning beside it.
"""

from __future__ import annotations

import unicodedata

__all__ = ["MAX_DOCUMENT_BYTES", "escaped", "unshowable"]

MAX_DOCUMENT_BYTES = 47_000
"""Longest canonical JSON of a policy or a decision. An envelope holds 65,535 bytes, and base64 takes four for
three; the statement around the document and the name of the key have the rest."""
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKS = frozenset("\n\u2028\u2029")


def unshowable(text: str, *, lines: bool) -> str | None:
    """The first character that may not stand in a text, or None; `lines` lets it have more than one line."""
    for character in text:
        if character in _BREAKS:
            if not (lines and character == "\n"):
                return character
        # Control characters, halves of a character, and marks that turn the direction of text around.
        elif unicodedata.category(character) in ("Cc", "Cs") or character in _TURNING:
            return character
    return None


def escaped(text: str, *, lines: bool = False) -> str:
    """The text with each character that may not stand in it written out, as `\\x1b`."""
    if unshowable(text, lines=lines) is None:
        return text
    return "".join(_code(c) if unshowable(c, lines=lines) else c for c in text)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
