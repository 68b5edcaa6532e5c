"""What the halves of a drawing share: colours, how wide words are when drawn, and places on the axis of compute."""

from __future__ import annotations

from math import log10

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

__all__ = ["AMBER", "BLUE", "FACE", "GREEN", "GREY", "INK", "POINT", "RED", "SIZE", "fraction", "inches", "wrap"]

INK = "#1a1a1a"
GREY = "#6b6b6b"
RED = "#a4001d"
GREEN = "#1d6f42"
BLUE = "#1f4e8c"
AMBER = "#8a5a00"
POINT = 1 / 72
"""Inches in a point."""
FACE = "DejaVu Sans"
"""It comes with matplotlib, so that widths are the same on every machine."""
SIZE = 7.5
"""Points of the small words in a drawing."""


def inches(text: str, *, bold: bool = False) -> float:
    """How wide small words are when drawn."""
    font = FontProperties(family=FACE, size=SIZE, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) * POINT


def wrap(text: str, room: float, *, bold: bool = False) -> list[str]:
    """Lines of at most `room` inches, broken between words. A word that is longer by itself is broken, never cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if inches(longer, bold=bold) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and inches(lines[-1] + character, bold=bold) > room:
                lines.append("")
            lines[-1] += character
    return lines


def fraction(x: float, span: tuple[float, float]) -> float:
    """Where an amount of compute lies on the logarithmic axis, from 0 to 1."""
    return log10(x / span[0]) / log10(span[1] / span[0])
