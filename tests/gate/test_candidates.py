"""What is put forward for a test that nobody has defined is shown, meets nothing, and guards the test's removal."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st

from scalegate.gate import Situation, decide
from scalegate.gate.amending import pending
from scalegate.gate.candidates import given_up
from scalegate.gate.signed import Candidate, Tried
from scalegate.ledger import entries as kinds
from scalegate.policy import ACTIONS, Policy
from strategies import cases

TEST = "understanding"
NAME = {"test": TEST, "candidate": "probe", "protocol": digest("protocol")}
CLAUSE = "    kind: undefined_test\n    above: 2e13 FLOP\n"
GONE = (
    CLAUSE,
    "    kind: compute_cap\n    at: 1e14 FLOP\n",
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
    assert "approved by `ada`, `grace`: to count it is put into the policy" in told
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


def test_an_amendment_that_gives_the_test_up_takes_an_approved_candidate(book: Book) -> None:
    new = policy_of(GONE, (BLOCK, ""), NEXT)
    assert not amend(book, new)
    [waits] = pending(book.fold)
    assert (waits.tests, waits.missing) == ((TEST,), 0)
    assert "grace" in waits.may_sign
    propose(book)
    approve(book, "ada")
    assert approve(book, "grace") is None
    assert approve(book, "grace", withdrawn=True) is None
    assert book.adopt(new, "grace").refused is None
    assert book.fold.policy != new
    approve(book, "grace", statement="read it again")
    assert book.adopt(new, "grace").refused is None
    assert book.fold.policy == new


def test_what_was_approved_under_one_version_is_approved_again_under_the_next(book: Book) -> None:
    propose(book)
    for who in ("ada", "grace"):
        approve(book, who)
    assert amend(book, policy_of(NEXT))
    assert "approved by 0 of the 2" in detail(book)
    assert not amend(book, policy_of(GONE, (BLOCK, ""), ('"1.0"', '"1.2"')))


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
    ],
)
def test_it_is_given_up_by_whatever_asks_for_it_later_or_of_fewer(changes: Any, kept: bool) -> None:
    assert given_up(policy_of(), policy_of(*changes)) == (() if kept else (TEST,))


def test_it_is_given_up_by_an_exception_that_may_stand_for_it_and_by_an_aim() -> None:
    clause = next(it.id for it in policy_of().tests)
    assert given_up(policy_of(), policy_of(("clauses:\n", EXCUSED % clause))) == (TEST,)
    old = policy_of()
    [test] = old.tests
    others = tuple(it if it != test else it.model_copy(update={"modality": "aim"}) for it in old.clauses)
    assert given_up(old, old.model_copy(update={"clauses": others})) == (TEST,)
    assert given_up(old.model_copy(update={"clauses": others}), old) == ()


def test_it_is_given_up_where_compute_counts_for_less() -> None:
    assert given_up(policy_of(("factor: 1x", "factor: 2x")), policy_of()) == (TEST,)
    assert given_up(policy_of(), policy_of(("factor: 1x", "factor: 2x"))) == ()
