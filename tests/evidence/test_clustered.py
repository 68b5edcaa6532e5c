"""Items in clusters: what is missed, by exact enumeration over what the clusters can show, and the bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.evidence import binomial
from scalegate.evidence.clustered import Cluster, Clustered, clusters_of, fewest_clusters

ERROR = Fraction(1, 20)
GRID = [("0.1", "0.01"), ("0.2", "0.05"), ("0.2", "0.1"), ("0.5", "0.3"), ("0.7", "0.2")]
Law = Mapping[int, Fraction]
"""The chance of each number of successes in a cluster."""


def alike(size: int, rate: Fraction) -> Law:
    """Items that have nothing to do with each other: an intra-class correlation of 0."""
    return {k: comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(size + 1)}


def whole(size: int, rate: Fraction) -> Law:
    """Clusters that are right or wrong as a whole: a correlation of 1."""
    return {0: 1 - rate, size: rate}


def half(size: int, rate: Fraction) -> Law:
    """One half of each."""
    one, other = alike(size, rate), whole(size, rate)
    return {k: (one[k] + other.get(k, Fraction(0))) / 2 for k in one}


def little(size: int, rate: Fraction) -> Law:
    """Nearly always as close under the rate as can be, and seldom everything: what a bound has least of to see."""
    low = int(rate * size)
    often = (1 - rate) / (1 - Fraction(low, size)) if low < size else Fraction(0)
    return {low: often, size: 1 - often}


LAWS = [alike, whole, half, little]


def missed(test: Clustered, law: Law, size: int, clusters: int) -> Fraction:
    """The chance that so many clusters rule the alarm out after any of them: enumerated, with a stop at the first."""
    assert sum(law.values()) == 1
    values = sorted(law)
    waiting: dict[tuple[int, ...], Fraction] = {(0,) * len(values): Fraction(1)}
    total = Fraction(0)
    for _ in range(clusters):
        after: dict[tuple[int, ...], Fraction] = {}
        for counts, chance in waiting.items():
            for at, value in enumerate(values):
                now = (*counts[:at], counts[at] + 1, *counts[at + 1 :])
                after[now] = after.get(now, Fraction(0)) + chance * law[value]
        waiting = {}
        for counts, chance in after.items():
            shown = [Cluster(value, size, count) for value, count in zip(values, counts, strict=True) if count]
            if test.ruled_out(shown):
                total += chance
            else:
                waiting[counts] = chance
    return total


CASES = [
    *((law, size, alarm, below, 20) for law in (whole, little) for size in (1, 5) for alarm, below in GRID),
    *((law, 2, alarm, below, 12) for law in (alike, half) for alarm, below in GRID),
    *((law, 3, alarm, below, 3) for law in (alike, half) for alarm, below in (GRID[1], GRID[3], GRID[4])),
]


@pytest.mark.parametrize(("law", "size", "alarm", "below", "more"), CASES)
def test_what_is_at_the_alarm_is_ruled_out_no_more_often_than_said(
    law: Callable[[int, Fraction], Law], size: int, alarm: str, below: str, more: int
) -> None:
    test = Clustered(Fraction(alarm), ERROR, Fraction(below))
    distribution = law(size, test.alarm)
    assert sum(k * chance for k, chance in distribution.items()) == size * test.alarm
    fewest = fewest_clusters(test)
    assert fewest is not None
    chance = missed(test, distribution, size, fewest + more)
    assert chance <= ERROR
    # It is something that could be missed, where nought of all clusters happens at all.
    assert chance > 0 or 0 not in distribution


def test_it_rules_out_something_and_a_test_of_the_items_alone_misses_too_often() -> None:
    """The check above can fail: with whole clusters, items that are taken to be alike rule out far too often."""
    test = Clustered(Fraction("0.2"), ERROR, Fraction("0.05"))
    assert missed(test, whole(5, Fraction("0.05")), 5, 40) > Fraction(3, 4)
    assert Fraction(1, 100) < missed(test, whole(5, test.alarm), 5, 40) <= ERROR
    size, clusters = 5, 20
    chances = (
        comb(clusters, k) * test.alarm**k * (1 - test.alarm) ** (clusters - k)
        for k in range(clusters + 1)
        if binomial.ruled_out(size * k, size * clusters, test.alarm, ERROR)
    )
    assert sum(chances) > 4 * ERROR


def test_of_the_mean_of_one_step_nothing_is_gained() -> None:
    for alarm, below in GRID:
        test = Clustered(Fraction(alarm), ERROR, Fraction(below))
        for law, size in product(LAWS, (1, 2, 7)):
            steps = (
                (chance, 1 + test.bet * (test.alarm - Fraction(k, size))) for k, chance in law(size, test.alarm).items()
            )
            assert sum(chance * step for chance, step in steps) == 1
        assert 0 < test.bet < 1 / (1 - test.alarm)


@given(st.lists(st.tuples(st.integers(0, 4), st.just(4)), max_size=40), st.sampled_from(GRID))
def test_the_product_is_that_of_the_bets_in_any_order(shares: list[tuple[int, int]], figures: tuple[str, str]) -> None:
    test = Clustered(Fraction(figures[0]), ERROR, Fraction(figures[1]))
    wealth = Fraction(1)
    for successes, size in shares:
        wealth *= 1 + test.bet * (test.alarm - Fraction(successes, size))
    assert test.ruled_out(clusters_of(shares)) is (wealth >= 1 / ERROR)
    assert clusters_of(shares) == clusters_of(shares[::-1])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.just(3)) | st.tuples(st.integers(0, 1), st.just(1)), max_size=60),
    st.sampled_from(GRID),
)
def test_the_bound_is_where_ruling_out_begins(shares: list[tuple[int, int]], figures: tuple[str, str]) -> None:
    test, clusters = Clustered(Fraction(figures[0]), ERROR, Fraction(figures[1])), clusters_of(shares)
    bound, step = test.bound(clusters), Fraction(1, 2**binomial.BITS)
    assert test.below < bound <= 1
    for alarm in (bound, bound + step, (bound + 1) / 2):
        assert alarm >= 1 or Clustered(alarm, ERROR, test.below).ruled_out(clusters)
    for alarm in (bound - step, (bound - step + test.below) / 2):
        assert alarm <= test.below or not Clustered(alarm, ERROR, test.below).ruled_out(clusters)
    assert not test.ruled_out(clusters) or bound <= test.alarm + step


@given(st.lists(st.tuples(st.integers(0, 4), st.just(4)), min_size=1, max_size=60), st.data())
def test_another_success_never_rules_out(shares: list[tuple[int, int]], data: st.DataObject) -> None:
    test = Clustered(Fraction("0.2"), ERROR, Fraction("0.05"))
    at = data.draw(st.integers(0, len(shares) - 1))
    worse = [*shares[:at], (data.draw(st.integers(shares[at][0], 4)), 4), *shares[at + 1 :]]
    assert test.ruled_out(clusters_of(shares)) or not test.ruled_out(clusters_of(worse))
    assert test.bound(clusters_of(worse)) >= test.bound(clusters_of(shares))


def test_nothing_shows_nothing() -> None:
    test = Clustered(Fraction("0.2"), ERROR, Fraction("0.05"))
    assert not test.ruled_out(())
    assert test.bound(()) == 1
    assert not test.ruled_out([Cluster(0, 10**6, 1)])
    assert test.bound([Cluster(0, 10**6, 1)]) == 1
    assert test.bound([Cluster(2, 2, 50)]) == 1


@pytest.mark.parametrize("cluster", [(-1, 2, 1), (3, 2, 1), (0, 0, 1), (1, 2, 0), (0, 2, -1)])
def test_counts_that_cannot_be_are_refused(cluster: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="clusters of"):
        Clustered(Fraction("0.2"), ERROR, Fraction("0.05")).ruled_out([Cluster(*cluster)])


@pytest.mark.parametrize(
    ("alarm", "below", "alpha"),
    [("0.2", "0.2", "0.05"), ("0.2", "0", "0.05"), ("1", "0.5", "0.05"), ("0.2", "0.1", "1")],
)
def test_figures_that_make_no_test_are_refused(alarm: str, below: str, alpha: str) -> None:
    with pytest.raises(ValueError, match="below an alarm"):
        Clustered(Fraction(alarm), Fraction(alpha), Fraction(below))


def test_the_fewest_clusters() -> None:
    test = Clustered(Fraction("0.2"), ERROR, Fraction("0.05"))
    fewest = fewest_clusters(test)
    assert fewest == 18
    assert test.ruled_out([Cluster(0, 3, fewest)])
    assert not test.ruled_out([Cluster(0, 3, fewest - 1)])
