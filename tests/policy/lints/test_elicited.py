"""Conditions that rest on what was spent on an evaluation, and on nothing that it found."""

from __future__ import annotations

import pytest

from scalegate.examples import read_example
from scalegate.policy import load_policy, parse_policy
from scalegate.policy.lints.elicited import SPENT_ONLY, spent_only
from scalegate.policy.published import published


def told(when: str, sentence: str = "No model that can add is trained further.", modality: str = "will") -> list[str]:
    clause = f"id: limits, kind: condition, source: {{document: d}}, actions: [train], modality: {modality}"
    text = f"{read_example('arithmetic')}\n  - {{{clause}, text: '{sentence}', when: '{when}'}}\n"
    found = spent_only(parse_policy(text))
    assert all(it.rule is SPENT_ONLY and it.about == "clause limits" for it in found)
    return [it.what for it in found]


ALONE = ["`arithmetic.elicitation` alone can meet what it asks of `arithmetic`"]


@pytest.mark.parametrize(
    "when",
    [
        "1 FLOP < arithmetic.elicitation",
        "compute <= 1e12 FLOP or 1 FLOP < arithmetic.elicitation",
        "compute <= 1e12 FLOP and 0.01 * compute <= arithmetic.elicitation",
        "arithmetic.ruled_out or 1 FLOP < arithmetic.elicitation",
        "at least 1 of (arithmetic.ruled_out, not arithmetic.elicitation < 1 FLOP)",
    ],
)
def test_what_was_spent_can_meet_it_alone(when: str) -> None:
    assert told(when) == ALONE


@pytest.mark.parametrize(
    "when",
    [
        "compute <= 1e12 FLOP or (arithmetic.ruled_out and 1 FLOP < arithmetic.elicitation)",
        "not arithmetic.reached and (compute <= 1e12 FLOP or 1 FLOP < arithmetic.elicitation)",
        "compute <= 1e12 FLOP or arithmetic.ruled_out",
    ],
)
def test_beside_what_was_found_it_is_no_weakness(when: str) -> None:
    assert told(when) == []


def test_a_sentence_that_speaks_of_eliciting_says_as_much() -> None:
    assert told("1 FLOP < arithmetic.elicitation", "No model is trained further before it was elicited.") == []


def test_what_holds_nothing_promises_nothing() -> None:
    assert told("1 FLOP < arithmetic.elicitation", modality="aim") == []


def test_no_published_policy_has_one() -> None:
    assert [it.name for it in published() if spent_only(load_policy(it.path))] == []
