"""Where too few results are there for a forecast: what its level takes carries the run, whatever they showed."""

from __future__ import annotations

from book import Book, digest, policy_of

from foreseen import ASKED, FORECAST, SAMPLES, go_on, put
from scalegate.gate.decision import Decision
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import Approval, Attestation

AT = 2 * 10**11
PAST = 3 * 10**11


def at_first(*saved: int) -> Book:
    """A run that trained to where a first evaluation is due, with weights that it recorded on its way."""
    book = Book.adopted(FORECAST)
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened)
    before = 0
    for flops in (*saved, AT):
        book.decide(compute=flops)
        book.put(kinds.ComputeReserved, use="training", flops=flops - before)
        book.put(kinds.WeightsRecorded, weights=digest(f"w{flops}"), trained=flops)
        before = flops
    return book


def evaluated(book: Book, flops: int, successes: int) -> None:
    of = {"evaluation": digest(f"e{flops} {book.time}"), "weights": digest(f"w{flops}")}
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, flops=10**10, evaluation=of["evaluation"])
    said = {"successes": successes, "elicitation_flops": 10**10}
    assert book.put(kinds.EvaluationFinished, **of, **said).refused is None


def kinds_of(made: Decision) -> set[str]:
    assert made.resumption is not None
    assert not made.resumption.stop
    return {fact.concerns[0] for way in made.resumption.sets for fact in way}


def signed(book: Book, held: Decision) -> Decision:
    """What the level takes is put in place, and both officers sign."""
    book.put(Attestation)
    for officer in ("ada", "grace"):
        assert book.put(Approval, officer, decision=held.digest()).refused is None
    return book.decide(compute=PAST)


def test_what_was_ruled_out_goes_on_by_what_carries_what_was_reached() -> None:
    """A clean model is held by no more than a dangerous one."""
    for successes in (0, 200):
        book = at_first()
        evaluated(book, AT, successes)
        held = book.decide(compute=PAST)
        assert held.verdict == "HOLD", successes
        assert held.levels == (2,), successes
        assert {"safeguard", "approval"} <= kinds_of(held), successes
        assert signed(book, held).verdict == "PROCEED", successes


def test_before_anybody_has_evaluated_there_is_nothing_to_sign_for() -> None:
    held = at_first().decide(compute=PAST)
    assert held.verdict == "HOLD"
    assert held.levels == ()


def test_an_incident_makes_no_difference_to_it() -> None:
    book = at_first()
    evaluated(book, AT, 0)
    clean = book.decide(compute=PAST)
    of = {"domain": "arithmetic", "run": "r", "weights": digest(f"w{AT}"), "statement": "it added"}
    book.put(kinds.IncidentReported, "grace", **of)
    after = book.decide(compute=PAST)
    assert clean.resumption is not None
    assert after.resumption is not None
    assert (clean.resumption.stop, after.resumption.stop) == (False, False)


def test_recorded_weights_are_a_way_on_from_the_first_hold() -> None:
    book = at_first(5 * 10**10, 10**11)
    held = book.decide(compute=PAST)
    assert "recorded" in kinds_of(held)
    assert held.resumption is not None
    assert any(len(way) == 1 and way[0].concerns[0] == "recorded" for way in held.resumption.sets)
    for flops in (5 * 10**10, 10**11, AT):
        evaluated(book, flops, 20)
    assert put(book) is None
    assert book.decide(compute=PAST).verdict == "PROCEED", "the way leads on, where results stay low"


def test_all_that_are_spent_are_said_to_be() -> None:
    book = Book.adopted(policy_of((SAMPLES, SAMPLES + ASKED), ("evaluations: 12", "evaluations: 1")))
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened)
    go_on(book, 5 * 10**10, 0, 0)
    told = book.decide(compute=PAST).limits.surprises
    assert "All 1 evaluations of `arithmetic` are spent: a further one rules nothing out." in told


def test_who_signed_for_a_clean_model_has_not_signed_for_what_it_became() -> None:
    """Both officers signed while the alarm was ruled out; then the run is measured again, and the alarm is reached."""
    book = at_first()
    evaluated(book, AT, 0)
    held = book.decide(compute=PAST)
    assert held.clean == (2,)
    assert signed(book, held).verdict == "PROCEED"
    more = AT + 10**10
    book.put(kinds.ComputeReserved, use="training", flops=10**10)
    book.put(kinds.WeightsRecorded, weights=digest(f"w{more}"), trained=more)
    evaluated(book, more, 400)
    after = book.decide(compute=PAST)
    assert after.verdict == "HOLD"
    assert (after.levels, after.clean) == ((2,), ())
    assert {"approval"} <= kinds_of(after), "what it takes is that they sign having seen it"
    for officer in ("ada", "grace"):
        assert book.put(Approval, officer, decision=after.digest()).refused is None
    assert book.decide(compute=PAST).verdict == "PROCEED"


def test_who_signed_for_an_alarm_that_was_reached_has_seen_the_worst() -> None:
    book = at_first()
    evaluated(book, AT, 200)
    held = book.decide(compute=PAST)
    assert held.clean == ()
    assert signed(book, held).verdict == "PROCEED"
    evaluated(book, AT, 400)
    assert book.decide(compute=PAST).verdict == "PROCEED"
