"""The banner in the terminal: whole the first time, and never gone."""

from __future__ import annotations

import io

import pytest

from scalegate.cli import show
from scalegate.cli.show import HEADLINE, decision_view
from scalegate.gate import Decision
from scalegate.gate.project import Project


@pytest.fixture
def held(project: Project) -> Decision:
    with project.journal() as journal:
        return journal.fold.latest["r"]


def shown(*arguments: Decision | show.Limits, width: int = 120) -> list[str]:
    console = show.Console(file=io.StringIO(), width=width)
    console.print(decision_view(*arguments))  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def changed(decision: Decision, **limits: object) -> Decision:
    return decision.model_copy(update={"limits": decision.limits.model_copy(update=limits)})


def test_it_is_whole_the_first_time_and_one_line_after_that(held: Decision) -> None:
    first, again = shown(held), shown(held, held.limits)
    assert first[0] == HEADLINE
    assert first[1].startswith(" HOLD "), "the verdict stands above the reasons"
    for reason in held.limits.inadequate:
        assert any(reason[:60] in line for line in first)
    number = len(held.limits.inadequate)
    assert again[0] == f"{HEADLINE}: {number} reasons, all in the box above"
    assert again[1].startswith(" HOLD ")
    same = len(again) - again.index(next(line for line in again if line.startswith("clause ")))
    assert first[-same:] == again[-same:], "all else is the same"


def test_only_new_surprises_are_told_again(held: Decision) -> None:
    before = changed(held, surprises=("it jumped",))
    after = changed(held, surprises=("it jumped", "it jumped again"))
    again = shown(after, before.limits)
    assert again[0].startswith(HEADLINE)
    assert "! it jumped again" in again
    assert "! it jumped" not in again


def test_other_reasons_are_told_in_full(held: Decision) -> None:
    for other in (changed(held, inadequate=("another",)), changed(held, enforcement="launcher")):
        assert shown(other, held.limits) == shown(other)


def test_the_demo_shows_it_whole_once(held: Decision, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    from scalegate.cli.demo import Terminal

    terminal = Terminal()
    for _ in range(3):
        terminal.decided(held)
    out = capsys.readouterr().out
    assert out.count(HEADLINE) == 3
    assert out.count("It has no residual-risk gate") == 1


def test_the_name_of_a_clause_is_never_broken(held: Decision) -> None:
    name = "a" * 64
    long = held.model_copy(
        update={
            "findings": tuple(
                it.model_copy(update={"clause": name}) if it.clause == "cadence" else it for it in held.findings
            )
        }
    )
    for width in (80, 120, 200):
        names = [line.split()[:1] for line in shown(long, width=width)]
        assert [name] in names
        assert ["cap.absolute"] in names
