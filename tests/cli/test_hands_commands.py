"""`scalegate key rotate` and `revoke`: what they write, refuse and say, and who tells of it afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.keys import public_half
from support import new_project

WHY = ("--because", "the laptop was stolen")


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in which nothing was trained."""
    monkeypatch.chdir(tmp_path)
    project = new_project(Path("p"))
    SigningKey.generate("ada").save("ada2.key")
    return project


def test_a_person_replaces_their_key_and_it_is_told(scalegate: Command, small: Project) -> None:
    after = public_half("ada2.key").to_text()
    made = scalegate("key", "rotate", "--as", "ada", "--new", "ada2.key", "-p", "p")
    assert made.code == 0, made.err
    assert "p/keys/ada.key is the key from before: put the new one in its place, or give it with `--key`." in made.out
    incident = ("incident", "report", "arithmetic", "--because", "it did", "--any-run", "-p", "p", "--as", "ada")
    old = scalegate(*incident)
    assert old.code == 2
    assert "this is not the key that came in place of the one that the policy in force names" in words(old.err)
    assert scalegate(*incident, "--key", "ada2.key").code == 0
    said = f"`ada` signs with a key of their own choice since entry 2: {after}"
    assert scalegate("status", "-p", "p", "--json").json["keys"] == [said]
    assert said in words(scalegate("status", "-p", "p").out).replace("+ ", "+")
    assert scalegate("verify", "p/ledger.db", "--json").json["keys"] == [said]
    again = scalegate("key", "rotate", "--as", "ada", "--new", "ada2.key", "--key", "ada2.key", "-p", "p")
    assert "that is the key that you have" in words(again.err)
    assert "that is the log's own key" in words(
        scalegate("key", "rotate", "--as", "ada", "--new", "p/keys/log.key", "--key", "ada2.key", "-p", "p").err
    )
    theirs = scalegate("key", "rotate", "--as", "ada", "--new", "p/keys/grace.key", "--key", "ada2.key", "-p", "p")
    assert "the new key is, or was, a key of `grace`" in words(theirs.err)
    assert scalegate("report", "-p", "p").code == 0
    page = Path("p/report.html").read_text()
    assert "signs with a key of their own choice since entry 2" in page
    assert "Key replaced" in page


def test_a_version_that_forgets_the_new_key_says_so_before_and_when_it_is_signed(
    scalegate: Command, small: Project
) -> None:
    scalegate("key", "rotate", "--as", "ada", "--new", "ada2.key", "-p", "p")
    Path("next.yaml").write_text(small.policy.read_text().replace('version: "1.0"', 'version: "2.0"'))
    said = "It names the key of `ada` that entry 2 put out of use"
    assert said in words(scalegate("policy", "check", "next.yaml", "--against", "p").out)
    signed = scalegate("adopt", "next.yaml", "-p", "p", "--as", "grace")
    assert signed.code == 0
    assert said in words(signed.out)
    assert said in words(scalegate("status", "-p", "p").out)


def test_one_s_own_key_is_revoked_alone(scalegate: Command, small: Project) -> None:
    made = scalegate("key", "revoke", "ada", "--as", "ada", *WHY, "-p", "p")
    assert made.code == 0, made.err
    key_id = public_half(small.keys / "ada.key").key_id.hex()
    said = f"The key {key_id} of `ada` is revoked by entry 2, signed by `ada`: the laptop was stolen"
    assert said in words(made.out)
    assert scalegate("status", "-p", "p", "--json").json["keys"] == [said]
    assert said in words(scalegate("verify", "p/ledger.db").out)
    refused = scalegate("incident", "report", "arithmetic", *WHY, "--any-run", "-p", "p", "--as", "ada")
    assert "the key of `ada` is revoked" in words(refused.err)
    Path("next.yaml").write_text(small.policy.read_text().replace('version: "1.0"', 'version: "2.0"'))
    checked = scalegate("policy", "check", "next.yaml", "--against", "p", "--strict")
    assert checked.code == 3
    assert "the key that it names for `ada` was revoked by entry 2: write a new one" in words(checked.out)
    assert "was revoked by entry 2" in words(scalegate("adopt", "next.yaml", "-p", "p", "--as", "grace").err)
    scalegate("report", "-p", "p")
    assert "of <code>ada</code> is revoked by entry 2" in Path("p/report.html").read_text()


def test_somebody_else_s_takes_those_who_amend(scalegate: Command, small: Project) -> None:
    first = scalegate("key", "revoke", "evaluator", "--as", "ada", *WHY, "--since", "0", "-p", "p", "--json")
    assert first.json["revoked"] is False
    (told,) = scalegate("status", "-p", "p", "--json").json["keys"]
    assert told.endswith(
        "is asked to be revoked by `ada`, of the 2 with the role `officer` that this takes, other than `evaluator`"
    )
    other = ("--because", "it is still gone")
    twice = scalegate("key", "revoke", "evaluator", "--as", "ada", *other, "--since", "0", "-p", "p")
    assert "`ada` has signed for it already" in words(twice.err)
    nobody = scalegate("key", "revoke", "evaluator", "--as", "security", *WHY, "-p", "p")
    assert "`security` does not have the role `officer`" in words(nobody.err)
    second = scalegate("key", "revoke", "evaluator", "--as", "grace", *WHY, "-p", "p", "--json")
    assert second.json["revoked"] is True
    assert scalegate("verify", "p/ledger.db").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("nobody",), "nobody called `nobody` has or had a key in this ledger"),
        (("ada", "--which", "00000000"), "`--which 00000000`: `ada` has or had no such key"),
        (("ada", "--since", "99"), "there is no entry 99 yet"),
    ],
)
def test_what_is_no_key_is_not_revoked(scalegate: Command, small: Project, options: tuple[str, ...], said: str) -> None:
    refused = scalegate("key", "revoke", *options, "--as", "ada", *WHY, "-p", "p")
    assert refused.code == 2
    assert said in words(refused.err)


def test_an_earlier_key_of_somebody_s_is_named_by_its_id(scalegate: Command, small: Project) -> None:
    old = public_half(small.keys / "ada.key").key_id.hex()
    scalegate("key", "rotate", "--as", "ada", "--new", "ada2.key", "-p", "p")
    made = scalegate(
        *("key", "revoke", "ada", "--as", "ada", "--key", "ada2.key", "--which", old, "--since", "2", *WHY, "-p", "p"),
    )
    assert made.code == 0, made.err
    # Whoever had the old key put the new one in its place.
    assert len([it for it in scalegate("status", "-p", "p", "--json").json["keys"] if "is revoked" in it]) == 2


def test_a_gate_s_key_in_wrong_hands_is_said_to_be_the_end(scalegate: Command, project: Project) -> None:
    made = scalegate("key", "revoke", "gatekeeper", "--as", "gatekeeper", *WHY, "--since", "0", "-p", "p")
    assert made.code == 0
    assert "entries of the machine's own are signed by it since" in words(made.out)
    assert "everything holds" in words(made.out)
    held = scalegate("status", "-p", "p", "--json").json
    assert len(held["faults"]) == 1


def test_a_run_is_decided_again_after_a_revocation(scalegate: Command, project: Project) -> None:
    scalegate("key", "revoke", "evaluator", "--as", "evaluator", *WHY, "--since", "0", "-p", "p")
    (run,) = scalegate("status", "-p", "p", "--json").json["runs"]
    assert run["undecided"] == {"entries": 1, "kinds": {"word that a key is revoked": 1}}
    verified = scalegate("verify", "p/ledger.db", "--json").json
    assert any("was in wrong hands since entry 0" in it for it in verified["ignored"])
    assert verified["faults"] == []
    assert scalegate("decide", "-p", "p", "--run", "r").code == 3
    again = scalegate("verify", "p/ledger.db", "--json").json
    assert again["decisions"] == verified["decisions"] + 1, "what was decided before is derived as it was then"


def test_who_began_the_log_stands_first(scalegate: Command, small: Project) -> None:
    for command in (("status", "-p", "p"), ("verify", "p/ledger.db")):
        shown = words(scalegate(*command).out).removeprefix("VERIFIED. ")
        assert shown.startswith("Genesis: the first key is that of `ada`, since 20")
        assert "nothing older vouches for it." in shown
    scalegate("report", "-p", "p")
    page = Path("p/report.html").read_text()
    assert "Genesis: first entry signed by Ada Officer" in page
