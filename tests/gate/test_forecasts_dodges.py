"""Ways to a farther end by a forecast: each makes a bound larger, or changes none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
from book import Book, digest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_assumptions import broke, restored

from elicited_support import probe, told
from foreseen import FORECAST, RESULTS, fields, go_on, measured, put
from scalegate.errors import InputError
from scalegate.evidence.results import role_of
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import end_of, points_in
from scalegate.gate.foreseeing import foresee
from scalegate.ledger import entries as kinds
from scalegate.ledger.forecast_entry import ForecastPoint
from scalegate.policy.semantics import Unknown

G = 10**10
FAR = 3 * 10**11
DOMAIN = FORECAST.domains[0]
LAST = digest(f"wr{18 * G}")
CRASHES = [(6, 399, 1, "completed"), (6, 380, 20, "completed"), (0, 3, 0, "aborted"), (0, 0, 0, "aborted")]
CLIMBS = ((G // 100, 0), (G // 50, 0), (8 * G, 0), (17 * G, 12))


def points(book: Book) -> tuple[ForecastPoint, ...]:
    return points_in(FORECAST, DOMAIN, book.situation())


def roles(book: Book) -> list[tuple[str, int]]:
    return [(role_of(it.within), it.successes) for it in points(book)]


def end(book: Book) -> int:
    """How far a new forecast lets the run go; 0: nowhere, or there is none."""
    with suppress(InputError):
        assert put(book) is None
    known = derive_facts(FORECAST, book.situation(), "train")["arithmetic.forecast.end"]
    return 0 if isinstance(known, Unknown) else int(known)  # type: ignore[call-overload]


def saved(*results: tuple[int, int]) -> Book:
    """A run that recorded weights at 1000 FLOP before it was first evaluated."""
    book = Book.adopted(FORECAST)
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened)
    book.decide("r", 1000)
    book.put(kinds.ComputeReserved, use="training", flops=1000)
    book.put(kinds.WeightsRecorded, weights=digest("wr1000"), trained=1000)
    before = 1000
    for flops, successes in results:
        go_on(book, flops, before, successes)
        before = flops
    return book


def as_it_is(book: Book, successes: int, flops: int = 1000) -> None:
    of = {"evaluation": digest(f"weak {book.time}"), "weights": digest(f"wr{flops}")}
    book.put(kinds.EvaluationAnnounced, elicitation="none", **of)
    assert book.put(kinds.EvaluationFinished, elicitation_flops=0, successes=successes, **of).refused is None


def again(book: Book, flops: int, successes: int) -> None:
    of = {"evaluation": digest(f"again {flops}"), "weights": digest(f"wr{flops}")}
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, flops=4 * 10**9, evaluation=of["evaluation"])
    assert book.put(kinds.EvaluationFinished, successes=successes, elicitation_flops=4 * 10**9, **of).refused is None


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


def unannounced(book: Book, **more: Any) -> None:
    book.put(kinds.EvaluationFinished, **({"evaluation": digest("un"), "weights": LAST, "successes": 55} | more))


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
    assert held.resumption.stop
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


SAVED = ((2 * G, 0), (16 * G, 0), (17 * G, 0), (18 * G, 6))
"""None at first, and then some: what counts as less than it is, or is left out, is one of these."""


def four(skipped: int | None = None) -> Book:
    """Four that were recorded, of which one may be without a result."""
    book = measured(results=SAVED[:2])
    for flops, before, successes in ((17 * G, 16 * G, 0), (18 * G, 17 * G, 6)):
        if flops == skipped:
            book.decide("r", book.situation("r").lineage.compute + flops - before)
            book.put(kinds.ComputeReserved, use="training", flops=flops - before)
            book.put(kinds.WeightsRecorded, weights=digest(f"wr{flops}"), trained=flops)
        else:
            go_on(book, flops, before, successes)
    return book


def spoiled(book: Book, flops: int, name: str = "er") -> None:
    unannounced(book, evaluation=digest(f"{name}{flops}"), weights=digest(f"wr{flops}"), successes=0)


def test_a_result_less_reaches_no_farther() -> None:
    assert 18 * G < end(four(17 * G)) <= end(four()) < FAR
    near = end(measured(results=((2 * G, 6), (16 * G, 6), (17 * G, 6), (18 * G, 6))))
    assert end(measured(results=((2 * G, 6), (16 * G, 6), (18 * G, 6)))) <= near, "near ones say no less"


def test_a_result_that_comes_late_drops_none() -> None:
    whole = end(four())
    book = measured(results=SAVED[:2])
    go_on(book, 18 * G, 16 * G, 6)
    early = {"evaluation": digest("early"), "weights": digest(f"wr{16 * G}")}
    book.put(kinds.EvaluationAnnounced, **early)
    book.put(kinds.ComputeReserved, flops=4 * 10**9, evaluation=early["evaluation"])
    before = end(book)
    book.put(kinds.EvaluationFinished, successes=6, elicitation_flops=4 * 10**9, **early)
    assert end(book) <= max(before, whole)
    assert roles(book) == [("counts", 0), ("counts", 0), ("raises", 6), ("counts", 6)]


def test_one_that_was_spoiled_stays_in_the_bases_whatever_was_tried_after_it() -> None:
    book = four()
    honest = end(book)
    for flops in (17 * G, 18 * G):
        spoiled(book, flops)
        assert end(book) <= honest
    again(book, 18 * G, 6)
    assert end(book) <= honest
    assert book.decide("r", FAR).verdict == "HOLD"


def test_the_first_of_all_to_be_evaluated_shuts_nothing_out_that_is_on_the_way() -> None:
    book = Book.adopted(FORECAST)
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened)
    before = 0
    for flops, _ in SAVED:
        book.decide("r", book.situation("r").lineage.compute + flops - before)
        book.put(kinds.ComputeReserved, use="training", flops=flops - before)
        book.put(kinds.WeightsRecorded, weights=digest(f"wr{flops}"), trained=flops)
        before = flops
    again(book, 18 * G, 6)
    spoiled(book, 18 * G, "again ")
    for flops, successes in SAVED:
        of = {"evaluation": digest(f"e{flops}"), "weights": digest(f"wr{flops}")}
        book.put(kinds.EvaluationAnnounced, **of)
        book.put(kinds.ComputeReserved, flops=4 * 10**9, evaluation=of["evaluation"])
        book.put(kinds.EvaluationFinished, successes=successes, elicitation_flops=4 * 10**9, **of)
    honest = end(book)
    assert 18 * G < honest <= end(four())
    spoiled(book, 17 * G, "e")
    assert 0 < end(book) <= honest


def test_a_log_that_completes_what_was_taken_up_stays_where_that_was() -> None:
    of = {"evaluation": digest("late"), "weights": digest(f"wr{17 * G}")}
    said = {"successes": 0, "completed": 400, "log": digest("one log"), "elicitation_flops": 4 * 10**9}
    book = measured(results=SAVED[:2])
    book.decide("r", book.situation("r").lineage.compute + G)
    book.put(kinds.ComputeReserved, use="training", flops=G)
    book.put(kinds.WeightsRecorded, weights=of["weights"], trained=17 * G)
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, flops=4 * 10**9, evaluation=of["evaluation"])
    assert book.put(kinds.EvaluationFinished, status="aborted", **said, **of).refused is None
    go_on(book, 18 * G, 17 * G, 6)
    assert 0 < end(book) <= end(four())
    before = end(book)
    assert book.put(kinds.EvaluationFinished, status="completed", **said, **of).refused is None
    assert 0 < end(book) == before, "nothing is past what there was a forecast of"
    assert [role for role, _ in roles(book)] == ["counts"] * 4


def test_what_is_over_its_attempts_by_another_runs_is_put_back() -> None:
    """A teacher with evaluations of its own, which come first: of a run that declares it the last is one too many."""
    attempts = FORECAST.budget.evaluations
    ends = []
    for teacher in (False, True):
        book = Book.adopted(FORECAST)
        book.put(kinds.TierStatus)
        book.put(kinds.RunOpened)
        other = {"run": "x", "session": digest("sx")}
        book.put(kinds.RunOpened, start_weights=digest("x0"), **other)
        book.decide("x", G // 100)
        book.put(kinds.ComputeReserved, use="training", flops=G // 100, **other)
        book.put(kinds.WeightsRecorded, weights=digest("wx"), trained=G // 100, **other)
        for number in range(attempts - 3):
            of = {"evaluation": digest(f"ex{number}"), "weights": digest("wx")}
            book.put(kinds.EvaluationAnnounced, run="x", **of)
            book.put(kinds.ComputeReserved, flops=5 * 10**9, evaluation=of["evaluation"], **other)
            book.put(kinds.EvaluationFinished, successes=0, elicitation_flops=5 * 10**9, **of)
        before = 0
        for flops, successes in SAVED:
            go_on(book, flops, before, successes)
            before = flops
        parents = [{"weights": LAST, "relation": "initialisation"}]
        parents += [{"weights": digest("wx"), "relation": "teacher"}] if teacher else []
        made = {"run": "r2", "session": digest("s2"), "from_scratch": False, "start_weights": LAST}
        assert book.put(kinds.RunOpened, parents=tuple(parents), **made).refused is None
        found = points_in(FORECAST, DOMAIN, book.situation("r2"))
        assert {it.compute for it in found} >= {flops for flops, _ in SAVED}
        ends.append(_end_of("r2", book))
    assert ends[1] <= ends[0]


def _end_of(run: str, book: Book) -> int:
    with suppress(InputError):
        made = fields(book, run)
        assert book.put(kinds.ForecastMade, "evaluator", **made).refused is None
    known = derive_facts(FORECAST, book.situation(run), "train")["arithmetic.forecast.end"]
    return 0 if isinstance(known, Unknown) else int(known)  # type: ignore[call-overload]


def test_going_back_takes_no_result_out() -> None:
    book = four()
    honest = end(book)
    book.put(kinds.RunOpened, session=digest("again"), start_weights=digest(f"wr{17 * G}"))
    assert sorted(roles(book)) == [("counts", 0), ("counts", 0), ("counts", 0), ("kept", 6)]
    assert 0 < end(book) <= honest


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(("successes", "completed", "errors", "status"), CRASHES)
def test_a_crash_that_was_measured_again_holds_nobody_for_good(
    successes: int, completed: int, errors: int, status: str, which: int
) -> None:
    flat = ((2 * G, 6), (8 * G, 6), (18 * G, 6))
    whole = end(measured(results=flat))
    said: dict[str, Any] = {"completed": completed, "errors": errors, "status": status}
    book, before = measured(results=()), 0
    for at, (flops, good) in enumerate(flat):
        go_on(book, flops, before, **({"successes": successes} | said if at == which else {"successes": good}))
        if at == which:
            again(book, flops, good)
        before = flops
    assert end(book) == whole


def test_a_branch_that_counts_for_nothing_flattens_nothing() -> None:
    """Results that were evaluated in an odd order are put back together, and nothing else with them."""
    at = (G // 2, 5 * G, 6 * G, 8 * G, 10 * G, 11 * G, 13 * G, 18 * G)
    many = dict(zip(at, (36, 36, 81, 81, 81, 81, 81, 106), strict=True))
    ends = []
    for odd in (False, True):
        book = Book.adopted(FORECAST)
        book.put(kinds.TierStatus)
        book.put(kinds.RunOpened)
        before = 0
        side = 143 * G // 100
        for flops in (at[0], side, *at[1:]):
            if flops == at[1]:
                book.put(kinds.RunOpened, session=digest("back"), start_weights=digest(f"wr{at[0]}"))
                before = at[0]
            session = {"session": digest("back")} if flops >= at[1] else {}
            book.decide("r", book.situation("r").lineage.compute + flops - before)
            book.put(kinds.ComputeReserved, use="training", flops=flops - before, **session)
            book.put(kinds.WeightsRecorded, weights=digest(f"wr{flops}"), trained=flops, **session)
            before = flops
        last = {"session": digest("back")}
        order = (at[7], at[5], at[3], side, at[0], at[1], at[2], at[4], at[6]) if odd else at
        for flops in order:
            of = {"evaluation": digest(f"e{flops}"), "weights": digest(f"wr{flops}")}
            book.put(kinds.EvaluationAnnounced, samples=4000, **of)
            book.put(kinds.ComputeReserved, flops=5 * 10**9, evaluation=of["evaluation"], **last)
            said = {"successes": many.get(flops, 106), "completed": 4000, "elicitation_flops": 5 * 10**9}
            assert book.put(kinds.EvaluationFinished, **said, **of).refused is None
        assert book.faults() == []
        ends.append(end(book))
    assert 18 * G < ends[1] <= ends[0]


def test_many_results_that_only_raise_are_one() -> None:
    book = measured(results=((5 * G, 6), (10 * G, 6), (18 * G, 6)))
    unannounced(book, evaluation=digest("smoke 0"), weights=LAST, successes=7)
    one = end(book)
    for number in range(1, 70):
        unannounced(book, evaluation=digest(f"smoke {number}"), weights=LAST, successes=7)
    assert len(points(book)) == 4
    assert end(book) == one


@pytest.mark.parametrize("announced", [400, 4_000, 40_000])
def test_samples_that_were_announced_and_not_taken_make_less_of_nothing(announced: int) -> None:
    book = measured(results=((5 * G, 6), (10 * G, 6), (18 * G, 6)))
    before = end(book)
    of = {"evaluation": digest("more"), "weights": LAST}
    book.put(kinds.EvaluationAnnounced, samples=announced, **of)
    book.put(kinds.ComputeReserved, flops=4 * 10**9, evaluation=of["evaluation"])
    book.put(kinds.EvaluationFinished, successes=47, completed=400, errors=0, elicitation_flops=4 * 10**9, **of)
    assert ("raises", 47) in roles(book)
    assert end(book) < before


@pytest.mark.parametrize(("samples", "successes"), [(3, 0), (20, 0), (100, 5)])
def test_a_smoke_test_that_is_followed_by_all_that_is_due_holds_nobody(samples: int, successes: int) -> None:
    flat = ((2 * G, 20), (8 * G, 20), (18 * G, 20))
    book, before = measured(results=()), 0
    for flops, good in flat:
        book.decide("r", book.situation("r").lineage.compute + flops - before)
        book.put(kinds.ComputeReserved, use="training", flops=flops - before)
        book.put(kinds.WeightsRecorded, weights=digest(f"wr{flops}"), trained=flops)
        of = {"evaluation": digest(f"smoke {flops}"), "weights": digest(f"wr{flops}")}
        book.put(kinds.EvaluationAnnounced, samples=samples, **of)
        said = {"successes": successes, "completed": samples}
        assert book.put(kinds.EvaluationFinished, **said, **of).refused is None
        again(book, flops, good)
        before = flops
    assert end(book) == end(measured(results=flat))


def test_what_is_too_weak_to_count_flattens_nothing_beside_what_counts() -> None:
    """Under-elicited, on the way, early and high: put back beside a climb it must not make a line of it."""
    ends = []
    for weak in (False, True):
        book = measured(results=((2 * G, 0), (8 * G, 2), (18 * G, 8)))
        if weak:
            of = {"evaluation": digest("weak"), "weights": digest(f"wr{2 * G}")}
            book.put(kinds.EvaluationAnnounced, **of)
            said = {"successes": 8, "completed": 400, "elicitation_flops": 0}
            assert book.put(kinds.EvaluationFinished, **said, **of).refused is None
        ends.append(end(book))
    assert 0 < ends[1] <= ends[0]
