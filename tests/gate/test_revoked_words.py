"""A revocation brings back no word and takes none out of the way: vetoes, shorter words, tiers and deadlines."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest
from book import GATE, Book, digest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_determinations import FLOPS, JUDGED, ask, book_of, saved, say, status
from test_hands import revoke, rotate, vkey
from test_obligations import STANDS, clause, keep
from test_obligations import ask as ask_duty
from test_obligations import book_of as obliged
from test_risk_claims import claim, numbered, risk_book, told

from scalegate.gate.hands import public_of
from scalegate.ledger import entries as kinds
from scalegate.policy import parse_policy
from scalegate.policy.reader import fill_keys
from support import DAY, START

NOTICE = ("amendment: {role: rso, at_least: 1}", "amendment: {role: rso, at_least: 1, notice: 30 days}")
NEXT = ('version: "1"', 'version: "2"')
TIER = """tiers:
  - {id: accord, about: An agreement., parties: [Example Lab, A, B], binds_at: 2, recorded_by: registrar}
clauses:
  - id: adopted
    kind: condition
    when: compute <= 1e10 FLOP or 3 <= tier.accord.adopters
    text: Past 1e10 FLOP all have adopted it.
    source: {document: d}
    actions: [train]
    modality: will
"""
TIERED = (("clauses:\n", TIER), ("roles: [security]", "roles: [security, registrar]"))


def vetoed(*changes: tuple[str, str]) -> Book:
    """Grace bounds the risk before and after Ada says that it cannot be."""
    book = risk_book(*changes)
    say(book, "grace")
    claim(book, who="grace")
    assert ask(book).verdict == "PROCEED"
    claim(book, None)
    claim(book, who="grace")
    assert ask(book).verdict == "HOLD"
    return book


def amended(book: Book, role: str, key: str) -> None:
    """A next version, in which Ada's role and key may be others."""
    text, line = JUDGED, "  - {id: ada, name: Ada, roles: [rso], key: unset}\n"
    for before, after in (*numbered(), NEXT, (line, "")):
        assert before in text
        text = text.replace(before, after)
    text = fill_keys(text, {who: vkey(who) for who in (GATE, "grace", "security")})
    ada = f"people:\n  - {{id: ada, name: Ada, roles: [{role}], key: {key}}}\n"
    ada += "  - {id: alan, name: Alan, roles: [rso], key: unset}\n"
    policy = parse_policy(text.replace("people:\n", ada))
    assert book.adopt(policy, "grace").refused is None
    assert book.fold.policy_digest == policy.digest()
    say(book, "grace")


@pytest.mark.parametrize("since", [False, True])
@pytest.mark.parametrize("by", ["ada", "grace"])
def test_a_veto_stands_though_the_key_that_signed_it_is_revoked(by: str, since: bool) -> None:
    book = vetoed(NOTICE)
    at = book.fold.size - 2
    assert revoke(book, "ada", by, since=at if since else None).refused is None
    say(book, "grace")
    claim(book, who="grace", statement="again")
    held = ask(book)
    assert held.verdict == "HOLD"
    assert "says `ada`, whose key is revoked: a next version names a new one for them" in told(held)
    assert not book.fold.unsound


def test_nobody_is_offered_to_bound_it_in_the_place_of_whose_key_is_revoked() -> None:
    book = vetoed()
    assert revoke(book, "ada", "grace").refused is None
    held = ask(book)
    offered = held.resumption.sets if held.resumption is not None else ()
    assert all("risk" not in fact.concerns for facts in offered for fact in facts)


def test_who_has_a_new_key_may_say_otherwise() -> None:
    book = vetoed()
    assert revoke(book, "ada", "grace").refused is None
    amended(book, "rso", vkey("ada-new"))
    claim(book, who="grace")
    assert ask(book).verdict == "HOLD"
    of = {"risk": "harm", "action": "train", "run": "r", "weights": digest("w"), "configuration": None}
    given: dict[str, Any] = {"bound": Fraction(1, 10_000), "until": book.time + 30 * DAY, "statement": "anew"}
    assert book.put(kinds.RiskClaimed, "ada", "ada-new", **of, **given).refused is None
    assert ask(book).verdict == "PROCEED"


@pytest.mark.parametrize("role", ["rso", "security"])
def test_once_a_version_takes_the_role_or_the_key_others_bound_it(role: str) -> None:
    book = vetoed()
    assert revoke(book, "ada", "grace").refused is None
    amended(book, role, "unset")
    assert ask(book).verdict == "HOLD"
    claim(book, who="grace")
    assert ask(book).verdict == "PROCEED"


def test_what_was_permitted_has_no_bound_until_then_either() -> None:
    book = risk_book(per="tenfold")
    claim(book)
    book.decide(compute=2 * FLOPS)
    claim(book, None)
    assert revoke(book, "ada", "grace").refused is None
    say(book, "grace")
    claim(book, who="grace")
    (spent,) = book.situation("r").spent
    assert [it.by for it in spent.unbounded] == ["ada"]
    assert ask(book).verdict == "HOLD"


@pytest.mark.parametrize("by", ["ada", "grace"])
def test_a_longer_word_does_not_come_back_in_place_of_one_that_is_taken_out(by: str) -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    at = book.fold.size
    say(book, "ada", until=book.time + DAY)
    book.time += 2 * DAY
    assert ask(book, 2 * FLOPS).verdict == "HOLD"
    assert revoke(book, "ada", by, since=at).refused is None
    assert ask(book, 2 * FLOPS).verdict == "HOLD"
    say(book, "grace")
    assert ask(book, 2 * FLOPS).verdict == "PROCEED"


def test_nor_does_one_of_weights_further_back() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    at = book.fold.size
    saved(book, "v", 2 * FLOPS)
    say(book, "ada", name="v", until=book.time + DAY)
    book.time += 2 * DAY
    assert ask(book, 3 * FLOPS).verdict == "HOLD"
    assert revoke(book, "ada", "ada", since=at).refused is None
    assert ask(book, 3 * FLOPS).verdict == "HOLD"


def test_nothing_that_is_taken_out_is_told_as_a_judgement() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    at = book.fold.size
    say(book, "ada")
    say(book, "grace")
    assert revoke(book, "ada", "ada", since=at).refused is None
    assert not [it for it in ask(book).limits.assumptions if "`ada`" in it]


def test_what_is_taken_out_of_a_tier_s_record_leaves_nobody_knowing() -> None:
    book = book_of(*TIERED)
    saved(book, "w", FLOPS)
    say(book, "ada")
    whole = {"tier": "accord", "adopters": ("Example Lab", "A", "B"), "until": book.time + 300 * DAY}
    book.put(kinds.TierStatus, **whole)
    assert ask(book).verdict == "PROCEED"
    at = book.fold.size
    book.put(kinds.TierStatus, **(whole | {"adopters": ()}))
    assert status(ask(book), "adopted") == "violated"
    assert revoke(book, "security", "security", since=at).refused is None
    held = ask(book)
    assert (held.verdict, status(held, "adopted")) == ("HOLD", "not shown")
    assert book.situation("r").tiers == ()


@pytest.mark.parametrize("needed", [1, 2])
def test_a_deadline_that_wrong_hands_signed_for_is_kept_when_others_sign(needed: int) -> None:
    """Nobody can tell whether it was done when they signed: what they sign dates nothing."""
    book = obliged(clause(*STANDS, at_least=needed))
    due = START + 10 * DAY
    book.time = START + 8 * DAY
    at = book.fold.size
    for who in ("ada", "alan")[:needed]:
        assert keep(book, due, who) is None
    assert ask_duty(book, START + 12 * DAY).verdict == "PROCEED"
    book.time = START + 12 * DAY
    for who in ("grace", "alan"):
        assert revoke(book, "ada", who, since=at).refused is None
    held = ask_duty(book)
    assert (held.verdict, status(held, "report")) == ("HOLD", "violated")
    assert held.resumption is not None
    assert all(fact.concerns != ("obligation", "report") for way in held.resumption.sets for fact in way)
    assert keep(book, due, "grace") is None
    after = ask_duty(book)
    assert (after.verdict, status(after, "report")) == ("HOLD", "violated")


def test_what_others_signed_in_time_beside_wrong_hands_is_in_time() -> None:
    book = obliged(clause(*STANDS, at_least=2))
    due = START + 10 * DAY
    book.time = START + 7 * DAY
    at = book.fold.size
    assert [keep(book, due, who) for who in ("ada", "alan")] == [None, None]
    book.time = START + 8 * DAY
    for who in ("grace", "alan"):
        assert revoke(book, "ada", who, since=at).refused is None
    assert ask_duty(book, START + 12 * DAY).verdict == "HOLD"
    assert keep(book, due, "grace") is None
    assert ask_duty(book, START + 12 * DAY).verdict == "PROCEED"


def test_one_that_was_kept_late_or_never_is_none_that_was_kept_in_time() -> None:
    for kept in (False, True):
        book = obliged(clause(*STANDS))
        book.time = START + 11 * DAY
        at = book.fold.size
        assert not kept or keep(book, START + 10 * DAY) is None
        for who in ("grace", "alan"):
            assert revoke(book, "ada", who, since=at).refused is None
        assert keep(book, START + 10 * DAY, "grace") is None
        assert ask_duty(book).verdict == "HOLD"


WHO = st.sampled_from(["ada", "grace"])
STEPS = st.one_of(
    st.tuples(st.just("judge"), WHO, st.sampled_from([(True, 100), (True, 1), (False, 100)])),
    st.tuples(
        st.just("claim"), WHO, st.sampled_from([None, Fraction(1, 10**5), Fraction(1, 10**4), Fraction(1, 5_000)])
    ),
    st.tuples(st.just("tier"), st.just("security"), st.sampled_from([(), ("A",), ("Example Lab", "A", "B")])),
    st.tuples(st.sampled_from(["save", "wait", "permit"]), WHO, st.integers(1, 3)),
    st.tuples(st.just("rotate"), st.sampled_from(["ada", "grace", "security"]), st.just(0)),
)


class Words:
    """A ledger in which two judge, claim and say otherwise."""

    def __init__(self, carried: str) -> None:
        extra = [*TIERED, ("decided_by: {role: rso, at_least: 1}\n    level", f"decided_by: {carried}\n    level")]
        self.book = book_of(*numbered(), *extra)
        self.keys = {who: who for who in ("ada", "grace", "security")}
        self.number, self.weights = 1, "w1"
        saved(self.book, "w1", FLOPS)

    def step(self, what: str, who: str, how: Any) -> None:
        book, given = self.book, dict[str, Any]()
        of = {"run": "r", "configuration": None, "weights": digest(self.weights), "statement": "looked"}
        match what:
            case "judge":
                given = {"determination": "bio", "holds": how[0], "until": book.time + how[1] * DAY}
                book.put(kinds.Determination, who, self.keys[who], **(of | given))
            case "claim":
                given = {"risk": "harm", "action": "train", "bound": how, "until": book.time + 50 * DAY}
                book.put(kinds.RiskClaimed, who, self.keys[who], **(of | given))
            case "tier":
                given = {"tier": "accord", "adopters": how, "until": book.time + 300 * DAY}
                book.put(kinds.TierStatus, who, self.keys[who], **given)
            case "save":
                self.number += 1
                self.weights = f"w{self.number}"
                saved(book, self.weights, FLOPS + self.number * 10**9)
            case "wait":
                book.time += how * DAY
            case "permit":
                book.decide(compute=2 * FLOPS)
            case "rotate":
                self.number += 1
                if rotate(book, who, f"{who}{self.number}", self.keys[who]).refused is None:
                    self.keys[who] = f"{who}{self.number}"

    def goes(self) -> list[bool]:
        amounts, times = (10**9, 2 * FLOPS), (0, 2 * DAY)
        return [
            ask(self.book, amount, now=self.book.time + later).verdict == "PROCEED"
            for amount in amounts
            for later in times
        ]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(STEPS, max_size=12),
    st.lists(STEPS.filter(lambda it: it[0] not in ("permit", "rotate")), max_size=4),
    st.sampled_from(["ada", "grace", "security"]),
    st.one_of(st.none(), st.integers(1, 20)),
    st.sampled_from(["{role: rso, at_least: 1}", "{role: rso, at_least: 2}"]),
)
def test_no_revocation_lets_go_on_what_the_same_ledger_without_it_would_not(
    steps: list[Any], after: list[Any], whose: str, since: int | None, carried: str
) -> None:
    """Nor does what others sign after it: they gain nothing by it that they had not without."""
    mine = Words(carried)
    # Something that goes on, for the revocation to be able to spoil or to open it.
    for step in (("tier", "security", ("Example Lab", "A", "B")), ("judge", "grace", (True, 100)), *steps):
        mine.step(*step)
    without = copy.deepcopy(mine)
    book = mine.book
    at = None if since is None else min(since, book.fold.size)
    assert revoke(book, whose, whose, mine.keys[whose], mine.keys[whose], at).refused is None
    assert public_of(vkey(mine.keys[whose])) in book.fold.hands.revoked
    without.book.time = book.time
    for step in (None, *after):
        if step is not None and (step[1] != whose or step[0] in ("save", "wait")):
            mine.step(*step)
            without.step(*step)
        opened = [now and not before for now, before in zip(mine.goes(), without.goes(), strict=True)]
        assert not any(opened)
