"""Policies under which nobody could ever take the first step of a run from scratch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scalegate.examples import read_example
from scalegate.gate.beginning import cannot_begin
from scalegate.policy import PolicyFaults, load_policy, parse_policy
from scalegate.policy.published import published
from scalegate.units import parse_instant

TODAY = parse_instant("2026-11-26")
TEXT = re.sub(r"\b(id: |domain: )arithmetic$", r"\1bio", read_example("arithmetic"), flags=re.MULTILINE)
FIRST = "first_evaluation_at: 5e10 FLOP"
README = Path(__file__).parents[2] / "README.md"


def holding(text: str) -> list[tuple[str, str]]:
    return [(it.about, it.what) for it in cannot_begin(parse_policy(text), TODAY)]


def gated(when: str, more: str = "") -> str:
    clause = "id: limits, kind: condition, text: A limit., source: {document: d}, actions: [train], modality: will"
    return f"{TEXT}\n  - {{{clause}, when: '{when}'{more}}}\n"


@pytest.mark.parametrize("name", ["arithmetic", "starter", "frontier"])
def test_under_the_examples_a_run_can_begin(name: str) -> None:
    assert holding(read_example(name)) == []


def test_the_condition_of_the_readme_reads_and_lets_a_first_step_be_taken() -> None:
    found = re.search(r"\| `condition` \| what its `when:` says: `([^`]*)`", README.read_text(encoding="utf-8"))
    assert found is not None
    assert holding(gated(found[1])) == []
    alone = found[1].partition(" or ")[2]
    what = "it holds every first step: before any training nothing shows `bio.evidence.compute`"
    assert holding(gated(alone)) == [("clause limits", what)]


def test_a_capability_without_a_first_amount_lets_nobody_begin() -> None:
    assert FIRST in TEXT
    told = cannot_begin(parse_policy(TEXT.replace(FIRST, "")), TODAY)
    assert "clause capability.arithmetic" in [it.about for it in told]
    assert {it.fix.partition("`: ")[0] for it in told} == {"add `first_evaluation_at: ... FLOP"}


def test_what_was_spent_on_an_evaluation_is_told_as_no_finding() -> None:
    told = {it.about: it.fix for it in cannot_begin(parse_policy(gated("1 FLOP < bio.elicitation")), TODAY)}
    assert "says nothing of what came of it: write `bio.ruled_out`, if that is meant" in told["clause limits"]
    told = {it.about: it.fix for it in cannot_begin(parse_policy(gated("compute <= 2 * bio.evidence.compute")), TODAY)}
    assert "came of it" not in told["clause limits"]


def test_the_amount_that_may_pass_is_the_policy_s_own_or_a_blank() -> None:
    text = gated("compute <= 4 * bio.evidence.compute")
    told = {it.about: it.fix for it in cannot_begin(parse_policy(text), TODAY)}
    assert told["clause limits"] == "let an amount pass without it: `compute <= 5e10 FLOP or (...)`"
    told = {it.about: it.fix for it in cannot_begin(parse_policy(text.replace(FIRST, "")), TODAY)}
    assert "`compute <= ... FLOP or (...)`, with an amount that you choose" in told["clause limits"]
    assert not any(re.search("[0-9] ?FLOP", fix) for fix in told.values())
    for blank in ("compute <= ... FLOP or not bio.reached", "... FLOP"):
        with pytest.raises(PolicyFaults):
            parse_policy(gated(blank) if "<=" in blank else TEXT.replace(FIRST, f"first_evaluation_at: {blank}"))


@pytest.mark.parametrize(
    "when",
    [
        "now <= safeguard.weights-locked.until",
        "2030-01-01 <= now",
        "compute <= 1 FLOP",
        "not bio.reached",
        "compute <= 2 * bio.evidence.compute or now <= approval.2.ada.until",
    ],
)
def test_what_people_and_time_can_bring_about_is_taken_as_done(when: str) -> None:
    assert holding(gated(when)) == []


def test_a_clause_that_ends_or_gates_nothing_holds_no_first_step_for_good() -> None:
    when = "compute <= 2 * bio.evidence.compute"
    assert holding(gated(when)) != []
    assert holding(gated(when, ", in_force: {until: 2028-01-01}")) == []
    assert holding(gated(when, ", tier: international")) == []
    assert holding(gated(when).replace("modality: will, when", "modality: aim, when")) == []
    pause = "  - id: publish\n    kind: moratorium\n    above: 0 FLOP\n    until: 2027-01-01T00:00:00Z\n"
    assert pause in TEXT
    will = TEXT.replace("actions: [train]\n    modality: aim", "actions: [train]\n    modality: will")
    assert will != TEXT
    assert holding(will) == [], "it ends"


def test_of_no_published_policy_it_is_said() -> None:
    """Those that leave effective compute open hold every action, and the banner says so."""
    assert [it.name for it in published() if cannot_begin(load_policy(it.path), TODAY)] == []
