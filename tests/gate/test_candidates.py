"""What is put forward for a test that nobody has defined is shown, meets nothing, and guards the test's removal."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, key_of, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_determinations import FLOPS, bio, saved, say
from test_determinations import policy_of as judged_of

from scalegate.gate import Situation, decide
from scalegate.gate.amending import pending
from scalegate.gate.signed import Candidate, Tried
from scalegate.gate.successors import given_up
from scalegate.ledger import entries as kinds
from scalegate.policy import ACTIONS, Policy
from scalegate.truth import Truth
from strategies import cases

TEST = "understanding"
NAME = {"test": TEST, "candidate": "probe", "protocol": digest("protocol")}
CLAUSE = "    kind: undefined_test\n    above: 2e13 FLOP\n"
GONE = (
    CLAUSE,
    "    kind: compute_cap\n    at: 9e13 FLOP\n",
)
BLOCK = """    test:
      id: understanding
      purpose: Show that the mechanism by which the model adds is understood well enough to predict its failures.
      approved_by: {role: officer, at_least: 2}
"""
NEXT = ('"1.0"', '"1.1"')


def propose(book: Book, who: str = "evaluator", **fields: Any) -> str | None:
    said = {"shows": "That its circuits are those of addition.", "not_shown": "Anything of what it was not asked."}
    return book.put(kinds.CandidateProposed, who, **(NAME | said | fields)).refused


def tried(book: Book, passed: bool = True, who: str = "evaluator", **fields: Any) -> str | None:
    given = NAME | {"weights": digest("w"), "passed": passed, "statement": "ran it"} | fields
    return book.put(kinds.CandidateTried, who, **given).refused


def approve(book: Book, who: str, **fields: Any) -> str | None:
    return book.put(kinds.CandidateApproved, who, **(NAME | {"statement": "read it"} | fields)).refused


def detail(book: Book, compute: int | None = None) -> str:
    assert book.fold.policy is not None
    given = book.fold.situation("r", now=book.time, compute=compute)
    found = decide(book.fold.policy, given, "train").findings
    return next(it.detail for it in found if it.kind == "undefined_test")


@pytest.fixture
def book() -> Book:
    book = Book.adopted()
    book.trained(10**9)
    return book


def test_it_is_told_with_what_came_of_it_and_meets_nothing(book: Book) -> None:
    beyond = 3 * 10**13
    before = decide(policy_of(), book.situation(compute=beyond), "train")
    assert propose(book) is None
    assert "candidate `probe` of " in detail(book)
    assert "insufficient: run on nothing yet; approved by 0 of the 2 that it takes" in detail(book)
    assert tried(book) is None
    assert tried(book, passed=False, who="alan") is None
    for who in ("ada", "grace"):
        assert approve(book, who) is None
    told = detail(book, beyond)
    assert told.index("NOT passed on weights") < told.index("; passed on weights")
    assert "approved by `ada`, `grace`. It does not show" in told
    assert "It does not show: Anything of what it was not asked." in told
    after = decide(policy_of(), book.situation(compute=beyond), "train")
    assert after.verdict == "HOLD"
    assert after.resumption == before.resumption
    assert [it.status for it in after.findings] == [it.status for it in before.findings]


@given(case=cases(), action=st.sampled_from(ACTIONS))
def test_whatever_is_put_forward_changes_no_verdict_and_no_permit(case: tuple[Policy, Situation], action: Any) -> None:
    policy, situation = case
    approved = tuple(person.id for person in policy.people)
    put = tuple(
        Candidate(
            test=clause.test.id,
            candidate=name,
            protocol="0" * 64,
            by="ada",
            time=situation.now,
            shows="all",
            not_shown="nothing",
            tried=(Tried(by="ada", time=situation.now, weights="w" * 64, passed=True),),
            approved=approved,
            needed=1,
        )
        for clause in policy.tests
        for name in ("one", "two", "three", "four")
    )
    before = decide(policy, situation, action)
    after = decide(policy, situation.model_copy(update={"candidates": put}), action)
    alike = {"findings": before.findings, "situation": before.situation}
    assert after.model_copy(update=alike) == before
    assert [it.status for it in after.findings] == [it.status for it in before.findings]


def test_what_nobody_may_sign_counts_for_nothing(book: Book) -> None:
    assert tried(book) == "no candidate `probe` for `understanding` was put forward"
    assert propose(book, test="another") == "the policy has no undefined test `another`"
    assert propose(book) is None
    assert propose(book, protocol=digest("easier")) == (
        "`probe` was put forward for `understanding` already: give yours another name"
    )
    assert "has another protocol" in (tried(book, protocol=digest("easier")) or "")
    assert "has another protocol" in (approve(book, "ada", protocol=digest("easier")) or "")
    assert "the ledger does not know the weights" in (tried(book, weights=digest("elsewhere")) or "")
    assert approve(book, "evaluator") == "`evaluator` does not have the role `officer`"
    assert "is not named by the policy" in (propose(book, "nobody", candidate="other", key="nobody") or "")


def amend(book: Book, new: Policy) -> bool:
    """Whether it is in force once all officers signed."""
    for who in ("ada", "grace"):
        assert book.adopt(new, who).refused is None
    return book.fold.policy == new


SOURCE = 'section: "6.1"'
NAMED = (SOURCE, f'section: "6.1, by protocol {digest("protocol")}"')
INSTEAD = policy_of(GONE, (BLOCK, ""), NAMED, NEXT)


def test_an_amendment_that_gives_the_test_up_takes_an_approved_and_passed_candidate(book: Book) -> None:
    assert not amend(book, INSTEAD)
    [waits] = pending(book.fold)
    assert (waits.tests, waits.missing) == ((TEST,), 0)
    assert "grace" in waits.may_sign
    propose(book)
    tried(book)
    approve(book, "ada")
    assert approve(book, "grace") is None
    assert approve(book, "grace", withdrawn=True) is None
    assert not again(book, INSTEAD)
    approve(book, "grace", statement="read it again")
    tried(book, passed=False, who="alan")
    assert not again(book, INSTEAD)
    tried(book, who="alan", statement="ran it as it is meant")
    assert again(book, INSTEAD)
    told = decide(INSTEAD, book.situation(), "train").limits.surprises
    assert any("put the candidate `probe`" in line and "Anything of what it was not asked." in line for line in told)


def again(book: Book, new: Policy) -> bool:
    """Whether one more signature brings it into force."""
    assert book.adopt(new, "grace").refused is None
    return book.fold.policy == new


@pytest.mark.parametrize("trials", [0, 1])
def test_a_candidate_that_nobody_ran_or_that_the_new_version_does_not_ask_for_gives_nothing_away(
    book: Book, trials: int
) -> None:
    propose(book)
    for _ in range(trials):
        tried(book)
    for who in ("ada", "grace"):
        approve(book, who)
    assert not amend(book, INSTEAD if not trials else policy_of(GONE, (BLOCK, ""), NEXT))


@pytest.mark.parametrize(
    "line", ["in_force: {until: 2020-01-01}", "in_force: {from: 2090-01-01}", "tier: international"]
)
def test_a_clause_that_does_not_hold_when_the_test_did_takes_no_place(book: Book, line: str) -> None:
    propose(book)
    tried(book)
    for who in ("ada", "grace"):
        approve(book, who)
    idle = (GONE[0], f"{GONE[1]}    {line}\n")
    assert not amend(book, policy_of(idle, (BLOCK, ""), NAMED, NEXT))


def test_that_it_was_not_passed_is_told_also_of_weights_that_nobody_saved(book: Book) -> None:
    propose(book)
    assert tried(book, passed=False, weights=digest("elsewhere")) is None
    assert "NOT passed on weights" in detail(book)


APART = (
    "approved_by: {role: officer, at_least: 2}",
    "approved_by: {role: officer, at_least: 2, apart_from: [evaluator]}",
)


def test_who_says_that_it_was_passed_approves_it_not_where_those_are_apart() -> None:
    book = Book.adopted(policy_of(APART))
    book.trained(10**9)
    propose(book)
    tried(book, who="ada")
    assert approve(book, "ada") == "`ada` says that it was passed, and who approves it is apart from who ran it"
    assert approve(book, "grace") is None
    tried(book, who="grace")
    [candidate] = book.situation().candidates
    assert candidate.approved == ()


def test_who_ran_it_approves_it_under_no_other_name_either() -> None:
    book = Book.adopted(policy_of(APART))
    book.trained(10**9)
    propose(book)
    tried(book, who="ada")
    ada = next(it for it in policy_of().people if it.id == "ada")
    assert amend(book, policy_of(APART, ("{id: ada,", "{id: countess,"), NEXT))
    for who in ("countess", "grace"):
        book.put(kinds.CandidateApproved, who, "ada" if who == "countess" else who, **NAME, statement="read it")
    assert ada.key in {it.key for it in book.fold.policy.people} if book.fold.policy else False
    [candidate] = book.situation().candidates
    assert candidate.approved == ("grace",)


def test_who_has_the_id_of_another_takes_nothing_back_of_what_they_said(book: Book) -> None:
    propose(book)
    tried(book)
    tried(book, passed=False, who="alan")
    heir = policy_of((key_of("alan").verify_key.to_text(), key_of("heir").verify_key.to_text()), NEXT)
    assert amend(book, heir)
    assert book.put(kinds.CandidateTried, "alan", "heir", **RAN).refused is None
    for who in ("ada", "grace"):
        assert approve(book, who) is None
    assert not amend(book, policy_of(GONE, (BLOCK, ""), NAMED, ('"1.0"', '"1.2"')))


RAN = NAME | {"weights": digest("w"), "passed": True, "statement": "ran it"}


def test_what_stood_in_the_place_of_a_test_and_is_dropped_is_told_for_good(book: Book) -> None:
    propose(book)
    tried(book)
    for who in ("ada", "grace"):
        approve(book, who)
    assert amend(book, INSTEAD)
    for version in ("1.2", "1.3"):
        assert amend(book, policy_of(GONE, (BLOCK, ""), ('"1.0"', f'"{version}"')))
    told = decide(book.fold.policy or INSTEAD, book.situation(), "train").limits.surprises
    assert [line for line in told if "Version 1.2" in line or "Version 1.3" in line] == [
        "Version 1.2 asks for less than the candidate `probe`, or not for it, which stood in the place of the undefined"
        " test `understanding`."
    ]


def test_what_was_approved_under_one_version_is_approved_again_under_the_next(book: Book) -> None:
    propose(book)
    tried(book)
    for who in ("ada", "grace"):
        approve(book, who)
    assert amend(book, policy_of(NEXT))
    assert "approved by 0 of the 2" in detail(book)
    assert not amend(book, policy_of(GONE, (BLOCK, ""), NAMED, ('"1.0"', '"1.2"')))


EXCUSED = """exceptions:
  - id: emergency
    text: Somebody else is about to do worse.
    source: {document: d}
    clauses: [%s]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 7 days
    growth: 1.5x
    undefined_tests: yes
clauses:
"""


def lost(before: Policy, after: Policy) -> list[str]:
    return [it.test.id for it in given_up(before, after)]


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ((), True),
        ([("above: 2e13 FLOP", "above: 1.9e13 FLOP")], True),
        ([("above: 2e13 FLOP", "above: 2.1e13 FLOP")], False),
        ([GONE, (BLOCK, "")], False),
        ([("id: understanding\n      purpose", "id: comprehension\n      purpose")], False),
        ([(CLAUSE, CLAUSE + "    in_force: {until: 2031-01-01}\n")], False),
        ([(CLAUSE, CLAUSE + "    tier: international\n")], False),
        ([("purpose: Show that", "purpose: Show to somebody that")], False),
        ([(BLOCK, BLOCK.replace("at_least: 2", "at_least: 1"))], False),
        ([(BLOCK, BLOCK.replace("at_least: 2", "at_least: 3"))], True),
        ([("id: last-gate", "id: first-gate")], True),
        ([("id: last-gate", "id: first-gate"), ("clauses:\n", EXCUSED % "first-gate")], False),
    ],
)
def test_it_is_given_up_by_whatever_asks_for_it_later_or_of_fewer(changes: Any, kept: bool) -> None:
    assert lost(policy_of(), policy_of(*changes)) == ([] if kept else [TEST])


def test_it_is_given_up_by_an_exception_that_may_stand_for_it_and_by_an_aim() -> None:
    clause = next(it.id for it in policy_of().tests)
    assert lost(policy_of(), policy_of(("clauses:\n", EXCUSED % clause))) == [TEST]
    old = policy_of()
    [test] = old.tests
    others = tuple(it if it != test else it.model_copy(update={"modality": "aim"}) for it in old.clauses)
    assert lost(old, old.model_copy(update={"clauses": others})) == [TEST]
    assert lost(old.model_copy(update={"clauses": others}), old) == []


DETERMINED = """determinations:
  - id: race
    text: Somebody else is about to do it.
    about: developer
    decided_by: {role: officer, at_least: 2}
    valid_for: 30 days
"""


def test_it_is_given_up_where_an_exception_takes_another_thing_to_be_determined() -> None:
    clause = next(it.id for it in policy_of().tests)
    terms = EXCUSED.replace("    undefined_tests", "    determined: [race]\n    undefined_tests") % clause
    old = policy_of(("clauses:\n", DETERMINED + terms))
    assert lost(old, old) == []
    assert lost(old, policy_of(("clauses:\n", DETERMINED.replace("is about to do it", "exists") + terms))) == [TEST]


def test_it_is_given_up_where_compute_counts_for_less() -> None:
    assert lost(policy_of(("factor: 1x", "factor: 2x")), policy_of()) == [TEST]
    assert lost(policy_of(), policy_of(("factor: 1x", "factor: 2x"))) == []


FIGURE = """parameters:
  - id: last
    about: a
    kind: flop
    values: [{from: 2026-01-01, value: 2e13 FLOP, reference: {document: d}, review_by: 2031-01-01}]
clauses:
"""
BY_NAME = (("above: 2e13 FLOP", "above: parameter.last"), ("clauses:\n", FIGURE))
TIERED = (CLAUSE, CLAUSE + "    tier: international\n")


def test_it_is_given_up_by_what_its_figure_or_its_tier_comes_to() -> None:
    old = policy_of(*BY_NAME)
    assert lost(old, policy_of(*BY_NAME, ("value: 2e13", "value: 3e13"))) == [TEST]
    # A plain figure is never overdue.
    assert lost(old, policy_of()) == [TEST]
    assert lost(policy_of(), old) == []
    assert lost(policy_of(TIERED), policy_of(TIERED, ("binds_at: 2", "binds_at: 3"))) == [TEST]
    assert lost(policy_of(TIERED), policy_of()) == []


def test_to_approve_a_candidate_is_nothing_that_was_done_on_a_run() -> None:
    """Whoever did may judge a run that they never touched, apart from their role as that is."""
    people = (
        ("name: Security, roles: [security]", "name: Security, roles: [security, rso]"),
        ("decided_by: {role: rso, at_least: 1}", "decided_by: {role: rso, at_least: 1, apart_from: [officer]}"),
        ("name: Gate, roles: [gate]", "name: Gate, roles: [gate, officer]"),
        ("  - {id: capability.bio,", LAST + "  - {id: capability.bio,"),
    )
    book = Book.adopted(judged_of(*people, ("name: Grace, roles: [rso]", "name: Grace, roles: [officer]")))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    assert propose(book, "grace") is None
    assert approve(book, "grace") is None
    assert book.adopt(judged_of(*people, ('version: "1"', 'version: "2"')), "ada").refused is None
    assert say(book, "grace") is None
    assert bio(book) is Truth.TRUE


LAST = """  - id: last
    kind: undefined_test
    above: 1e30 FLOP
    text: t
    source: {document: d}
    actions: [train]
    modality: will
    test: {id: understanding, purpose: p, approved_by: {role: officer, at_least: 1}}
"""
