"""The lane under the scores: one row per permit and hold, oldest at the top, on the same axis of compute.

Its words are wrapped, never cut: a clause's id stands there whole, and each row is as high as its words need.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from scalegate.report.model import Step
from scalegate.report.pen import AMBER, GREEN, GREY, POINT, RED, SIZE, fraction, inches, wrap

__all__ = ["Row", "draw_lane", "lane_height", "rows"]

LINE = SIZE * 1.25 * POINT
BAR, GAP, PAD, ASIDE = 0.085, 0.03, 0.085, 0.07
"""Inches: a bar's height, from words to their bar, from row to row, and from a mark to words beside it."""


@dataclass(frozen=True)
class Row:
    """A permit or a hold with its words laid out; lengths in inches, from the left end of the axis."""

    step: Step
    lines: tuple[str, ...]
    left: float
    """Where its words begin, or end if `flush` is right."""
    flush: str
    beside: bool
    """Whether its words stand beside its mark; else above."""

    @property
    def height(self) -> float:
        words = len(self.lines) * LINE
        return words if self.beside else words + GAP + BAR


def rows(steps: tuple[Step, ...], span: tuple[float, float], inner: float, spare: float) -> list[Row]:
    """Each step with its words laid out on an axis `inner` inches wide, with `spare` inches free to its right."""
    return [_row(step, span, inner, inner + spare) for step in steps]


def lane_height(laid: list[Row]) -> float:
    """Inches that these rows take."""
    return sum(row.height + PAD for row in laid) + PAD


def _row(step: Step, span: tuple[float, float], inner: float, whole: float) -> Row:
    words, bold = _words(step), step.word == "STOP"
    start = fraction(step.start, span) * inner if step.start else 0.0
    if step.end is None:
        right = whole - start >= start
        room = (whole - start if right else start) - ASIDE
        if max(inches(word, bold=bold) for word in words.split(" ")) <= room:
            left = start + ASIDE if right else start - ASIDE
            return Row(step, tuple(wrap(words, room, bold=bold)), left, "left" if right else "right", beside=True)
    lines = tuple(wrap(words, whole, bold=bold))
    size = max(inches(line, bold=bold) for line in lines)
    end = fraction(step.end, span) * inner if step.end else start
    if start + size > whole and end >= size:
        return Row(step, lines, end, "right", beside=False)
    # From where the permit begins, or as near to it as there is room for the words.
    return Row(step, lines, max(min(start, whole - size), 0.0), "left", beside=False)


def draw_lane(axes: Any, laid: list[Row], span: tuple[float, float], inner: float) -> None:
    """Draw the rows: a permit is a bar under its words, a hold a thick mark, an evaluation due a hollow one."""
    _axis(axes, span, inner)
    axes.set_ylim(lane_height(laid), 0)
    top = PAD
    for row in laid:
        step, bottom = row.step, top + row.height
        colour = GREEN if step.word == "PROCEED" else AMBER if step.due else RED
        first = top if row.beside else bottom - BAR
        if step.end is not None:
            axes.barh(bottom - BAR / 2, step.end - step.start, left=step.start, height=BAR, color=colour, zorder=3)
        elif step.due:
            hollow = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 1.2}
            axes.plot([step.start], [(first + bottom) / 2], "v", markersize=5, zorder=3, **hollow)
        else:
            axes.plot([step.start] * 2, [first, bottom], color=colour, linewidth=3, zorder=3, solid_capstyle="butt")
        axes.annotate(
            "\n".join(row.lines),
            (row.left / inner, top),
            xycoords=("axes fraction", "data"),
            ha=row.flush,
            va="top",
            fontsize=SIZE,
            linespacing=1.05,
            color=colour,
            fontweight="bold" if step.word == "STOP" else "normal",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
            zorder=2,
            annotation_clip=False,
        )
        top = bottom + PAD


def _axis(axes: Any, span: tuple[float, float], inner: float) -> None:
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("effective compute of the lineage, FLOP (log scale)", fontsize=8, labelpad=2)
    many = log10(span[1] / span[0]) > inner * 2.2
    axes.xaxis.set_major_locator(LogLocator(base=10, numticks=max(int(inner * 1.6), 3)))
    axes.xaxis.set_minor_locator(LogLocator(base=10, subs=() if many else (2, 5), numticks=60))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"1e{round(log10(x))}"))
    close = log10(span[1] / span[0]) < inner * 0.45
    minor = FuncFormatter(lambda x, _: f"{x:.0e}".replace("e+", "e")) if close else NullFormatter()
    axes.xaxis.set_minor_formatter(minor)
    axes.tick_params(axis="x", which="both", length=2, color=GREY)
    axes.tick_params(axis="x", which="minor", labelsize=7, labelcolor=GREY)


def _words(step: Step) -> str:
    times = f" ({step.count} times)" if step.count > 1 else ""
    because = ", ".join(step.because)
    if step.end is not None:
        return f"PROCEED to {step.end:.3g}{times}: until {because}".replace("e+", "e")
    # What is due is told by the permit's row above it, which ends by the same clauses.
    return f"evaluation due{times}" if step.due else f"{step.word}{times}: {because}"
