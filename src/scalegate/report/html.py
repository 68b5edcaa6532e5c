"""The page: the view laid out by the template, with its drawings, as one file that needs nothing else."""

from __future__ import annotations

import re
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from scalegate._version import __version__
from scalegate.report.model import Report
from scalegate.report.plot import SHOWN, draw

__all__ = ["page"]

HEADLINE = "THIS POLICY IS INADEQUATE TO ENSURE SAFETY"
WIDE, NARROW = 7.4, 4.3
"""Inches: for a page, and for a phone, where the wide drawing would be too small to read."""


def page(report: Report) -> str:
    """The HTML text of a report."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(ticks=ticks, stamp=stamp)
    source = files("scalegate.report")
    template = environment.from_string(source.joinpath("report.html.j2").read_text(encoding="utf-8"))
    # Only what was made here is marked as markup; every word from the ledger is escaped by the template.
    style = Markup(source.joinpath("report.css").read_text(encoding="utf-8"))
    plots = {}
    for number, domain in enumerate(report.domains):
        drawings = [
            draw(domain, report.steps, report.gates, width=width, name=f"d{number}{size}")
            for width, size in ((WIDE, "w"), (NARROW, "n"))
        ]
        plots[domain.id] = [Markup(svg) for svg in drawings if svg is not None]
    return template.render(r=report, headline=HEADLINE, style=style, plots=plots, shown=SHOWN, version=__version__)


def ticks(text: str) -> Markup:
    """Text of the gate as HTML: escaped, what stands between backticks set as code, instants kept on one line."""
    marked = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", r'<span class="nowrap">\g<0></span>', marked))


def stamp(instant: str) -> Markup:
    """An instant for a narrow column: it may break before the time, not within the date."""
    date, between, time = str(escape(instant)).partition("T")
    return Markup(f'<span class="nowrap">{date}</span><wbr>{between}{time}')
