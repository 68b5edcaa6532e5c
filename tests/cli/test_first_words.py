"""What a first user reads: what to type next, of what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import create_project
from scalegate.report.markdown import banner
from support import POLICY_TEXT


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_command_that_is_shown_can_be_pasted(scalegate: Command) -> None:
    Path("sub").mkdir()
    Path("sub/my pol.yaml").write_text(POLICY_TEXT.replace("\npeople:", "\n\n\npeople:"), encoding="utf-8")
    assert "scalegate policy fmt 'sub/my pol.yaml'" in scalegate("policy", "fmt", "--check", "sub/my pol.yaml").err


def test_all_templates_are_named(scalegate: Command) -> None:
    shown = " ".join(scalegate("init", "--help").out.split())
    missed = scalegate("init", "p", "--template", "nosuch").err
    for name in ("starter", "frontier", "floor", "arithmetic"):
        assert f"`{name}`" in shown
        assert f"`{name}`" in missed


def test_the_situations_of_a_template_of_ones_own_come_with_it(scalegate: Command) -> None:
    Path("mine.yaml").write_text(POLICY_TEXT, encoding="utf-8")
    Path("mine.tests.yaml").write_text("# mine\n", encoding="utf-8")
    assert scalegate("init", "p", "--template", "mine.yaml").code == 0
    assert Path("p/policy.tests.yaml").read_text(encoding="utf-8") == "# mine\n"


def test_no_message_names_a_file_that_is_gone(scalegate: Command) -> None:
    ran = scalegate("init", "p", "--template", "anthropic-rsp@1.0")
    assert ran.code == 2
    assert ".scalegate-" not in ran.err
    assert "anthropic-rsp@1.0: it leaves open" in ran.err


def test_before_there_is_a_run_the_first_is_shown(scalegate: Command) -> None:
    create_project(Path("p"), POLICY_TEXT, name="p")
    assert "scalegate/examples/plain_loop.py" in scalegate("decide", "--run", "r", "-p", "p").err


def test_what_is_not_looked_at_yet_is_said(scalegate: Command) -> None:
    Path("a.yaml").write_text(POLICY_TEXT.replace("buffer: 6x", "buffer: 6"), encoding="utf-8")
    assert "error: 1 fault; more may show once this is mended" in scalegate("policy", "check", "a.yaml").err
    Path("b.yaml").write_text(POLICY_TEXT.replace("buffer: 6x", "buffer: 1x"), encoding="utf-8")
    assert "more may show" not in scalegate("policy", "check", "b.yaml").err


def test_a_figure_that_is_overdue_is_released_by_an_amendment(scalegate: Command) -> None:
    value = "{from: 2026-01-01, value: 1e13 FLOP, reference: {document: d}, review_by: 2026-12-31}"
    text = POLICY_TEXT.replace(
        "levels:\n", f"parameters:\n  - {{id: cap, about: a, kind: flop, values: [{value}]}}\nlevels:\n", 1
    )
    Path("a.yaml").write_text(text.replace("at: 1e14 FLOP", "at: parameter.cap"), encoding="utf-8")
    asked = ("policy", "try", "a.yaml", "--set", "compute=1 FLOP", "--set")
    late, before = (" ".join(scalegate(*asked, f"now={it}").out.split()) for it in ("2027-01-01", "2026-12-31"))
    assert "an amendment with a later value releases what needs it" in late
    assert "an amendment with a later value" not in before


def test_what_a_banner_counts_it_counts_in_the_right_number() -> None:
    from scalegate.policy import parse_policy
    from scalegate.report.gather_policy import gather_policy

    first = "      - Addition of longer numbers, and any other skill.\n"
    head, _, tail = POLICY_TEXT.partition(first)
    one = head + first + tail[tail.index("\n\n") :]
    said = banner(gather_policy(parse_policy(one), 0))[-1]
    assert said == "By its own account 1 thing is not measured; it stands under the domains."


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (("policy", "check", "p.yaml", "--against", "nowhere"), "--against"),
        (("status", "--project", "nowhere"), "--project"),
        (("init", "p"), None),
        (("demo", "--out", "p"), "--out"),
    ],
)
def test_a_message_names_the_option_that_was_given(
    scalegate: Command, command: tuple[str, ...], names: str | None
) -> None:
    if command[0] == "demo":
        pytest.importorskip("torch")
    create_project(Path("p"), POLICY_TEXT, name="p")
    Path("p.yaml").write_text(POLICY_TEXT, encoding="utf-8")
    ran = scalegate(*command)
    assert ran.code == 2
    assert re.findall(r"`(--[a-z]+)`", ran.err) == ([names] if names else [])
