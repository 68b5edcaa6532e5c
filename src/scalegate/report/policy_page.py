"""The document of a policy as one HTML file: its model laid out by the template."""

from __future__ import annotations

from scalegate.report.markdown import AIMS, OWN_WORDS, banner
from scalegate.report.pages import render
from scalegate.report.promises import Promises

__all__ = ["policy_page"]


def policy_page(it: Promises) -> str:
    """The HTML text."""
    known = {
        "p": it,
        "banner": banner(it),
        "own_words": OWN_WORDS,
        "aims": AIMS,
        "most": max([1, *(number for _, number, _ in it.modalities)]),
    }
    return render("policy.html.j2", ("report.css", "policy.css"), known)
