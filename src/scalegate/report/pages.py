"""What the pages share: one file that needs nothing else, in one look, in which every word from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from scalegate._version import __version__
from scalegate.report.markdown import own_words
from scalegate.report.promises import HEADLINE

__all__ = ["render", "stamp", "ticks"]


def render(name: str, styles: tuple[str, ...], known: Mapping[str, object]) -> str:
    """The HTML text of a template with these style sheets, one after the other."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(ticks=ticks, stamp=stamp, own=own_words)
    source = files("scalegate.report")
    template = environment.from_string(source.joinpath(name).read_text(encoding="utf-8"))
    # Only what was made here is marked as markup; every word from a ledger or a policy is escaped by the template.
    style = Markup("".join(source.joinpath(sheet).read_text(encoding="utf-8") for sheet in styles))
    return template.render(headline=HEADLINE, style=style, version=__version__, **known)


def ticks(text: str) -> Markup:
    """Text of the gate as HTML: escaped, what stands between backticks set as code, instants kept on one line."""
    marked = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", r'<span class="nowrap">\g<0></span>', marked))


def stamp(instant: str) -> Markup:
    """An instant for a narrow column: it may break before the time, not within the date."""
    date, between, time = str(escape(instant)).partition("T")
    return Markup(f'<span class="nowrap">{date}</span><wbr>{between}{time}')
