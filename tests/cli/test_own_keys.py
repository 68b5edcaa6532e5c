"""People who make their own keys: from the first adoption to an amendment that takes several of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.policy import load_policy
from support import POLICY_TEXT

LINE = "- {{id: {0}, name: {1} Officer, roles: [officer], key: {2}}}"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def policy(scalegate: Command) -> Path:
    """A policy whose officers have keys of their own, which are not in the project."""
    text = POLICY_TEXT
    for officer in ("ada", "grace", "alan"):
        public = scalegate("key", "new", officer, "--no-passphrase", "--json").json["key"]
        name = officer.capitalize()
        assert LINE.format(officer, name, "unset") in text
        text = text.replace(LINE.format(officer, name, "unset"), LINE.format(officer, name, f'"{public}"'))
    Path("mine.yaml").write_text(text)
    return Path("mine.yaml")


def test_a_key_of_ones_own(scalegate: Command) -> None:
    made = scalegate("key", "new", "ada", "--no-passphrase")
    public = SigningKey.load("ada.key").verify_key.to_text()
    assert f"In the policy: key: {public}" in made.out
    assert "PRIVATE" not in made.out
    assert Path("ada.key").stat().st_mode & 0o777 == 0o600
    assert scalegate("key", "show", "ada.key", "--json").json == {
        "key": public,
        "name": "ada",
        "file": "ada.key",
        "encrypted": False,
    }
    again = scalegate("key", "new", "ada", "--no-passphrase")
    assert (again.code, SigningKey.load("ada.key").verify_key.to_text()) == (2, public)
    assert scalegate("key", "new", "a b").code == 2


def test_a_project_of_people_with_keys_of_their_own(scalegate: Command, policy: Path) -> None:
    assert "give it with `--key`" in scalegate("init", "p", "--template", policy).err
    stranger = scalegate("key", "new", "eve", "--no-passphrase", "--json").json["key"]
    refused = scalegate("init", "p", "--template", policy, "--key", "eve.key")
    assert f"nobody who may adopt the policy has the key `{stranger}` in it" in " ".join(refused.err.split())
    assert not Path("p").exists()
    assert scalegate("init", "p", "--template", policy, "--key", "grace.key").code == 0
    assert {path.name for path in Path("p/keys").iterdir()} == {
        f"{who}.key" for who in ("log", "gatekeeper", "evaluator", "security")
    }
    assert scalegate("status", "-p", "p", "--json").json["first_key"] == "grace"
    assert scalegate("verify", "p/ledger.db").code == 0


def test_keys_that_are_in_the_folder_already_are_those_of_their_people(scalegate: Command) -> None:
    Path("p/keys").mkdir(parents=True)
    Path("mine.yaml").write_text(POLICY_TEXT)
    own = {
        who: scalegate("key", "new", who, "--out", f"p/keys/{who}.key", "--no-passphrase", "--json").json["key"]
        for who in ("ada", "security")
    }
    theirs = {who: Path(f"p/keys/{who}.key").read_bytes() for who in own}
    made = scalegate("init", "p", "--template", "mine.yaml")
    assert made.code == 0, made.err
    assert {who: Path(f"p/keys/{who}.key").read_bytes() for who in own} == theirs
    people = {person.id: person.key for person in load_policy(Project(Path("p")).policy).people}
    assert {who: people[who] for who in own} == own
    assert scalegate("status", "-p", "p", "--json").json["first_key"] == "ada"
    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("init", "p", "--template", "mine.yaml").code == 2
    Path("q/keys").mkdir(parents=True)
    Path("q/keys/log.key").write_text("taken")
    assert "is here already" in scalegate("init", "q", "--template", "mine.yaml").err
    assert [str(it) for it in Path("q").rglob("*")] == ["q/keys", "q/keys/log.key"]


def test_an_amendment_says_whose_signatures_it_lacks(scalegate: Command, policy: Path) -> None:
    assert scalegate("init", "p", "--template", policy, "--key", "ada.key").code == 0
    file = Project(Path("p")).policy
    changed = file.read_text().replace("alpha: 5%", "alpha: 4%")
    file.write_text(changed)
    refused = scalegate("adopt", file, "-p", "p", "--as", "ada", "--key", "ada.key")
    assert "another policy had the version `1.0` before" in refused.err
    file.write_text(changed.replace('version: "1.0"', 'version: "1.1"'))
    first = scalegate("adopt", file, "-p", "p", "--as", "ada", "--key", "ada.key")
    said = "is signed by ada and not in force: 1 more signature of grace, alan."
    assert said in " ".join(first.out.split())
    told = " ".join(scalegate("status", "-p", "p").out.split())
    assert said in told
    assert "Nothing in it reads as weaker than what is in force." in told
    assert "To adopt it" not in told, "whoever has signed cannot sign again"
    looser = changed.replace('version: "1.0"', 'version: "1.1"').replace("at: 1e14 FLOP", "at: 1e15 FLOP")
    file.write_text(looser)
    other = scalegate("adopt", file, "-p", "p", "--as", "alan", "--key", "alan.key")
    assert (other.code, "another text is signed as `arithmetic-demo 1.1` already, and waits" in other.err) == (2, True)
    file.write_text(changed.replace('version: "1.0"', 'version: "1.1"'))
    assert scalegate("adopt", file, "-p", "p", "--as", "alan", "--key", "alan.key").out.count("is in force.") == 1
    assert "not in force" not in scalegate("status", "-p", "p").out


def test_a_key_that_was_copied_wrongly_is_found_before_it_counts(scalegate: Command, policy: Path) -> None:
    text = policy.read_text()
    at = text.index("ada+") + 4
    policy.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
    checked = scalegate("policy", "check", policy)
    assert checked.code == 2
    assert "the key id does not fit the key" in checked.err
    assert "mine.yaml:25:" in checked.err
    assert scalegate("init", "p", "--template", policy, "--key", "grace.key").code == 2
    assert not Path("p").exists()


def test_a_day_counts_to_its_end_and_a_signature_no_longer_than_the_policy_lets_it(scalegate: Command) -> None:
    assert scalegate("init", "p", "--template", "arithmetic").code == 0
    sign = ("attest", "weights-locked", "-p", "p", "--as", "security", "--statement", "I looked.")
    now = datetime.now(UTC)
    long = scalegate(*sign, "--until", "2999-12-31")
    assert "the policy lets it count no longer" in " ".join(long.out.split())
    short = scalegate(*sign, "--until", f"{now + timedelta(days=1):%Y-%m-%d}", "--json")
    assert datetime.fromtimestamp(short.json["until"], UTC).strftime("%H:%M:%S") == "23:59:59"
    today = scalegate(*sign, "--until", f"{now:%Y-%m-%d}")
    assert today.code == 0, "today counts to its end"


def test_a_key_is_given_for_whom_a_template_names_none_yet(scalegate: Command) -> None:
    """The officer who begins the log has made their key; the template has `unset` for everybody."""
    public = scalegate("key", "new", "grace", "--no-passphrase", "--json").json["key"]
    Path("mine.yaml").write_text(POLICY_TEXT)
    assert scalegate("init", "p", "--template", "mine.yaml", "--key", "grace.key").code == 0
    policy = load_policy(Path("p/policy.yaml"))
    assert next(it.key for it in policy.people if it.id == "grace") == public
    assert not Path("p/keys/grace.key").exists(), "it stays where it is"
    assert Path("p/keys/ada.key").exists()
    with Project(Path("p")).journal() as journal:
        assert journal.fold.records[0].entry.actor == "grace"
    scalegate("key", "new", "evaluator", "--no-passphrase")
    refused = scalegate("init", "q", "--template", "mine.yaml", "--key", "evaluator.key")
    assert "nobody who may adopt the policy has the key" in " ".join(refused.err.split())
    assert not Path("q").exists()


def test_the_key_of_a_log_goes_into_a_trust_file(scalegate: Command) -> None:
    assert scalegate("init", "p").code == 0
    log = SigningKey.load("p/keys/log.key").verify_key.to_text()
    shown = scalegate("key", "show", "p/keys/log.key")
    assert f"In a trust file: log {log}" in shown.out
    assert "In the policy" not in shown.out


def test_what_is_wrong_with_a_key_names_its_file_or_the_ledger(scalegate: Command) -> None:
    assert scalegate("init", "p").code == 0
    by = ("--as", "officer-1", "--because", "x", "-p", "p")
    assert "p/ledger.db: nobody called `eve`" in " ".join(scalegate("key", "revoke", "eve", *by).err.split())
    other = scalegate("key", "revoke", "officer-2", "--which", "0123", *by)
    assert "p/ledger.db: `--which 0123`: `officer-2` has or had no such key" in " ".join(other.err.split())
    assert "none.key" in scalegate("key", "passphrase", "none.key").err, "it is not there to be opened"
