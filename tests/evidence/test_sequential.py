"""Rules that stop early miss no more often than they say: enumerated exactly, and against every order of outcomes."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.evidence import ruled_out, upper_bound
from scalegate.evidence.rules import Betting, Fixed, betting, fixed, least_samples, sprt
from scalegate.evidence.sequential import Rule, crossings, expected_samples, miss, power

GRID = [(".01", ".1"), (".05", ".2"), (".1", ".2"), (".3", ".5"), (".2", ".7")]
RATES = [(Fraction(below), Fraction(alarm)) for below, alarm in GRID]
ALPHAS = [Fraction(1, 20), Fraction(1, 240)]


def all_rules(below: Fraction, alarm: Fraction, alpha: Fraction, samples: int) -> tuple[Fixed | Betting, ...]:
    ratio = sprt(alarm, alpha, samples, below, Fraction(1, 20))
    return fixed(alarm, alpha, samples), betting(alarm, alpha, samples), ratio


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("below", "alarm"), RATES)
def test_the_miss_is_at_most_alpha_at_the_alarm_and_above(below: Fraction, alarm: Fraction, alpha: Fraction) -> None:
    for samples in (1, 7, 60, 150):
        for rule in all_rules(below, alarm, alpha, samples):
            before = alpha
            for rate in (alarm, (1 + alarm) / 2, Fraction(99, 100)):
                now = miss(rule, rate)
                assert now <= before, "it rules out no more often where there is more"
                before = now


def by_hand(rule: Rule, rate: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """The miss, the power and the mean number of samples, over all outcomes in all orders."""
    missed = powered = mean = Fraction(0)
    for outcomes in product((0, 1), repeat=rule.samples):
        chance = rate ** sum(outcomes) * (1 - rate) ** (rule.samples - sum(outcomes))
        counts = [(sum(outcomes[:n]), n) for n in range(1, rule.samples + 1)]
        verdicts = [rule.verdict(*count) for count in counts]
        missed += chance * ("ruled out" in verdicts)
        end = next(at for at, verdict in enumerate(verdicts) if verdict != "go on")
        powered += chance * (verdicts[end] == "ruled out")
        mean += chance * (end + 1)
    return missed, powered, mean


@pytest.mark.parametrize(("below", "alarm"), RATES)
def test_what_is_enumerated_is_what_all_orders_give(below: Fraction, alarm: Fraction) -> None:
    for rule in all_rules(below, alarm, Fraction(1, 10), 9):
        for rate in (below, alarm):
            assert by_hand(rule, rate) == (miss(rule, rate), power(rule, rate), expected_samples(rule, rate))


@pytest.mark.parametrize(("below", "alarm"), RATES)
def test_each_way_ends_once_and_the_chances_are_whole(below: Fraction, alarm: Fraction) -> None:
    for rule in all_rules(below, alarm, Fraction(1, 20), 40):
        ends = list(crossings(rule, give_up=True))
        whole = sum(n * below**k * (1 - below) ** (at - k) for at, k, n, _ in ends)
        assert whole == 1
        assert len({(at, k) for at, k, *_ in ends}) == len(ends)


@given(st.integers(1, 60), st.data(), st.sampled_from(RATES), st.sampled_from(ALPHAS))
def test_fewer_successes_and_more_samples_without_any_rule_out_no_less(
    samples: int, data: st.DataObject, rates: tuple[Fraction, Fraction], alpha: Fraction
) -> None:
    seen = data.draw(st.integers(0, samples))
    successes = data.draw(st.integers(0, seen))
    for rule in all_rules(*rates, alpha, samples):
        if rule.verdict(successes, seen) == "ruled out":
            assert all(rule.verdict(fewer, seen) == "ruled out" for fewer in range(successes))
            assert seen == samples or rule.verdict(successes, seen + 1) == "ruled out"
            # What is in flight counts as a success: it is nothing that rules out.
            assert rule.bound(successes, seen) <= rule.alarm
        elif rule.verdict(successes, seen) == "not ruled out":
            assert rule.verdict(seen, seen) == "not ruled out"


@given(st.integers(1, 80), st.data(), st.sampled_from(RATES), st.sampled_from(ALPHAS))
def test_one_number_of_samples_says_what_the_exact_test_says(
    samples: int, data: st.DataObject, rates: tuple[Fraction, Fraction], alpha: Fraction
) -> None:
    successes, alarm = data.draw(st.integers(0, samples)), rates[1]
    rule = fixed(alarm, alpha, samples)
    assert (rule.verdict(successes, samples) == "ruled out") is ruled_out(successes, samples, alarm, alpha)
    assert rule.bound(successes, samples) == upper_bound(successes, samples, alpha)
    # Stopped early it says only what no outcome of the rest could change.
    seen = data.draw(st.integers(0, samples))
    some = data.draw(st.integers(0, seen))
    ends = {rule.verdict(some + more, samples) for more in range(samples - seen + 1)}
    assert rule.verdict(some, seen) == (ends.pop() if len(ends) == 1 else "go on")


@pytest.mark.parametrize("rate", [Fraction(1, 50), Fraction(1, 5), Fraction(1, 2), Fraction(4, 5)])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_bound_may_be_looked_at_after_each_sample(rate: Fraction, alpha: Fraction) -> None:
    """The chance that it is ever under the true rate is at most alpha; also with the alarm of another rule."""
    for rule in all_rules(rate / 2, rate, alpha, 50):
        under = [-1, *(max((k for k in range(n + 1) if rule.bound(k, n) < rate), default=-1) for n in range(1, 51))]
        looked = Rule(rate, alpha, tuple(under), tuple(range(1, 52)))
        assert miss(looked, rate) <= alpha


@pytest.mark.parametrize(("below", "alarm"), RATES)
def test_the_last_look_leaves_no_alpha_that_one_more_success_would_keep(below: Fraction, alarm: Fraction) -> None:
    for rule in all_rules(below, alarm, Fraction(1, 20), 70)[1:]:
        more = Rule(rule.alarm, rule.alpha, (*rule.low[:-1], rule.low[-1] + 1), rule.stop)
        assert miss(rule, alarm) <= rule.alpha < miss(more, alarm)


@pytest.mark.parametrize(("below", "alarm"), RATES)
def test_of_one_number_the_fewest_keep_both_errors(below: Fraction, alarm: Fraction) -> None:
    error = Fraction(1, 20)
    samples = least_samples(alarm, error, below, error)
    assert samples is not None
    assert power(fixed(alarm, error, samples), below) >= 1 - error
    assert all(power(fixed(alarm, error, fewer), below) < 1 - error for fewer in range(1, samples))


def test_a_model_far_below_is_given_up_with_a_chance_of_at_most_beta_before_the_last_sample() -> None:
    for below, alarm in RATES:
        rule = sprt(alarm, Fraction(1, 20), 80, below, Fraction(1, 20))
        early = sum(
            n * below**k * (1 - below) ** (at - k)
            for at, k, n, out in crossings(rule, give_up=True)
            if not out and at < rule.samples and k < rule.low[-1] + 1
        )
        assert early <= Fraction(1, 20)


@pytest.mark.parametrize(
    "make",
    [
        lambda: fixed(Fraction(0), Fraction(1, 20), 10),
        lambda: fixed(Fraction(1, 2), Fraction(1), 10),
        lambda: betting(Fraction(1, 2), Fraction(1, 20), 0),
        lambda: sprt(Fraction(1, 2), Fraction(1, 20), 10, Fraction(1, 2), Fraction(1, 20)),
        lambda: sprt(Fraction(1, 2), Fraction(1, 20), 10, Fraction(1, 4), Fraction(0)),
        lambda: fixed(Fraction(1, 2), Fraction(1, 20), 10).verdict(3, 11),
        lambda: fixed(Fraction(1, 2), Fraction(1, 20), 10).verdict(4, 3),
        lambda: betting(Fraction(1, 2), Fraction(1, 20), 10).bound(4, 3),
    ],
)
def test_what_is_no_rule_or_no_count_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"rule|chance|successes of"):
        make()
