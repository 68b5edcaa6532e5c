"""What to write where a value has the wrong shape, or stands under a name that is no field: as it was likely meant."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from scalegate import meant
from scalegate.policy.faults import PartPath

__all__ = ["alone_like", "field_meant", "shape_meant"]

NAMED = frozenset(
    [
        *(
            "people",
            "assumptions",
            "domains",
            "determinations",
            "parameters",
            "risks",
            "levels",
            "tiers",
            "clauses",
            "exceptions",
        ),
        "safeguards",
        "gains",
    ]
)
"""Lists of which every item has a name."""
WORDS = frozenset({"roles", "parties", "actions", "not_measured", "apart_from"})
"""Lists of words."""
_SIMPLE = r"[\w][\w ./-]{0,63}"
_FIGURES = {
    "flop": r"[0-9][0-9.eE+]* [kMGTPEZY]?FLOP",
    "factor": r"[0-9.]+x",
    "duration": r"[0-9]+ (?:second|minute|hour|day|week|month|year)s?",
}
"""How a figure is written, of the kinds that a clause has one of. A date may begin something or end it."""
_PLAIN = re.compile(r"[\w.-]{1,64}")


def field_meant(path: PartPath, kinds: Collection[str]) -> str | None:
    """What to write for the name of a field that a policy does not have; None: nothing is known of it."""
    if len(path) != 1:
        return None
    name = str(path[0])
    if name == "name":
        return "write `policy: ...` for its short name, in small letters, or `title: ...` for its full one"
    if name in kinds:
        return f"it is a kind of clause: write it below `clauses`, as an item that begins `- id: ...`, `kind: {name}`"
    return None


def alone_like(value: Any, fields: Collection[str], examples: Mapping[str, str]) -> str | None:
    """The one of these fields that takes a figure of the value's kind; None: there is none, or there are several."""
    kind = _kind_of_figure(value)
    like = [it for it in fields if kind and _kind_of_figure(examples.get(it, "").strip('"')) == kind]
    return like[0] if len(like) == 1 else None


def _kind_of_figure(value: Any) -> str | None:
    text = value if isinstance(value, str) else ""
    return next((kind for kind, form in _FIGURES.items() if re.fullmatch(form, text)), None)


def shape_meant(path: PartPath, value: Any, fields: Collection[str], examples: Mapping[str, str]) -> str | None:
    """What to write for a value that is no list or no set of fields; `fields`: those of the part that belongs there."""
    own = set(fields)
    if isinstance(value, dict) and value and not own:
        return _items(str(path[-1]), value)
    text = value if isinstance(value, str) else value[0] if isinstance(value, list) and len(value) == 1 else None
    if not isinstance(text, str) or not text.strip():
        return None
    if {"role", "at_least"} <= own and _PLAIN.fullmatch(text):
        return f"write who signs and how many of them, as `{{role: {text}, at_least: ...}}`"
    if {"document", "section"} <= own:
        return f"write `{_source(text)}`"
    if {"from", "until"} == own:
        return _dates(text)
    if {"factor", "basis"} == own and re.fullmatch(r"[0-9.]+x", text):
        return f"write `{{factor: {text}, basis: ...}}`, with where the factor comes from"
    if {"method", "share"} <= own and _PLAIN.fullmatch(text) and isinstance(path[-1], str):
        form = re.sub(r"(?<=: )[0-9][^ ,}]*", "...", examples.get(path[-1], ""))
        return f"write its fields, as `{form}`" if form else None
    return None


def _items(field: str, value: Mapping[str, Any]) -> str:
    """For a set of fields in place of a list: items, if each of these is named or has fields of its own; else one."""
    named = field in NAMED and "id" not in value and "number" not in value
    if field in WORDS:
        return "write the names alone, in brackets and with commas between them: `[..., ...]`"
    if not named and not all(isinstance(it, dict) for it in value.values()):
        return "it is one item: write `- ` before it, or put it in brackets: `[{...}]`"
    first = str(next(iter(value)))
    number = re.search("[0-9]+", first)
    begins = f"- number: {number[0] if number else '...'}" if field == "levels" else f"- id: {first}"
    name = "number" if field == "levels" else "id"
    return (
        f"write a list of items, each with its `{name}`, and its other fields below that: the first begins `{begins}`"
    )


def _source(text: str) -> str:
    found = re.fullmatch(r"(?:§ ?)?(.*?\S),? (?:section |§ ?)?([0-9]+(?:\.[0-9]+)*)", text)
    document = found[1] if found else text
    shown = document if re.fullmatch(_SIMPLE, document) and document[:1].isalpha() else json.dumps(document)
    return f'{{document: {shown}, section: "{found[2]}"}}' if found else f"{{document: {shown}}}"


def _dates(text: str) -> str:
    day = meant.as_date(text)
    if day is None:
        return "write from or until when, as `{from: YYYY-MM-DD}` or `{until: YYYY-MM-DD}`"
    return f"write `{{from: {day}}}` if it begins then, `{{until: {day}}}` if it ends then"
