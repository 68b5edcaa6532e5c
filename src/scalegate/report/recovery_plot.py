"""The drawing of one set of weights side by side: as it is, elicited and the control; and what came of more compute.

Marks differ in shape and filling, not in colour alone; the same figures give the same bytes, as in `plot`.
"""

from __future__ import annotations

import io
from math import log10
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from scalegate.report.model import Curve, Domain, SideBySide
from scalegate.report.pen import BLUE, GREY, RED, SIZE
from scalegate.report.plot import inline, style

__all__ = ["draw_beside"]


def draw_beside(domain: Domain, it: SideBySide, *, width: float, name: str) -> str | None:
    """Inline SVG, `width` inches wide, with ids that start with `name`; None if there is nothing to draw."""
    marks = [(text, one.score, one.low, one.high) for text, one in it.rows if one.score is not None]
    marks += [(text, score, None, None) for text, _, score in it.controls]
    if not marks:
        return None
    curves = bool(it.curve.points or it.control_curve.points)
    with mpl.rc_context():
        style(name)
        beside = curves and width > 6
        height = 2.6 if beside or not curves else 5.2
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        left = _box(figure, width, height, 0.5, 0.42 if beside or not curves else 3.02, width * 0.4 if beside else None)
        _marks(left, domain, marks, labels=not beside)
        if curves:
            start = 0.5 + width * 0.4 + 0.45 if beside else 0.5
            _curves(_box(figure, width, height, start, 0.42, None), domain, it)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return inline(out.getvalue(), name)


def _box(figure: Figure, width: float, height: float, left: float, bottom: float, wide: float | None) -> Any:
    """Axes of two inches' height, `wide` inches wide or up to where the labels of the lines stand; all in inches."""
    across = width - left - 0.85 if wide is None else wide
    axes = figure.add_axes((left / width, bottom / height, across / width, 2.0 / height))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.tick_params(length=2, color=GREY, labelsize=SIZE)
    return axes


def _lines(axes: Any, domain: Domain, *, labels: bool) -> None:
    threshold, alarm = float(domain.threshold), float(domain.alarm)
    apart = max(threshold - alarm, 0.17) - (threshold - alarm)
    for at, shift, text, dashes in (
        (threshold, apart / 2, f"threshold\n{domain.threshold_text}", "-"),
        (alarm, -apart / 2, f"alarm\n{domain.alarm_text}", (0, (5, 2))),
    ):
        axes.axhline(at, color=RED, linestyle=dashes, linewidth=1.2, zorder=1)
        if labels:
            axes.text(1.01, at + shift, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=RED)


def _marks(axes: Any, domain: Domain, marks: list[tuple[str, Any, Any, Any]], *, labels: bool) -> None:
    """Each score with its bounds, in a column of its own."""
    _lines(axes, domain, labels=labels)
    axes.set_ylabel("score", fontsize=8, labelpad=2)
    axes.set_xlim(-0.6, len(marks) - 0.4)
    axes.set_xticks(range(len(marks)), [text.replace(", ", ",\n") for text, *_ in marks], fontsize=SIZE)
    axes.tick_params(axis="x", length=0)
    for at, (text, score, low, high) in enumerate(marks):
        control, elicited = text.startswith("control"), text.endswith("elicited")
        colour = GREY if control else RED if score >= domain.alarm else BLUE
        if low is not None and high is not None:
            axes.plot([at] * 2, [float(low), float(high)], color=colour, linewidth=1.6, zorder=3)
            axes.plot([at] * 2, [float(low), float(high)], "_", color=colour, markersize=6, zorder=3, clip_on=False)
        axes.plot(
            [at],
            [float(score)],
            "s" if control else "o" if elicited else "D",
            markersize=6,
            markerfacecolor=colour if elicited else "white",
            markeredgecolor=colour,
            markeredgewidth=1.4,
            zorder=4,
            clip_on=False,
        )
        axes.annotate(
            f"{float(score):.3f}",
            (at, float(score)),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=SIZE,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )


def _curves(axes: Any, domain: Domain, it: SideBySide) -> None:
    """The recovery curve, and that of the control, on one axis of compute."""
    _lines(axes, domain, labels=True)
    every = [flops for curve in (it.curve, it.control_curve) for flops, _, _ in curve.points]
    spent = [flops for flops in every if flops]
    # Before any compute nothing stands on a logarithmic axis: it is drawn at its left end.
    first = min(spent, default=1) / (3 if 0 in every else 1)
    axes.set_xscale("log")
    axes.set_xlim(first / 1.3, max(spent, default=10) * 1.3)
    for curve, text, colour, mark, dashes in (
        (it.control_curve, "control", GREY, "s", (0, (3, 2))),
        (it.curve, "these weights", BLUE, "o", "-"),
    ):
        _curve(axes, curve, first, text, colour, mark, dashes)
    none = "; left end: none yet" if 0 in every else ""
    axes.set_xlabel(f"FLOP of elicitation, all attempts counted (log scale{none})", fontsize=SIZE, labelpad=2)
    low, high = axes.get_xlim()
    few = log10(high / low) < 1.3
    axes.xaxis.set_major_locator(LogLocator(base=10, numticks=5))
    axes.xaxis.set_minor_locator(LogLocator(base=10, subs=(2, 5) if few else (), numticks=40))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"1e{round(log10(x))}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda x, _: f"{x:.0e}".replace("e+", "e")))
    axes.tick_params(axis="x", which="both", length=2, color=GREY, labelsize=SIZE)
    axes.legend(loc="best", fontsize=SIZE, frameon=False, borderaxespad=0.1)


def _curve(axes: Any, curve: Curve, first: float, text: str, colour: str, mark: str, dashes: Any) -> None:
    if not curve.points:
        return
    xs = [flops or first for flops, _, _ in curve.points]
    ys = [float(score) for _, score, _ in curve.points]
    axes.plot(xs, ys, color=colour, linestyle=dashes, marker=mark, markersize=4, label=text, zorder=3, clip_on=False)
