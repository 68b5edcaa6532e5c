"""What to write where a value has the wrong shape, or stands under a name that is no field: as it was likely meant."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from scalegate import meant
from scalegate.policy.faults import PartPath

__all__ = ["field_meant", "shape_meant"]

_SIMPLE = r"[\w][\w ./-]{0,63}"
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


def shape_meant(path: PartPath, value: Any, fields: Collection[str], examples: Mapping[str, str]) -> str | None:
    """What to write for a value that is no list or no set of fields; `fields`: those of the part that belongs there."""
    own = set(fields)
    if isinstance(value, dict) and value and not own:
        return _items(value)
    text = value if isinstance(value, str) else value[0] if isinstance(value, list) and len(value) == 1 else None
    if not isinstance(text, str) or not text.strip():
        return None
    if {"role", "at_least"} <= own and _PLAIN.fullmatch(text):
        return f"write who signs and how many of them, for example `{{role: {text}, at_least: 1}}`"
    if {"document", "section"} <= own:
        return f"write `{_source(text)}`"
    if {"from", "until"} == own:
        return _dates(text)
    if {"factor", "basis"} == own and re.fullmatch(r"[0-9.]+x", text):
        return f"write `{{factor: {text}, basis: ...}}`, with where the factor comes from"
    if {"method", "share"} <= own and _PLAIN.fullmatch(text) and isinstance(path[-1], str):
        return f"write its fields, for example `{examples[path[-1]]}`" if path[-1] in examples else None
    return None


def _items(value: Mapping[str, Any]) -> str:
    """For a set of fields in place of a list: items, if each of these has fields of its own; else one item."""
    if value and all(isinstance(it, dict) for it in value.values()):
        return f"write one item per line, each after `- `, with its name as `id`: `- id: {next(iter(value))}`"
    return "it is one item: write `- ` before it, or put it in brackets: `[{...}]`"


def _source(text: str) -> str:
    found = re.fullmatch(r"(?:§ ?)?(.*?\S),? (?:section |§ ?)?([0-9]+(?:\.[0-9]+)*)", text)
    document = found[1] if found else text
    shown = document if re.fullmatch(_SIMPLE, document) and document[:1].isalpha() else json.dumps(document)
    return f'{{document: {shown}, section: "{found[2]}"}}' if found else f"{{document: {shown}}}"


def _dates(text: str) -> str:
    day = text if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else meant.as_date(text)
    if day is None:
        return "write from or until when, for example `{from: 2027-01-31}`"
    return f"write `{{from: {day}}}` if it begins then, `{{until: {day}}}` if it ends then"
