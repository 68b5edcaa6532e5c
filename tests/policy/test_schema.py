"""The JSON Schema of policy files: it is up to date, accepts what the reader reads, and refuses faults of form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from scalegate.cli.main import run
from scalegate.examples import read_example
from scalegate.policy import Policy, load_policy, parse_policy
from scalegate.policy.faults import PolicyFaults
from scalegate.policy.form import POLICY
from scalegate.policy.published import published
from scalegate.policy.schema import FILE, published_schema, schema, written
from scalegate.policy.sheet import read_sheet

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
EXAMPLES = ("arithmetic", "starter", "frontier", "floor")
PUBLISHED = [(str(it), it.path.read_text(encoding="utf-8")) for it in published()]
POLICIES = [(name, read_example(name)) for name in EXAMPLES] + PUBLISHED
BEYOND = {
    "comment_in_text": "what a comment hides",
    "day_that_is_not": "how many days a month has",
    "duplicate_key": "what a field said before it was said again",
    "hidden_direction": "which characters can be shown",
    "kind_elicited": "what a field asks of another: of which kinds something is elicited",
    "kind_without_elicitation": "the same",
}
"""Broken files with faults of form alone that a schema cannot tell, with what it would have to know."""


def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    made = jsonschema.Draft202012Validator(json.loads(published_schema()))
    made.check_schema(made.schema)
    return made


def as_editors_read(node: yaml.Node) -> Any:
    """What YAML 1.2 takes plain scalars for."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: as_editors_read(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [as_editors_read(item) for item in node.value]
    text = node.value
    if isinstance(node, yaml.ScalarNode) and node.style is None:
        for read in (int, float):
            try:
                return read(text)
            except ValueError:
                continue
        return {"true": True, "false": False}.get(text, text)
    return text


def test_the_file_is_what_the_models_make() -> None:
    """`python -m scalegate.policy.schema` writes it anew."""
    assert FILE.read_text(encoding="utf-8") == written()


def test_no_part_takes_a_field_that_it_does_not_have_and_each_scalar_has_a_pattern() -> None:
    made = schema()
    parts = [("Policy", made), *((name, it) for name, it in made["$defs"].items() if "properties" in it)]
    for name, part in parts:
        assert part["additionalProperties"] is False, name
        for field in part["properties"].values():
            if field.get("type") == "string":
                assert "pattern" in field or "enum" in field or "const" in field
    assert "null" not in json.dumps(made)


def test_it_says_what_fields_mean() -> None:
    made = schema()
    assert made["$defs"]["Domain"]["properties"]["buffer"]["description"].startswith("Growth of effective compute")
    assert made["$defs"]["Cadence"]["properties"]["text"]["description"] == "The sentence that the clause stands for."
    assert made["properties"]["lease"]["examples"] == ["10 minutes"]


@pytest.mark.parametrize(("name", "text"), POLICIES, ids=[name for name, _ in POLICIES])
def test_policies_that_come_with_the_package_are_valid(name: str, text: str) -> None:
    made = validator()
    assert not list(made.iter_errors(yaml.load(text, Loader=yaml.BaseLoader)))
    assert not list(made.iter_errors(as_editors_read(yaml.compose(text))))
    assert not list(made.iter_errors(json.loads(parse_policy(text).canonical())))


def test_broken_files_are_refused_for_their_form_and_no_others() -> None:
    made = validator()
    missed, wrong = set(), set()
    for path in BROKEN:
        form = form_faults(path)
        if form is None:
            continue
        refused = any(made.iter_errors(form[0]))
        missed |= {path.stem} if form[1] and not refused else set()
        wrong |= {path.stem} if refused and not form[1] else set()
    assert wrong == set()
    assert missed == set(BEYOND)


def form_faults(path: Path) -> tuple[Any, bool] | None:
    """The fields of a file, and whether their form alone is at fault; None: there are no fields."""
    try:
        sheet = read_sheet(path.read_text(encoding="utf-8"), path.name, POLICY)
    except (PolicyFaults, UnicodeDecodeError):
        return None
    try:
        Policy.model_validate(sheet.read.document)
    except ValidationError:
        return sheet.read.document, True
    return sheet.read.document, bool(sheet.read.faults)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_a_policy_may_name_its_schema(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("# yaml-language-server: $schema=policy.schema.json\n" + read_example("starter"), encoding="utf-8")
    assert load_policy(file).digest() == parse_policy(read_example("starter")).digest()
