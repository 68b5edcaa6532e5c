"""A policy whose clauses pass a domain by says so in the first lines of everything that it produces."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from scalegate.gate.adequacy import inadequate
from scalegate.policy import policy_from_json
from support import POLICY_TEXT

EVIDENCE = "For `train` no clause that binds at all times asks for evidence in: cyber."
SAFEGUARDS = "For `train` no clause that binds at all times asks for safeguards in: cyber."


def reasons(**changes: Any) -> tuple[str, ...]:
    """Of a policy with a second domain, `cyber`, at level 3; `changes` are made to its two clauses."""
    document: dict[str, Any] = yaml.load(POLICY_TEXT, Loader=yaml.BaseLoader)
    document["domains"].append(document["domains"][0] | {"id": "cyber", "level": "3"})
    document["levels"].append(copy.deepcopy(document["levels"][0]) | {"number": "3"})
    document["levels"][1]["safeguards"][0]["id"] = "more"
    capability, _, safeguards, *_ = document["clauses"]
    for kind, clause, own in (
        ("capability", capability, {"id": "capability.cyber", "domain": "cyber"}),
        ("safeguards", safeguards, {"id": "safeguards.level-3", "level": "3"}),
    ):
        document["clauses"].append(copy.deepcopy(clause) | own | changes.get(kind, {}))
    return inadequate(policy_from_json(document))


def test_a_domain_that_is_gated_is_not_listed() -> None:
    assert EVIDENCE not in reasons()
    assert SAFEGUARDS not in reasons()


@pytest.mark.parametrize(
    "change",
    [
        {"in_force": {"until": "1971-01-01"}},
        {"in_force": {"from": "2999-01-01"}},
        {"actions": ["store"]},
        {"tier": "international"},
    ],
)
def test_a_domain_that_some_action_passes_by_is(change: dict[str, Any]) -> None:
    assert EVIDENCE in reasons(capability=change)
    assert SAFEGUARDS not in reasons(capability=change)
    assert SAFEGUARDS in reasons(safeguards=change)
    assert EVIDENCE not in reasons(safeguards=change)


def test_an_action_that_no_evidence_is_asked_for_is_held_and_not_listed() -> None:
    assert not any("`release_weights`" in reason for reason in reasons())
