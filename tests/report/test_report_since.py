"""The report on a decision that something came after: what of it no longer stands is said."""

from __future__ import annotations

from pathlib import Path

from test_report import Reader, held, report

from scalegate.gate.project import adopt
from scalegate.policy import parse_policy
from support import Model, approve, attest, new_project, open_gate, train


def test_amendment_ends_the_permit_shown(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    gate = open_gate(project, model)
    train(gate, model, steps=1)
    gate.close()
    changed = project.policy.read_text(encoding="utf-8").replace('version: "1.0"', 'version: "1.1"')
    policy = parse_policy(changed, name="changed")
    for officer, ended in (("ada", False), ("alan", True)):
        with project.journal() as journal:
            adopt(journal, policy, officer, project.key(officer))
        page = report(project)
        text = Reader(page).text
        assert ("PROCEED – permit ended" in text) is ended
        assert ("<title>PROCEED, permit ended: train r" in page) is ended
        head = text.split("What the verdict does not say")[0]
        both = "The policy in force is arithmetic-demo 1.1. What this page shows was decided under arithmetic-demo 1.0"
        assert (both in head) is ended
    assert "The policy in force is now arithmetic-demo 1.1" in text
    assert text.count("Signed to amend the policy: arithmetic-demo 1.1") == 2


def test_a_version_that_waits_is_told_first_with_what_it_would_weaken(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    with open_gate(project, model) as gate:
        train(gate, model, steps=1)
    changed = project.policy.read_text(encoding="utf-8").replace('version: "1.0"', 'version: "1.1"')
    policy = parse_policy(changed.replace("at: 1e14 FLOP", "at: 1e15 FLOP"), name="changed")
    with project.journal() as journal:
        adopt(journal, policy, "ada", project.key("ada"))
    text = Reader(report(project)).text
    told = "ada and not in force: 1 more signature of grace, alan. It would weaken, or may: clause cap.absolute"
    assert told in text
    assert text.index(told) < text.index("Genesis:")
    with project.journal() as journal:
        adopt(journal, policy, "alan", project.key("alan"))
    assert "and not in force" not in Reader(report(project)).text


def test_a_permit_that_the_developers_other_runs_ended_is_not_shown_as_standing(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    model = Model()
    with open_gate(project, model, "one", evaluate=None) as gate:
        train(gate, model, 1)
    assert Reader(report(project, "one")).verdict() == "PROCEED"
    assert "permit ended" not in Reader(report(project, "one")).text
    other = Model(flops=3)
    with open_gate(project, other, "two", evaluate=None) as gate:
        train(gate, other, 1)
        gate.save()
    assert "permit ended" in Reader(report(project, "one")).text


def test_what_deciding_again_would_give_is_said(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    held(project, Model(skill=lambda _: 0.9))
    attest(project)
    approve(project, "ada", "grace")
    assert "Decided again on all entries it would be PROCEED, up to " in Reader(report(project)).text


def test_signatures_that_an_adoption_ended_are_not_said_to_count(tmp_path: Path) -> None:
    """Also when it is an earlier version that comes back."""
    project = new_project(tmp_path / "p")
    held(project, Model(skill=lambda _: 0.9))
    attest(project)
    approve(project, "ada", "grace")
    text = project.policy.read_text()
    for version in ("2.0", "1.0"):
        changed = parse_policy(text.replace('version: "1.0"', f'version: "{version}"'), name="changed")
        for officer in ("ada", "grace"):
            with project.journal() as journal:
                adopt(journal, changed, officer, project.key(officer))
    assert "ended by an adoption" in Reader(report(project)).text
