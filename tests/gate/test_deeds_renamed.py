"""Kept apart by what was signed, whatever an amendment calls the role, the part or the floor that it was signed for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from book import Book, key_of
from test_deeds import FLOORS, OWN, REPORT, attested, changed, judged, keep
from test_determinations import FLOPS, ask, saved, say
from test_risk_claims import claim

from scalegate.gate.adoption import read_against
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy, load_policy
from scalegate.policy.reader import policy_from_json

BARRED = "`security` signed on this lineage as `security`"


def renamed(policy: Policy, *changes: tuple[str, str]) -> dict[str, Any]:
    text = json.dumps(policy.document())
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    document: dict[str, Any] = json.loads(text)
    return document


def with_person(document: dict[str, Any], who: str, role: str) -> None:
    key = key_of(who).verify_key.to_text()
    document["people"].append({"id": who, "name": who, "roles": [role], "key": key})


TO_GUARD = (
    ('"attested_by": "security"', '"attested_by": "guard"'),
    ('"apart_from": ["security"]', '"apart_from": ["guard"]'),
    ('"roles": ["security"]', '"roles": ["guard"]'),
    ('"role": "security"', '"role": "guard"'),
    ('"id": "locked"', '"id": "bolted"'),
)


def decoyed(*changes: tuple[str, str], part: bool = False) -> Policy:
    """Who attests is called `guard`, and `security` goes on signing for something else; so may what was attested."""
    document = renamed(judged("2", "rso", "security"), *TO_GUARD, *changes)
    culture = next(it for it in document["determinations"] if it["id"] == "culture")
    culture["decided_by"]["role"] = "security"
    with_person(document, "zed", "security")
    if part:
        decoy = {"id": "locked", "text": "The door is locked.", "kind": "security", "attested_by": "janitor"}
        document["levels"][0]["safeguards"].append(decoy)
        with_person(document, "jan", "janitor")
    return policy_from_json(document)


ANOTHER_TEXT = ("does not come near the bio threshold", "is far from what helps with biology")
ANOTHER_NAME = ('"id": "bio"', '"id": "biology"')
NAMED_SO = ('"domain": "bio"', '"domain": "biology"')


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize("change", [(), (ANOTHER_TEXT,), (ANOTHER_NAME, NAMED_SO)], ids=["", "text", "name"])
def test_an_old_role_that_signs_for_something_else_hides_nothing(change: tuple[Any, ...], part: bool) -> None:
    book = attested()
    new = decoyed(*change, part=part)
    assert book.adopt(new).refused is None
    name = {"determination": "biology"} if ANOTHER_NAME in change else {}
    assert f"{BARRED}, which counts as `guard`" in (say(book, "security", **name) or "")
    assert f"{BARRED}, which counts as `guard`" in (claim(book, who="security") or "")
    assert (say(book, "ada", **name), claim(book), ask(book).verdict) == (None, None, "PROCEED")


def test_nor_where_what_was_kept_apart_from_it_is_written_anew() -> None:
    book = attested()
    risk = ("A catastrophe from it within a year.", "Many die of it."), ('"harm"', '"deaths"')
    assert book.adopt(decoyed(ANOTHER_TEXT, ANOTHER_NAME, NAMED_SO, *risk)).refused is None
    assert BARRED in (say(book, "security", determination="biology") or "")
    assert BARRED in (claim(book, who="security", risk="deaths") or "")


def test_it_goes_on_from_amendment_to_amendment() -> None:
    book = attested()
    assert book.adopt(decoyed()).refused is None
    third = renamed(decoyed(ANOTHER_TEXT, part=True), ('"guard"', '"watch"'), ('"version": "2"', '"version": "3"'))
    assert book.adopt(policy_from_json(third)).refused is None
    assert f"{BARRED}, which counts as `watch`" in (say(book, "security") or "")


@pytest.mark.parametrize(("left", "verdict"), [(False, "HOLD"), (True, "STOP")])
def test_what_an_amendment_would_come_to_says_so(left: bool, verdict: str) -> None:
    """Once Ada leaves, only who attested could judge."""
    book = attested()
    new = decoyed(part=True).document()
    if left:
        next(it for it in new["people"] if it["id"] == "ada")["roles"] = ["adviser"]
    told = read_against(book.fold, policy_from_json(new), book.time)
    assert [it.verdict for it in told.outlooks if it.run == "r"] == [verdict]
    assert not any(it.called for it in book.fold.deeds.done.values())


def judging(version: str, role: str, *, dropped: bool) -> Policy:
    """Those who judge and claim, in a role of this name, have judged something that may be dropped."""
    document = judged(version, "security", "rso").document()
    if not dropped:
        by = {"role": "rso", "at_least": "1"}
        sound = {"id": "sound", "text": "Training is sound.", "about": "developer", "decided_by": by}
        document["determinations"].append(sound)
    return policy_from_json(json.loads(json.dumps(document).replace('"rso"', f'"{role}"')))


@pytest.mark.parametrize("role", ["rso", "board"])
@pytest.mark.parametrize("dropped", [False, True])
def test_those_who_judge_go_on_under_another_name_when_what_they_judged_is_dropped(role: str, dropped: bool) -> None:
    """Their role was apart from `security`, so it is not what is called that now."""
    book = Book.adopted(judging("1", "rso", dropped=False))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    for who in ("ada", "grace"):
        assert say(book, who, determination="sound", name=None) is None
    assert (say(book, "ada"), claim(book), ask(book).verdict) == (None, None, "PROCEED")
    assert book.adopt(judging("2", role, dropped=dropped)).refused is None
    for who in ("ada", "grace"):
        assert (say(book, who), claim(book, who=who)) == (None, None)
    assert ask(book).verdict == "PROCEED"


@pytest.mark.parametrize("text", ["Reported.", "A report is published."])
@pytest.mark.parametrize("name", ["measured", "sector"])
def test_nor_does_another_name_of_a_floor_make_it_another(tmp_path: Path, name: str, text: str) -> None:
    """What they attested is the policy's own, in a role that it has besides that of the floor."""

    def lab(version: str, ada: str, bob: str, name: str, text: str) -> Policy:
        floor = changed(
            (FLOORS / "measured.yaml").read_text(),
            ("  - {id: cap,", REPORT.replace("Reported.", text)),
            ("roles: [officer, evaluator, security]", "roles: [evaluator, security]"),
            ("  - {id: bob", "  - {id: cy, name: Cy, roles: [officer], key: unset}\n  - {id: bob"),
            ("policy: measured\n", f"policy: {name}\n"),
        )
        (tmp_path / "measured.yaml").write_text(floor)
        officers = "".join(
            f"  - {{id: {it}, name: {it}, roles: [officer, measured/officer], key: unset}}\n" for it in ("cy", "eve")
        )
        approvals = "    approvals: {role: officer, at_least: 2, valid_for: 3 months}"
        bolted = "      - {id: bolted, text: Doors are bolted., kind: security, attested_by: guard}\n"
        written = changed(
            (FLOORS / "lab_on_measured.yaml").read_text(),
            ("clauses:\n", OWN),
            ('version: "1"\ntitle', f'version: "{version}"\ntitle'),
            ("[officer, guard, measured/officer, measured/security]", f"[{ada}]"),
            ("name: Bob, roles: [officer, measured/officer]", f"name: Bob, roles: [{bob}]"),
            ("  - {id: bob", f"{officers}  - {{id: bob"),
            ("people:\n", "amendment: {role: officer, at_least: 1}\npeople:\n"),
            (approvals, bolted + approvals),
        )
        (tmp_path / "lab.yaml").write_text(written.replace("measured/", f"{name}/"))
        document = load_policy(tmp_path / "lab.yaml").document()
        for person in document["people"]:
            person["key"] = key_of(person["id"]).verify_key.to_text()
        return policy_from_json(document)

    guard, officer = "guard, measured/security", "officer, measured/officer"
    first, second = lab("1", guard, officer, "measured", "Reported."), lab("2", officer, guard, name, text)
    book = Book()
    assert book.adopt(first, "cy", document=first.document()).refused is None
    book.put(kinds.RunOpened, "gate", planned=10**20)
    assert book.put(kinds.Attestation, "ada", safeguard="bolted").refused is None
    assert book.adopt(second, "cy", document=second.document()).refused is None
    told = f"`ada` signed on this lineage as `guard`, which counts as `{name}/security`"
    assert told in (keep(book, f"{name}/report", "r", 20, "ada") or "")
    assert keep(book, f"{name}/report", "r", 20, "eve") is None
