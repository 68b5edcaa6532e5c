"""Ways to a farther end by a forecast: each makes a bound larger, or changes none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from book import Book, digest
from forecast_books import DOMAIN, FAR, LAST, G, again, as_it_is, end, points, roles, saved, unannounced
from hypothesis import given, settings
from hypothesis import strategies as st
from test_assumptions import broke, restored

from elicited_support import probe, told
from foreseen import FORECAST, RESULTS, fields, go_on, measured, put
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import end_of
from scalegate.gate.foreseeing import foresee
from scalegate.ledger import entries as kinds
from scalegate.policy.semantics import Unknown

CLIMBS = ((G // 100, 0), (G // 50, 0), (8 * G, 0), (17 * G, 12))


def test_what_is_not_conclusive_makes_none_of_the_three() -> None:
    book = saved((18 * G, 6))
    as_it_is(book, 0)
    as_it_is(book, 1)
    assert roles(book) == [("counts", 6)]
    known = derive_facts(FORECAST, book.situation(), "train")["arithmetic.forecast.end"]
    assert isinstance(known, Unknown)
    assert "results at 2 more amounts of compute" in known.detail
    assert book.decide("r", FAR).verdict == "HOLD"


@pytest.mark.parametrize("weak", [0, 1, 13, 60])
def test_a_weak_result_far_below_makes_a_permit_no_longer(weak: int) -> None:
    book = saved((5 * G, 3), (10 * G, 4), (18 * G, 14))
    before = end(book)
    as_it_is(book, weak)
    assert end(book) <= before
    assert book.decide("r", FAR).verdict == "HOLD"


def test_a_conclusive_zero_far_below_makes_a_permit_no_longer() -> None:
    short = measured(results=((5 * G, 3), (10 * G, 4), (18 * G, 14)))
    longer = measured(results=((1000, 0), (5 * G, 3), (10 * G, 4), (18 * G, 14)))
    assert end(longer) <= end(short) < FAR


def test_results_that_rest_on_what_broke_make_none_of_the_three() -> None:
    book = measured()
    alarm = broke(book)
    assert end(book) == 0
    for who in ("ada", "grace"):
        assert restored(book, alarm, who) is None
    again(book, 18 * G, 6)
    assert sorted(roles(book)) == [("counts", 6), ("kept", 3), ("kept", 4), ("kept", 6)]
    assert end(book) == 0
    assert book.decide("r", FAR).verdict == "HOLD"


def test_a_second_result_takes_no_climb_out() -> None:
    book = measured(results=CLIMBS)
    before = end(book)
    of = {"evaluation": digest(f"er{8 * G}"), "weights": digest(f"wr{8 * G}")}
    book.put(kinds.EvaluationFinished, successes=0, **of)
    assert ("kept", 0) in roles(book)
    assert end(book) <= before < FAR


def test_a_break_that_is_restored_takes_no_climb_out() -> None:
    book = measured(results=CLIMBS)
    before = end(book)
    alarm = broke(book)
    for who in ("ada", "grace"):
        assert restored(book, alarm, who) is None
    for flops, successes in (CLIMBS[0], CLIMBS[1], CLIMBS[3]):
        again(book, flops, successes)
    assert end(book) <= before < FAR


def test_another_runs_word_on_the_compute_of_weights_takes_no_climb_out() -> None:
    book = measured(results=(CLIMBS[0], *CLIMBS[2:]))
    before = end(book)
    other = {"run": "s", "session": digest("ss")}
    book.put(kinds.RunOpened, start_weights=digest("s0"), **other)
    book.decide("s", 1000)
    book.put(kinds.ComputeReserved, use="training", flops=1000, **other)
    book.put(kinds.WeightsRecorded, weights=digest(f"wr{8 * G}"), trained=1000, **other)
    assert [it.compute for it in points(book) if it.contested] == [1000]
    assert 0 == end(book) < before < FAR, "nobody knows whose claim is true, and it may be neither"


def under_a_configuration(book: Book) -> None:
    of = {"evaluation": digest("cf"), "weights": LAST}
    book.put(kinds.EvaluationAnnounced, configuration=digest("tools"), **of)
    book.put(kinds.ComputeReserved, flops=5 * 10**9, evaluation=of["evaluation"])
    book.put(kinds.EvaluationFinished, successes=55, elicitation_flops=5 * 10**9, **of)


@pytest.mark.parametrize(
    "signed",
    [
        unannounced,
        lambda book: unannounced(book, evaluation=digest(f"er{18 * G}")),
        lambda book: unannounced(book, successes=3, elicitation_flops=10**9, elicited=told(10**9, probes=[probe(55)])),
        under_a_configuration,
    ],
    ids=["unannounced", "second", "probe", "configuration"],
)
def test_what_an_evaluator_signed_of_the_weights_ends_it_as_the_score_would(signed: Any) -> None:
    book = measured()
    plain = end(book)
    signed(book)
    scored = measured(results=RESULTS[:2])
    go_on(scored, 18 * G, 10 * G, 55)
    assert end(book) <= end(scored) < plain


def test_a_probe_of_a_conclusive_result_ends_it_too() -> None:
    book = measured(results=RESULTS[:2])
    go_on(book, 18 * G, 10 * G, 6, elicited=told(5 * 10**9, probes=[probe(55)]))
    assert ("raises", 55) in roles(book)
    assert end(book) < end(measured())


def test_going_back_from_a_branch_that_climbed_gains_nothing() -> None:
    book = measured(results=((2 * G, 0), (8 * G, 0), (14 * G, 0), (17 * G, 50)))
    assert end(book) < FAR
    book.put(kinds.RunOpened, session=digest("again"), start_weights=digest(f"wr{14 * G}"))
    assert ("kept", 50) in roles(book)
    assert end(book) <= 17 * G
    assert book.decide("r", FAR).verdict == "HOLD"


@settings(deadline=None)
@given(
    results=st.lists(st.integers(0, 40), min_size=3, max_size=4),
    signed=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 80), st.booleans()), min_size=1, max_size=3),
)
def test_nothing_that_is_signed_beside_makes_an_end_farther(
    results: list[int], signed: Sequence[tuple[int, int, bool]]
) -> None:
    at = [2 * G * 2**step for step in range(len(results))]
    book = measured(results=list(zip(at, results, strict=True)))
    before = end(book)
    for which, successes, second in signed:
        weights = at[which % len(at)]
        if second:
            of = {"evaluation": digest(f"er{weights}"), "weights": digest(f"wr{weights}")}
            book.put(kinds.EvaluationFinished, successes=successes, **of)
        else:
            as_it_is(book, successes, weights)
    after = end(book)
    assert after <= before


def test_no_forecast_of_little_confidence_or_few_results_is_taken() -> None:
    book = measured()
    given_ = fields(book)
    refused = put(book, **(given_ | {"confidence": "0.5"}))
    assert refused is not None
    assert "at a confidence of 50%" in refused
    few = measured(results=RESULTS[:2])
    refused = few.put(
        kinds.ForecastMade, "evaluator", **(given_ | {"points": points(few), "policy": FORECAST.digest()})
    ).refused
    assert refused is not None
    assert "results at 2 amounts of compute make no bound" in refused
    rows = [*given_["rows"][:-1], {**given_["rows"][-1], "compute": str(10 * int(given_["rows"][-1]["compute"]))}]
    refused = put(book, **(given_ | {"rows": rows}))
    assert refused is not None
    assert "further ahead than 4x its last result" in refused


def test_a_run_that_saved_too_little_before_is_told_no_way_that_it_does_not_have() -> None:
    """It may train no further, and no other weights of it can be evaluated."""
    book = measured(results=((195 * 10**9, 0),))
    held = book.decide("r", FAR)
    assert held.resumption is not None
    said = [fact.text for way in held.resumption.sets for fact in way]
    assert not [it for it in said if "more recorded weights" in it]
    assert not held.resumption.stop
    assert {fact.concerns[0] for way in held.resumption.sets for fact in way} == {"safeguard", "approval"}
    saved_more = saved((1000 * 1000, 0), (195 * 10**9, 0))
    ways = saved_more.decide("r", FAR).resumption
    assert ways is not None
    assert not ways.stop, "weights at 1000 FLOP are recorded, and were not evaluated"
    young = measured(results=((15 * G, 0),)).decide("r", FAR).resumption
    assert young is not None
    assert not young.stop, "it may save more before its first evaluation is due"


def test_an_honest_run_of_no_successes_gets_half_as_much_again() -> None:
    book = measured(results=((G, 0), (4 * G, 0), (16 * G, 0)))
    found = foresee(FORECAST, book.situation(), DOMAIN)
    assert put(book) is None
    (forecast,) = book.situation().forecasts
    assert Fraction(7, 5) < Fraction(end_of(forecast, DOMAIN.alarm), 16 * G) < Fraction(3, 2)
    assert found.found.rows[-1][1] > Fraction(99, 100), "what is under what can be seen may rise as steeply as any"
