"""The JSON Schemas of what entries hold, one for each kind: made from the very models that read them.

A schema says of the form of a predicate what a schema can say; whether it counts is the gate's to say. What it refuses
the reader refuses as well. `python -m scalegate.ledger.schema` writes the files anew.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from scalegate.ledger.entries import PREDICATES, Entry
from scalegate.ledger.predicate import PREFIX

__all__ = ["FOLDER", "published", "published_schema", "schema_of", "written"]

FOLDER = Path(str(files("scalegate"))) / "ledger" / "schemas"
_ENDING = ".schema.json"


@cache
def published() -> dict[str, str]:
    """The names of the schemas, each with the type of the predicate that it is of."""
    return {f"{uri.removeprefix(PREFIX).replace('/', '.')}{_ENDING}": uri for uri in sorted(PREDICATES)}


def published_schema(name: str) -> str:
    """A schema as it comes with the package."""
    return (FOLDER / name).read_text(encoding="utf-8")


def schema_of(model: type[Entry]) -> dict[str, Any]:
    """The schema of one kind of predicate, as data."""
    made = model.model_json_schema(mode="validation")
    parts = {name: _plain(_model(name), part) for name, part in sorted(made.pop("$defs", {}).items())}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": model.type_uri, "title": model.__name__}
    return head | _plain(model, made) | ({"$defs": parts} if parts else {})


def written(model: type[Entry]) -> str:
    """The schema as text."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"


def _plain(model: type[BaseModel], made: dict[str, Any]) -> dict[str, Any]:
    """With what the source says of each field, and every field required that is always written."""
    fields, leaves_out = dict(made["properties"]), bool(model.__pydantic_decorators__.model_serializers)
    for name, field in fields.items():
        fields[name] = {key: value for key, value in field.items() if key not in ("title", "default")}
        if words := _said(model, name):
            fields[name]["description"] = words
    # One canonical form: what has a default is written too, but for what a model leaves out where it is not told.
    required = list(fields)
    if leaves_out:
        required = list(model.model_construct(None, **dict.fromkeys(fields)).model_dump(mode="json", warnings=False))
    if "ledger" in fields and not model.model_fields["ledger"].is_required():
        # Not written where it is not told, of any kind.
        required = [it for it in required if it != "ledger"]
    text = " ".join(inspect.cleandoc(model.__doc__ or "").split())
    return {
        "description": text,
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": False,
    }


def _model(name: str) -> type[BaseModel]:
    """The model of a part, by its name."""
    below: list[type[BaseModel]] = list(BaseModel.__subclasses__())
    while below:
        found = below.pop()
        if found.__name__ == name and found.__module__.startswith("scalegate.ledger."):
            return found
        below += found.__subclasses__()
    raise LookupError(name)


def _said(model: type[BaseModel], field: str) -> str | None:
    return next((words for it in model.__mro__ if (words := _texts(it).get(field))), None)


@cache
def _texts(model: type) -> dict[str, str]:
    """The text under each field of a class of the ledger's."""
    if not model.__module__.startswith("scalegate.ledger."):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[model.__module__]))
    body = next(it.body for it in tree.body if isinstance(it, ast.ClassDef) and it.name == model.__name__)
    found = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, uri in published().items():
        (FOLDER / file).write_text(written(PREDICATES[uri]), encoding="utf-8")
