"""What may stand in a text that is kept, how a text that may not is shown, and how long a document may be.

A ledger and a policy are read on screens, by people who did not write them. A text that steers the screen (a
control character, a mark that turns the direction of text around) can hide the warning beside it; one that no screen
shows makes two texts of what people read as one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["MAX_DOCUMENT_BYTES", "akin", "alike", "escaped", "unshowable"]

MAX_DOCUMENT_BYTES = 47_000
"""Longest canonical JSON of a policy or a decision. An envelope holds 65,535 bytes, and base64 takes four for
three; the statement around the document and the name of the key have the rest."""
_PLAIN = frozenset(map(chr, range(32, 127)))
_OF_NO_USE = ("Cc", "Cf", "Cs", "Zs")
"""Control and format characters, halves of a character, and spaces that are not plain: no screen shows them, or shows
them as something else."""
_CATEGORY = unicodedata.ucd_3_2_0.category
"""By one edition, which every Python has: what counts in a ledger may not depend on who reads it."""
# What is no such character by its category in that edition, and is shown by no screen: ignorable letters, marks and
# fillers, what no character has and is to be ignored, what everybody may show otherwise, and the format characters of
# later editions.
_INVISIBLE = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u061c\u08e2") | frozenset(
    chr(code)
    for first, last in (
        (0x0600, 0x0605),
        (0x0890, 0x0891),
        (0x180B, 0x180F),
        (0x2064, 0x206F),
        (0xFE00, 0xFE0F),
        (0xFFF0, 0xFFF8),
        (0x303F, 0x303F),
        (0xE000, 0xF8FF),
        (0xFFFE, 0xFFFF),
        (0x110BD, 0x110BD),
        (0x110CD, 0x110CD),
        (0x13430, 0x1343F),
        (0x1BCA0, 0x1BCA3),
        (0x16FE4, 0x16FE4),
        (0x1D159, 0x1D159),
        (0x1D173, 0x1D17A),
        (0x1DA7F, 0x1DA80),
        (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)
# Small and capital letters of Cyrillic and Greek that most fonts show as a Latin one.
_LOOKS_LIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422"
    "\u0261\u0433\u0131\u03c1\u051b\u051d\u0251\u0425\u0423\u0406\u0408\u0405\u03bf\u03bd\u03b9\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "aeopcyxijsdhABEKMHOPCTgripqwaXYIJSoviABEZHIKMNOPTYX",
)
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-------")
_KEPT = frozenset("%^_\u2030\u2031\u066a")
"""Marks that say something of a figure wherever they stand."""
_DECOMPOSED = unicodedata.ucd_3_2_0.decomposition
_RAISED = {"<super>": "^", "<sub>": "_"}
_BREAKS = frozenset("\n\u2028\u2029")


def unshowable(text: str, *, lines: bool) -> str | None:
    """The first character that may not stand in a text, or None; `lines` lets it have more than one line."""
    for character in text:
        if character in _BREAKS:
            if not (lines and character == "\n"):
                return character
        elif character not in _PLAIN and (character in _INVISIBLE or _CATEGORY(character) in _OF_NO_USE):
            return character
    return None


def alike(text: str) -> str:
    """What two texts have in common that people cannot tell apart by how they are written: compared, never shown."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


@lru_cache(maxsize=4096)
def akin(text: str) -> str:
    """What two sentences have in common that say the same in the same words: compared, never shown.

    Capitals, punctuation (but in figures) and letters of another alphabet that look the same make no other sentence.
    """
    text = "".join(f"{_RAISED.get(_DECOMPOSED(c).partition(' ')[0], '')}{c}" for c in text)
    text = unicodedata.ucd_3_2_0.normalize("NFKC", text).translate(_LOOKS_LIKE | _DASHES)
    folded = "".join(c if _CATEGORY(c) == "Cn" else c.casefold() for c in text).translate(_LOOKS_LIKE)
    around = zip(f" {folded}", folded, f"{folded[1:]} ", strict=False)
    kept = (" " if _divides(c) and not _of_a_figure(before, c, after) else c for before, c, after in around)
    return " ".join("".join(kept).split())


def _divides(character: str) -> bool:
    return character not in _KEPT and (_CATEGORY(character).startswith("P") or _CATEGORY(character) == "Sk")


def _of_a_figure(before: str, mark: str, after: str) -> bool:
    """Whether a mark stands within a figure, or begins one."""
    return after.isdecimal() and (before.isdecimal() or (mark in "-.," and not before.isalpha()))


def escaped(text: str, *, lines: bool = False) -> str:
    """The text with each character that may not stand in it written out, as `\\x1b`."""
    if unshowable(text, lines=lines) is None:
        return text
    return "".join(_code(c) if unshowable(c, lines=lines) else c for c in text)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
