"""What is asked of a model, as a digest: of samples before they are run, and of those that a log of Inspect holds.

Names of messages, which Inspect draws anew each time, are left out of it, as is what is empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

__all__ = ["CONTENT", "contents_digest", "resolved"]

CONTENT = ("id", "input", "choices", "target", "metadata", "sandbox", "files", "setup")
"""Of a sample: what says what is asked, and what counts as an answer."""
ELSEWHERE = ("sandbox", "files", "setup")
"""Of these a log keeps names alone, or nothing."""
DRAWN = ("id", "source")
"""Of a message: what is made when it is."""
ATTACHED = "attachment://"
"""Where a log has a long text under its digest."""


def contents_digest(samples: Iterable[Mapping[str, Any]], *, logged: bool = False) -> str:
    """Hex SHA-256 of the samples, as JSON has them, whatever order they are in; of files that they name, of the names.

    logged: they are of a log, which does not have all of a sample that takes files; "" where one does.
    """
    lines = []
    for sample in samples:
        content = {name: _bare(sample.get(name)) for name in CONTENT}
        if isinstance(sample.get("input"), list):
            content["input"] = [
                {name: value for name, value in it.items() if name not in DRAWN} if isinstance(it, dict) else it
                for it in content["input"] or ()
            ]
        if logged and any(content[name] is not None for name in ELSEWHERE):
            return ""
        lines.append(json.dumps(content, sort_keys=True, default=_float))
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def resolved(value: Any, attached: Mapping[str, Any]) -> Any:
    """With each text that stands under its digest in its place; one that is not there stays as it is."""
    if isinstance(value, str) and value.startswith(ATTACHED):
        return attached.get(value.removeprefix(ATTACHED), value)
    if isinstance(value, list):
        return [resolved(it, attached) for it in value]
    if isinstance(value, dict):
        return {name: resolved(it, attached) for name, it in value.items()}
    return value


def _bare(value: Any) -> Any:
    """Without what is empty, however that is written; None: nothing is left."""
    if isinstance(value, dict):
        left = {name: _bare(it) for name, it in value.items()}
        return {name: it for name, it in left.items() if it is not None} or None
    if isinstance(value, list):
        return [_bare(it) for it in value] or None
    return None if value == "" else value


def _float(value: object) -> float:
    if isinstance(value, Fraction):
        return float(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")
