"""Kept apart by what was signed: whoever acted in a role on a lineage is no approver of it, whatever they are now."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from test_determinations import FLOPS, ask, saved, say
from test_determinations import policy_of as judged_policy
from test_next_judged_run import BEGINS, BIG, opened
from test_obligations import LAST
from test_risk_claims import claim, numbered

from scalegate.ledger import entries as kinds
from scalegate.policy import Policy
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


def test_they_approve_what_is_of_another_lineage() -> None:
    book = swapped()
    book.put(kinds.RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    assert not book.fold.situation("s", now=book.time).apart(("evaluator", "security"))
    assert book.fold.situation("r", now=book.time).apart(("evaluator",)) == {"evaluator": "evaluator"}
    parent = kinds.Parent(weights=digest("w"), relation="teacher")
    given: dict[str, Any] = {"parents": (parent,), "from_scratch": False, "start_weights": digest("t")}
    book.put(kinds.RunOpened, run="t", session=digest("t"), **given)
    assert book.fold.situation("t", now=book.time).apart(("evaluator",)) == {"evaluator": "evaluator"}


def test_what_was_attested_is_of_each_lineage_that_there_was() -> None:
    book = Book.adopted(policy_of(APART))
    book.put(kinds.RunOpened)
    book.put(kinds.Attestation)
    book.put(kinds.RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    assert book.situation("r").apart(("security",)) == {"security": "security"}
    assert not book.situation("s").apart(("security",))


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
