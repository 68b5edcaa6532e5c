"""The page: the view laid out by the template, with its drawings, as one file that needs nothing else."""

from __future__ import annotations

from markupsafe import Markup

from scalegate.gate.recorded import ALPHA_ONLY
from scalegate.report.model import Report
from scalegate.report.pages import render
from scalegate.report.plot import SHOWN, draw
from scalegate.report.recovery_plot import draw_beside

__all__ = ["page"]

WIDE, NARROW = 7.4, 4.3
"""Inches: for a page, and for a phone, where the wide drawing would be too small to read."""


def page(report: Report) -> str:
    """The HTML text of a report."""
    plots, beside = {}, {}
    for number, domain in enumerate(report.domains):
        drawings = [
            draw(domain, report.steps, report.gates, width=width, name=f"d{number}{size}")
            for width, size in ((WIDE, "w"), (NARROW, "n"))
        ]
        plots[domain.id] = [Markup(svg) for svg in drawings if svg is not None]
        for row, it in enumerate(domain.beside):
            pair = [
                draw_beside(domain, it, width=width, name=f"d{number}b{row}{size}")
                for width, size in ((WIDE, "w"), (NARROW, "n"))
                if it.pictured
            ]
            beside[domain.id, it.weights] = [Markup(svg) for svg in pair if svg is not None]
    known = {"r": report, "plots": plots, "beside": beside, "shown": SHOWN, "alpha_only": ALPHA_ONLY}
    return render("report.html.j2", ("report.css",), known)
