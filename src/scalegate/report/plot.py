"""The plot of one domain: scores with their bounds above, permits and holds below, on one axis of compute.

SVG with text as outlines, so it looks the same everywhere; no clock, no random ids and no global state, so
the same figures give the same bytes. Marks differ in shape and filling, not in colour alone.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from scalegate.report.lane import draw_lane, lane_height, rows
from scalegate.report.model import Domain, Evaluation, Gate, Step
from scalegate.report.pen import BLUE, FACE, GREY, INK, POINT, RED, SIZE, fraction, inches

__all__ = ["draw", "inline", "style"]

SHOWN = 14
"""Steps drawn; earlier ones are in the timeline."""


def draw(domain: Domain, steps: tuple[Step, ...], gates: tuple[Gate, ...], *, width: float, name: str) -> str | None:
    """Inline SVG, `width` inches wide, with ids that start with `name`; None if there is nothing to place."""
    drawn = [item for item in domain.evaluations if item.compute]
    shown = steps[-SHOWN:]
    xs = [item.compute for item in drawn]
    xs += [x for step in shown for x in (step.start, step.end) if x]
    xs += [compute for compute, _ in domain.forecast]
    if not xs:
        return None
    low, high = _range(xs)
    inside = [gate for gate in gates if low < gate.at < high]
    with mpl.rc_context():
        style(name)
        figure = _figure(domain, drawn, shown, inside, (low, high), width)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return inline(out.getvalue(), name)


def style(name: str) -> None:
    """How everything is drawn, from here on in this context. `name`: what the ids of a drawing come of."""
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            "svg.hashsalt": name,
            "svg.fonttype": "path",
            "font.family": [FACE],
            "font.size": 8,
            # A `$` in somebody's text is a dollar sign, not a formula.
            "text.parse_math": False,
            "axes.edgecolor": GREY,
            "text.color": INK,
        }
    )


def _range(xs: list[int]) -> tuple[float, float]:
    """At least a decade, with room at both ends."""
    low, high = min(xs) / 1.6, max(xs) * 1.6
    if high / low < 10:
        middle = (low * high) ** 0.5
        low, high = middle / 3.2, middle * 3.2
    return low, high


def _figure(
    domain: Domain,
    drawn: list[Evaluation],
    steps: tuple[Step, ...],
    gates: list[Gate],
    span: tuple[float, float],
    width: float,
) -> Figure:
    left, right = 0.5, 0.85
    inner = width - left - right
    stacked = _stack(gates, span, inner)
    laid = rows(steps, span, inner, right - 0.05)
    top = 0.12 + 0.16 * (max(stacked, default=-1) + 1)
    score, lane, bottom, gap = (2.7 if width > 6 else 2.3), lane_height(laid), 0.42, 0.26
    height = top + score + gap + lane + bottom
    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    upper = figure.add_axes((left / width, (bottom + lane + gap) / height, inner / width, score / height))
    lower = figure.add_axes((left / width, bottom / height, inner / width, lane / height))
    for axes in (upper, lower):
        axes.set_xscale("log")
        axes.set_xlim(*span)
        axes.spines[["top", "right"]].set_visible(False)
        # Gates stand in both halves, under everything else.
        for gate in gates:
            axes.axvline(gate.at, color=GREY, linestyle=(0, (1, 2)), linewidth=1, zorder=1)
    _scores(figure, upper, domain, drawn)
    draw_lane(lower, laid, span, inner)
    for gate, row in zip(gates, stacked, strict=True):
        place = fraction(gate.at, span)
        up = [1, 1 + (4 * POINT + row * 0.16) / score]
        upper.plot(
            [gate.at] * 2, up, ":", color=GREY, linewidth=1, transform=upper.get_xaxis_transform(), clip_on=False
        )
        upper.annotate(
            gate.label,
            (place, 1),
            xycoords="axes fraction",
            xytext=(0, 4 + row * 0.16 / POINT),
            textcoords="offset points",
            ha=_side(place, inches(gate.label) / inner),
            fontsize=SIZE,
            color=GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    return figure


def _scores(figure: Figure, axes: Any, domain: Domain, drawn: list[Evaluation]) -> None:
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.set_ylabel("score", fontsize=8, labelpad=2)
    axes.tick_params(axis="x", which="both", labelbottom=False, length=2, color=GREY)
    axes.tick_params(axis="y", length=2, color=GREY)
    threshold, alarm = float(domain.threshold), float(domain.alarm)
    # The two labels stand apart even where the two lines nearly meet.
    apart = max(threshold - alarm, 0.14) - (threshold - alarm)
    for at, shift, text, style in (
        (threshold, apart / 2, f"threshold\n{domain.threshold_text}", "-"),
        (alarm, -apart / 2, f"alarm\n{domain.alarm_text}", (0, (5, 2))),
    ):
        axes.axhline(at, color=RED, linestyle=style, linewidth=1.3, zorder=2)
        axes.text(1.01, at + shift, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=RED)
    if domain.forecast:
        # Up to each row its own bound counts: a stair that goes up before the step.
        axes.step(
            [compute for compute, _ in domain.forecast],
            [float(bound) for _, bound in domain.forecast],
            color=BLUE,
            linestyle=(0, (2, 1.2)),
            linewidth=1.4,
            where="pre",
            zorder=2.5,
        )
    together: dict[int, list[Evaluation]] = defaultdict(list)
    for item in drawn:
        together[item.compute].append(item)
    for compute, items in together.items():
        for place, item in enumerate(items):
            # Evaluations of the same weights stand side by side, a few points apart.
            offset = (place - (len(items) - 1) / 2) * 1.5 * POINT
            _mark(axes, compute, item, domain, ScaledTranslation(offset, 0, figure.dpi_scale_trans))


def _mark(axes: Any, compute: int, item: Evaluation, domain: Domain, aside: ScaledTranslation) -> None:
    if item.kind == "incident":
        at = axes.transData + aside
        axes.plot([compute], [float(domain.alarm)], "*", color=RED, markersize=9, transform=at, zorder=4)
        return
    if item.score is None or item.low is None or item.high is None:
        # On the axis itself, so that it is not taken for a score of nought.
        below = axes.get_xaxis_transform() + aside
        axes.plot([compute], [0], "x", color=INK, markersize=6, markeredgewidth=1.5, transform=below, clip_on=False)
        return
    move = axes.transData + aside
    elicited = item.kind == "elicited"
    colour = RED if item.score >= domain.alarm else BLUE if elicited else GREY
    ends = [float(item.low), float(item.high)]
    axes.plot([compute] * 2, ends, color=colour, linewidth=1.6, solid_capstyle="butt", transform=move, zorder=3)
    axes.plot([compute] * 2, ends, "_", color=colour, markersize=5, transform=move, zorder=3, clip_on=False)
    axes.plot(
        [compute],
        [float(item.score)],
        "o" if elicited else "D",
        markersize=6 if elicited else 4.5,
        markerfacecolor=colour if item.conclusive else "white",
        markeredgecolor=colour,
        markeredgewidth=1.3,
        transform=move,
        zorder=4,
        clip_on=False,
    )


def _side(place: float, size: float) -> str:
    """Where a centred text would leave the axes, it is set to one side instead; sizes as shares of the axis."""
    return "left" if place < size / 2 else "right" if place > 1 - size / 2 else "center"


def _stack(gates: list[Gate], span: tuple[float, float], inner: float) -> list[int]:
    """A row for each label, so that none overlaps another."""
    ends: list[float] = []
    found = []
    for gate in gates:
        place = fraction(gate.at, span)
        size = inches(gate.label) / inner
        start = {"left": place, "center": place - size / 2, "right": place - size}[_side(place, size)]
        row = next((i for i, end in enumerate(ends) if end < start), len(ends))
        ends[row : row + 1] = [start + size + 0.06 / inner]
        found.append(row)
    return found


def inline(svg: str, name: str) -> str:
    """Only the drawing: no prolog, comments, metadata or namespaces, and ids that no other drawing has."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'<svg\b[^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true" focusable="false">', svg, count=1)
    return re.sub(r"\n\s*", "\n", svg)
