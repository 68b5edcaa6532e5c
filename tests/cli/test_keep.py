"""`scalegate keep`, and what a status, a hold, a report and a what-if say of obligations."""

from __future__ import annotations

import shlex
from pathlib import Path
from time import time

import pytest
from cli_support import Command

from scalegate.cli.main import run
from scalegate.gate.project import Project
from scalegate.policy import load_policy
from scalegate.training.held import Held
from scalegate.units import format_instant
from support import DAY, POLICY_TEXT, Model, new_project, open_gate, train

DUTY = """
  - id: report
    kind: obligation
    kept_by: {role: security, at_least: 1}
    by: 2020-01-31
    late: counts
    text: A report on risks is published.
    source: {document: Policy, section: "9"}
    actions: [train]
    modality: will
"""
PAIR = DUTY.replace("id: report", "id: review").replace("security, at_least: 1", "officer, at_least: 2")
PAIR = PAIR.replace("by: 2020-01-31", "each: 12 months\n    from: 2019-01-01").replace("counts", "stands")
SAID = ("--statement", "published at example.org", "-p", "p")


@pytest.fixture
def owing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose run `r` is held: a report is late."""
    monkeypatch.chdir(tmp_path)
    gate = open_gate(new_project(tmp_path / "p", POLICY_TEXT + DUTY), model := Model())
    with pytest.raises(Held):
        train(gate, model)
    gate.close()
    return tmp_path / "p"


def test_the_command_under_the_hold_ends_the_breach(scalegate: Command, owing: Path) -> None:
    shown = scalegate("status", "-p", "p").out
    assert "report: was due by the end of 2020-01-31, and is not kept: `scalegate keep report` ends that." in shown
    [line] = [line.strip() for line in shown.splitlines() if line.startswith("  scalegate keep")]
    command = shlex.split(line)[1:]
    assert command == ["keep", "report", "--as", "security", "--statement", "WHAT AND WHERE", "--project", "p"]
    signed = scalegate(*command)
    assert signed.code == 0
    assert "It is late: it is told, and ends the breach." in signed.out
    assert "report: nothing more is due." in scalegate("status", "-p", "p").out
    made = scalegate("decide", "--run", "r", "-p", "p", "--json")
    assert made.code == 0
    assert [
        line
        for line in made.json["limits"]["surprises"]
        if "`report` was due by the end of 2020-01-31, and was kept at" in line
    ]
    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("report", "-p", "p").code == 0
    page = (owing / "report.html").read_text(encoding="utf-8")
    assert "Obligation kept: report" in page
    assert "obligation report, due by the end of 2020-01-31" in page
    assert "counts; it was late" in page


def test_what_cannot_be_signed_says_why(scalegate: Command, owing: Path) -> None:
    cases = {
        ("keep", "reports", "--as", "security"): "`reports` is not an obligation of the policy in force",
        ("keep", "report", "--as", "ada"): "`ada` does not have the role `security`",
        ("keep", "report", "--as", "security", "--run", "r"): "`report` is the developer's, not a run's",
        ("keep", "report", "--as", "security", "--deadline", "2021-01-31"): "`report` is not due at the instant",
        ("keep", "report", "--as", "security", "--deadline", "soon"): "`--deadline`",
    }
    for command, message in cases.items():
        ran = scalegate(*command, *SAID)
        assert (ran.code, message in ran.err) == (2, True), ran.err
    assert scalegate("keep", "report", "--as", "security", *SAID).code == 0
    again = scalegate("keep", "report", "--as", "security", *SAID)
    assert (again.code, "every deadline of `report` is kept" in again.err) == (2, True)


def test_two_sign_for_each_deadline_and_late_ends_nothing(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    new_project(tmp_path / "p", POLICY_TEXT + PAIR)
    first = scalegate("keep", "review", "--as", "ada", *SAID)
    assert "It is for what was due by 2019-12-27T00:00:00Z.\n1 of the 2 that it takes have signed." in first.out
    second = scalegate("keep", "review", "--as", "grace", *SAID, "--json").json
    assert (second["signed"], second["needed"], second["late"]) == (2, 2, True)
    [item] = scalegate("status", "-p", "p", "--json").json["obligations"]
    assert (item["obligation"], item["late"], item["stands"]) == ("review", True, True)
    assert "and is not kept: that stands" in scalegate("status", "-p", "p").out
    while (due := scalegate("status", "-p", "p", "--json").json["obligations"][0])["late"]:
        for who in ("ada", "grace"):
            assert scalegate("keep", "review", "--as", who, *SAID).code == 0
    assert (due["breach"], due["signed"]) == (True, [])
    assert "review: it was not kept in time, and that stands." in scalegate("status", "-p", "p").out


def test_given_twice_it_does_not_sign_for_the_period_that_has_begun(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year ahead, and for good."""
    monkeypatch.chdir(tmp_path)
    past = int(time()) - 20 * DAY
    yearly = f"each: 365 days\n    from: {format_instant(past - 365 * DAY)}"
    new_project(tmp_path / "p", POLICY_TEXT + DUTY.replace("by: 2020-01-31", yearly))
    command = ("keep", "report", "--as", "security", *SAID)
    assert scalegate(*command, "--json").json["deadline"] == past
    again, coming = scalegate(*command), format_instant(past + 365 * DAY)
    assert again.code == 2
    assert f"nothing of `report` is due now: the next that is not kept is due by {coming}" in again.err
    assert f"if that is done too: `--deadline {coming}`" in again.err
    assert scalegate(*command, "--deadline", coming).code == 0
    last = scalegate(*command)
    assert last.code == 2
    assert f"it can be signed once its period begins, {format_instant(past + 365 * DAY + 1)}" in last.err
    named = scalegate(*command, "--deadline", format_instant(past + 2 * 365 * DAY))
    assert (named.code, "it begins " in named.err) == (2, True)


def test_before_its_deadline_it_is_signed_without_naming_it(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    began = int(time()) - 20 * DAY
    yearly = f"each: 365 days\n    from: {format_instant(began)}"
    new_project(tmp_path / "p", POLICY_TEXT + DUTY.replace("by: 2020-01-31", yearly))
    command = ("keep", "report", "--as", "security", *SAID)
    assert scalegate(*command, "--json").json["deadline"] == began + 365 * DAY
    assert "it can be signed once its period begins" in scalegate(*command).err


def test_what_each_run_owes_has_a_line_and_a_command_of_its_own(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    of_each = DUTY.replace("by: 2020-01-31", "within: 30 days\n    after: lineage.opened")
    gate = open_gate(new_project(tmp_path / "p", POLICY_TEXT + of_each), model := Model())
    with pytest.raises(Held):
        train(gate, model)
    gate.close()
    unsaid = scalegate("keep", "report", "--as", "security", *SAID)
    assert (unsaid.code, "`report` is due for each run" in unsaid.err) == (2, True)
    assert "report of run r: due by " in scalegate("status", "-p", "p").out
    assert scalegate("keep", "report", "--run", "r", "--as", "security", *SAID).code == 0
    assert "report of run r: nothing more is due." in scalegate("status", "-p", "p").out


def test_a_policy_shows_explains_and_tries_it(scalegate: Command, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY_TEXT + DUTY + PAIR, encoding="utf-8")
    shown = " ".join(scalegate("policy", "show", file).out.split())
    assert (
        "Training is held once it is later than the end of 2020-01-31 unless 1 of 1 has signed that it was done"
        in shown
    )
    assert "once it was not kept in time, no signature releases it; only an amendment does." in shown
    explained = scalegate("policy", "explain", file).out
    assert "now <= obligation.report.due" in explained
    assert "not obligation.review.missed and now <= obligation.review.due" in explained
    facts = ["--set", "compute=1e10 FLOP", "--set", "now=2026-12-01"]
    yes = scalegate("policy", "try", file, *facts, "--set", "obligation.*=yes", "--json").json
    status = {it["clause"]: it["status"] for it in yes["findings"]}
    assert (status["report"], status["review"]) == ("met", "met")
    some = ("--set", "obligation.report.due=2026-11-30", "--set", "obligation.review=no")
    no = scalegate("policy", "try", file, *facts, *some, "--json").json
    status = {it["clause"]: it["status"] for it in no["findings"]}
    assert (status["report"], status["review"]) == ("violated", "violated")
    unsaid = scalegate("policy", "try", file, *facts)
    assert "obligation.report.due (an instant)" in unsaid.out
    before = load_policy(file).digest()
    assert scalegate("policy", "fmt", file).code == 0
    assert load_policy(file).digest() == before
    assert run(["policy", "check", str(file)]) == 0


def test_a_project_without_any_says_nothing_of_them(scalegate: Command, project: Project) -> None:
    assert scalegate("status", "-p", "p", "--json").json["obligations"] == []
