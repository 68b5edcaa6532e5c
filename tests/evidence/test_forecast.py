"""Upper bounds on the next generation: what they are made of, and that the back-test forecasts nothing from itself."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from families import families
from scalegate.evidence.backtest import RIVALS, backtest, tallied
from scalegate.evidence.forecast import Pair, Point, generations, learn, least_pairs, pinball, pooled, quantile


def test_the_next_one_is_the_first_with_so_much_more_compute() -> None:
    points = [Point("f", name, compute, 0.5) for name, compute in (("a", 1.0), ("b", 1.9), ("c", 2.0), ("d", 8.0))]
    named = [(it.before.model, it.after.model) for it in generations([*points, Point("g", "x", 99.0, 0.5)])]
    assert named == [("a", "c"), ("b", "d"), ("c", "d")]
    assert generations(points, growth=9) == ()


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=60), st.floats(0.5, 0.99))
def test_the_quantile_is_one_of_them_and_at_least_so_many_are_no_larger(errors: list[float], level: float) -> None:
    found = quantile(errors, level)
    assert found in errors
    assert sum(it <= found for it in errors) >= min(level * (len(errors) + 1) - 1e-6, len(errors))


def test_too_few_generations_make_no_bound() -> None:
    assert least_pairs(0.95) == 19
    points = families(number=18, models=2)
    with pytest.raises(ValueError, match=r"18 generations are too few: a bound at 0\.95 takes 19"):
        learn(points)
    assert learn(families(number=19, models=2)).pairs == 19


def test_the_curve_is_found_that_the_points_lie_on() -> None:
    curve = pooled(families(noise=0.0, number=200))
    for compute in (10**21.5, 10**22.5, 10**23):
        assert curve.at(compute) == pytest.approx(0.25 + 0.75 / (1 + exp(-1.5 * (log10(compute) - 22.5))), abs=0.06)


@given(st.floats(0.0, 1.0), st.floats(21, 24), st.floats(0, 2), st.floats(0, 2))
def test_more_compute_and_a_better_last_model_lower_no_bound(
    score: float, compute: float, more: float, better: float
) -> None:
    made = learn(families())
    before = Point("new", "m", 10**21.5, score)
    there = made.bound(before, 10**compute)
    assert made.bound(before, 10 ** (compute + more)) >= there
    assert made.bound(replace(before, score=min(score + better / 2, 1.0)), 10**compute) >= there
    assert there >= made.middle(before, 10**compute) or made.margin < 0


def test_bounds_hold_about_as_often_as_they_are_to_and_beat_simpler_ones() -> None:
    cases, short = backtest({"skill": families(number=150)}, 0.9)
    tally = tallied(cases, 0.9)
    assert (short, tally.cases, tally.families) == ((), 300, 150)
    assert 0.86 <= tally.coverage <= 0.94
    assert tally.interval[0] <= tally.coverage <= tally.interval[1]
    assert all(tally.loss < tally.rivals[name] for name in RIVALS)


def test_no_forecast_sees_its_own_family() -> None:
    """Whatever one family came to, its bounds are what they were."""
    points = families()
    other = [replace(it, score=0.99) if (it.family, it.model) == ("f3", "m2") else it for it in points]
    bounds = [
        {it.pair.after.model: it.bound for it in backtest({"s": given})[0] if it.pair.before.family == "f3"}
        for given in (points, other)
    ]
    assert bounds[0] == bounds[1]


def test_a_jump_that_none_has_shown_is_in_no_bound() -> None:
    points = families(noise=0.01)
    jump = [replace(it, score=0.97) if (it.family, it.model) == ("f3", "m2") else it for it in points]
    tally = tallied(backtest({"s": jump})[0])
    assert tally.worst > 0.1
    assert tally.coverage < 1


def test_where_the_others_have_too_few_nothing_is_forecast() -> None:
    cases, short = backtest({"one": families(number=10, models=2), "two": families()})
    assert short == ("one",)
    assert {it.benchmark for it in cases} == {"two"}
    with pytest.raises(ValueError, match="nothing was forecast"):
        tallied(())


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=40, max_size=40))
def test_the_loss_is_least_at_the_quantile(bound: float, scores: list[float]) -> None:
    right = sorted(scores)[35]  # 36 of 40 are no larger
    mine, best = (sum(pinball(it, at, 0.9) for it in scores) for at in (bound, right))
    assert best <= mine + 1e-9


def test_a_pair_is_data() -> None:
    [pair, *_] = generations(families())
    assert isinstance(pair, Pair)
    assert pair == replace(pair)
