"""A revocation, from whatever entry on, only ever holds: what counted against anybody stays, and so does the policy."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_candidates import BLOCK, GONE, INSTEAD, NAMED, NEXT, amend, propose, tried
from test_candidates import approve as approve_candidate
from test_determinations import ask as ask_risk
from test_hands import SECOND, approve, measured, revoke, rotate, vkey
from test_risk_claims import claim, risk_book
from test_track import ASKS, FLOPS, HEAD, child, evaluated, shown, track

from scalegate.gate import decide
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy
from support import DAY

ASK = ASKS.replace("(arithmetic.missed <= 0 and 1 <= arithmetic.upheld)", "arithmetic.missed <= 0")
BOTH = ("roles: [security, registrar]", "roles: [security, registrar, evaluator]")
APART = (
    "approvals: {role: officer, at_least: 2, valid_for: 3 months}",
    "approvals: {role: officer, at_least: 2, valid_for: 3 months, apart_from: [security]}",
)
NEWCOMER = ("id: alan, name: Alan Officer", "id: newcomer, name: New Officer")


def test_a_miss_stays_one_though_whose_key_ruled_it_out_calls_it_stolen() -> None:
    book = Book.adopted(policy_of(BOTH, (HEAD, ASK)))
    book.trained(FLOPS)
    child(book, "other", "elsewhere", FLOPS, "w2", parents=())
    at = evaluated(book, "bad", who="security", weights=digest("w2"), run="other")
    shown(book, "w2", 200)
    evaluated(book, "e")
    before = track(book)
    assert before[1] == 1
    assert book.decide(compute=2 * FLOPS).verdict == "HOLD"
    assert revoke(book, "security", "security", since=at).refused is None
    assert track(book) == before
    assert book.decide(compute=2 * FLOPS).verdict == "HOLD"
    assert not book.fold.unsound


def test_what_it_ruled_out_is_a_miss_also_if_that_is_shown_later() -> None:
    book = Book.adopted(policy_of(BOTH, (HEAD, ASK)))
    book.trained(FLOPS)
    at = evaluated(book, "bad", who="security")
    assert revoke(book, "security", "security", since=at).refused is None
    assert track(book)[1] == 0
    shown(book, "w", 200)
    assert track(book)[1] == 1


@pytest.mark.parametrize("since", [None, 0])
def test_who_did_something_did_it_though_their_key_was_stolen(since: int | None) -> None:
    """By amendment who attested is an officer: they approve nothing of what they attested."""
    book = Book.adopted(policy_of(APART))
    measured(book, 390)
    book.put(kinds.Attestation, until=book.time + 50 * DAY)
    at = None if since is None else book.fold.size - 1
    assert revoke(book, "security", "security", since=at).refused is None
    new = policy_of(
        APART,
        SECOND,
        (vkey("security"), vkey("security-new")),
        ("id: security, name: Security lead, roles: [security, registrar]", "id: security, name: S, roles: [officer]"),
        ("name: Alan Officer, roles: [officer]", "name: Alan, roles: [security, registrar]"),
    )
    assert amend(book, new)
    seen = book.decide(compute=11 * 10**10).digest()
    refused = approve(book, "security", seen, "security-new").refused
    assert refused == "`security` signed on this lineage as `security`, and who signs for this is apart from it"


def given_up(new: Policy = INSTEAD) -> tuple[Book, int]:
    """A test was given up by a candidate that the evaluator says was passed; where they said so."""
    book = Book.adopted()
    book.trained(10**9)
    assert propose(book) is None
    at = book.fold.size
    assert tried(book) is None
    for who in ("ada", "grace"):
        assert approve_candidate(book, who) is None
    assert amend(book, new)
    return book, at


def test_a_version_that_rests_on_what_a_stolen_key_signed_stays_in_force_and_holds() -> None:
    book, at = given_up()
    told = book.fold.candidates.given_up
    book.put(kinds.TierStatus)
    assert book.decide(compute=2 * 10**10).verdict == "PROCEED"
    assert revoke(book, "evaluator", "evaluator", since=at).refused is None
    assert book.fold.policy_digest == INSTEAD.digest()
    assert book.fold.candidates.given_up == told
    (why,) = book.fold.unsound
    assert "or on what such a key signed: adopt a next version, signed by 2 with the role `officer`" in why
    assert "that asks again for `understanding`" in why
    assert book.decide(compute=2 * 10**10).verdict == "HOLD"
    assert book.situation().given_up == tuple(told)


def test_it_holds_until_a_next_version_asks_for_the_test_again() -> None:
    book, at = given_up()
    assert revoke(book, "evaluator", "evaluator", since=at).refused is None
    other = policy_of(GONE, (BLOCK, ""), NAMED, ('"1.0"', '"1.2"'), (vkey("evaluator"), "unset"))
    assert amend(book, other)
    assert book.fold.unsound
    assert amend(book, policy_of(('"1.0"', '"1.3"'), (vkey("evaluator"), "unset")))
    assert not book.fold.unsound
    assert revoke(book, "security", "security", since=at).refused is None
    assert not book.fold.unsound


def test_what_followed_such_a_version_stays_in_force_too() -> None:
    book, at = given_up()
    capped = policy_of(GONE, (BLOCK, ""), NAMED, ('"1.0"', '"1.2"'), ("at: 1e14 FLOP", "at: 1e10 FLOP"))
    assert amend(book, capped)
    assert revoke(book, "evaluator", "evaluator", since=at).refused is None
    assert book.fold.policy_digest == capped.digest()
    assert book.fold.unsound
    assert book.decide(compute=2 * 10**10).verdict == "HOLD"


def test_what_a_person_of_the_later_version_did_is_read_as_before() -> None:
    book, at = given_up(policy_of(GONE, (BLOCK, ""), NAMED, NEXT, NEWCOMER, (vkey("alan"), vkey("newcomer"))))
    assert rotate(book, "newcomer", "newcomer2").refused is None
    asked = book.sealed(
        kinds.KeyRevoked,
        "evaluator",
        ledger=book.fold.identity,
        person="evaluator",
        revoked=vkey("evaluator"),
        since=at,
        because="stolen",
    )
    assert book.fold.would_refuse(asked) is None
    assert book.fold.add(asked).refused is None
    assert book.fold.policy is not None
    assert {it.id: it.signing for it in book.fold.policy.people}["newcomer"] == vkey("newcomer2")
    assert book.fold.unsound


def test_a_vote_that_waits_falls_with_the_key_that_signed_it() -> None:
    book = Book.adopted()
    theirs = policy_of(SECOND, (vkey("ada"), vkey("mallory")))
    assert book.adopt(theirs, "ada").refused is None
    assert revoke(book, "ada", "ada").refused is None
    assert not book.fold.votes
    assert book.adopt(theirs, "grace").refused is None
    assert book.fold.policy_digest == policy_of().digest()
    assert book.adopt(theirs, "alan").refused is None
    assert book.fold.policy_digest == theirs.digest(), "by two who may"


def test_a_vote_falls_with_any_key_that_its_signer_had() -> None:
    """Who has no key that counts any more signs for nothing, by the one before either."""
    book = Book.adopted()
    assert book.adopt(policy_of(SECOND), "ada").refused is None
    assert rotate(book, "ada", "ada2").refused is None
    assert book.fold.votes
    assert revoke(book, "ada", "ada", "ada2", "ada2").refused is None
    assert not book.fold.votes


def test_what_was_spent_is_not_less_for_it() -> None:
    book = risk_book()
    start = book.fold.size
    assert claim(book) is None
    assert ask_risk(book).verdict == "PROCEED"
    before = {(it.risk, it.run, it.action): it for it in book.situation("r").spent}
    assert revoke(book, "ada", "ada", since=start).refused is None
    after = {(it.risk, it.run, it.action): it for it in book.situation("r").spent}
    for key, it in before.items():
        assert after[key].bound >= it.bound
        assert after[key].most >= it.most


COMMON = (BOTH, (HEAD, ASK), APART)
VERSIONS = (
    policy_of(*COMMON, GONE, (BLOCK, ""), NAMED, ('version: "1.0"', 'version: "1.1"')),
    policy_of(*COMMON, ('version: "1.0"', 'version: "1.2"')),
    policy_of(*COMMON, ('version: "1.0"', 'version: "1.3"'), NEWCOMER, (vkey("alan"), vkey("newcomer"))),
    policy_of(
        *COMMON,
        ('version: "1.0"', 'version: "1.4"'),
        ("amendment: {role: officer, at_least: 2}", "amendment: {role: officer, at_least: 3}"),
    ),
)
PEOPLE = ("evaluator", "security", "ada", "grace", "alan", "newcomer")
STEPS = st.one_of(
    st.tuples(st.just("measure"), st.sampled_from(["evaluator", "security"]), st.sampled_from([3, 390])),
    st.tuples(st.just("show"), st.sampled_from(["evaluator", "security"]), st.sampled_from([0, 400])),
    st.tuples(st.just("adopt"), st.sampled_from([("ada", "grace"), ("ada",), ("grace", "alan")]), st.integers(0, 3)),
    st.tuples(st.just("candidate"), st.sampled_from(["evaluator", "security"]), st.booleans()),
    st.tuples(st.sampled_from(["approve", "rotate", "revoke"]), st.sampled_from(PEOPLE), st.integers(0, 30)),
    st.tuples(st.sampled_from(["attest", "tier", "decide", "approve"]), st.just("ada"), st.just(0)),
)


class History:
    """A ledger that grows by steps, whoever may take them."""

    def __init__(self) -> None:
        self.book = Book.adopted(policy_of(*COMMON))
        self.book.trained(10**11)
        self.keys = {who: who for who in PEOPLE}
        self.seen = ""
        self.number = 0

    def step(self, what: str, who: Any, how: Any) -> None:
        book, keys = self.book, self.keys
        self.number += 1
        match what:
            case "measure":
                evaluated(book, f"e{self.number}", how, who, key=keys[who])
            case "show":
                shown(book, "w", how, actor=who, key=keys[who])
            case "adopt":
                before, new = book.fold.policy_digest, VERSIONS[how]
                for name in who:
                    given = {"policy": new.digest(), "document": new.document(), "enforcement": "cooperative"}
                    book.put(kinds.PolicyAdopted, name, keys[name], supersedes=before, **given)
                if book.fold.policy_digest != before:
                    self.keys = {name: name for name in PEOPLE}
            case "candidate":
                propose(book, who)
                book.put(
                    kinds.CandidateTried,
                    who,
                    keys[who],
                    **CANDIDATE,
                    weights=digest("w"),
                    passed=how,
                    statement="ran it",
                )
                for name in ("ada", "grace"):
                    book.put(kinds.CandidateApproved, name, keys[name], **CANDIDATE, statement="read it")
            case "approve" if self.seen:
                approve(book, who, self.seen, keys[who])
            case "rotate":
                if rotate(book, who, f"{who}{self.number}", keys[who]).refused is None:
                    keys[who] = f"{who}{self.number}"
            case "revoke":
                self.revoke(who, who if how % 2 else "grace", None if how > 20 else how)
            case "attest":
                book.put(kinds.Attestation, key=keys["security"], until=book.time + 50 * DAY)
            case "tier":
                book.put(kinds.TierStatus, key=keys["security"], adopters=())
            case "decide":
                self.seen = book.decide(compute=25 * 10**10).digest()

    def revoke(self, whose: str, by: str, since: int | None) -> bool:
        at = None if since is None else min(since, self.book.fold.size)
        return revoke(self.book, whose, by, self.keys[whose], self.keys[by], at).refused is None

    def verdicts(self) -> dict[int, tuple[bool, frozenset[int]]]:
        policy, found = self.book.fold.policy, {}
        assert policy is not None
        for compute in (10**9, 2 * 10**10, 11 * 10**10, 25 * 10**10):
            made = decide(policy, self.book.situation(compute=compute), "train")
            found[compute] = made.verdict == "PROCEED", frozenset(made.levels)
        return found

    def against(self) -> tuple[set[Any], int, bool, list[str], list[str]]:
        fold = self.book.fold
        missed = sum(it.missed for it in self.book.situation().tracks)
        return set(fold.deeds.done), missed, bool(fold.unsound), list(fold.faults), self.book.faults()


CANDIDATE = {"test": "understanding", "candidate": "probe", "protocol": digest("protocol")}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=12), st.sampled_from(PEOPLE), st.booleans(), st.integers(0, 40))
def test_no_revocation_lets_anything_go_on(steps: list[Any], whose: str, quorum: bool, since: int) -> None:
    history = History()
    # Half of them with a version that rests on what an evaluator says of a candidate.
    rests = [("candidate", "evaluator", True), ("adopt", ("ada", "grace"), 0)] if since % 2 else []
    for step in [*rests, *steps]:
        history.step(*step)
    fold = history.book.fold
    digest_before, verdicts, against = fold.policy_digest, history.verdicts(), history.against()
    for by in ("ada", "grace", "alan") if quorum else (whose,):
        history.revoke(whose, by, since)
    assert fold.policy_digest == digest_before
    now = history.against()
    assert against[0] <= now[0]
    assert against[1] <= now[1]
    assert against[2] <= now[2]
    assert set(against[3]) <= set(now[3])
    assert against[4] == now[4]
    for compute, (goes, levels) in history.verdicts().items():
        assert goes <= verdicts[compute][0], "what held goes on"
        assert levels >= verdicts[compute][1], "a level that was open is closed"
    told = [(it.index, it.leaf) for it in fold.records]
    assert [at for at, _ in told] == list(range(fold.size))
