"""A result of fewer samples than were announced: taken where the announced rule has ended, and refused elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Amended, Command, Ran
from test_evidence_import import announce

STOPS = ("    samples: 400\n", "    samples: 400\n    stopping: {rule: betting}\n")


def amend(scalegate: Command, *changes: tuple[str, str]) -> None:
    policy = Path("p/policy.yaml")
    text = policy.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    policy.write_text(text, encoding="utf-8")
    for who in ("ada", "grace"):
        made = scalegate("adopt", policy, "-p", "p", "--as", who)
        assert made.code == 0, made.err


@pytest.fixture
def name(scalegate: Command, in_force: Amended, weights: str) -> str:
    in_force(STOPS, ('version: "1.0"', 'version: "2.0"'))
    return announce(scalegate, weights, samples=400)


def add(scalegate: Command, weights: str, name: str, outcomes: list[bool | None]) -> Ran:
    document: dict[str, object] = {"evaluation": name, "weights": weights, "domain": "arithmetic"}
    document |= {"outcomes": outcomes, "assumptions": ["the task is about it"], "elicitation_flops": "10000000000"}
    Path("result.json").write_text(json.dumps(document), encoding="utf-8")
    return scalegate("evidence", "add", "result.json", "--as", "evaluator", "-p", "p")


def test_what_is_announced_says_by_which_rule_it_may_end(scalegate: Command, project: object, weights: str) -> None:
    asked = ("--domain", "arithmetic", "--task", "add", "--task-version", "3", "--dataset", "d" * 64, "--samples", 400)
    who = ("-p", "p", "--run", "r", "--weights", weights, "--as-is", "--as", "evaluator")
    assert "may end early" not in scalegate("evidence", "announce", *who, *asked).out
    amend(scalegate, STOPS, ('version: "1.0"', 'version: "2.0"'))
    said = scalegate("evidence", "announce", *who, *asked)
    rule = "betting against an alarm of 0.2, alpha 1/240, 400 samples at most"
    assert f"It may end early, by this rule: {rule}." in " ".join(said.out.split())


@pytest.mark.parametrize(("successes", "taken"), [(0, 30), (0, 200), (57, 57), (100, 100)])
def test_where_the_rule_has_ended_that_is_the_whole_result(
    scalegate: Command, weights: str, name: str, successes: int, taken: int
) -> None:
    added = add(scalegate, weights, name, [True] * successes + [False] * (taken - successes))
    assert added.code == 0, added.err
    assert not scalegate("status", "-p", "p", "--json").json["open"]


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        ([False] * 29, "29 outcomes, and 400 samples were announced, where its rule says to go on"),
        ([True] * 20 + [False] * 20, "40 outcomes, and 400 samples were announced, where its rule says to go on"),
        ([False] * 30 + [None], "31 outcomes, and 400 samples were announced, where its rule says to go on"),
        ([False] * 401, "401 outcomes, and 400 samples were announced"),
    ],
)
def test_where_it_says_to_go_on_that_is_no_result(
    scalegate: Command, weights: str, name: str, outcomes: list[bool | None], why: str
) -> None:
    added = add(scalegate, weights, name, outcomes)
    assert added.code == 2
    assert why in added.err
    assert scalegate("status", "-p", "p", "--json").json["open"]


def test_one_that_may_be_a_success_ends_it_where_it_changes_nothing_and_rules_nothing_out(
    scalegate: Command, weights: str, name: str
) -> None:
    added = add(scalegate, weights, name, [*[False] * 60, None])
    assert added.code == 0, added.err
    assert "It can rule nothing out: 1 samples errored" in added.out


def test_under_another_rule_since_every_sample_is_given(scalegate: Command, weights: str, name: str) -> None:
    amend(scalegate, ('alarm: "0.20"', 'alarm: "0.19"'), ('version: "2.0"', 'version: "3.0"'))
    assert add(scalegate, weights, name, [False] * 60).code == 2
    assert add(scalegate, weights, name, [False] * 400).code == 0
