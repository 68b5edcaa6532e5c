"""`scalegate candidate`: from the file of a protocol to what a status, a decision, a report and an adoption say."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project

OF = ("understanding", "probe", "-p", "p", "--protocol", "protocol.md")
PROPOSED = ("--shows", "That its circuits are those of addition.", "--not-shown", "Anything else.")


@pytest.fixture
def protocol(project: Project) -> Path:
    path = project.folder.parent / "protocol.md"
    path.write_text("Patch each head; it passes if nothing else adds.\n", encoding="utf-8")
    return path


@pytest.mark.usefixtures("protocol")
def test_it_is_put_forward_run_shown_approved_and_meets_nothing(
    scalegate: Command, project: Project, weights: str
) -> None:
    made = scalegate("candidate", "propose", *OF, "--as", "evaluator", *PROPOSED)
    assert made.code == 0
    assert "It meets no clause." in made.out
    ran = ("--weights", weights, "--passed", "--statement", "ran it on the last checkpoint")
    assert scalegate("candidate", "tried", *OF, "--as", "evaluator", *ran).code == 0
    for who in ("ada", "grace"):
        signed = scalegate("candidate", "approve", *OF, "--as", who, "--statement", "read it", "--json")
        assert signed.json["candidate"]["needed"] == 2
    [test] = scalegate("status", "-p", "p", "--json").json["undefined_tests"]
    assert [it["approved"] for it in test["candidates"]] == [["ada", "grace"]]
    said = " ".join(scalegate("status", "-p", "p").out.split())
    assert "understanding, not defined: candidate `probe` of " in said
    assert "insufficient: passed on weights" in said
    decided = scalegate("decide", "--run", "r", "-p", "p", "--json")
    assert decided.code == 3
    [finding] = [it for it in decided.json["findings"] if it["kind"] == "undefined_test"]
    assert "approved by `ada`, `grace`: an amendment may put it in the place of the test" in finding["detail"]
    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("report", "-p", "p", "--out", "report.html").code == 0
    page = (project.folder.parent / "report.html").read_text(encoding="utf-8")
    assert "Candidate put forward for the undefined test understanding: probe" in page
    assert "Candidate passed: probe, for understanding" in page


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("propose", "other", *OF[1:], "--as", "ada", *PROPOSED), "is not an undefined test of the policy in force"),
        (("propose", *OF[:-1], "none.md", "--as", "ada", *PROPOSED), "there is no such file"),
        (
            ("propose", OF[0], "Probe one", *OF[2:], "--as", "ada", *PROPOSED),
            "`candidate`: `Probe one` is not a name: that has only letters, digits and `_.:/@+-`, no space,",
        ),
        (("approve", *OF, "--as", "ada", "--statement", "s"), "no candidate `probe` for `understanding`"),
        (("approve", *OF, "--as", "evaluator", "--statement", "s"), "`evaluator` does not have the role `officer`"),
        (("tried", *OF, "--as", "ada", "--statement", "s", "--weights", "abc", "--passed"), "is not a digest"),
    ],
)
def test_what_cannot_count_is_not_written(scalegate: Command, arguments: tuple[str, ...], said: str) -> None:
    entries = scalegate("status", "-p", "p", "--json").json["entries"]
    made = scalegate("candidate", *arguments, "--json")
    assert made.code == 2
    assert said in made.error["message"]
    assert scalegate("status", "-p", "p", "--json").json["entries"] == entries


@pytest.mark.usefixtures("protocol")
def test_who_adopts_a_version_without_the_test_is_told_what_it_takes(scalegate: Command, project: Project) -> None:
    old = project.policy.read_text(encoding="utf-8")
    start = old.index("  - id: last-gate")
    new = old[:start] + old[old.index("  - id: international.cap") :]
    project.policy.write_text(new.replace('version: "1.0"', 'version: "2.0"'), encoding="utf-8")
    for who in ("ada", "grace"):
        said = scalegate("adopt", "p/policy.yaml", "-p", "p", "--as", who)
        assert said.code == 0
        assert "gives up the undefined test `understanding`" in " ".join(said.out.split())
    assert "policy in force: " in scalegate("status", "-p", "p").out.lower()
    assert scalegate("status", "-p", "p", "--json").json["policy"].endswith(" 1.0")


@pytest.mark.usefixtures("protocol")
def test_what_was_approved_already_or_never_is_said_and_writes_nothing(scalegate: Command, project: Project) -> None:
    assert scalegate("candidate", "propose", *OF, "--as", "evaluator", *PROPOSED).code == 0

    def approve(*more: str) -> str:
        before = project.ledger.read_bytes()
        ran = scalegate("candidate", "approve", *OF, "--as", "ada", *(more or ("--statement", "read it")))
        assert (ran.code == 0) == (project.ledger.read_bytes() != before)
        return " ".join((ran.out or ran.err).split())

    assert "`ada` has not approved `probe`: there is nothing to take back (nothing was written)" in approve(
        "--withdraw", "--statement", "no"
    )
    assert "It meets no clause." in approve()
    assert "`ada` has approved `probe` already, and that counts (nothing was written)" in approve(
        "--statement", "read it again"
    )
    assert "The approval is withdrawn." in approve("--withdraw", "--statement", "no")
    assert "`ada` has not approved `probe`" in approve("--withdraw", "--statement", "no more")
    assert "It meets no clause." in approve("--statement", "read it once more")
