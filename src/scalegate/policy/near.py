"""What was likely meant by a name that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["or_like"]


def or_like(name: str, known: Iterable[str], fix: str, before: str = "") -> str:
    """What to write in place of the name: the one that is most like it, if one is, and else what `fix` says.

    `before`: how all these names begin, which makes no two of them alike.
    """
    near = difflib.get_close_matches(name[:80], list(known), 1)
    return f"did you mean `{before}{near[0]}`? Else {fix}" if near else fix
