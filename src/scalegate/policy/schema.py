"""The JSON Schema of the policy language, for editors: made from the very models that read a policy.

It says of the form of a file what a schema can say; what a text means, and whether parts hang together, it cannot. What
it refuses the reader refuses as well. `python -m scalegate.policy.schema` writes `policy.schema.json` anew.
"""

from __future__ import annotations

import ast
import inspect
import json
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from scalegate.policy import document, evidence_parts, parts, scalars
from scalegate.policy.document import Policy
from scalegate.policy.form import POLICY

__all__ = ["FILE", "published_schema", "schema", "written"]

FILE = Path(str(files("scalegate"))) / "policy" / "policy.schema.json"


def published_schema() -> str:
    """The schema as it comes with the package."""
    return FILE.read_text(encoding="utf-8")


def schema() -> dict[str, Any]:
    """The schema, as data."""
    made = Policy.model_json_schema(by_alias=True, mode="validation")
    defined = made.pop("$defs")
    # A floor holds a policy, so that one is a part too.
    made = defined.pop("Policy", made)
    defined["Floor"] = _in_a_file(defined["Floor"])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:scalegate:policy:1",
        "title": "A policy in the language of scalegate, version 1",
    }
    whole = head | _part("Policy", made)
    whole["properties"]["scalegate"] |= {"const": "1"}
    done: dict[str, Any] = _by_name(_as_read(whole))
    named = {name: _by_name(_as_read(_part(name, part))) for name, part in sorted(defined.items())}
    return done | {"$defs": {**_SCALARS, **named}}


def _in_a_file(floor: dict[str, Any]) -> dict[str, Any]:
    """A floor as a file names it: published, in a file beside it, or whole."""
    fields = floor["properties"] | {"document": {"type": "object"}, "file": {"type": "string", "pattern": r"[^\s]"}}
    without = {key: value for key, value in floor.items() if key != "required"}
    return without | {"properties": fields, "anyOf": [{"required": ["policy", "version"]}, {"required": ["file"]}]}


def _part(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """With what the source says of each field."""
    model, said = getattr(document, name, None) or getattr(parts, name), _said()
    described = {}
    for index, info in model.model_fields.items():
        field = info.alias or index
        described[field] = dict(part["properties"][field])
        words, example = _of(model, index, said), POLICY.examples.get(field, "...")
        if words:
            described[field]["description"] = words
        if "examples" in described[field] and "..." not in example:
            described[field]["examples"] = [example.strip('"')]
    without = {key: value for key, value in part.items() if key not in ("title", "description")}
    text = inspect.cleandoc(model.__doc__ or "")
    return {**({"description": _flat(text)} if text else {}), **without, "properties": part["properties"] | described}


def _of(model: type, field: str, said: dict[tuple[str, str], str]) -> str | None:
    return next((said[it.__name__, field] for it in model.__mro__ if (it.__name__, field) in said), None)


@cache
def _said() -> dict[tuple[str, str], str]:
    """The text under each field of the document's classes."""
    found: dict[tuple[str, str], str] = {}
    sources = (inspect.getsource(module) for module in (evidence_parts, parts, document))
    for item in (it for source in sources for it in ast.parse(source).body):
        lines = item.body if isinstance(item, ast.ClassDef) else []
        for field, text in pairwise(lines):
            match field, text:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(words))):
                    assert isinstance(item, ast.ClassDef)
                    found[item.name, name] = _flat(words)
    return found


_NAMES = (
    "Flop",
    "Chance",
    "Duration",
    "Instant",
    "Factor",
    "Share",
    "Score",
    "Count",
    "Figure",
    "Identifier",
    "Text",
    "Line",
)
_OR_NAMED = ("FlopOrNamed", "DurationOrNamed", "EndOrNamed", "FactorOrNamed")
_SCALARS = {name: TypeAdapter(getattr(scalars, name)).json_schema() for name in (*_NAMES, *_OR_NAMED)}


def _by_name(part: Any) -> Any:
    """With each scalar by its name."""
    if isinstance(part, list):
        return [_by_name(it) for it in part]
    if not isinstance(part, dict):
        return part
    for name, scalar in _SCALARS.items():
        if "pattern" in part and part["pattern"] == scalar["pattern"]:
            own = {key: value for key, value in part.items() if value != scalar.get(key)}
            return {"$ref": f"#/$defs/{name}", **own}
    return {key: _by_name(value) for key, value in part.items()}


def _flat(text: str) -> str:
    return " ".join(text.split())


def _as_read(part: Any) -> Any:
    """As a file has it: a field is there or not, and has no value `null`; a number may stand without quotes."""
    if isinstance(part, list):
        return [_as_read(it) for it in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if key not in ("title", "default", "discriminator")}
    some = [it for it in kept.get("anyOf", ()) if it != {"type": "null"}]
    if len(some) == 1:
        kept = {**some[0], **{key: value for key, value in kept.items() if key != "anyOf"}}
    if kept.get("const") == "1":
        kept = {**{key: value for key, value in kept.items() if key not in ("const", "type")}, "enum": ["1", 1]}
    if "title" in part and "$schema" in part:
        kept["title"] = part["title"]
    return {
        key: {name: _as_read(it) for name, it in value.items()} if key == "properties" else _as_read(value)
        for key, value in kept.items()
    }


def written() -> str:
    """The schema as text, a field on each line."""
    return _laid_out(schema(), 0) + "\n"


def _laid_out(value: dict[str, Any], depth: int) -> str:
    space = "  " * (depth + 1)
    lines = []
    for key, inner in value.items():
        open_ = key in ("properties", "$defs") or (isinstance(inner, dict) and "properties" in inner)
        shown = _laid_out(inner, depth + 1) if open_ else json.dumps(inner, ensure_ascii=False)
        lines.append(f"{space}{json.dumps(key)}: {shown}")
    return "{\n" + ",\n".join(lines) + "\n" + "  " * depth + "}"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
