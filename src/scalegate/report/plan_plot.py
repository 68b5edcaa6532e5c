"""The plot of a plan: by true success rate, how surely each rule rules the alarm out, and after how many samples."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scalegate.evidence.plan import RulePlan, plan_of
from scalegate.report.pen import BLUE, FACE, GREY, INK, RED

__all__ = ["draw_plan"]

POINTS = 41
STYLES = (("-", GREY), ("-", BLUE), ("--", INK))
"""Rules differ in their strokes, not in colour alone."""


def draw_plan(found: Sequence[RulePlan], out: Path) -> None:
    """Write it, as the ending of the file's name says: `.svg`, `.png` or `.pdf`. Raises ValueError for another."""
    alarm, alpha = found[0].rule.alarm, found[0].rule.alpha
    last = min(alarm * Fraction(3, 2), Fraction(1))
    rates = [last * step / (POINTS - 1) for step in range(POINTS)]
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
                "svg.hashsalt": "plan",
            }
        )
        figure = Figure(figsize=(9.5, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        chances, samples = figure.subplots(1, 2)
        for plan, (stroke, colour) in zip(found, STYLES, strict=False):
            points = plan_of(plan.name, plan.rule, rates).outlooks
            xs = [float(it.rate) for it in points]
            chances.plot(xs, [it.ruled_out for it in points], stroke, color=colour, label=plan.name)
            samples.plot(xs, [it.samples for it in points], stroke, color=colour, label=plan.name)
        chances.axhline(float(alpha), color=RED, linewidth=0.8, linestyle=":")
        chances.annotate(
            f"a miss of at most {float(alpha):.3g}",
            (0, float(alpha)),
            xytext=(2, 3),
            textcoords="offset points",
            color=RED,
            fontsize=8,
        )
        chances.set(ylabel="chance of ruling it out", ylim=(0, 1.03))
        samples.set(ylabel="samples taken, on average", ylim=(0, None))
        for axes in (chances, samples):
            axes.axvline(float(alarm), color=RED, linewidth=0.8)
            axes.set(xlabel="true success rate", xlim=(0, float(last)))
        samples.annotate(
            f"alarm {float(alarm):.3g}",
            (float(alarm), 0.96),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            color=RED,
            fontsize=8,
        )
        chances.legend(frameon=False, loc="upper right")
        figure.savefig(out, dpi=150, metadata={"Date": None} if out.suffix == ".svg" else None)
