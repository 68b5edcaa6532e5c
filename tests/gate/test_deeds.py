"""Kept apart by what was signed: whoever acted in a role on a lineage is no approver of it, whatever they are now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from book import Book, digest, key_of, policy_of
from test_determinations import FIRST, FLOPS, ask, saved, say
from test_determinations import policy_of as judged_policy
from test_next_judged_run import BEGINS, BIG, opened
from test_obligations import LAST
from test_risk_claims import claim, numbered

from scalegate.ledger import entries as kinds
from scalegate.policy import Policy, load_policy
from scalegate.policy.reader import policy_from_json
from support import DAY, START

APPROVALS = "approvals: {role: officer, at_least: 2, valid_for: 3 months"
APART = (f"{APPROVALS}}}", f"{APPROVALS}, apart_from: [evaluator, security]}}")
SWAPPED = (
    ("name: Evaluation team, roles: [evaluator]", "name: Evaluation team, roles: [officer]"),
    ("name: Alan Officer, roles: [officer]", "name: Alan Officer, roles: [evaluator]"),
    ('version: "1.0"', 'version: "2.0"'),
)
LEFT = "`evaluator` signed on this lineage as `evaluator`, and who signs for this is apart from it"


def swapped(*changes: tuple[str, str], measured: bool = True) -> Book:
    """A level is open by what the evaluation team signed; then it and an officer change roles."""
    book = Book.adopted(policy_of(APART, *changes))
    book.trained(10**11)
    if measured:
        book.put(kinds.EvaluationAnnounced)
        book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest("e"))
        book.put(kinds.EvaluationFinished, successes=390, elicitation_flops=2 * 10**9)
    for who in ("ada", "grace"):
        assert book.adopt(policy_of(APART, *changes, *SWAPPED), who).refused is None
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    return book


def test_who_measured_it_approves_nothing_of_it_and_is_offered_to_nobody() -> None:
    book = swapped()
    held = book.decide(compute=11 * 10**10)
    assert held.resumption is not None
    named = {fact.concerns[2] for facts in held.resumption.sets for fact in facts if fact.concerns[:1] == ("approval",)}
    assert named == {"ada", "grace"}
    book.put(kinds.Attestation, until=book.time + 50 * DAY)
    given: dict[str, Any] = {"decision": held.digest(), "until": book.time + 50 * DAY}
    assert book.put(kinds.Approval, "evaluator", **given).refused == LEFT
    assert book.put(kinds.Approval, "ada", **given).refused is None
    again = book.decide(compute=11 * 10**10)
    assert again.verdict == "HOLD"
    assert "Evaluation team has not signed, and may not: they signed as `evaluator`" in str(
        [it.detail for it in again.findings]
    )
    assert book.put(kinds.Approval, "grace", **given).refused is None
    assert book.decide(compute=11 * 10**10).verdict == "PROCEED"


def test_what_they_approved_counts_no_more_once_what_they_did_shows_to_be_of_it() -> None:
    """The evaluation team measures weights before the run records them: only then is that of its lineage."""
    book = Book.adopted(policy_of(APART))
    book.trained(10**11)
    unannounced: dict[str, Any] = {"successes": 10, "elicitation_flops": 0, "elicitation_method": "none"}
    book.put(kinds.EvaluationFinished, evaluation=digest("e2"), weights=digest("w2"), **unannounced)
    for who in ("ada", "grace"):
        assert book.adopt(policy_of(APART, *SWAPPED), who).refused is None
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    book.put(kinds.EvaluationAnnounced, "alan")
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest("e"))
    book.put(kinds.EvaluationFinished, "alan", successes=390, elicitation_flops=2 * 10**9)
    held = book.decide(compute=115 * 10**9)
    book.put(kinds.Attestation, until=book.time + 50 * DAY)
    given: dict[str, Any] = {"decision": held.digest(), "until": book.time + 50 * DAY}
    for who in ("evaluator", "ada"):
        assert book.put(kinds.Approval, who, **given).refused is None
    assert book.decide(compute=115 * 10**9).verdict == "PROCEED"
    book.put(kinds.ComputeReserved, use="training", flops=10**9)
    book.put(kinds.WeightsRecorded, weights=digest("w2"), trained=10**11 + 10**9)
    assert not book.faults()
    again = book.decide(compute=115 * 10**9)
    assert again.verdict == "HOLD"
    assert "Evaluation team has signed, and may not: they signed as `evaluator`" in str(
        [it.detail for it in again.findings]
    )
    assert book.put(kinds.Approval, "grace", decision=again.digest(), until=book.time + 50 * DAY).refused is None
    assert book.decide(compute=115 * 10**9).verdict == "PROCEED"


def test_they_approve_what_is_of_another_lineage() -> None:
    book = swapped()
    book.put(kinds.RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    assert not book.fold.situation("s", now=book.time).apart(("evaluator", "security"))
    assert book.fold.situation("r", now=book.time).apart(("evaluator",)) == {"evaluator": "evaluator"}
    parent = kinds.Parent(weights=digest("w"), relation="teacher")
    given: dict[str, Any] = {"parents": (parent,), "from_scratch": False, "start_weights": digest("t")}
    book.put(kinds.RunOpened, run="t", session=digest("t"), **given)
    assert book.fold.situation("t", now=book.time).apart(("evaluator",)) == {"evaluator": "evaluator"}


@pytest.mark.parametrize("ended", ["", "by its date", "by an adoption", "and attested again for less"])
def test_what_was_attested_is_of_each_lineage_that_there_was_while_it_counted(ended: str) -> None:
    book = Book.adopted(policy_of(APART))
    book.put(kinds.RunOpened)
    book.put(kinds.Attestation, until=START + 9 * DAY)
    if ended == "by an adoption":
        for who in ("ada", "grace"):
            assert book.adopt(policy_of(APART, ('version: "1.0"', 'version: "2.0"')), who).refused is None
    if ended == "by its date":
        book.time = START + 10 * DAY
    book.put(kinds.RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    if ended == "and attested again for less":
        book.time = START + 2 * DAY
        book.put(kinds.RunOpened, run="t", session=digest("t"), start_weights=digest("t"))
        book.put(kinds.Attestation, until=book.time + 1)
    assert book.situation("r").apart(("security",)) == {"security": "security"}
    assert bool(book.situation("s").apart(("security",))) == (ended not in ("by its date", "by an adoption"))
    book.time = START + 3 * DAY if ended == "and attested again for less" else book.time
    book.put(kinds.RunOpened, run="u", session=digest("u"), start_weights=digest("u"))
    assert bool(book.situation("u").apart(("security",))) == (ended not in ("by its date", "by an adoption"))


DUTY = f"""{LAST}
  - id: report
    kind: obligation
    within: 20 days
    after: lineage.opened
    kept_by: {{role: officer, at_least: 1, apart_from: [evaluator]}}
    late: counts
    text: A report on risks is published.
    source: {{document: Policy, section: "9"}}
    actions: [train]
    modality: will
"""


@pytest.mark.parametrize(("measured", "refused"), [(True, LEFT), (False, None)])
def test_nor_do_they_sign_for_an_obligation_of_it(measured: bool, refused: str | None) -> None:
    book = swapped((LAST, DUTY), measured=measured)
    due = book.fold.runs["r"].first.time + 20 * DAY
    given: dict[str, Any] = {"obligation": "report", "deadline": due, "run": "r", "statement": "done"}
    assert book.put(kinds.ObligationKept, "evaluator", **given).refused == refused


def judged(version: str, security: str, grace: str, *changes: tuple[str, str]) -> Policy:
    """One judges and claims, kept apart from those who attest; these two change roles."""
    risk = [
        (old, new.replace("{role: rso, at_least: 1}", "{role: rso, at_least: 1, apart_from: [security]}"))
        for old, new in numbered()
    ]
    return judged_policy(
        *changes,
        *risk,
        ("decided_by: {role: rso, at_least: 1}", "decided_by: {role: rso, at_least: 1, apart_from: [security]}"),
        ("name: Security, roles: [security]", f"name: Security, roles: [{security}]"),
        ("name: Grace, roles: [rso]", f"name: Grace, roles: [{grace}]"),
        ("approvals: {role: rso, at_least: 2, ", "approvals: {role: rso, at_least: 1, "),
        ('version: "1"', f'version: "{version}"'),
    )


def test_who_attested_before_a_run_was_opened_did_so_for_it_while_that_counts() -> None:
    book = Book.adopted(judged("1", "security", "rso"))
    assert book.put(kinds.Attestation, safeguard="locked").refused is None
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    assert book.adopt(judged("2", "rso", "security")).refused is None
    for refused in (say(book, "security"), claim(book, who="security")):
        assert "signed on this lineage as `security`" in (refused or "")
    assert ask(book).verdict == "HOLD"
    assert (say(book, "ada"), claim(book), ask(book).verdict) == (None, None, "PROCEED")


def test_nor_do_they_judge_or_claim_and_what_they_say_against_it_counts() -> None:
    book = Book.adopted(judged("1", "security", "rso"))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    book.put(
        kinds.Attestation,
        safeguard=next(it.id for level in judged("1", "security", "rso").levels for it in level.safeguards),
    )
    assert book.adopt(judged("2", "rso", "security")).refused is None
    assert "signed on this lineage as `security`" in (claim(book, who="security") or "")
    say(book, "ada")
    held = ask(book)
    assert held.resumption is not None
    assert {fact.concerns for facts in held.resumption.sets for fact in facts} == {("risk", "harm", "ada")}
    assert claim(book) is None
    assert ask(book).verdict == "PROCEED"
    assert claim(book, None, "security") is None
    assert ask(book).verdict == "HOLD"


def test_of_another_run_nobody_is_asked_who_did_the_work_on_it() -> None:
    """The next run is held by what nobody judged of the first: who attested there is not named for that."""
    book = Book.adopted(judged("1", "security", "rso", BEGINS))
    book.put(kinds.RunOpened)
    saved(book, "w", BIG)
    level = next(it for it in judged("1", "security", "rso", BEGINS).levels if it.safeguards)
    assert book.put(kinds.Attestation, safeguard=level.safeguards[0].id).refused is None
    assert book.adopt(judged("2", "rso", "security", BEGINS)).refused is None
    opened(book, "two")
    say(book, "ada", name="start two", run="two")
    held = ask(book, 1, run="two")
    assert held.resumption is not None
    asked = {fact.concerns for facts in held.resumption.sets for fact in facts if fact.concerns[0] == "judgements"}
    assert asked == {("judgements", "bio", "r", digest("w"), "ada")}
    assert "signed on this lineage as `security`" in (say(book, "security", run="r") or "")


ASKED_OF_EACH = """clauses:
  - {id: redteam, kind: obligation, within: 900 days, after: lineage.opened, late: counts, text: Red teamed.,
     kept_by: {role: security, at_least: 1}, source: {document: d}, actions: [train], modality: will}
  - {id: report, kind: obligation, within: 20 days, after: lineage.opened, late: counts, text: Reported.,
     kept_by: {role: rso, at_least: 2, apart_from: [security]}, source: {document: d}, actions: [train], modality: will}
"""


def with_a_child() -> Book:
    """Who attests red-teams the child only, and changes roles with one who judges; each has a report to sign for."""
    begins = ("effective_compute: {factor: 1x, basis: as metered}", FIRST)
    of_each = (begins, ("clauses:\n", ASKED_OF_EACH))
    book = Book.adopted(judged("1", "security", "rso", *of_each))
    book.put(kinds.RunOpened)
    saved(book, "w", 10**12)
    parent = (kinds.Parent(weights=digest("w"), relation="initialisation"),)
    of = {"run": "c", "session": digest("sc")}
    book.put(kinds.RunOpened, **of, from_scratch=False, parents=parent, start_weights=digest("w"))
    for who in ("ada", "grace"):
        assert keep(book, "report", "c", 20, who) is None
    assert keep(book, "redteam", "c", 900, "security") is None
    assert book.adopt(judged("2", "rso", "security", *of_each)).refused is None
    return book


def keep(book: Book, obligation: str, run: str, days: int, who: str) -> str | None:
    due = book.fold.runs[run].first.time + days * DAY
    return book.put(kinds.ObligationKept, who, obligation=obligation, deadline=due, run=run, statement="done").refused


def test_of_what_a_run_started_from_their_word_supports_others_and_not_that_run() -> None:
    book = with_a_child()
    assert say(book, "security") is None
    assert claim(book, who="security") is None
    on_parent, on_child = ask(book, 15 * 10**11), ask(book, 15 * 10**11, run="c")
    assert on_parent.verdict == "PROCEED"
    assert on_child.verdict == "HOLD"
    assert "Security may not judge `bio`, of what this goes on from: they signed as `security`" in str(
        [it.detail for it in on_child.findings]
    )
    assert (say(book, "ada"), claim(book)) == (None, None)
    assert ask(book, 15 * 10**11, run="c").verdict == "PROCEED"
    assert claim(book, None, "security") is None
    assert ask(book, 15 * 10**11, run="c").verdict == "HOLD"


def test_a_duty_is_signed_for_by_whoever_did_nothing_on_the_lineage_of_its_run() -> None:
    book = with_a_child()
    assert (say(book, "ada"), claim(book)) == (None, None)
    book.time = book.fold.runs["r"].first.time + 21 * DAY
    held = ask(book, 15 * 10**11, run="c", now=book.time)
    assert held.resumption is not None
    assert [[it.concerns for it in facts] for facts in held.resumption.sets] == [[("obligation", "report", "r")]]
    for who in ("ada", "security"):
        assert keep(book, "report", "r", 20, who) is None
    assert ask(book, 15 * 10**11, run="c", now=book.time).verdict == "PROCEED"


@pytest.mark.parametrize("run", ["r", None, "o"])
def test_what_a_run_starts_from_is_of_its_lineage_in_whoever_s_name_it_is_bounded(run: str | None) -> None:
    book = attested()
    assert book.adopt(judged("2", "rso", "security")).refused is None
    book.put(kinds.RunOpened, run="o", session=digest("so"), from_scratch=True, start_weights=digest("ostart"))
    assert "signed on this lineage as `security`" in (claim(book, who="security", name="start", run=run) or "")


def attested() -> Book:
    book = Book.adopted(judged("1", "security", "rso"))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    assert book.put(kinds.Attestation, safeguard="locked").refused is None
    return book


def judge(book: Book, who: str, key: str) -> str | None:
    given: dict[str, Any] = {"determination": "bio", "holds": True, "run": "r", "weights": digest("w")}
    given |= {"configuration": None, "until": book.time + 100 * DAY, "statement": "x"}
    return book.put(kinds.Determination, who, key, **given).refused


@pytest.mark.parametrize("again", [False, True])
def test_neither_another_name_nor_another_key_makes_them_somebody_else(again: bool) -> None:
    book = attested()
    document = judged("2", "rso", "security").document()
    person = next(it for it in document["people"] if it["id"] == "security")
    person |= {"id": "newcomer", "name": "New Comer"}
    assert book.adopt(policy_from_json(document)).refused is None
    key = "security"
    if again:
        key = "newkey"
        document["version"] = "3"
        person["key"] = key_of(key).verify_key.to_text()
        assert book.adopt(policy_from_json(document)).refused is None
    assert "`newcomer` signed on this lineage as `security`" in (judge(book, "newcomer", key) or "")
    assert ask(book).verdict == "HOLD"


@pytest.mark.parametrize("part", ["locked", "bolted"])
def test_nor_does_another_name_of_their_role_or_of_what_they_signed_for(part: str) -> None:
    book = attested()
    text = json.dumps(judged("2", "rso", "security").document())
    for old, new in (
        ('"attested_by": "security"', '"attested_by": "guard"'),
        ('"apart_from": ["security"]', '"apart_from": ["guard"]'),
        ('"roles": ["security"]', '"roles": ["guard"]'),
        ('"role": "security"', '"role": "guard"'),
        ('"id": "locked"', f'"id": "{part}"'),
    ):
        assert old in text
        text = text.replace(old, new)
    assert book.adopt(policy_from_json(json.loads(text))).refused is None
    told = "`security` signed on this lineage as `security`, which counts as `guard`"
    assert told in (say(book, "security") or "")
    assert told in (claim(book, who="security") or "")
    assert say(book, "ada") is None


def test_a_statement_that_is_brought_again_is_nothing_that_they_did_since() -> None:
    book = Book.adopted(policy_of(APART))
    book.put(kinds.RunOpened)
    attestation = book.sealed(kinds.Attestation)
    assert book.fold.add(attestation).refused is None
    book.time = START + 10 * DAY
    book.put(kinds.RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    assert book.fold.add(attestation).refused is not None
    assert not book.situation("s").apart(("security",))
    assert book.situation("r").apart(("security",)) == {"security": "security"}


def test_a_run_of_any_name_keeps_nobody_from_an_amendment() -> None:
    amended = ("amendment: {role: officer, at_least: 2}", "amendment: {role: officer, at_least: 2, apart_from: [gate]}")
    apart = (amended[0], amended[1].replace("gate", "evaluator"))
    book = Book.adopted(policy_of(APART, apart))
    book.put(kinds.RunOpened, run="None")
    book.put(kinds.WeightsRecorded, run="None", trained=0)
    book.put(kinds.EvaluationAnnounced, run="None")
    for who in ("ada", "grace"):
        assert book.adopt(policy_of(APART, apart, *SWAPPED), who).refused is None
    third = [(old, new.replace("2.0", "3.0")) for old, new in SWAPPED]
    for who in ("evaluator", "ada"):
        assert book.adopt(policy_of(APART, apart, *third), who).refused is None
    assert book.fold.policy is not None
    assert book.fold.policy.version == "3.0"


@pytest.mark.parametrize("denied", [False, True])
def test_their_own_word_against_they_take_back_and_it_supports_nothing(denied: bool) -> None:
    begins = ("effective_compute: {factor: 1x, basis: as metered}", FIRST)
    book = Book.adopted(judged("1", "security", "rso", begins))
    book.put(kinds.RunOpened)
    saved(book, "w", 3 * 10**12)
    book.put(kinds.Attestation, safeguard="locked")
    assert book.adopt(judged("2", "rso", "security", begins)).refused is None
    opened(book, "two")
    assert (say(book, "ada"), claim(book, name="start two", run="two")) == (None, None)
    assert (claim(book), ask(book, 1, run="two").verdict) == (None, "PROCEED")
    assert (say(book, "security", holds=False) if denied else claim(book, None, "security")) is None
    for run, asked in (("two", 1), ("r", 3 * 10**12 + 1)):
        held = ask(book, asked, run=run)
        assert (held.verdict, held.resumption is not None and held.resumption.stop) == ("HOLD", False)
        assert "`security`" in str(held.resumption)
    assert (say(book, "security") if denied else claim(book, who="security")) is None
    assert ask(book, 1, run="two").verdict == "PROCEED"
    assert ask(book, 3 * 10**12 + 1).verdict == "PROCEED"


@pytest.mark.parametrize("denied", [False, True])
def test_what_they_took_back_somebody_else_has_to_say(denied: bool) -> None:
    book = attested()
    assert book.adopt(judged("2", "rso", "security")).refused is None
    if denied:
        assert (say(book, "security", holds=False), say(book, "security"), claim(book)) == (None, None, None)
    else:
        assert (claim(book, None, "security"), claim(book, who="security"), say(book, "ada")) == (None, None, None)
    assert ask(book).verdict == "HOLD"
    assert (say(book, "ada") if denied else claim(book)) is None
    assert ask(book).verdict == "PROCEED"


FLOORS = Path(__file__).parent.parent / "policy" / "floors"
REPORT = """  - {id: report, kind: obligation, within: 20 days, after: lineage.opened, late: counts, text: Reported.,
     kept_by: {role: officer, at_least: 1, apart_from: [security]}, source: {document: d}, actions: [train],
     modality: will}
  - {id: cap,"""
OWN = """clauses:
  - {id: owncap, kind: compute_cap, at: 1e24 FLOP, text: b, source: {document: d}, actions: [train], modality: will}
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def test_what_they_did_for_the_policy_they_did_in_the_role_of_its_floor(tmp_path: Path) -> None:
    """The policy calls `guard` whom its floor calls `security`, from whom the floor keeps who reports apart."""
    floor = changed(
        (FLOORS / "measured.yaml").read_text(),
        ("  - {id: cap,", REPORT),
        ("roles: [officer, evaluator, security]", "roles: [evaluator, security]"),
        ("  - {id: bob", "  - {id: cy, name: Cy, roles: [officer], key: unset}\n  - {id: bob"),
    )
    (tmp_path / "measured.yaml").write_text(floor)

    def lab(version: str, ada: str, bob: str) -> Policy:
        officers = "".join(
            f"  - {{id: {it}, name: {it}, roles: [officer, measured/officer], key: unset}}\n" for it in ("cy", "eve")
        )
        text = changed(
            (FLOORS / "lab_on_measured.yaml").read_text(),
            ("clauses:\n", OWN),
            ('version: "1"\ntitle', f'version: "{version}"\ntitle'),
            ("[officer, guard, measured/officer, measured/security]", f"[{ada}]"),
            ("name: Bob, roles: [officer, measured/officer]", f"name: Bob, roles: [{bob}]"),
            ("  - {id: bob", f"{officers}  - {{id: bob"),
            ("people:\n", "amendment: {role: officer, at_least: 1}\npeople:\n"),
        )
        (tmp_path / "lab.yaml").write_text(text)
        document = load_policy(tmp_path / "lab.yaml").document()
        for person in document["people"]:
            person["key"] = key_of(person["id"]).verify_key.to_text()
        return policy_from_json(document)

    guard, officer = "guard, measured/security", "officer, measured/officer"
    first, second = lab("1", guard, officer), lab("2", officer, guard)
    book = Book()
    assert book.adopt(first, "cy", document=first.document()).refused is None
    book.put(kinds.RunOpened, "gate", planned=10**20)
    assert book.put(kinds.Attestation, "ada", safeguard="locked").refused is None
    assert book.adopt(second, "cy", document=second.document()).refused is None
    told = "`ada` signed on this lineage as `guard`, which counts as `measured/security`"
    assert told in (keep(book, "measured/report", "r", 20, "ada") or "")
    assert keep(book, "measured/report", "r", 20, "eve") is None
