"""Ways around judgement: each gained a PROCEED, a permit or a lasting stop once, and gains nothing now."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest
from test_decide_cases import piece, situation
from test_determinations import FIRST, FLOPS, ask, bio, book_of, policy_of, saved, say, status

from scalegate.gate import decide
from scalegate.ledger import entries as kinds
from scalegate.policy import parse_policy
from scalegate.policy.reader import PolicyFaults
from scalegate.truth import Truth
from support import DAY, POLICY_TEXT

AGENT = {"weights": digest("w"), "configuration": digest("agent")}
OFFICERS = "decided_by: {role: rso, at_least: 2}"


def judged_book(*changes: tuple[str, str]) -> Book:
    book = book_of(*changes)
    saved(book, "w", FLOPS)
    return book


def test_a_word_on_the_bare_weights_takes_back_no_denial_of_a_deployment() -> None:
    book = judged_book()
    say(book, "ada", holds=False, configuration=digest("agent"))
    say(book, "ada")
    assert ask(book, action="deploy_external", **AGENT).verdict == "HOLD"
    say(book, "ada", configuration=digest("agent"))
    assert ask(book, action="deploy_external", **AGENT).verdict == "PROCEED"


def test_nobody_signs_for_a_level_before_somebody_judged() -> None:
    book = judged_book()
    held = book.decide()
    assert held.levels == ()
    early = book.put(kinds.Approval, "ada", level=3, decision=held.digest())
    assert "no evidence had put the model in level 3" in (early.refused or "")


def test_weights_that_were_denied_before_they_were_recorded_end_the_permit_as_they_are() -> None:
    book = judged_book()
    say(book, "ada")
    say(book, "grace", holds=False, name="next", run=None)
    book.decide(compute=FLOPS)
    assert book.fold.permitted("r", book.time)
    book.put(kinds.WeightsRecorded, weights=digest("next"), trained=FLOPS)
    assert not book.fold.permitted("r", book.time)
    assert bio(book) is Truth.FALSE


@pytest.mark.parametrize("name", ["no_any", "bio"])
def test_two_who_both_denied_may_both_take_it_back(name: str) -> None:
    book = judged_book((FIRST.splitlines()[0], FIRST), ("id: bio", f"id: {name}"), ("domain: bio", f"domain: {name}"))
    for who in ("ada", "grace"):
        say(book, who, holds=False, determination=name)
    held = ask(book)
    assert held.resumption is not None
    assert not held.resumption.stop
    assert any({fact.concerns[2] for fact in facts} == {"ada", "grace"} for facts in held.resumption.sets)
    for who in ("ada", "grace"):
        say(book, who, determination=name)
    assert ask(book).verdict == "PROCEED"


def test_whoever_denied_of_weights_takes_it_back_once_it_is_about_the_developer() -> None:
    later = (
        ('version: "1"', 'version: "2"'),
        ("    about: weights\n", "    about: developer\n"),
        ("    level: 3\n    carries: 6x\n", ""),
        ("kind: capability, domain: bio", "kind: condition, when: determination.bio"),
        (
            "  - {id: cadence, kind: cadence, every: 4x, within: 3 months",
            "  - {id: cadence, kind: condition, when: now <= 2099-01-01",
        ),
    )
    book = judged_book()
    say(book, "ada", holds=False)
    assert book.adopt(policy_of(*later)).refused is None
    say(book, "ada", name=None)
    assert status(ask(book), "capability.bio") == "met"


def test_limits_tell_of_the_very_word_that_is_relied_on() -> None:
    book = judged_book(
        ("kind: safeguards, level: 3", "kind: condition, when: compute <= 1e30 FLOP"),
        ("    level: 3\n    carries", "    carries"),
        ("kind: capability, domain: bio", "kind: condition, when: compute <= 1e30 FLOP"),
    )
    saved(book, "more", 2 * FLOPS)
    say(book, "ada", holds=False, name="more")
    say(book, "ada", name="w")
    assert ask(book).limits.assumptions[0].startswith("Judgement of `ada`")
    assert "It is not so that" in ask(book).limits.assumptions[0]


def test_signatures_alone_are_no_safeguards_of_a_kind_that_the_level_has_none_of() -> None:
    book = judged_book(("kind: safeguards, level: 3", "kind: safeguards, level: 3, only: deployment"))
    say(book, "ada", holds=False)
    held = book.decide()
    for who in ("ada", "grace"):
        assert book.put(kinds.Approval, who, level=3, decision=held.digest()).refused is None
    assert status(ask(book), "safeguards") == "not shown"


@pytest.mark.parametrize("name", ["determination.x", "tier", "safeguard.a"])
def test_no_domain_is_called_like_a_fact_of_another_meaning(name: str) -> None:
    text = POLICY_TEXT.replace("id: arithmetic\n", f"id: {name}\n").replace("domain: arithmetic", f"domain: {name}")
    with pytest.raises(PolicyFaults, match="facts of another meaning begin with this"):
        parse_policy(text)


def test_that_somebody_signed_whatever_they_signed_is_no_condition() -> None:
    when = "when: now <= determination.bio.ada.until"
    clause = f"clauses:\n  - {{id: c, kind: condition, {when}, text: t, source: {{document: d}}"
    with pytest.raises(PolicyFaults, match="there is no fact"):
        policy_of(("clauses:", f"{clause}, actions: [train], modality: will}}"))


RELEASE = "    buffer: 6x\n    release: {enhancement: 2x, horizon: 2 years}"


@pytest.mark.parametrize(("times", "verdict"), [(20, "HOLD"), (30, "HOLD"), (31, "PROCEED")])
def test_who_tuned_weights_with_what_is_granted_after_a_release_counts_against_it(times: int, verdict: str) -> None:
    text = POLICY_TEXT.replace("actions: [train]", "actions: [train, release_weights]").replace(
        "    buffer: 6x", RELEASE
    )
    policy = parse_policy(text)
    tuned = piece(400, compute=8 * 10**10 * times, origin=8 * 10**11, weights="v")
    given = situation(8 * 10**11, piece(0), policy=policy.digest(), weights="w", descendants=(tuned,))
    given = given.model_copy(update={"compute": 8 * 10**11})
    assert decide(policy, given, "release_weights").verdict == verdict


def test_a_condition_on_a_release_reads_no_safeguard_that_ends_with_it() -> None:
    written = """
  - id: written
    kind: condition
    when: now <= safeguard.weights-locked.until
    text: Weights are locked.
    source: {document: d}
    actions: [train, release_weights]
    modality: will
"""
    text = POLICY_TEXT.replace("actions: [train]", "actions: [train, release_weights]").replace(
        "    buffer: 6x", RELEASE
    )
    for survives, found in (("", "not shown"), ("\n        survives_release: yes", "met")):
        policy = parse_policy(text.replace("kind: security", f"kind: security{survives}").rstrip("\n") + "\n" + written)
        signed: Any = {"subject": "safeguard.weights-locked", "by": "security", "time": 0, "until": 2**40}
        from scalegate.gate import Signature

        given = situation(8 * 10**11, piece(0), policy=policy.digest(), weights="w")
        at = given.now
        lock = Signature(**(signed | {"time": at, "until": at + DAY}))
        given = given.model_copy(update={"signatures": (lock,)})
        decision = decide(policy, given, "release_weights")
        assert next(it.status for it in decision.findings if it.clause == "written") == found


def stranger(book: Book, name: str, trained: int = 1) -> None:
    """A run that records another one's weights, and says that so much went into them; it is at fault for that."""
    session = digest("z")
    book.put(kinds.RunOpened, run="z", session=session, start_weights=digest("start of z"))
    book.put(kinds.ComputeReserved, run="z", session=session, use="training", flops=trained)
    book.put(kinds.WeightsRecorded, run="z", session=session, weights=digest(name), trained=trained)


def test_what_a_run_at_fault_says_of_denied_weights_takes_back_no_denial() -> None:
    book = judged_book()
    saved(book, "more", 2 * FLOPS)
    say(book, "ada", holds=False, name="more")
    say(book, "ada")
    stranger(book, "more")
    say(book, "ada")
    assert bio(book) is Truth.FALSE
    say(book, "ada", name="more")
    assert bio(book) is not Truth.FALSE


def test_nor_does_it_bring_back_a_word_on_what_these_grew_from() -> None:
    book = judged_book()
    saved(book, "more", 2 * FLOPS)
    say(book, "ada")
    say(book, "ada", name="more", until=book.time + 2)
    ends = book.time + 10
    assert ask(book, now=ends).verdict == "HOLD"
    stranger(book, "more")
    assert ask(book, now=ends).verdict == "HOLD"


def test_a_denial_of_weights_that_nobody_saved_stands_until_its_signer_speaks_of_them() -> None:
    book = judged_book()
    say(book, "ada", holds=False, name="not saved yet")
    say(book, "ada")
    held = ask(book)
    assert (held.verdict, bio(book)) == ("HOLD", Truth.FALSE)
    assert held.resumption is not None
    assert not held.resumption.stop
    assert "does not know the weights" in (say(book, "grace", name="not saved yet") or "")
    assert say(book, "ada", name="not saved yet") is None
    assert ask(book).verdict == "PROCEED"
