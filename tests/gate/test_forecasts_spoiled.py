"""Results for a forecast that come late, are spoiled, left out or measured again: no end is farther for it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from book import Book, digest
from forecast_books import DOMAIN, FAR, LAST, SAVED, G, again, end, four, points, roles, spoiled, unannounced

from foreseen import FORECAST, fields, go_on, measured
from scalegate.errors import InputError
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import points_in
from scalegate.ledger import entries as kinds
from scalegate.policy.semantics import Unknown

CRASHES = [(6, 399, 1, "completed"), (6, 380, 20, "completed"), (0, 3, 0, "aborted"), (0, 0, 0, "aborted")]


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
    assert 0 < end(book) <= min(before, whole)
    assert roles(book) == [("counts", 0), ("counts", 0), ("counts", 6), ("counts", 6)]


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
    assert book.put(kinds.EvaluationFinished, status="completed", **said, **of).refused is None
    assert end(book) == end(four())
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
    assert 47 in {successes for _, successes in roles(book)}
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
