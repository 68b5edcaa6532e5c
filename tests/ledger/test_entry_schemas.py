"""The JSON Schemas of what entries hold: up to date, true of real entries, and no looser than what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from scalegate.errors import InputError
from scalegate.gate import Journal
from scalegate.ledger import dsse, strict_json
from scalegate.ledger.entries import PREDICATES, Entry, read_statement, write_statement
from scalegate.ledger.predicate import PREFIX
from scalegate.ledger.schema import FOLDER, published, published_schema, schema_of, written
from scalegate.training.held import Held
from support import Model, approve, attest, new_project, open_gate, train

KINDS = get_args(Entry)


def validator(uri: str) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    (name,) = (name for name, it in published().items() if it == uri)
    made = jsonschema.Draft202012Validator(json.loads(published_schema(name)))
    made.check_schema(made.schema)
    return made


def test_the_files_are_what_the_models_make() -> None:
    """`python -m scalegate.ledger.schema` writes them anew."""
    assert {it.name for it in FOLDER.iterdir()} == set(published())
    for name, uri in published().items():
        assert published_schema(name) == written(PREDICATES[uri]), name


@pytest.mark.parametrize("model", KINDS, ids=lambda it: it.__name__)
def test_each_says_what_its_fields_are_and_takes_no_others(model: type[Entry]) -> None:
    made = schema_of(model)
    assert made["$id"] == model.type_uri
    assert made["description"]
    for name, part in [("", made), *made.get("$defs", {}).items()]:
        assert part["additionalProperties"] is False, name
        assert set(part["required"]) <= set(part["properties"])
        for field, shape in part["properties"].items():
            assert "float" not in json.dumps(shape), field
            assert {"type": "number"} not in (shape, *shape.get("anyOf", ())), field
    for field in ("actor", "time", "policy"):
        assert made["properties"][field]["description"]


def entries(folder: Path) -> list[dict[str, Any]]:
    """The statements of a run that was evaluated, held and released."""
    project, model = new_project(folder / "p"), Model(skill=lambda _flops: 0.4)
    for _ in range(2):
        try:
            with open_gate(project, model) as gate:
                train(gate, model, steps=200)
        except Held:
            attest(project)
            approve(project, "ada", "grace")
    with Journal.open(project.ledger) as journal:
        return [json.loads(dsse.parse(it).payload) for _, it in journal.ledger.entries()]


def test_what_is_in_a_ledger_is_valid_and_what_is_not_read_for_its_form_is_not(tmp_path: Path) -> None:
    seen: dict[str, dict[str, Any]] = {}
    for statement in entries(tmp_path):
        kind, predicate = statement["predicateType"], statement["predicate"]
        assert list(validator(kind).iter_errors(predicate)) == [], kind
        seen[kind] = statement
    assert {it.removeprefix(PREFIX).partition("/")[0] for it in seen} >= {
        "policy-adopted", "run-opened", "compute-reserved", "weights-recorded", "evaluation-announced",
        "evaluation-finished", "decision", "attestation", "approval", "tier-status",
    }  # fmt: skip
    for kind, statement in seen.items():
        predicate = statement["predicate"]
        made = validator(kind)
        for name in predicate:
            without = {key: value for key, value in predicate.items() if key != name}
            assert not made.is_valid(without) or read(statement | {"predicate": without}), (kind, name)
            for other in ([], {}, -1, 1.5, True, ""):
                # What a schema takes of a form that no reader takes is what only people can tell.
                if not made.is_valid(predicate | {name: other}):
                    continue
                assert isinstance(other, type(predicate[name])), (kind, name, other)
        assert not made.is_valid(predicate | {"unknown": 1})


def read(statement: dict[str, Any]) -> bool:
    try:
        return bool(write_statement(read_statement(strict_json.dumps(statement))))
    except InputError:
        return False
