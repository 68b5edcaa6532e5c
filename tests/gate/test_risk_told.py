"""What a finding says of claims: who is lacking, whose bound it is, and first that somebody says that there is none."""

from __future__ import annotations

from test_determinations import FIRST, FLOPS, ask, book_of, saved, say, status
from test_risk_claims import claim, numbered, risk_book, told

TWO = ("claimed_by: {role: rso, at_least: 1}", "claimed_by: {role: rso, at_least: 2}")
EARLY = (FIRST.splitlines()[0], FIRST)
NO_BOUND = "cannot be bounded, says `ada` [undermined]"


def test_before_the_first_evaluation_it_is_the_other_claim_that_is_lacking_and_not_how_far_one_carries() -> None:
    book = book_of(*numbered(), TWO, EARLY)
    ask(book, FLOPS)
    claim(book, name="start")
    held = ask(book, FLOPS)
    assert status(held, "harm") == "not shown"
    assert told(held) == (
        "Grace has claimed no bound on the risk `harm`, of what this goes on from, for `train` [unsigned]"
    )
    claim(book, who="grace", name="start")
    assert status(ask(book, FLOPS), "harm") == "met"


def test_whoever_says_that_it_cannot_be_bounded_has_claimed_no_bound() -> None:
    for changes in ((), (TWO,)):
        book = risk_book(*changes)
        claim(book, None)
        detail = told(ask(book))
        assert detail.startswith(f"the risk `harm` {NO_BOUND}")
        assert "claimed by `ada`" not in detail
        assert "Ada has claimed" not in detail


def test_that_it_cannot_be_bounded_is_told_first_where_another_claim_is_short_too() -> None:
    book = risk_book(TWO)
    claim(book, who="grace")
    claim(book)
    saved(book, "far", 8 * FLOPS)
    say(book, "ada", name="far")
    claim(book, None, name="far")
    held = ask(book, 8 * FLOPS)
    assert status(held, "harm") == "violated"
    assert told(held).startswith(f"the risk `harm` {NO_BOUND}")
    assert "the bound on `harm` claimed by `grace`" in told(held)


def test_no_set_asks_for_one_persons_claim_and_then_for_that_and_anothers() -> None:
    book = risk_book()
    claim(book, None)
    held = ask(book)
    assert held.resumption is not None
    assert [[fact.concerns for fact in facts] for facts in held.resumption.sets] == [[("risk", "harm", "ada")]]
