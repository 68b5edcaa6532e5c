"""What was likely meant by a name that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest", "or_like"]

_LIKE = 0.65
"""How like two names must be: with less, names that have little to do with each other are."""


def or_like(name: str, known: Iterable[str], fix: str, before: str = "") -> str:
    """What to write in place of the name: the one that is most like it, if one is, and else what `fix` says.

    `before`: how all these names begin, which makes no two of them alike.
    """
    near = nearest(name, known)
    return f"did you mean `{before}{near}`? Else {fix}" if near else fix


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one that is most like the name, or begins as it does; None: there is none."""
    words = list(known)
    near = difflib.get_close_matches(name[:80], words, 1, _LIKE)
    begun = [it for it in words if len(name) > 1 and (it.startswith(f"{name}-") or name.startswith(f"{it}-"))]
    begun += [it for it in words if min(len(name), len(it)) > 2 and (it.startswith(name) or name.startswith(it))]
    return near[0] if near else begun[0] if begun else None
