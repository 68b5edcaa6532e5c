"""`write_policy`: the document of a policy as a file, HTML or Markdown, whole or not at all."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from scalegate.errors import lacking
from scalegate.report.markdown import markdown
from scalegate.report.promises import Promises
from scalegate.report.publish import HTML, publish

__all__ = ["write_html", "write_markdown"]


def write_html(it: Promises, out: Path) -> Path:
    """One HTML file that needs nothing else. Raises InputError where it cannot be written, or without `jinja2`."""
    if find_spec("jinja2") is None:
        raise lacking("a page", "jinja2", "report")
    from scalegate.report.policy_page import policy_page

    return publish(out, policy_page(it).encode(), HTML)


def write_markdown(it: Promises, out: Path) -> Path:
    """One Markdown file, in place of an earlier one of this policy. Raises InputError where it cannot be written."""
    return publish(out, markdown(it).encode(), f"# {it.name} ".encode())
