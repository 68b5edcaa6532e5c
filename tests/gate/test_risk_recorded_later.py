"""Words on weights that somebody records later count for what was spent, as if they had been there when it was said."""

from __future__ import annotations

from fractions import Fraction

import pytest
from book import Book, digest, key_of
from test_determinations import FLOPS, ask, book_of, saved, say
from test_risk_claims import claim, numbered, told

from scalegate.ledger import entries as kinds
from scalegate.policy.reader import policy_from_json


def other_run_judged(book: Book) -> str:
    """What is said of the budget to run `s`, which has nothing to do with the weights; empty: it may go on."""
    of = {"run": "s", "session": digest("s s")}
    book.put(kinds.RunOpened, **of, start_weights=digest("start s"))
    saved(book, "w s", FLOPS, "s", session=digest("s s"))
    say(book, "ada", run="s", name="w s")
    claim(book, "1/100000", "ada", run="s", name="w s")
    decision = ask(book, run="s")
    return told(decision) if decision.verdict == "HOLD" else ""


def recorded(book: Book) -> None:
    book.put(kinds.ComputeReserved, use="training", flops=10**9)
    book.put(kinds.WeightsRecorded, weights=digest("u"), trained=FLOPS + 10**9)
    book.fold.runs["r"].faults.clear()


@pytest.mark.parametrize("twin", [False, True])
def test_also_where_another_run_recorded_them_first(twin: bool) -> None:
    book = book_of(*numbered("year", "0.05%"))
    saved(book, "w", FLOPS)
    say(book, "ada")
    claim(book)
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    assert claim(book, None, "grace", name="u", run=None) is None
    if twin:
        book.put(kinds.RunOpened, run="z", session=digest("z"), start_weights=digest("u"))
        book.put(kinds.WeightsRecorded, run="z", session=digest("z"), weights=digest("u"), trained=0)
    recorded(book)
    assert "cannot be bounded, says `grace` since" in other_run_judged(book)


@pytest.mark.parametrize("before", [True, False])
def test_in_a_leavers_place_it_is_bounded_under_the_version_in_force(before: bool) -> None:
    """Grace took her own word back while Zed could still speak for himself."""
    book = book_of(*numbered("year", "0.05%"))
    assert book.fold.policy is not None
    document = book.fold.policy.document() | {"version": "2"}
    zed = {"id": "zed", "name": "Zed", "roles": ["rso"], "key": key_of("zed").verify_key.to_text()}
    document["people"].append(zed)
    assert book.adopt(policy_from_json(document), "ada").refused is None
    saved(book, "w", FLOPS)
    say(book, "ada")
    claim(book)
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    for who, bound in (("zed", None), ("grace", None), ("grace", "1/100000")):
        assert claim(book, bound, who, name="u", run=None) is None
    if before:
        recorded(book)
    zed["roles"] = ["adviser"]
    assert book.adopt(policy_from_json(document | {"version": "3"}), "ada").refused is None
    if not before:
        recorded(book)
    assert "cannot be bounded, says `zed` since" in other_run_judged(book)


def budgeted() -> Book:
    """Run `r` took a permit on `w` out of a budget per year."""
    book = book_of(*numbered("year", "0.05%"))
    saved(book, "w", FLOPS)
    say(book, "ada")
    claim(book)
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    return book


def test_what_was_said_last_counts_in_whoevers_name_it_was_said_before() -> None:
    book = budgeted()
    assert claim(book, "1/100000", "grace", run="s") is None
    assert claim(book, None, "grace") is None
    assert "cannot be bounded, says `grace` since" in other_run_judged(book)


@pytest.mark.parametrize("leaves", ["key", "gone", "stays"])
def test_a_worse_bound_counts_whoever_signed_it_is_today(leaves: str) -> None:
    book = budgeted()
    for bound in (None, "49/100000"):
        assert claim(book, bound, "grace", name="u", run=None) is None
    assert book.fold.policy is not None
    document = book.fold.policy.document() | {"version": "2"}
    document["levels"][0]["approvals"]["at_least"] = "1"
    [grace] = [it for it in document["people"] if it["id"] == "grace"]
    if leaves == "key":
        grace["key"] = key_of("another").verify_key.to_text()
    elif leaves == "gone":
        document["people"].remove(grace)
    assert book.adopt(policy_from_json(document), "ada").refused is None
    recorded(book)
    [spent] = book.situation().spent
    assert max(it.bound or 0 for it in spent.said) == Fraction(49, 100_000)
    assert other_run_judged(book)


def test_also_where_the_run_is_opened_again_from_them() -> None:
    book = budgeted()
    assert claim(book, None, "grace", name="u", run=None) is None
    book.put(kinds.RunOpened, session=digest("again"), start_weights=digest("u"))
    book.fold.runs["r"].faults.clear()
    assert "cannot be bounded, says `grace` since" in other_run_judged(book)
