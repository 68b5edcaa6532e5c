"""Ways to a good record, or past a bad one, that are none: by what shows it, by whom, and by what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from elicited_support import control, probe, told
from test_track import ASKS, FLOPS, HEAD, begun, child, evaluated, grown, shown, track

from scalegate.ledger import entries as kinds

SPENT = 10**9
MISSED = ASKS.replace("(arithmetic.missed <= 0 and 1 <= arithmetic.upheld)", "arithmetic.missed <= 0")
CURVE = ({"flops": str(SPENT), "successes": 390, "samples": 400},)


def another(book: Book) -> None:
    """Another run of the developer, whose weights `ws` are ruled out too."""
    book.put(kinds.RunOpened, run="s", session=digest("session of s"), start_weights=digest("start of s"))
    book.decide("s", FLOPS)
    grown(book, FLOPS, "ws", "s")
    evaluated(book, "es", run="s", weights=digest("ws"), flops=SPENT)


@pytest.mark.parametrize("how", [{"probes": [probe(390)]}, {"curve": CURVE}], ids=["probe", "curve"])
def test_what_an_elicitation_shows_beside_its_score_is_a_miss(how: dict[str, Any]) -> None:
    book = begun(policy_of((HEAD, MISSED)))
    another(book)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    shown(book, "w", 3, elicitation_flops=SPENT, elicited=told(SPENT, **how))
    assert track(book) == (2, 1, 0)
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"


def of_control(weights: str, successes: int) -> Any:
    after = {"flops": str(SPENT), "successes": successes, "samples": 400}
    return told(SPENT, control=control(SPENT, weights=digest(weights), after=after))


def with_control(book: Book, weights: str, successes: int, **of: Any) -> None:
    """An elicitation of `w` whose control are those weights."""
    fields = {"evaluation": digest("controlled"), "weights": digest("w")} | of
    book.put(kinds.EvaluationAnnounced, **fields)
    book.put(kinds.ComputeReserved, flops=SPENT, evaluation=fields["evaluation"])
    book.put(kinds.EvaluationFinished, elicitation_flops=SPENT, elicited=of_control(weights, successes), **fields)


@pytest.mark.parametrize("beside", [False, True])
def test_a_control_that_is_another_run_s_counts_against_that_run(*, beside: bool) -> None:
    book = begun()
    another(book)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    if beside:
        shown(book, "of nobody", 3, elicitation_flops=SPENT, elicited=of_control("ws", 390))
    else:
        with_control(book, "ws", 390)
    assert track(book)[1] == 1
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"


def test_a_control_that_shows_nothing_counts_against_nobody() -> None:
    book = begun()
    another(book)
    with_control(book, "ws", 3)
    assert track(book)[1] == 0
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"


def test_a_control_that_grew_from_the_weights_counts_against_what_it_grew_from() -> None:
    book = begun()
    child(book, "s", "w", 10**9, "tuned")
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    with_control(book, "tuned", 390)
    assert track(book)[1] == 1
    assert book.decide("r", 2 * FLOPS).verdict == "HOLD"
