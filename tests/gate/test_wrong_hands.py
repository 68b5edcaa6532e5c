"""What a key signed in wrong hands allows nothing and rules nothing out; what it shows, denies or ends stays."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_determinations import ask, say
from test_exceptions import book_of as exceptional
from test_exceptions import granted, hold
from test_hands import SECOND, approve, measured, open_level, revoke, rotate, vkey
from test_risk_claims import claim, risk_book

from effort import examples
from scalegate.gate import decide
from scalegate.ledger import entries as kinds
from support import DAY

AHEAD = 25 * 10**10


def stolen(book: Book, whose: str, since: int | None) -> None:
    assert revoke(book, whose, whose, since=since).refused is None


def test_a_result_rules_nothing_out_any_more_and_the_permit_ends() -> None:
    book = Book.adopted()
    measured(book)
    assert book.decide(compute=AHEAD).verdict == "PROCEED"
    assert book.fold.permitted("r", book.time + 1)
    finished = book.fold.size - 2
    stolen(book, "evaluator", finished)
    assert not book.fold.permitted("r", book.time + 1)
    held = book.decide(compute=AHEAD)
    assert held.verdict == "HOLD"
    assert book.fold.records[finished].refused == f"the key of `evaluator` was in wrong hands since entry {finished}"
    assert not book.fold.unsound
    assert not book.faults()


def test_what_it_announced_rules_nothing_out_either() -> None:
    book = Book.adopted()
    measured(book)
    announced = next(it.index for it in book.fold.records if isinstance(it.entry, kinds.EvaluationAnnounced))
    stolen(book, "evaluator", announced)
    assert book.decide(compute=AHEAD).verdict == "HOLD"
    (piece,) = book.situation().pieces
    assert piece.attempt == 1, "it was an attempt all the same"


def test_what_was_signed_before_stays() -> None:
    book = Book.adopted()
    measured(book)
    stolen(book, "evaluator", book.fold.size)
    assert book.decide(compute=AHEAD).verdict == "PROCEED"


def test_an_alarm_that_it_showed_stays_reached() -> None:
    book = Book.adopted()
    measured(book, 390)
    before = decide(policy_of(), book.situation(compute=AHEAD), "train")
    stolen(book, "evaluator", 0)
    after = decide(policy_of(), book.situation(compute=AHEAD), "train")
    assert before.verdict == after.verdict == "HOLD"
    assert before.levels == after.levels == (2,)


@pytest.mark.parametrize("whose", ["ada", "security"])
def test_approvals_and_attestations_since_count_no_more(whose: str) -> None:
    book = Book.adopted()
    seen = open_level(book)
    start = book.fold.size
    book.put(kinds.Attestation, until=book.time + 50 * DAY)
    approve(book, "ada", seen)
    approve(book, "grace", seen)
    assert book.decide(compute=AHEAD).verdict == "PROCEED"
    stolen(book, whose, start + 2)
    assert (book.decide(compute=AHEAD).verdict == "PROCEED") is (whose != "nobody")
    if whose == "ada":
        for who in ("grace", "alan"):
            assert revoke(book, "ada", who, since=start).refused is None
    else:
        for who in ("grace", "alan"):
            assert revoke(book, "security", who, since=start).refused is None
    assert book.decide(compute=AHEAD).verdict == "HOLD"
    assert not book.fold.unsound


def test_of_a_tier_that_it_said_was_not_adopted_nobody_knows() -> None:
    book = Book.adopted()
    book.put(kinds.TierStatus)
    record = book.put(kinds.TierStatus, adopters=()).index
    assert len(book.situation().tiers) == 1
    stolen(book, "security", record)
    assert book.situation().tiers == ()


def test_the_machine_s_own_key_in_wrong_hands_is_the_end() -> None:
    book = Book.adopted()
    book.trained(10**11)
    first = next(it.index for it in book.fold.records if isinstance(it.entry, kinds.RunOpened))
    stolen(book, "gatekeeper", first)
    (fault,) = book.fold.unsound
    assert "was in wrong hands since entry" in fault
    assert "entries of the machine's own are signed by it since" in fault
    assert decide(policy_of(), book.situation(compute=AHEAD), "train").verdict == "HOLD"


def test_a_key_that_a_stolen_one_put_in_its_place_is_gone_with_it() -> None:
    """Nobody can tell who rotated: whoever had the key could."""
    book = Book.adopted()
    seen = open_level(book)
    start = book.fold.size
    assert rotate(book, "ada", "thief").refused is None
    assert approve(book, "ada", seen, "thief").refused is None
    assert rotate(book, "ada", "thief2", "thief").refused is None
    for who in ("grace", "alan"):
        assert revoke(book, "ada", who, since=start).refused is None
    assert approve(book, "ada", seen, "thief2").refused == "the key of `ada` is revoked"
    assert book.fold.wrong.keys() == {vkey(it).split("+", 2)[2] for it in ("ada", "thief", "thief2")}
    assert not [it for _, _, it in book.fold.signatures if it.by == "ada"]
    refused = book.adopt(policy_of(SECOND, (vkey("ada"), vkey("thief"))), "grace").refused
    assert "was revoked by entry" in (refused or "")


def test_a_key_that_replaced_it_before_is_not() -> None:
    book = Book.adopted()
    rotate(book, "ada", "ada2")
    start = book.fold.size
    seen = open_level(book)
    approve(book, "ada", seen, "ada2")
    assert revoke(book, "ada", "ada", by="ada2", since=start).refused is None
    assert [it.by for _, _, it in book.fold.signatures] == ["ada"]
    assert book.fold.policy is not None
    assert approve(book, "ada", seen, "ada2").refused is None


def test_a_vote_of_it_counts_no_more_for_what_waits() -> None:
    book = Book.adopted()
    assert book.adopt(policy_of(SECOND, (vkey("ada"), vkey("ada-new")))).refused is None
    stolen(book, "ada", 0)
    assert not book.fold.votes
    book = Book.adopted()
    assert book.adopt(policy_of(SECOND, (vkey("alan"), vkey("alan-new"))), "alan").refused is None
    stolen(book, "alan", 1)
    assert book.adopt(policy_of(SECOND, (vkey("alan"), vkey("alan-new"))), "grace").refused is None
    assert book.fold.policy_digest == policy_of().digest()


def test_a_policy_that_it_brought_into_force_holds_until_it_is_amended_soundly() -> None:
    book = Book.adopted()
    second = policy_of(SECOND, (vkey("alan"), vkey("alan-new")))
    first = book.fold.size
    for who in ("alan", "grace"):
        assert book.adopt(second, who).refused is None
    book.trained(10**11)
    for who in ("ada", "grace"):
        assert revoke(book, "alan", who, "alan", since=first).refused is None
    (said,) = book.fold.unsound
    assert "adopt a next version, signed by 2 with the role `officer` whom version 1.0 names too" in said
    assert decide(second, book.situation(compute=AHEAD), "train").verdict == "HOLD"
    assert not book.fold.permitted("r", book.time)
    third = policy_of(('version: "1.0"', 'version: "3.0"'), (vkey("alan"), vkey("alan-new")))
    # By one who was named before, and by one who is named by what was not adopted soundly.
    assert book.put(kinds.PolicyAdopted, "alan", "alan-new", **adopting(book, third)).refused is None
    assert book.adopt(third, "grace").refused is None
    assert book.fold.policy_digest == third.digest()
    assert book.fold.unsound
    fourth = policy_of(('version: "1.0"', 'version: "4.0"'), (vkey("alan"), vkey("alan-new")))
    for who in ("ada", "grace"):
        assert book.adopt(fourth, who).refused is None
    assert not book.fold.unsound
    assert not book.faults()


def test_the_first_adoption_by_a_stolen_key_is_never_mended() -> None:
    book = Book.adopted()
    stolen(book, "ada", 0)
    assert book.fold.unsound[0].endswith("nobody can amend it soundly: begin a new ledger")


def test_a_revocation_may_reach_back_further_and_no_less() -> None:
    book = Book.adopted()
    measured(book)
    stolen(book, "evaluator", book.fold.size)
    at = book.fold.size - 1
    for since, refused in ((None, True), (book.fold.size, True), (1, False)):
        for who in ("ada", "grace"):
            made = revoke(book, "evaluator", who, since=since)
            assert bool(made.refused) is refused, made.refused
    assert book.decide(compute=AHEAD).verdict == "HOLD"
    (gone,) = book.fold.hands.revoked.values()
    assert (gone.at, gone.since) == (at, 1)
    assert "no entry 99 yet" in (revoke(book, "security", "security", since=99).refused or "")


def test_those_who_agree_on_less_agree_on_that() -> None:
    book = Book.adopted()
    book.trained(10**11)
    assert revoke(book, "evaluator", "ada", since=1).refused is None
    assert revoke(book, "evaluator", "grace", since=4).refused is None
    (gone,) = book.fold.hands.revoked.values()
    assert (gone.since, gone.by) == (4, ("ada", "grace"))
    assert revoke(book, "evaluator", "alan", since=2).refused is None
    (gone,) = book.fold.hands.revoked.values()
    assert gone.since == 2


def test_a_claim_of_it_bounds_nothing_until_it_is_made_again() -> None:
    book = risk_book()
    start = book.fold.size
    assert claim(book) is None
    assert ask(book).verdict == "PROCEED"
    assert rotate(book, "ada", "ada2").refused is None
    assert revoke(book, "ada", "ada", by="ada2", since=start).refused is None
    assert ask(book).verdict == "HOLD"
    assert [it.bound for it in book.situation("r").claims] == [None]
    assert claim(book, None, "ada") == "the key of `ada` is revoked"


def test_a_denial_of_it_stays_and_an_assent_of_it_does_not() -> None:
    book = risk_book()
    assert claim(book) is None
    assert ask(book).verdict == "PROCEED"
    start = book.fold.size
    say(book, "ada", holds=False)
    say(book, "ada")
    assert ask(book).verdict == "PROCEED"
    stolen(book, "ada", start)
    assert ask(book).verdict == "HOLD"
    assert [(it.holds, it.until > 0) for it in book.situation("r").statements] == [
        (True, True),
        (False, True),
        (True, False),
    ]


def test_an_exception_that_it_granted_has_ended_and_counts_as_one() -> None:
    book = exceptional()
    seen = hold(book)
    start = book.fold.size
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert hold(book).exception is not None
    before = book.situation("r").grants
    stolen(book, "ada", start)
    assert hold(book).exception is None
    assert book.situation("r").grants == before


def adopting(book: Book, new: Any) -> dict[str, Any]:
    return {
        "document": new.document(),
        "supersedes": book.fold.policy_digest,
        "enforcement": "cooperative",
        "policy": new.digest(),
    }


WORDS = st.sampled_from(
    [
        "measure",
        "alarm",
        "attest",
        "approve ada",
        "approve grace",
        "decide",
        "rotate",
        "tier",
        "adopt ada",
        "adopt grace",
    ]
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WORDS, max_size=14), st.sampled_from(["evaluator", "security", "ada", "grace"]), st.integers(0, 20))
def test_knowing_that_a_key_was_stolen_opens_nothing(words: list[str], whose: str, since: int) -> None:
    """Whatever was signed, with the revocation as much holds as without it, or more; faults are as they were."""
    book = Book.adopted()
    book.trained(10**11)
    signing = {who: who for who in ("evaluator", "security", "ada", "grace")}
    seen = ""
    for number, word in enumerate(words):
        match word.split():
            case ["measure" | "alarm"]:
                name = digest(f"e{number}")
                book.put(kinds.EvaluationAnnounced, key=signing["evaluator"], evaluation=name)
                book.put(kinds.ComputeReserved, use="elicitation", flops=10**10, evaluation=name)
                shown = {"successes": 3 if word == "measure" else 390, "elicitation_flops": 10**10}
                book.put(kinds.EvaluationFinished, key=signing["evaluator"], evaluation=name, **shown)
            case ["attest"]:
                book.put(kinds.Attestation, key=signing["security"], until=book.time + 50 * DAY)
            case ["approve", who] if seen:
                approve(book, who, seen, signing[who])
            case ["decide"]:
                seen = book.decide(compute=AHEAD).digest()
            case ["rotate"]:
                rotate(book, whose, f"{whose}{number}", signing[whose])
                signing[whose] = f"{whose}{number}"
            case ["tier"]:
                book.put(kinds.TierStatus, key=signing["security"], adopters=())
            case ["adopt", who]:
                book.put(kinds.PolicyAdopted, who, signing[who], **adopting(book, policy_of(SECOND)))
                # A version in force goes by the keys that it names.
                signing = signing if book.fold.hands.instead else {it: it for it in signing}
    before, faults = outcome(book), (list(book.fold.faults), book.faults())
    voted = {name: set(ballot.signed) for name, ballot in book.fold.votes.items()}
    made = revoke(book, whose, whose, by=signing[whose], since=min(since, book.fold.size))
    assert made.refused is None
    after = outcome(book)
    assert after[0] <= before[0], "what held goes on"
    assert after[1] >= before[1], "a level that was open is closed"
    assert (list(book.fold.faults), book.faults()) == faults
    assert all(set(ballot.signed) <= voted[name] for name, ballot in book.fold.votes.items())
    assert [it.index for it in book.fold.records] == list(range(book.fold.size))


def outcome(book: Book) -> tuple[bool, frozenset[int]]:
    policy = book.fold.policy
    assert policy is not None
    made = decide(policy, book.situation(compute=AHEAD), "train")
    return made.verdict == "PROCEED", frozenset(made.levels)
