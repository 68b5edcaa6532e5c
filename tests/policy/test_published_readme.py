"""What the README beside the published policies says of them, held against their files."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from scalegate.policy import Policy, load_policy
from scalegate.policy.published import FOLDER, published

TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
POLICIES = {str(it): load_policy(it.path) for it in published()}
MODALITIES = ("will", "conditional", "law", "aim", "illustrative")
KINDS = (
    "capability",
    "cadence",
    "safeguards",
    "next_level",
    "compute_cap",
    "moratorium",
    "undefined_test",
    "condition",
    "obligation",
)


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def row(name: str, policy: Policy) -> str:
    """The row of the table of what could be encoded, as it must be."""
    modalities = Counter(clause.modality for clause in policy.clauses)
    kinds = Counter(clause.kind for clause in policy.clauses)
    told = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds, key=KINDS.index))
    figures = " | ".join(str(it) for it in (len(policy.clauses), *(modalities[it] for it in MODALITIES)))
    return f"| `{name}` | {figures} | {told} |"


@pytest.mark.parametrize("name", POLICIES)
def test_the_counts_are_those_of_the_file(name: str) -> None:
    assert row(name, POLICIES[name]) in section("What could be encoded").splitlines()


@pytest.mark.parametrize("title", ["What could be encoded", "What could not, and why", "What comes from memory"])
def test_each_table_has_every_policy_once(title: str) -> None:
    rows = [cell for line in section(title).splitlines() if line.startswith("| `") for cell in [line.split("|")[1]]]
    assert sorted(re.findall(r"`([^`]+)`", " ".join(rows))) == sorted(POLICIES)


def test_the_vocabulary_has_every_determination_and_no_others() -> None:
    named = set(re.findall(r"`([a-z0-9-]+)`", section("The vocabulary"))) - {"train", "store"}
    parts = [item for policy in POLICIES.values() for item in (*policy.determinations, *policy.obligations)]
    assert named == {item.id for item in parts}


def test_how_many_leave_effective_compute_open_and_that_none_has_a_key() -> None:
    assert sum(policy.effective_compute is None for policy in POLICIES.values()) == 6
    assert {person.key for policy in POLICIES.values() for person in policy.people} == {"unset"}
    assert "six of the eight leave open" in TEXT


def test_releases_are_gated_where_it_says() -> None:
    gating = {
        name for name, it in POLICIES.items() if any("release_weights" in c.actions for c in it.clauses if c.gates)
    }
    assert gating == {"anthropic-rsp@1.0", "anthropic-rsp@2.2", "california-sb53@2026", "eu-ai-act@1e25-2025"}
