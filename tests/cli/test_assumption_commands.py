"""`scalegate assumption`: what evidence rests on, that it broke, what every face says of that, and what ends it."""

from __future__ import annotations

import pytest
from cli_support import Command

from scalegate.gate.project import Project

BREAK = ("assumption", "break", "no-sandbagging", "-p", "p", "--because", "Its score rose when it was tuned on noise.")
RESTORE = ("assumption", "restore", "no-sandbagging", "-p", "p", "--because", "It was tuned away.")


@pytest.mark.usefixtures("project")
def test_what_there_is_is_listed_with_what_rests_on_it(scalegate: Command) -> None:
    listed = scalegate("assumption", "list", "-p", "p", "--json").json["assumptions"]
    assert len(listed) == 9
    [one] = [it for it in listed if it["assumption"] == "no-sandbagging"]
    assert (one["rests"], one["accepted_up_to"], one["broken"]) == (["arithmetic"], None, [])
    assert one["restored_by"] == {"role": "officer", "at_least": "2"}
    said = " ".join(scalegate("assumption", "list", "-p", "p").out.split())
    assert "no-sandbagging The model does not hold back in an evaluation what it can do." in said
    assert "Evidence in `arithmetic` rests on it. Taken to be so: the policy lists no assumptions" in said


@pytest.mark.usefixtures("project")
def test_a_policy_by_itself_is_listed_too(scalegate: Command) -> None:
    assert scalegate("assumption", "list", "p/policy.yaml").code == 0
    published = scalegate("assumption", "list", "anthropic-rsp", "--json")
    assert published.code == 0
    assert all(it["broken"] == [] for it in published.json["assumptions"])


def test_from_the_alarm_to_the_signatures_that_end_it(scalegate: Command, project: Project) -> None:
    told = scalegate(*BREAK, "--as", "security")
    assert told.code == 0
    said = " ".join(told.out.split())
    assert "`no-sandbagging` broke, says `security` on" in said
    assert "No evidence in `arithmetic` rules anything out until it is signed to hold again." in said
    assert "`no-sandbagging` broke" in scalegate("status", "-p", "p").out
    held = scalegate("decide", "--run", "r", "-p", "p", "--json")
    assert held.code == 3
    assert held.json["limits"]["surprises"][0].startswith("`no-sandbagging` broke")
    one = scalegate(*RESTORE, "--as", "ada", "--json").json
    assert one["broken"][0]["signed"] == ["ada"]
    assert one["broken"][0]["restored"] is None
    two = scalegate(*RESTORE, "--as", "grace", "--json").json
    assert two["broken"][0]["restored"] is not None
    [mine] = [
        it
        for it in scalegate("assumption", "list", "-p", "p", "--json").json["assumptions"]
        if it["assumption"] == "no-sandbagging"
    ]
    assert mine["broken"][0]["signed"] == ["ada", "grace"]
    assert scalegate("status", "-p", "p", "--json").json["broken_assumptions"] == mine["broken"]
    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("report", "-p", "p", "--out", "report.html").code == 0
    page = (project.folder.parent / "report.html").read_text(encoding="utf-8")
    assert "assumption no-sandbagging broke" in page
    assert "assumption no-sandbagging holds again" in page
    assert page.index("holds again since") < page.index('id="limits"')
    assert page.count("<h3>What evidence rests on</h3>") == 1, "as it is now, and not as the last decision found it"
    assert "until it is signed to hold again" not in page[: page.index('id="limits"')]


def test_a_report_from_before_any_decision_on_it_tells_it(scalegate: Command, project: Project) -> None:
    scalegate(*BREAK, "--as", "security")
    assert scalegate("report", "-p", "p", "--out", "report.html").code == 0
    page = (project.folder.parent / "report.html").read_text(encoding="utf-8")
    assert page.index("until it is signed to hold again") < page.index('id="limits"')


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("break", "no-sandbaging", "--as", "ada", "--because", "x"), "`no-sandbaging` is not an assumption"),
        (("break", "fair-sample", "--as", "mallory", "--because", "x"), "`mallory` is not named by the policy"),
        (("break", "fair-sample", "--as", "ada", "--because", "x", "--domain", "bio"), "`bio` is not a domain"),
        (("restore", "fair-sample", "--as", "ada", "--because", "x"), "nobody said of `fair-sample` that it broke"),
        (("break", "fair-sample", "--as", "ada", "--because", ""), "empty"),
        (("break", "fair-sample", "--as", "ada"), "missing option `--because`"),
    ],
)
def test_what_it_cannot_be_given(scalegate: Command, arguments: tuple[str, ...], said: str) -> None:
    ran = scalegate("assumption", arguments[0], *arguments[1:], "-p", "p")
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("project")
def test_whoever_may_not_sign_that_it_holds_again_is_told_who_may(scalegate: Command) -> None:
    scalegate(*BREAK, "--as", "ada")
    ran = scalegate(*RESTORE, "--as", "security")
    assert ran.code == 2
    assert "that is for those with role `officer`" in ran.err


@pytest.mark.usefixtures("project")
def test_said_of_one_domain_it_is_restored_there(scalegate: Command) -> None:
    assert scalegate(*BREAK, "--as", "ada", "--domain", "arithmetic").code == 0
    assert scalegate(*BREAK, "--as", "ada").code == 0
    for _ in range(1):
        assert scalegate(*RESTORE, "--as", "grace", "--domain", "arithmetic").code == 0
    broken = scalegate("status", "-p", "p", "--json").json["broken_assumptions"]
    assert [(it["domain"], it["signed"]) for it in broken] == [("arithmetic", ["grace"]), (None, [])]
