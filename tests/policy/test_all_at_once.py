"""Every fault of a policy is reported at once, and none that is only the shadow of another."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from effort import examples
from scalegate.policy import Policy, PolicyFaults, parse_policy, policy_from_json
from scalegate.policy.checks import checked
from scalegate.policy.form import faults_of_form
from support import POLICY_TEXT

SOUND: dict[str, Any] = yaml.load(POLICY_TEXT, Loader=yaml.BaseLoader)
SOUND["clauses"].append(
    {**SOUND["clauses"][-1], "id": "written", "kind": "condition", "when": "compute <= 2 * arithmetic.evidence.compute"}
)
for _field in ("above", "until"):
    SOUND["clauses"][-1].pop(_field, None)
SOUND["determinations"] = [
    {
        "id": "judged",
        "text": "The model is under the level.",
        "about": "weights",
        "decided_by": {"role": "officer", "at_least": "2"},
        "level": "2",
        "carries": "2x",
    }
]
SOUND["clauses"].append({**SOUND["clauses"][0], "id": "capability.judged", "domain": "judged"})
JUNK = ["", "?", "no", "1e999", ["x"], {"x": "y"}, {}, [], "Not An Identifier", "-1"]


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every part of a document but the whole of it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def holder(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


def of_form(document: object) -> set[str]:
    try:
        Policy.model_validate(document)
    except ValidationError as error:
        return {found.message for found in faults_of_form(error, document)}
    return set()


def test_the_policy_that_is_broken_here_is_sound() -> None:
    assert not checked(SOUND)[1]


@given(st.sampled_from(list(places(SOUND))), st.sampled_from(JUNK) | st.just(None), st.booleans())
@settings(max_examples=examples(300))
def test_a_fault_of_form_casts_no_shadow(path: tuple[str | int, ...], junk: object, misspelt: bool) -> None:
    """One part of a sound policy is wrong in form: no fault of meaning is told, since none is there."""
    document = copy.deepcopy(SOUND)
    part, last = holder(document, path), path[-1]
    if misspelt and isinstance(part, dict):
        part[f"{last}x"] = part.pop(last)
    elif junk is None and isinstance(part, dict):
        del part[last]
    else:
        part[last] = junk
    form = of_form(document)
    if form:
        assert {found.message for found in checked(document)[1]} == form


BESIDE = [
    ("lease: 10 minutes", "lease: ten minutes"),
    ("title: ", "titel: "),
    ("    modality: aim", "    modality: maybe"),
    ("key: unset}", "key: unset, age: 7}"),
    ("  alpha: 5%", "  alpha: five"),
]
OF_MEANING = [
    ('    alarm: "0.20"', '    alarm: "0.60"', "the alarm is not under the threshold"),
    ("    buffer: 6x", "    buffer: 0x", "a buffer of 0x supports no training at all"),
    ("    every: 4x", "    every: 1x", "a cadence of 1x or less leaves no room to train"),
]


@pytest.mark.parametrize(("right", "wrong"), BESIDE)
@pytest.mark.parametrize(("sound", "unsound", "told"), OF_MEANING)
def test_a_fault_of_form_hides_no_fault_of_meaning(right: str, wrong: str, sound: str, unsound: str, told: str) -> None:
    assert right in POLICY_TEXT
    assert sound in POLICY_TEXT
    alone = told_of(POLICY_TEXT.replace(right, wrong, 1))
    both = told_of(POLICY_TEXT.replace(right, wrong, 1).replace(sound, unsound, 1))
    assert both - alone == {told}
    assert alone <= both


def test_positions_are_those_of_the_file_where_a_part_before_is_left_out() -> None:
    text = POLICY_TEXT.replace("    kind: capability", "    kind: capabilty", 1).replace("every: 4x", "every: 1x")
    with pytest.raises(PolicyFaults) as caught:
        parse_policy(text)
    lines = text.splitlines()
    shown = [lines[fault.place.line - 1].strip() for fault in caught.value.faults if fault.place.line]
    assert shown == ["kind: capabilty", "every: 1x"]


def test_what_could_be_the_part_that_is_missed_is_not_told_as_missing() -> None:
    """`domain:` in place of `domains:`: the clauses about a domain are not wrong for it."""
    assert told_of(re.sub(r"(?m)^domains:", "domain:", POLICY_TEXT)) == {"`domain` is not a field here"}
    assert told_of(re.sub(r"(?m)^levels:", "protection:", POLICY_TEXT)) == {"`protection` is not a field here"}


def test_what_stands_twice_is_judged_and_nothing_is_missed_for_it() -> None:
    twice = POLICY_TEXT + "levels:\n  - {number: 3, about: x}\n  - {number: 3, about: y}\n"
    assert told_of(twice) == {"`levels` stands twice", "`3` stands twice"}


def test_json_is_told_of_all_at_once_too() -> None:
    document = copy.deepcopy(SOUND)
    document["lease"] = "soon"
    document["domains"][0]["alarm"] = "0.9"
    with pytest.raises(PolicyFaults) as caught:
        policy_from_json(document)
    assert [fault.message.partition(":")[0] for fault in caught.value.faults] == ["lease", "domains.0.alarm"]


def told_of(text: str) -> set[str]:
    with pytest.raises(PolicyFaults) as caught:
        parse_policy(text)
    return {fault.message for fault in caught.value.faults}
