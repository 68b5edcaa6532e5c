"""The plot of a forecast: results with what they leave open, each form, the bound that counts, and where it ends."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scalegate.evidence import binomial
from scalegate.gate.foreseeing import Foreseen
from scalegate.policy.document import Domain
from scalegate.report.pen import AMBER, BLUE, FACE, GREEN, GREY, INK, RED
from scalegate.units import format_flop

__all__ = ["draw_forecast"]

STYLES = {
    "persistence": (":", GREY),
    "steepest": ("-.", AMBER),
    "line": ("--", BLUE),
    "reference": ((0, (6, 2)), GREEN),
}
"""Forms differ in their strokes, not in colour alone."""


def draw_forecast(found: Foreseen, domain: Domain, out: Path) -> None:
    """Write it, as the ending of the file's name says: `.svg`, `.png` or `.pdf`. Raises ValueError for another."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.family": [FACE],
                "font.size": 9,
                "axes.edgecolor": GREY,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "text.color": INK,
                "svg.fonttype": "path",
                "svg.hashsalt": "forecast",
            }
        )
        figure = Figure(figsize=(8, 4.4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        _results(axes, found)
        _bounds(axes, found)
        _ends(axes, found, domain)
        axes.set(xscale="log", xlabel="effective compute (FLOP)", ylabel=f"success rate in {domain.id}", ylim=(0, None))
        figure.legend(frameon=False, loc="outside lower center", ncols=2, fontsize=8)
        figure.savefig(out, dpi=150, metadata={"Date": None} if out.suffix == ".svg" else None)


def _results(axes, found: Foreseen) -> None:  # type: ignore[no-untyped-def]
    """Each result, with its own exact two-sided interval at the forecast's confidence."""
    from fractions import Fraction

    chance = (1 - Fraction(str(found.fields["confidence"]))) / (2 * len(found.points))
    for at, it in enumerate(found.points):
        left = it.samples - it.completed
        low = float(binomial.lower_bound(it.successes, it.samples, chance))
        high = float(it.upper or binomial.upper_bound(it.successes + left, it.samples, chance))
        rate = it.successes / it.completed
        bars = [[max(rate - low, 0)], [max(high - rate, 0)]]
        label = "results, with what sampling leaves open" if at == 0 else None
        axes.errorbar([it.compute], [rate], yerr=bars, fmt="o", color=INK, capsize=3, markersize=4, label=label)


def _bounds(axes, found: Foreseen) -> None:  # type: ignore[no-untyped-def]
    xs = [compute for compute, _ in found.found.rows]
    for form in found.found.forms:
        stroke, colour = STYLES[form.name]
        ys = [float(it) for it in form.bounds]
        axes.plot(xs, ys, linestyle=stroke, color=colour, linewidth=1.3, label=f"bound by `{form.name}`")
    worst = [float(it) for _, it in found.found.rows]
    axes.step(xs, worst, where="pre", color=INK, linewidth=1.6, label="the bound that counts: the largest")


def _ends(axes, found: Foreseen, domain: Domain) -> None:  # type: ignore[no-untyped-def]
    alarm = float(domain.alarm)
    axes.axhline(alarm, color=RED, linewidth=0.8)
    at = (found.points[0].compute, alarm)
    axes.annotate(f"alarm {alarm:.3g}", at, xytext=(0, 3), textcoords="offset points", color=RED, fontsize=8)
    under = []
    for compute, bound in found.found.rows:
        if bound >= domain.alarm:
            break
        under.append(compute)
    if under:
        axes.axvline(under[-1], color=RED, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"under the alarm to {format_flop(under[-1])}",
            (under[-1], 0.98),
            xycoords=("data", "axes fraction"),
            xytext=(-4, 0),
            textcoords="offset points",
            color=RED,
            fontsize=8,
            ha="right",
            va="top",
        )
