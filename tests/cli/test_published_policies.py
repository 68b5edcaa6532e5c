"""Each published policy by its name: it is checked, shown, laid out, and says what the situations beside it expect."""

from __future__ import annotations

import pytest
from cli_support import Command

from scalegate.policy.published import published

HEADLINE = "THIS POLICY IS INADEQUATE TO ENSURE SAFETY"
every = pytest.mark.parametrize("name", [str(it) for it in published()])


def test_there_are_eight() -> None:
    assert len(published()) == 8


@every
def test_it_is_read_for_weaknesses(scalegate: Command, name: str) -> None:
    ran = scalegate("policy", "check", name, "--json")
    assert ran.code == 0
    assert ran.json["inadequate"]


@every
def test_it_is_a_document_for_a_board(scalegate: Command, name: str) -> None:
    ran = scalegate("policy", "show", name, "--markdown", "-", "--at", "2026-12-01")
    assert ran.code == 0
    assert HEADLINE in ran.out


@every
def test_it_says_what_its_situations_expect_and_each_clause_is_shown_from_both_sides(
    scalegate: Command, name: str
) -> None:
    ran = scalegate("policy", "test", name, "--coverage", "--json")
    assert ran.code == 0, ran.out
    assert [it["clause"] for it in ran.json["coverage"] if it["gap"]] == []


@every
def test_its_file_is_laid_out(scalegate: Command, name: str) -> None:
    path = next(str(it.path) for it in published() if str(it) == name)
    assert scalegate("policy", "fmt", path, "--check").code == 0


@pytest.mark.parametrize("name", ["anthropic-rsp@1.0", "anthropic-rsp@2.2", "openai-preparedness@beta-2023"])
def test_where_a_text_has_all_that_is_required_a_situation_shows_a_proceed(scalegate: Command, name: str) -> None:
    situations = scalegate("policy", "test", name, "--json").json["files"][0]["situations"]
    assert {it["verdict"] for it in situations if it["action"] == "train"} == {"PROCEED", "HOLD"}


@pytest.mark.parametrize("name", ["anthropic-rsp@3.0", "eu-ai-act", "california-sb53", "pause-letter"])
def test_where_it_has_not_everything_is_held_and_some_situation_by_scalegate_alone(
    scalegate: Command, name: str
) -> None:
    situations = scalegate("policy", "test", name, "--json").json["files"][0]["situations"]
    assert {it["verdict"] for it in situations} == {"HOLD"}
    assert any(all(held.startswith("required.") for held in it["held_by"]) for it in situations)
