"""`policy check`: first whether the file reads, then what it lacks, then where it is weak. None of it can be hidden."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.examples import read_example
from scalegate.gate.project import Project
from support import POLICY_TEXT, new_project

GOLDEN = Path(__file__).with_name("policy_check.expected")
WEAK = (
    read_example("arithmetic")
    .replace('version: "1.0"', 'version: "2.0"')
    .replace("every: 4x", "every: 6x")
    .replace("readable by the training account only", "kept by state-of-the-art means, as appropriate")
    .replace("amendment: {role: officer, at_least: 2}", "amendment: {role: officer, at_least: 1}")
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(read_example("arithmetic"), encoding="utf-8")
    Path("weak.yaml").write_text(WEAK, encoding="utf-8")
    return tmp_path


def test_what_a_person_reads(scalegate: Command, here: Path) -> None:
    ran = scalegate("policy", "check", "weak.yaml", "--since", "old.yaml")
    assert (ran.code, ran.err) == (0, "")
    said = "\n".join(line.rstrip() for line in ran.out.splitlines()) + "\n"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        GOLDEN.write_text(said, encoding="utf-8")
    assert said == GOLDEN.read_text(encoding="utf-8")
    assert said.startswith("arithmetic-demo 2.0 reads without a fault")


def test_a_weakness_is_an_error_where_that_is_asked_for(scalegate: Command, here: Path) -> None:
    assert scalegate("policy", "check", "weak.yaml").code == 0
    assert scalegate("policy", "check", "weak.yaml", "--strict").code == 3
    assert scalegate("policy", "check", "old.yaml", "--strict").code == 0, "notes are no weaknesses"
    assert scalegate("policy", "check", "old.yaml", "--strict", "--since", "old.yaml").code == 0
    Path("looser.yaml").write_text(
        read_example("arithmetic").replace("lease: 10 minutes", "lease: 11 minutes"), encoding="utf-8"
    )
    assert scalegate("policy", "check", "looser.yaml", "--strict").code == 0
    assert scalegate("policy", "check", "looser.yaml", "--strict", "--since", "old.yaml").code == 3


def test_a_program_reads_the_same_with_each_place(scalegate: Command, here: Path) -> None:
    document = scalegate("policy", "check", "weak.yaml", "--since", "old.yaml", "--json").json
    vague = next(it for it in document["lints"] if it["code"] == "vague-word")
    line, column = vague["place"]["line"], vague["place"]["column"]
    assert WEAK.splitlines()[line - 1][column - 1 :].startswith("appropriate")
    assert (vague["path"], vague["severity"]) == ("levels.0.safeguards.0.text", "weakness")
    assert vague["place"]["file"] == "weak.yaml"
    assert document["since"]["policy"] == "arithmetic-demo 1.0"
    assert {it["code"] for it in document["since"]["changes"]} == {"weaker", "may-be-weaker"}
    assert [it["component"] for it in document["coverage"]][:2] == ["limits", "protections"]
    assert document["modalities"] == {"will": 6, "aim": 1}
    assert "against" not in document


def test_a_word_in_a_folded_text_has_its_own_line(scalegate: Command, here: Path) -> None:
    lines = read_example("starter").replace("within a day", "promptly, as needed").splitlines(keepends=True)
    Path("p.yaml").write_text("".join(lines), encoding="utf-8")
    document = scalegate("policy", "check", "p.yaml", "--json").json
    found = next(it for it in document["lints"] if it["code"] == "vague-word")
    assert "`as needed`" in found["what"]
    at = found["place"]
    assert lines[at["line"] - 1][at["column"] - 1 :].startswith(("promptly", "as needed"))


def test_against_a_ledger_it_tells_what_would_hold_and_what_never_has(scalegate: Command, project: Project) -> None:
    ran = scalegate("policy", "check", "p/policy.yaml", "--against", "p")
    assert ran.code == 0
    assert "In force there" in ran.out
    other = Path("p/policy.yaml").read_text(encoding="utf-8").replace('version: "1.0"', 'version: "1.1"')
    Path("next.yaml").write_text(other, encoding="utf-8")
    assert "Were it adopted now" in scalegate("policy", "check", "next.yaml", "--against", "p").out
    assert "Have never held: cap.absolute, last-gate." in ran.out
    assert "THIS GATE HAS NEVER HELD" not in ran.out
    document = scalegate("policy", "check", "p/policy.yaml", "--against", "p", "--json").json["against"]
    assert document["starts_anew"] is False
    run = next(it for it in document["runs"] if it["run"] == "r")
    assert (run["verdict"], run["clauses"]["safeguards.level-2"]) == ("HOLD", "expected")
    entries = scalegate("status", "-p", "p", "--json").json["entries"]
    scalegate("policy", "check", "p/policy.yaml", "--against", "p")
    assert scalegate("status", "-p", "p", "--json").json["entries"] == entries, "it writes nothing"


def test_a_ledger_without_a_decision_says_that_nothing_is_known(scalegate: Command, tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    ran = scalegate("policy", "check", project.policy, "--against", project.folder)
    assert "No decision is on record: whether this gate ever holds is not known." in ran.out


def test_what_cannot_be_read_beside_the_policy_is_named(scalegate: Command, here: Path) -> None:
    Path("broken.yaml").write_text(POLICY_TEXT.replace("every: 4x", "every: 4 x"), encoding="utf-8")
    ran = scalegate("policy", "check", "weak.yaml", "--since", "broken.yaml")
    assert ran.code == 2
    assert ran.err.startswith("broken.yaml:")
    ran = scalegate("policy", "check", "weak.yaml", "--against", "nowhere")
    assert ran.code == 2
    assert "nowhere: there is no project in this folder" in ran.err
