"""Forecasts of one run: what each form says, that the worst counts, and how often the bound of its line holds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from math import comb, exp, log, log10, prod
from operator import le
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families import families
from scalegate.errors import InputError
from scalegate.evidence.ahead import ROWS, Ahead, ahead
from scalegate.evidence.forecast import Point, generations
from scalegate.evidence.matched import matched_compute
from scalegate.evidence.reference import read_reference
from scalegate.evidence.results import Basis, Own
from through import righted

LEVEL = Fraction(95, 100)


def own(*results: tuple[float, int], samples: int = 400) -> list[Own]:
    return [Own(int(compute), many, samples, samples, place=at) for at, (compute, many) in enumerate(results)]


def bounds(found: Ahead, form: str) -> tuple[Fraction, ...]:
    return next(it.bounds for it in found.forms if it.name == form)


def test_every_form_is_shown_and_the_largest_bound_counts() -> None:
    found = ahead(own((1e10, 3), (4e10, 6), (16e10, 20)), LEVEL)
    assert [it.name for it in found.forms] == ["persistence", "steepest", "line"]
    for at, (_, bound) in enumerate(found.rows):
        assert bound == max(it.bounds[at] for it in found.forms)
    assert len(found.rows) <= ROWS
    assert found.rows[0][0] == 16 * 10**10
    assert found.rows[-1][0] <= 256 * 10**10, "no further ahead than the results are apart"
    assert all(one[0] < two[0] and one[1] <= two[1] for one, two in pairwise(found.rows))


def test_what_a_form_missed_before_is_added_to_it() -> None:
    steady = ahead(own((1e10, 4), (4e10, 4), (16e10, 4)), LEVEL)
    jumped = ahead(own((1e10, 4), (4e10, 4), (16e10, 30)), LEVEL)
    assert [float(it.missed) for it in steady.forms] == [0, 0, 0]
    assert all(it.missed > 3 for it in jumped.forms), "each was over what it said from the first two"
    assert bounds(jumped, "persistence")[-1] > Fraction(2, 5)


def test_where_everything_is_solved_the_bound_is_one() -> None:
    found = ahead(own((1e10, 1), (4e10, 60), (16e10, 60), samples=60), LEVEL)
    assert {bound for _, bound in found.rows} == {1}


def test_too_few_results_make_no_bound() -> None:
    for results in ([], [(1e10, 3)], [(1e10, 3), (4e10, 3)], [(1e10, 3)] * 3, [(1e10, 3), (4e10, 3), (4e10, 9)]):
        with pytest.raises(InputError, match=r"there is no result|its own line takes 3"):
            ahead(own(*results), LEVEL)


def test_a_result_that_came_out_lower_at_more_compute_makes_no_bound_lower() -> None:
    results = [(1e10, 4), (4e10, 10), (16e10, 20)]
    assert ahead(own(*results[:2], (16e10, 10)), LEVEL).rows == ahead(own(*results[:2], (16e10, 1)), LEVEL).rows


def test_samples_that_a_rule_did_not_take_are_successes_where_its_bound_is_too_weak() -> None:
    results = own((1e10, 4), (4e10, 4))
    ended = Own(16 * 10**10, 2, 100, 400, Fraction(6, 100))
    sure, unsure = (ahead([*results, ended], LEVEL, error=Fraction(error)) for error in ("0.002", "0.01"))
    assert bounds(sure, "persistence")[0] == Fraction(6, 100) + Fraction(1, 10**6)
    assert bounds(unsure, "persistence")[0] > Fraction(3, 4)


def test_a_reference_bounds_a_single_result_within_what_it_has_seen() -> None:
    table = families(number=40, models=3)
    start = sorted({it.compute for it in table})
    least, most = start[0], start[-1]
    found = ahead(own((least * 1.01, 120)), LEVEL, table)
    assert [it.name for it in found.forms] == ["persistence", "reference"]
    farthest = max(it.after.compute / it.before.compute for it in generations(table))
    assert found.rows[-1][0] <= min(least * 1.01 * farthest, most) * 1.001
    assert [name for name, _ in found.silent] == ["steepest", "line"]
    with pytest.raises(InputError, match="the reference goes from"):
        ahead(own((least / 100, 120)), LEVEL, table)
    with pytest.raises(InputError, match="generations are too few"):
        ahead(own((least * 1.01, 120)), LEVEL, families(number=3, models=2))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1.05, 2.0, 5.0])), min_size=3, max_size=6),
    st.integers(1, 30),
)
def test_more_that_was_shown_last_makes_no_bound_lower(results: list[tuple[int, float]], more: int) -> None:
    at, made = 1e10, []
    for successes, growth in results:
        made.append((at, successes))
        at *= growth
    last, many = made[-1]
    worse = [*made[:-1], (last, many + more)]
    before, after = ahead(own(*made), LEVEL), ahead(own(*worse), LEVEL)
    assert [it for it, _ in before.rows] == [it for it, _ in after.rows]
    again = righted(made, worse, 400, LEVEL)
    later = {it.name: it for it in after.forms}
    for one in before.forms:
        assert (one.name == "line" and again) or all(map(le, one.bounds, later[one.name].bounds)), one.name


@pytest.mark.parametrize("rates", [(-4.0, 0.7), (-2.0, 0.3), (-1.0, 0.0), (-3.0, 1.5)])
def test_where_log_odds_are_on_a_line_its_bound_is_over_the_truth_as_often_as_it_says(
    rates: tuple[float, float],
) -> None:
    """By every outcome there is, each with its chance: not by drawing some."""
    start, rise = rates
    samples, true = 9, [1 / (1 + exp(-(start + rise * step))) for step in range(4)]
    level, held = Fraction(8, 10), 0.0
    for outcome in product(range(samples + 1), repeat=3):
        results = own(*((4.0**step * 1e10, many) for step, many in enumerate(outcome)), samples=samples)
        found = ahead(results, level, computes=[4**3 * 10**10])
        chance = 1.0
        for many, rate in zip(outcome, true, strict=False):
            chance *= comb(samples, many) * rate**many * (1 - rate) ** (samples - many)
        held += chance * (found.rows[0][1] >= true[3])
    assert held >= float(level)


def too_far(at: tuple[float, ...], last: float, slope: float, samples: int = 400) -> float:
    """The chance that a forecast goes on past where the true rate meets an alarm of 0.2, by every outcome that has one.

    The true log odds are a line of that slope for each tenfold of compute, and the rate is `last` at the last of `at`.
    """
    start = log(last / (1 - last))
    true = [1 / (1 + exp(-(start + slope * log10(it / at[-1])))) for it in at]
    meets = at[-1] * 10 ** ((log(0.25) - start) / slope)
    likely = []
    for rate in true:
        chances = {many: comb(samples, many) * rate**many * (1 - rate) ** (samples - many) for many in range(120)}
        likely.append({many: chance for many, chance in chances.items() if chance > 1e-4})
    failing = 0.0
    for outcome in product(*likely):
        rows = ahead(own(*zip(at, outcome, strict=True), samples=samples), LEVEL).rows
        end = max((compute for compute, bound in rows if bound < Fraction(1, 5)), default=0)
        failing += prod(by[many] for by, many in zip(likely, outcome, strict=True)) * (end > meets)
    return failing


EMERGING = [((1e10, 4e10, 16e10), rate) for rate in (0.001, 0.01, 0.045)]
"""Results as far apart as in what is told of such forecasts, and the true rate at the last."""


@pytest.mark.parametrize("slope", [8.0, 16.0])
@pytest.mark.parametrize(("at", "last"), EMERGING)
def test_a_capability_that_emerges_no_steeper_than_is_allowed_for_is_passed_as_seldom_as_is_said(
    at: tuple[float, ...], last: float, slope: float
) -> None:
    assert too_far(at, last, slope) <= 1 - float(LEVEL)


@pytest.mark.parametrize(("slope", "least", "most"), [(24.0, 0, 0.1), (32.0, 0.4, 0.5), (64.0, 0.99, 1)])
def test_one_that_emerges_steeper_is_passed_the_more_often(slope: float, least: float, most: float) -> None:
    """What is not promised, told so that nobody reads it into the bound."""
    assert least <= too_far((1e10, 4e10, 16e10), 0.01, slope) <= most


def test_results_that_a_float_does_not_tell_apart_are_of_one_amount() -> None:
    near = [Own(10**24, 0, 400, 400), Own(10**24 + 10**7, 0, 400, 400)]
    with pytest.raises(InputError, match="results at 2 amounts"):
        ahead([*near, Own(10**25, 3, 400, 400)], LEVEL)
    assert ahead([Own(10**23, 0, 400, 400), *near, Own(10**25, 3, 400, 400)], LEVEL).rows


def test_a_steep_rise_between_near_results_is_seen() -> None:
    wide = own((1e10, 4), (4e10, 4), (16e10, 4), (18e10, 40))
    found = ahead(wide, LEVEL)
    assert bounds(found, "steepest")[4] > Fraction(3, 10)


CLIMBS = st.lists(st.tuples(st.integers(0, 60), st.sampled_from([1.05, 2.0, 5.0])), min_size=3, max_size=5)
ALARMS = [Fraction(it, 20) for it in range(1, 20)]


def climbed(climb: list[tuple[int, float]]) -> list[Own]:
    at, made = 1e10, []
    for successes, growth in climb:
        made.append((at, successes))
        at *= growth
    return own(*made)


def ends(results: list[Own]) -> list[float]:
    """For each alarm up to where the bound is under it; nowhere, where there is none."""
    try:
        rows = ahead(results, LEVEL).rows
    except InputError:
        return [0.0] * len(ALARMS)
    under = [[at for at, bound in rows if bound < alarm] for alarm in ALARMS]
    return [float(max(it, default=0)) for it in under]


def no_farther(before: list[Own], after: list[Own]) -> bool:
    """Rows are of other amounts where the last one is: an end may be a row off, and no more."""
    step = 1.13
    return all(one <= two * step for one, two in zip(ends(after), ends(before), strict=True))


@settings(max_examples=40)
@given(CLIMBS, st.data())
def test_nothing_but_a_result_past_all_others_moves_an_end_farther(climb: list[tuple[int, float]], data: Any) -> None:
    results = climbed(climb)
    for _ in range(data.draw(st.integers(1, 3))):
        within: tuple[Basis, ...] = data.draw(st.sampled_from([("kept", "tried"), ("tried",), ()]))
        compute = data.draw(st.sampled_from([1000, *(it.compute for it in results), results[-1].compute * 3]))
        many = data.draw(st.sampled_from([0, 1, 30, 200, 400]))
        # What a base takes comes after all that it has.
        more = Own(compute if within else 0, many, 400, 400, within=within, place=len(results) if within else 0)
        assert no_farther(results, [*results, more])
        results = [*results, more]


@settings(max_examples=40)
@given(CLIMBS, st.data())
def test_nor_does_one_that_no_longer_counts(climb: list[tuple[int, float]], data: Any) -> None:
    results = whole = climbed(climb)
    for at in data.draw(st.lists(st.integers(0, len(results) - 1), min_size=1, max_size=2, unique=True)):
        left: tuple[Basis, ...] = data.draw(st.sampled_from([("kept", "tried"), ("tried",), ()]))
        spoiled = [*results[:at], replace(results[at], within=left), *results[at + 1 :]]
        assert no_farther(results, spoiled)
        again = replace(results[at], successes=data.draw(st.integers(0, 60)), within=("counts",))
        assert no_farther(whole, [*spoiled, again])
        results = spoiled


def of_clusters(results: list[Own], least: list[int]) -> list[Own]:
    return [replace(it, least=many) for it, many in zip(results, least, strict=True)]


def test_a_forecast_is_bounded_by_clusters_where_they_are_told() -> None:
    singles = own((1e10, 20), (4e10, 28), (16e10, 40))
    plain = ahead(singles, LEVEL).rows[-1][1]
    assert ahead(of_clusters(singles, [20, 28, 40]), LEVEL).rows[-1][1] > plain, "such a mean may be farther off"
    eased = of_clusters(own((1e10, 40), (4e10, 48), (16e10, 60)), [20, 28, 40])
    assert ahead(eased, LEVEL).rows[-1][1] > plain, "one large cluster that succeeds makes no rise look smaller"


def test_a_table_is_read_or_refused_with_its_line() -> None:
    good = b"family,model,compute,score\na,one,1e20,0.1\na,two,1e21,0.2\n"
    assert read_reference(good)[1] == Point("a", "two", 1e21, 0.2)
    for data, why in (
        (b"family,model,compute\n", "no column `score`"),
        (good + b"a,three,many,0.3\n", "line 4 .* no number"),
        (good + b"a,three,1e22,1.5\n", "line 4 .* no score from 0 to 1"),
        (good + b"a,three,inf,0.5\n", "line 4 "),
        (good + b",three,1e22,0.5\n", "line 4 .* no family"),
        (b"\xff\xfe", "no table"),
    ):
        with pytest.raises(InputError, match=why):
            read_reference(data)


def test_compute_by_loss_is_between_two_models_rounded_up_and_nowhere_else() -> None:
    rows = [(1e20, 4.0), (1e22, 1.0)]
    middle = matched_compute(rows, 2.0)
    assert 10**21 <= middle <= 10**21 * (1 + 1e-6)
    assert matched_compute(rows, 4.0) >= 10**20
    for wrong in (0.99, 4.01, float("nan")):
        with pytest.raises(InputError, match="outside the reference"):
            matched_compute(rows, wrong)
    for table in ([], rows[:1], [*rows, (1e23, 1.0)], [(1e20, 4.0), (1e20, 3.0)], [(0.0, 4.0), (1e22, 1.0)]):
        with pytest.raises(InputError, match="reference"):
            matched_compute(table, 2.0)


@given(st.floats(1.0, 4.0), st.floats(1.0, 4.0))
def test_less_loss_takes_no_less_compute(one: float, other: float) -> None:
    rows = [(1e20, 4.0), (1e21, 2.5), (1e22, 1.0)]
    low, high = sorted((one, other))
    assert matched_compute(rows, low) >= matched_compute(rows, high)
