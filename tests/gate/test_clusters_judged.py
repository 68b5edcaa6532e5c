"""Evaluations whose items come in clusters: a cluster is the observation, by the bet that was announced."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_decide_cases import piece, situation

from scalegate.evidence import binomial
from scalegate.evidence.clustered import Cluster, Clustered, by_cluster, fewest_clusters
from scalegate.gate import decide
from scalegate.gate.assessing import Assessment, assess, bound_of, most_shown
from scalegate.gate.clustering import alike, words_of_clusters
from scalegate.gate.facts import derive_facts
from scalegate.gate.stopping import look_alpha, rule_for, rule_of
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import write_statement
from scalegate.policy import Policy, parse_policy
from scalegate.policy.cluster_faults import least_clusters
from support import POLICY_TEXT

CLUSTERS = '    clusters: {below: "0.05", at_least: 60}\n'
Told = tuple[tuple[int, int, int], ...]
EIGHTY: Told = ((0, 5, 80),)


def with_clusters(clusters: str = CLUSTERS, *changes: tuple[str, str]) -> Policy:
    text = POLICY_TEXT.replace("    samples: 400\n", f"    samples: 400\n{clusters}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


BY_CLUSTERS, BY_ITEMS = with_clusters(), with_clusters("")


def judged(policy: Policy, told: Told | None, announced: Policy | None = None, **more: Any) -> Assessment:
    """A result of all its samples that was announced under one policy and is judged under another."""
    successes = sum(hits * count for hits, _, count in told or ())
    items = sum(size * count for _, size, count in told or ()) or 400
    words = words_of_clusters((announced or policy).domains[0])
    given = {"samples": items, "completed": items, "clusters": told, "stopping": words} | more
    return assess(policy, policy.domains[0], piece(given.pop("successes", successes), **given))


def test_enough_clusters_without_a_success_rule_out() -> None:
    found = judged(BY_CLUSTERS, EIGHTY)
    assert (found.rules_out, found.faults, found.leaves_open, found.reached) == (True, (), False, False)
    bound, _ = bound_of(BY_CLUSTERS, found)
    assert BY_CLUSTERS.domains[0].clusters is not None
    assert BY_CLUSTERS.domains[0].clusters.below < bound <= BY_CLUSTERS.domains[0].alarm
    facts = derive_facts(BY_CLUSTERS, situation(8 * 10**11, found.piece), "train")
    assert facts["arithmetic.ruled_out"] is True


LACKS: dict[str, tuple[Told | None, dict[str, Any], str]] = {
    "none told": (None, {}, "it does not say which of its samples come in one cluster"),
    "too few": (((0, 8, 50),), {}, "50 clusters, 60 are due"),
    "one cluster": (((0, 400, 1),), {}, "1 clusters, 60 are due"),
    "no clusters": ((), {}, "its clusters do not add up"),
    "more items than samples": (((0, 5, 90),), {"samples": 400, "completed": 400}, "do not add up"),
    "fewer items than samples": (((0, 5, 79),), {"samples": 400, "completed": 400}, "do not add up"),
    "fewer successes": (EIGHTY, {"successes": 1}, "do not add up"),
    "more successes": (((0, 5, 79), (5, 5, 1)), {"successes": 0}, "do not add up"),
    "a cluster of nothing": (((0, 0, 20), (0, 5, 80)), {}, "do not add up"),
    "more right than there are": (((6, 5, 1), (0, 5, 79)), {}, "do not add up"),
    "none of a kind": (((0, 4, 0), (0, 5, 80)), {}, "do not add up"),
    "an error": (((0, 5, 79), (1, 5, 1)), {"completed": 399, "errors": 1, "successes": 0}, "1 samples errored"),
    "fewer than announced": (EIGHTY, {"samples": 405}, "400 of 405 samples were completed"),
    "announced without": (EIGHTY, {"stopping": None}, "the bet over its clusters is not the one"),
    "announced with a rule": (EIGHTY, {"stopping": "betting against an alarm of 0.2"}, "the bet over its clusters"),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_does_not_say_how_it_is_clustered_rules_nothing_out(what: str) -> None:
    told, more, why = LACKS[what]
    found = judged(BY_CLUSTERS, told, **more)
    assert not found.rules_out
    assert any(why in fault for fault in found.faults), found.faults
    facts = derive_facts(BY_CLUSTERS, situation(8 * 10**11, found.piece), "train")
    assert facts["arithmetic.ruled_out"] is not True


def test_the_same_items_in_clusters_that_succeed_as_a_whole_leave_open_what_they_would_rule_out_by_themselves() -> None:
    told = ((0, 5, 71), (5, 5, 9))
    assert judged(BY_ITEMS, told).rules_out
    found = judged(BY_CLUSTERS, told)
    assert (found.rules_out, found.faults, found.leaves_open) == (False, (), True)


def test_a_large_cluster_full_of_successes_does_not_vanish_among_small_ones() -> None:
    """By clusters the rate is 1 in 101; of all items four in five are right."""
    told = ((0, 1, 100), (400, 400, 1))
    test = Clustered(Fraction(1, 5), look_alpha(BY_CLUSTERS), Fraction(1, 20))
    assert test.ruled_out([Cluster(*it) for it in told])
    found = judged(BY_CLUSTERS, told)
    assert (found.rules_out, found.reached, found.leaves_open) == (False, True, True)


def test_which_items_are_alike_is_the_evaluators_word_and_nobody_here_can_tell() -> None:
    """Eighty clusters told as four hundred of one item each: a lie that no count shows. The documents say so."""
    told = ((0, 5, 74), (5, 5, 6))
    each_by_itself = ((0, 1, 370), (1, 1, 30))
    assert not judged(BY_CLUSTERS, told).rules_out
    assert judged(BY_CLUSTERS, each_by_itself).rules_out


def test_clusters_that_an_amendment_drops_are_looked_at_no_more() -> None:
    """What was held by clusters may be ruled out by items: `--since` calls the amendment weaker, and that is all."""
    told = ((0, 5, 71), (5, 5, 9))
    assert not judged(BY_CLUSTERS, told).rules_out
    assert judged(BY_ITEMS, told, announced=BY_CLUSTERS).rules_out


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6), st.integers(1, 70)), min_size=1, max_size=4))
def test_what_counts_by_clusters_rules_out_nothing_that_its_items_would_not(
    drawn: list[tuple[int, int, int]],
) -> None:
    told = tuple((min(hits, size), size, count) for hits, size, count in drawn)
    strict, plain = judged(BY_CLUSTERS, told), judged(BY_ITEMS, told, stopping=None)
    assert not strict.rules_out or plain.rules_out
    assert not plain.leaves_open or strict.leaves_open
    mean = sum(Fraction(hits * count, size) for hits, size, count in told) / sum(count for _, _, count in told)
    assert strict.reached == (plain.reached or mean >= BY_CLUSTERS.domains[0].alarm)
    assert bound_of(BY_CLUSTERS, strict)[0] >= binomial.upper_bound(
        strict.piece.successes, strict.piece.completed, look_alpha(BY_CLUSTERS)
    )


SINGLE: Told = ((0, 1, 40), (1, 1, 60))


@pytest.mark.parametrize("size", [1, 300, 40_000])
def test_one_cluster_of_failures_undoes_nothing_that_the_others_show_however_large(size: int) -> None:
    """Of all items 15% or fewer succeeded; of the clusters 59%."""
    found = judged(BY_CLUSTERS, (*SINGLE, (0, size, 1)))
    assert (found.reached, found.leaves_open, found.rules_out) == (True, True, False)
    assert (found.mean, most_shown(found)) == (Fraction(60, 101), (60, 101))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6), st.integers(1, 70)), min_size=1, max_size=4),
    st.integers(1, 5000),
    st.integers(0, 5000),
)
def test_items_that_are_added_to_a_cluster_that_failed_undo_nothing_that_the_clusters_show(
    drawn: list[tuple[int, int, int]], size: int, more: int
) -> None:
    told = tuple((min(hits, of), of, count) for hits, of, count in drawn)
    before, after = (judged(BY_CLUSTERS, (*told, (0, of, 1))) for of in (size, size + more))
    assert before.mean is not None
    assert before.mean == after.mean
    assert after.reached or before.mean < BY_CLUSTERS.domains[0].alarm


def test_what_is_left_open_is_not_hidden_by_one_cluster_of_failures_either() -> None:
    """What lacks something rules nothing out; what it leaves open, a cluster of ten thousand failures leaves open."""
    singles: Told = ((0, 1, 340), (1, 1, 60))
    for told in (singles, (*singles, (0, 10_000, 1))):
        found = judged(BY_CLUSTERS, told, elicitation_flops=0)
        assert (found.reached, found.leaves_open, bool(found.faults)) == (False, True, True)
    # As many clusters of failures are as many observations.
    assert not judged(BY_CLUSTERS, (*singles, (0, 1, 10_000)), elicitation_flops=0).leaves_open


def test_as_many_clusters_of_failures_are_a_result_well_under_the_alarm() -> None:
    """Whoever made the samples may have put these in: nothing here can tell it from an honest result."""
    found = judged(BY_CLUSTERS, (*SINGLE, (0, 1, 340)))
    assert (found.reached, found.mean) == (False, Fraction(60, 440))


def test_one_that_lacks_nothing_and_whose_clusters_rule_out_is_not_left_open_by_counting_them() -> None:
    """Fifteen in a hundred of each of 400 clusters: 60 of 400 observations would be too many, were each right or wrong
    as a whole."""
    told = ((3, 20, 400),)
    found = judged(BY_CLUSTERS, told)
    assert (found.rules_out, found.leaves_open, found.reached) == (True, False, False)
    assert not binomial.ruled_out(60, 400, Fraction(1, 5), look_alpha(BY_CLUSTERS))


def test_an_item_without_an_outcome_shows_nothing_reached() -> None:
    """In the histogram it is a success of its cluster; which one it is nobody can tell: it is taken from the largest,
    where it hides least of what the others show."""
    lost = {"successes": 0, "completed": 340, "errors": 60, "samples": 400}
    assert judged(BY_CLUSTERS, ((0, 1, 340), (1, 1, 60)), **lost).mean == 0
    some = {"successes": 60, "completed": 400, "errors": 20, "samples": 420}
    found = judged(BY_CLUSTERS, ((0, 1, 40), (0, 300, 1), (1, 1, 60), (20, 20, 1)), **some)
    assert (found.mean, found.reached) == (Fraction(60, 102), True)
    # More of them than the largest had are taken from the next.
    more = some | {"successes": 50, "errors": 30, "samples": 430, "completed": 400}
    found = judged(BY_CLUSTERS, ((0, 1, 40), (10, 300, 1), (1, 1, 60), (10, 30, 1)), **more)
    assert found.mean == Fraction(50, 102)


@given(st.integers(0, 400), st.integers(0, 400))
def test_no_item_without_an_outcome_in_a_padding_cluster_hides_what_the_others_show(hits: int, lost: int) -> None:
    singles: Told = tuple(it for it in ((0, 1, 400 - hits), (1, 1, hits)) if it[2])
    counts: dict[str, Any] = {"successes": hits, "completed": 2400 - lost, "errors": lost, "samples": 2400}
    found = judged(BY_CLUSTERS, (*singles, (lost, 2000, 1)), **counts)
    assert (found.mean, found.reached) == (Fraction(hits, 401), hits >= Fraction(401, 5))


def test_errors_in_a_padding_cluster_let_nobody_go_on() -> None:
    counts: dict[str, Any] = {"successes": 200, "completed": 2150, "errors": 250, "samples": 2400}
    found = judged(BY_CLUSTERS, ((0, 1, 200), (1, 1, 200), (250, 2000, 1)), **counts)
    facts = derive_facts(BY_CLUSTERS, situation(8 * 10**11, found.piece), "train")
    assert (facts["arithmetic.reached"], facts["arithmetic.ruled_out"]) == (True, False)


@pytest.mark.parametrize("told", [None, ((0, 1, 40), (1, 1, 60)), ((0, 1, 340), (0, 0, 1), (1, 1, 60))])
def test_clusters_that_cannot_be_show_no_more_than_their_items(told: Told | None) -> None:
    found = judged(BY_CLUSTERS, told, successes=60, completed=400, samples=400)
    assert (found.reached, found.mean) == (False, None)


def test_where_the_policy_has_no_clusters_the_mean_over_them_shows_nothing() -> None:
    found = judged(BY_ITEMS, (*SINGLE, (0, 300, 1)))
    assert (found.reached, found.mean) == (False, None)


def missed(policy: Policy, size: int, clusters: int) -> Fraction:
    """How often the gate rules out what is at the alarm, where clusters are right or wrong as a whole: enumerated."""
    hit, total = policy.domains[0].alarm, Fraction(0)
    for whole in range(clusters + 1):
        told = tuple(it for it in ((0, size, clusters - whole), (size, size, whole)) if it[2])
        if judged(policy, told).rules_out:
            total += comb(clusters, whole) * hit**whole * (1 - hit) ** (clusters - whole)
    return total


def test_what_is_at_the_alarm_is_missed_no_more_often_and_without_clusters_it_is() -> None:
    wide = (("alpha: 5%", "alpha: 60%"),)
    assert missed(with_clusters(CLUSTERS, *wide), 5, 80) <= Fraction(1, 20) < missed(with_clusters("", *wide), 5, 80)


def test_a_bet_that_is_changed_afterwards_rules_out_nothing_of_before() -> None:
    other = with_clusters(CLUSTERS.replace("0.05", "0.10"))
    assert judged(other, EIGHTY).rules_out
    assert not judged(other, EIGHTY, announced=BY_CLUSTERS).rules_out
    assert not judged(BY_CLUSTERS, EIGHTY, announced=BY_ITEMS).rules_out


def test_by_one_bet_another_alarm_or_error_may_be_asked_for() -> None:
    for change in (
        ('alarm: "0.20"', 'alarm: "0.15"'),
        ("alpha: 5%", "alpha: 4%"),
        ("evaluations: 12", "evaluations: 6"),
    ):
        after = with_clusters(CLUSTERS, change)
        assert judged(after, EIGHTY, announced=BY_CLUSTERS).rules_out == judged(after, EIGHTY).rules_out


def test_without_clusters_in_the_policy_they_are_not_looked_at() -> None:
    for told in (EIGHTY, None, ((0, 400, 1),)):
        assert judged(BY_ITEMS, told).rules_out


def test_an_evaluation_by_clusters_has_no_rule_by_which_it_may_stop() -> None:
    assert rule_of(BY_CLUSTERS.domains[0], look_alpha(BY_CLUSTERS), 400) is None
    assert rule_for(BY_CLUSTERS, "arithmetic", 400) == "clusters: each is one observation, with a bet for 0.05"


def test_what_a_hold_asks_for_is_what_it_takes() -> None:
    """As many clusters with a success as it names are not too many, and one more is."""
    held = decide(BY_CLUSTERS, situation(8 * 10**11, policy=BY_CLUSTERS.digest()), "train")
    assert held.resumption is not None
    told = {change.text for sets in held.resumption.sets for change in sets if change.kind == "measure"}
    [(most, least)] = {
        tuple(int(it) for it in text.split("ruled out (")[1].split(" clusters")[0].split(" of "))
        for text in told
        if "ruled out (" in text
    }
    assert least == 60
    assert all("at least 400 samples in at least 60 clusters" in text for text in told)
    domain = BY_CLUSTERS.domains[0]
    for whole, out in ((most, True), (most + 1, False)):
        shown = alike(domain, 400, whole)
        assert shown is not None
        assert judged(BY_CLUSTERS, shown).rules_out is out


@pytest.mark.parametrize("alarm", ["0.05", "0.20", "0.70"])
@pytest.mark.parametrize("below", ["0.01", "0.04"])
def test_the_policy_asks_for_no_fewer_clusters_than_the_test_takes(alarm: str, below: str) -> None:
    alpha = Fraction(1, 240)
    test = Clustered(Fraction(alarm), alpha, Fraction(below))
    assert least_clusters(test.alarm, test.below, alpha) == fewest_clusters(test)


def finished(book: Book, policy: Policy, **more: Any) -> None:
    book.put(kinds.RunOpened)
    book.decide("r", 1)
    book.put(kinds.ComputeReserved, use="training", flops=10**9)
    book.put(kinds.WeightsRecorded, weights=digest("w"), trained=10**9)
    words = rule_for(policy, "arithmetic", 400)
    book.put(kinds.EvaluationAnnounced, weights=digest("w"), stopping=words, samples=400)
    book.put(kinds.ComputeReserved, use="elicitation", flops=10**12, evaluation=digest("e"))
    given = {"successes": 0, "completed": 400, "elicitation_flops": 10**12}
    book.put(kinds.EvaluationFinished, weights=digest("w"), **(given | more))


@pytest.mark.parametrize(("told", "out"), [(EIGHTY, True), (((0, 8, 50),), False), (None, False)])
def test_in_a_ledger_the_result_says_how_it_is_clustered(told: Told | None, out: bool) -> None:
    policy = policy_of(("    samples: 400\n", f"    samples: 400\n{CLUSTERS}"))
    book = Book.adopted(policy)
    finished(book, policy, **({"clusters": told} if told is not None else {}))
    facts = derive_facts(policy, book.situation(), "train")
    assert (facts["arithmetic.ruled_out"] is True) is out


def test_in_a_ledger_a_cluster_of_failures_does_not_undo_that_the_alarm_was_reached() -> None:
    policy = policy_of(("    samples: 400\n", f"    samples: 400\n{CLUSTERS}"))
    book = Book.adopted(policy)
    finished(book, policy, successes=60, clusters=((0, 1, 40), (0, 300, 1), (1, 1, 60)))
    assert derive_facts(policy, book.situation(), "train")["arithmetic.reached"] is True


def test_a_result_that_says_nothing_of_clusters_is_written_as_it_was() -> None:
    entry = kinds.EvaluationFinished(
        **{"actor": "evaluator", "time": 1, "policy": digest("p"), "evaluation": digest("e"), "weights": digest("w")},
        **{"domain": "d", "status": "completed", "successes": 0, "completed": 1, "errors": 0, "elicitation_flops": 0},
        **{"elicitation_method": "none", "evaluation_flops": 0, "log": digest("l"), "assumptions": ("a",)},
    )
    assert b"clusters" not in write_statement(entry)
    told = entry.model_copy(update={"clusters": ((0, 1, 1),)})
    assert b'"clusters":[[0,1,1]]' in write_statement(told)
    assert b"clusters" not in piece().model_dump_json().encode()
    many = tuple((0, size, 1) for size in range(1, kinds.MOST_KINDS + 2))
    with pytest.raises(ValueError, match="200"):
        kinds.EvaluationFinished.model_validate(entry.model_dump() | {"clusters": many})
    most = entry.model_copy(update={"clusters": ((2**40, 2**40, 2**40),) * kinds.MOST_KINDS})
    assert len(write_statement(most)) < 2**16 - 1


def test_a_sample_without_an_outcome_is_a_success_of_its_cluster() -> None:
    assert by_cluster([True, False, None, False], ["a", "a", "b", "c"]) == ((0, 1, 1), (1, 1, 1), (1, 2, 1))
    with pytest.raises(ValueError, match="zip"):
        by_cluster([True], [])
