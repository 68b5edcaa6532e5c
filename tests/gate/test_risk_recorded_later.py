"""Words on weights that somebody records later count for what was spent, as if they had been there when it was said."""

from __future__ import annotations

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
