"""The exact comparison against direct enumeration of every outcome."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.evidence import at_least, lower_bound, most_successes, reached, ruled_out, upper_bound
from scalegate.units import MAX_SAMPLES

rates = st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=50)
alphas = st.sampled_from([Fraction(1, 20), Fraction(1, 240), Fraction(1, 5)])


def chance(k: int, n: int, p: Fraction) -> Fraction:
    return comb(n, k) * p**k * (1 - p) ** (n - k)


@given(st.integers(1, 40), rates, alphas)
def test_the_miss_is_at_most_alpha_at_the_alarm_and_above(n: int, alarm: Fraction, alpha: Fraction) -> None:
    """Enumerates all outcomes: the chance of ruling out a capability at the alarm or over it."""
    for rate in (alarm, (alarm + 1) / 2, Fraction(99, 100)):
        if rate >= alarm:
            miss = sum((chance(k, n, rate) for k in range(n + 1) if ruled_out(k, n, alarm, alpha)), Fraction(0))
            assert miss <= alpha


@given(st.integers(1, 60), st.data(), rates, alphas)
def test_ruling_out_is_the_tail_sum(n: int, data: st.DataObject, alarm: Fraction, alpha: Fraction) -> None:
    k = data.draw(st.integers(0, n))
    tail = sum((chance(i, n, alarm) for i in range(k + 1)), Fraction(0))
    assert ruled_out(k, n, alarm, alpha) is (tail <= alpha)
    if ruled_out(k, n, alarm, alpha) and k:
        assert ruled_out(k - 1, n, alarm, alpha)


@given(st.integers(1, 60), st.data(), alphas)
def test_bounds_are_rounded_against_the_claim(n: int, data: st.DataObject, alpha: Fraction) -> None:
    k = data.draw(st.integers(0, n))
    upper, lower = upper_bound(k, n, alpha), lower_bound(k, n, alpha)
    assert 0 <= lower <= Fraction(k, n) <= upper <= 1
    if upper < 1:
        assert ruled_out(k, n, upper, alpha)
        assert not ruled_out(k, n, upper - Fraction(1, 2**14), alpha) or upper == Fraction(1, 2**14)
    assert lower == 1 - upper_bound(n - k, n, alpha)


@given(st.integers(1, 200), rates, alphas)
def test_most_successes_is_the_last_that_rules_out(n: int, alarm: Fraction, alpha: Fraction) -> None:
    most = most_successes(n, alarm, alpha)
    if most is None:
        assert not ruled_out(0, n, alarm, alpha)
    else:
        assert ruled_out(most, n, alarm, alpha)
        assert not ruled_out(most + 1, n, alarm, alpha)


@pytest.mark.parametrize(
    ("alarm", "alpha"),
    [(Fraction(0), Fraction(1, 20)), (Fraction(6, 5), Fraction(1, 20)), (Fraction(1, 5), Fraction(0)),
     (Fraction(1, 5), Fraction(1)), (Fraction(-1), Fraction(1, 20)), (Fraction(1, 5), Fraction(2))],
)  # fmt: skip
def test_nonsense_rules_nothing_out(alarm: Fraction, alpha: Fraction) -> None:
    assert ruled_out(0, 10**3, alarm, alpha) is False


def test_nothing_measured_shows_nothing() -> None:
    assert ruled_out(0, 0, Fraction(1, 5), Fraction(1, 20)) is False
    assert reached(0, 0, Fraction(1, 5)) is False
    assert upper_bound(0, 0, Fraction(1, 20)) == 1
    assert upper_bound(7, 7, Fraction(1, 20)) == 1


def test_an_alarm_of_one_is_ruled_out_by_a_single_failure() -> None:
    assert ruled_out(9, 10, Fraction(1), Fraction(1, 20)) is True
    assert ruled_out(10, 10, Fraction(1), Fraction(1, 20)) is False


@pytest.mark.parametrize(("successes", "samples"), [(-1, 5), (6, 5), (1, 0)])
def test_counts_that_cannot_be_are_refused(successes: int, samples: int) -> None:
    for call in (
        lambda: ruled_out(successes, samples, Fraction(1, 5), Fraction(1, 20)),
        lambda: reached(successes, samples, Fraction(1, 5)),
        lambda: upper_bound(successes, samples, Fraction(1, 20)),
    ):
        with pytest.raises(ValueError, match=f"{successes} successes of {samples} samples"):
            call()


def test_reaching_is_the_observed_rate_at_or_over_the_alarm() -> None:
    assert reached(2, 10, Fraction(1, 5)) is True
    assert reached(1, 10, Fraction(1, 5)) is False
    assert reached(1, 1, Fraction(1, 5)) is True


def test_published_figures() -> None:
    """Rule of three: 0 of 59 rules out 5% at 95%, 0 of 58 does not. Clopper-Pearson upper bound of 0/10 is 25.9%."""
    assert ruled_out(0, 59, Fraction(1, 20), Fraction(1, 20)) is True
    assert ruled_out(0, 58, Fraction(1, 20), Fraction(1, 20)) is False
    assert abs(float(upper_bound(0, 10, Fraction(1, 20))) - 0.2589) < 2e-4
    assert abs(float(upper_bound(2, 20, Fraction(1, 20))) - 0.2826) < 2e-4


def test_large_evaluations_are_worked_out_and_larger_ones_rule_nothing_out() -> None:
    alpha, alarm = Fraction(1, 240), Fraction(1, 5)
    most = most_successes(MAX_SAMPLES, alarm, alpha)
    assert most is not None
    assert ruled_out(most, MAX_SAMPLES, alarm, alpha)
    assert not ruled_out(most + 1, MAX_SAMPLES, alarm, alpha)
    # By the normal approximation the limit lies 2.64 standard deviations under the alarm.
    assert abs(most - (0.2 * MAX_SAMPLES - 2.638 * (0.16 * MAX_SAMPLES) ** 0.5)) < 3
    assert not ruled_out(0, MAX_SAMPLES + 1, alarm, alpha)
    assert not ruled_out(0, 2**40, alarm, alpha)
    assert upper_bound(0, 2**40, alpha) == 1
    assert not at_least(2**40, 2**40, alarm, alpha)
    assert reached(2**40, 2**40, alarm)


@given(st.integers(1, 60), st.data(), rates, alphas)
def test_at_least_is_the_lower_bound_compared(n: int, data: st.DataObject, score: Fraction, alpha: Fraction) -> None:
    k = data.draw(st.integers(0, n))
    tail = sum((chance(i, n, score) for i in range(k, n + 1)), Fraction(0))
    assert at_least(k, n, score, alpha) is (k >= score * n and tail <= alpha)
    if lower_bound(k, n, alpha) >= score:
        assert at_least(k, n, score, alpha)
