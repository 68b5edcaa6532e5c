"""What may stand in a text that is kept, how a text that may not is shown, and how long a document may be.

A ledger and a policy are read on screens, by people who did not write them. A text that steers the screen (a
control character, a mark that turns the direction of text around) can hide the warning beside it; one that no screen
shows makes two texts of what people read as one.
"""

from __future__ import annotations

import unicodedata

__all__ = ["MAX_DOCUMENT_BYTES", "alike", "escaped", "unshowable"]

MAX_DOCUMENT_BYTES = 47_000
"""Longest canonical JSON of a policy or a decision. An envelope holds 65,535 bytes, and base64 takes four for
three; the statement around the document and the name of the key have the rest."""
_PLAIN = frozenset(map(chr, range(32, 127)))
# Of what no screen shows: what is no control or format character by its category.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_OF_NO_USE = ("Cc", "Cf", "Cs", "Cn", "Zs")
"""Control and format characters, halves of a character, what no character has, and spaces that are not plain: no screen
shows them, or shows them as something else."""
_BREAKS = frozenset("\n\u2028\u2029")


def unshowable(text: str, *, lines: bool) -> str | None:
    """The first character that may not stand in a text, or None; `lines` lets it have more than one line."""
    for character in text:
        if character in _BREAKS:
            if not (lines and character == "\n"):
                return character
        elif character not in _PLAIN and (unicodedata.category(character) in _OF_NO_USE or character in _INVISIBLE):
            return character
    return None


def alike(text: str) -> str:
    """What two texts have in common that people cannot tell apart by how they are written: compared, never shown."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def escaped(text: str, *, lines: bool = False) -> str:
    """The text with each character that may not stand in it written out, as `\\x1b`."""
    if unshowable(text, lines=lines) is None:
        return text
    return "".join(_code(c) if unshowable(c, lines=lines) else c for c in text)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
