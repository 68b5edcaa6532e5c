"""A new project is there whole or not at all, and an adoption that would not count is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from scalegate.errors import InputError
from scalegate.gate.project import Project, adopt, create_project
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import PolicyAdopted
from scalegate.policy import load_policy, parse_policy, policy_from_json
from support import POLICY_TEXT, new_project

PEOPLE = ("gatekeeper", "evaluator", "security", "ada", "grace", "alan")


def refusal(folder: Path, text: str = POLICY_TEXT) -> InputError:
    with pytest.raises(InputError) as caught:
        create_project(folder, text, name="mine")
    return caught.value


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_project_is_a_policy_with_keys_and_a_ledger_that_has_adopted_it(tmp_path: Path) -> None:
    project = create_project(tmp_path / "a" / "b", POLICY_TEXT, name="mine")
    keys = [f"keys/{who}.key" for who in ("log", *PEOPLE)]
    assert everything(project.folder) == sorted(["keys", "ledger.db", "ledger.db.head", "policy.yaml", *keys])
    assert stat.S_IMODE(project.keys.stat().st_mode) == 0o700
    policy = load_policy(project.policy)
    for person in policy.people:
        assert person.key == project.key(person.id).verify_key.to_text()
        assert project.key(person.id).name == person.id
    assert policy.model_copy(update={"people": parse_policy(POLICY_TEXT).people}) == parse_policy(POLICY_TEXT)
    with project.journal() as journal:
        assert journal.policy == policy
        assert journal.ledger.origin.startswith("arithmetic-demo.ledger/")
        assert journal.ledger.log_verify_key == project.key("log").verify_key
        (record,) = journal.fold.records
        assert isinstance(record.entry, PolicyAdopted)
        assert (record.entry.actor, record.entry.supersedes, record.entry.enforcement) == ("ada", None, "cooperative")
        assert record.entry.policy == policy.digest()


def test_a_person_with_a_key_keeps_it(tmp_path: Path) -> None:
    theirs = SigningKey.generate("alan").verify_key.to_text()
    line = "- {id: alan, name: Alan Officer, roles: [officer], key: unset}"
    text = POLICY_TEXT.replace(line, line.replace("unset", f'"{theirs}"'))
    project = create_project(tmp_path / "p", text, name="mine")
    assert {person.id: person.key for person in load_policy(project.policy).people}["alan"] == theirs
    assert not (project.keys / "alan.key").exists()


def test_without_an_amendment_the_first_person_adopts(tmp_path: Path) -> None:
    text = POLICY_TEXT.replace("amendment: {role: officer, at_least: 2}\n", "")
    with create_project(tmp_path / "p", text, name="mine").journal() as journal:
        assert journal.fold.records[0].entry.actor == "gatekeeper"


@pytest.mark.parametrize("part", ["keys", "ledger.db", "ledger.db.head", "policy.yaml"])
def test_nothing_of_a_project_is_overwritten(tmp_path: Path, part: str) -> None:
    (tmp_path / part).symlink_to("nowhere")
    error = refusal(tmp_path)
    assert error.message == "a project, or part of one, is here already"
    assert (error.place and error.place.file, error.fix) == (
        str(tmp_path / part),
        "choose another folder; nothing was changed",
    )
    assert everything(tmp_path) == [part]


def test_what_is_no_policy_is_refused_by_its_name(tmp_path: Path) -> None:
    assert str(refusal(tmp_path / "p", "scalegate: 1\n")).startswith("mine")
    assert everything(tmp_path) == []


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    error = refusal(tmp_path / "file" / "p")
    assert error.message == "the project cannot be made: not a directory"
    assert error.place is not None
    assert error.place.file == str(tmp_path / "file" / "p")
    assert error.fix == "choose a folder that may be written to; nothing was left behind"
    assert everything(tmp_path) == ["file"]


@pytest.mark.parametrize("failing", range(4))
@pytest.mark.parametrize("there", [True, False], ids=["in a folder", "in a new one"])
def test_a_failure_on_the_way_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, there: bool
) -> None:
    """The disk gives out when the parts are moved into place; a second try succeeds."""
    folder = tmp_path / "some" / "where"
    if there:
        folder.mkdir(parents=True)
        (folder / "mine.txt").write_text("kept")
    before = everything(tmp_path)
    left, rename = [failing], os.rename

    def until(source: Path, target: Path) -> None:
        if Path(target).parent == folder:
            if left[0] == 0:
                raise OSError(28, "No space left on device")
            left[0] -= 1
        rename(source, target)

    monkeypatch.setattr(os, "rename", until)
    assert refusal(folder).message == "the project cannot be made: no space left on device"
    assert everything(tmp_path) == before
    monkeypatch.undo()
    create_project(folder, POLICY_TEXT, name="mine")


def test_somebody_whose_key_is_made_here_must_sign_the_adoption(tmp_path: Path) -> None:
    theirs = SigningKey.generate("ada").verify_key.to_text()
    line = "- {id: ada, name: Ada Officer, roles: [officer], key: unset}"
    error = refusal(tmp_path / "p", POLICY_TEXT.replace(line, line.replace("unset", f'"{theirs}"')))
    words = "`ada` is to sign the adoption, but has a key of their own, which `init` does not hold"
    assert error.message == words
    assert error.place is not None
    assert error.place.file == "mine"
    assert error.fix == "give it with `--key`"
    assert everything(tmp_path) == []


def test_whoever_may_amend_adopts_with_a_key_of_their_own(tmp_path: Path) -> None:
    theirs, strange = SigningKey.generate("grace"), SigningKey.generate("grace")
    line = "- {id: grace, name: Grace Officer, roles: [officer], key: unset}"
    assert line in POLICY_TEXT
    text = POLICY_TEXT.replace(line, line.replace("unset", f'"{theirs.verify_key.to_text()}"'))
    with pytest.raises(InputError) as caught:
        create_project(tmp_path / "p", text, name="mine", adopter=strange)
    assert caught.value.message == f"nobody who may adopt the policy has the key `{strange.verify_key.to_text()}` in it"
    assert caught.value.place is not None
    assert caught.value.place.file == "mine"
    assert caught.value.fix == "write it under `key:` of `ada` or `grace` or `alan`"
    assert everything(tmp_path) == []
    project = create_project(tmp_path / "p", text, name="mine", adopter=theirs)
    with project.journal() as journal:
        first = journal.fold.records[0].entry
        assert isinstance(first, PolicyAdopted)
        assert (first.actor, journal.fold.records[0].refused) == ("grace", None)
        assert (first.policy, first.supersedes, first.enforcement) == (journal.policy.digest(), None, "cooperative")
        assert policy_from_json(first.document) == load_policy(project.policy) == journal.policy
    assert not (project.keys / "grace.key").exists()


def test_nobody_is_called_log(tmp_path: Path) -> None:
    error = refusal(tmp_path / "p", POLICY_TEXT.replace("id: alan,", "id: log,"))
    assert error.message == "a person is called `log`, which is the name of the ledger's own key"
    assert error.place is not None
    assert (error.place.file, error.fix) == ("mine", "rename")


def test_an_adoption_says_which_policy_is_then_in_force(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", tier_recorded=False)
    old = load_policy(project.policy)
    new = parse_policy(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
    with project.journal() as journal:
        assert adopt(journal, new, "ada", project.key("ada")) == old.digest()
        assert adopt(journal, new, "alan", project.key("alan")) == new.digest()
        entry = journal.fold.records[-1].entry
        assert isinstance(entry, PolicyAdopted)
        assert (entry.policy, entry.supersedes) == (new.digest(), old.digest())
        assert (entry.actor, entry.enforcement) == ("alan", "cooperative")
        assert None not in entry.document.values()
        with pytest.raises(InputError, match="it is in force already"):
            adopt(journal, new, "ada", project.key("ada"))


def test_a_key_that_is_not_in_the_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"bob\.key"):
        Project(tmp_path).key("bob")
