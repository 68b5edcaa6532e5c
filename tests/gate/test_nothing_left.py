"""Where no evaluation can come any more, no way out asks for one, and none is hoped for."""

from __future__ import annotations

from book import Book, digest, policy_of
from test_assumptions import LISTED, RESTS, broke, evaluated, restored
from test_hands import revoke

from scalegate.gate.decision import Decision
from scalegate.ledger import entries as kinds

ONE = ("evaluations: 12", "evaluations: 1")
TWO = ("evaluations: 12", "evaluations: 2")
PAST = 3 * 10**11


def ready(*changes: tuple[str, str]) -> Book:
    """A run at 1e11 FLOP that was evaluated once, and may go on."""
    book = Book.adopted(policy_of(LISTED, RESTS, *changes))
    book.trained(10**11)
    evaluated(book)
    assert book.decide(compute=PAST).verdict == "PROCEED"
    return book


def seen(book: Book) -> None:
    of = {"domain": "arithmetic", "run": "r", "weights": digest("w"), "statement": "it added"}
    assert book.put(kinds.IncidentReported, "grace", **of).refused is None


def way_out(book: Book) -> tuple[bool, str]:
    """Whether it is a stop, and all that is said of what would release it."""
    made: Decision = book.decide(compute=PAST)
    assert made.verdict == "HOLD"
    assert made.resumption is not None
    said = [fact.text for way in (*made.resumption.sets, made.resumption.first) for fact in way]
    return made.resumption.stop, "\n".join(said)


def test_with_all_spent_a_break_is_a_stop_and_stays_one_after_an_incident() -> None:
    book = ready(ONE)
    broke(book)
    assert way_out(book) == (True, "")
    seen(book)
    assert way_out(book) == (True, ""), "what makes it worse opens no way"


def test_one_that_is_left_is_a_way_with_an_incident_too() -> None:
    book = ready(TWO)
    record = broke(book)
    seen(book)
    stop, said = way_out(book)
    assert not stop
    assert "sign that `no-sandbagging` holds again" in said
    assert [restored(book, record, who) for who in ("ada", "grace")] == [None, None]
    stop, said = way_out(book)
    assert not stop
    assert "an announced evaluation of `arithmetic`" in said
    evaluated(book, "again")
    stop, said = way_out(book)
    assert not stop, "and so it is no way that leads nowhere: the safeguards of the level are left"
    assert "evaluation" not in said


def test_with_no_evaluator_none_is_asked_for_before_one_is_named() -> None:
    book = ready()
    assert revoke(book, "evaluator", "evaluator").refused is None
    record = broke(book)
    stop, said = way_out(book)
    assert (stop, said) == (True, ""), "it would take signatures too, of which nothing is known before"
    assert [restored(book, record, who) for who in ("ada", "grace")] == [None, None]
    stop, said = way_out(book)
    assert (stop, said) == (False, "an amendment names a key for evaluator; then it is evaluated")
    seen(book)
    assert "an announced evaluation" not in way_out(book)[1]


def test_with_no_evaluator_and_all_spent_it_is_a_stop() -> None:
    book = ready(ONE)
    assert revoke(book, "evaluator", "evaluator", since=0).refused is None
    broke(book)
    seen(book)
    assert way_out(book)[0]
