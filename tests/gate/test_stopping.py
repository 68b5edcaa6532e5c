"""Evaluations that end before their last sample: only by the rule that was announced, and that the gate works out."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_decide_cases import piece, situation

from scalegate.evidence import binomial
from scalegate.gate import decide
from scalegate.gate.assessing import Assessment, assess
from scalegate.gate.facts import derive_facts
from scalegate.gate.situation import Piece
from scalegate.gate.stopping import look_alpha, rule_for, rule_of, shuffled
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy, parse_policy
from support import POLICY_TEXT

BETS = "    stopping: {rule: betting}\n"
SPRT = '    stopping: {rule: sprt, below: "0.05", beta: 5%}\n'


def with_rule(rule: str, *changes: tuple[str, str]) -> Policy:
    text = POLICY_TEXT.replace("    samples: 400\n", f"    samples: 400\n{rule}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


def judged(policy: Policy, successes: int, completed: int, announced: Policy | None = None, **more: Any) -> Assessment:
    """An evaluation that was announced under one policy and is judged under another."""
    words = rule_for(announced or policy, "arithmetic", more.get("samples", 400))
    return assess(policy, policy.domains[0], piece(successes, completed=completed, stopping=words, **more))


@pytest.mark.parametrize("rule", [BETS, SPRT])
def test_what_the_rule_rules_out_is_ruled_out_long_before_the_last_sample(rule: str) -> None:
    policy = with_rule(rule)
    found = judged(policy, 0, 60)
    assert (found.rules_out, found.faults, found.leaves_open, found.reached) == (True, (), False, False)
    assert found.bound is not None
    assert found.bound <= policy.domains[0].alarm


@pytest.mark.parametrize("rule", [BETS, SPRT])
def test_where_the_rule_says_to_go_on_nothing_is_ruled_out(rule: str) -> None:
    found = judged(with_rule(rule), 0, 10)
    assert not found.rules_out
    assert found.faults == ("10 of 400 samples were completed, and the rule that it was announced with says to go on",)


def test_what_is_given_up_is_conclusive_and_rules_nothing_out() -> None:
    """A few successes of many samples that were never taken would be little of all of them."""
    policy = with_rule(SPRT)
    rule = rule_of(policy.domains[0], look_alpha(policy), 400)
    assert rule is not None
    successes = next(s for s in range(60) if s >= rule.stop[60])
    found = judged(policy, successes, 60)
    assert (found.rules_out, found.faults, found.leaves_open) == (False, (), True)
    facts = derive_facts(policy, situation(8 * 10**11, found.piece), "train")
    assert facts["arithmetic.ruled_out"] is not True


def test_without_an_announced_rule_every_sample_is_taken() -> None:
    policy = with_rule(BETS)
    for stopping in (None, "betting", "sprt of 0.19 against an alarm of 0.2, alpha 1/2, 400 samples at most"):
        found = assess(policy, policy.domains[0], piece(0, completed=60, stopping=stopping))
        assert not found.rules_out
        assert found.faults
    assert assess(policy, policy.domains[0], piece(0, stopping=None)).rules_out


OTHERS = {
    "alarm": ('alarm: "0.20"', 'alarm: "0.10"'),
    "alpha": ("alpha: 5%", "alpha: 1%"),
    "evaluations": ("evaluations: 12", "evaluations: 24"),
    "rule": (BETS, SPRT),
    "no rule": (BETS, ""),
}


@pytest.mark.parametrize("what", OTHERS)
def test_under_another_rule_than_was_announced_what_was_not_taken_counts_as_a_success(what: str) -> None:
    before, after = with_rule(BETS), with_rule(BETS, OTHERS[what])
    found = judged(after, 0, 60, announced=before)
    assert not found.rules_out
    assert found.faults == (
        "60 of 400 samples were completed, and the rule that it was announced with is not the one that is in force",
    )
    nearly = judged(after, 0, 399, announced=before)
    assert (nearly.rules_out, nearly.bound) == (True, binomial.upper_bound(1, 400, look_alpha(after)))


def test_a_sample_without_an_outcome_is_none_that_was_not_taken() -> None:
    found = judged(with_rule(BETS), 0, 60, errors=1)
    assert not found.rules_out
    assert "1 samples errored" in found.faults[0]


@given(
    rule=st.sampled_from([BETS, SPRT, '    stopping: {rule: sprt, below: "0.01", beta: 20%}\n']),
    samples=st.integers(1, 40),
    alarm=st.sampled_from(["0.05", "0.20", "0.50", "0.90"]),
    alpha=st.sampled_from(["5%", "50%", "90%"]),
)
def test_whoever_stops_when_it_suits_them_best_rules_out_what_is_at_the_alarm_no_more_often(
    rule: str, samples: int, alarm: str, alpha: str
) -> None:
    """Exactly, over all that may come, by what the gate itself says of each number of samples."""
    base = with_rule(rule if "betting" in rule else rule.replace("0.05", "0.01"))
    [domain] = base.domains
    domain = domain.model_copy(update={"alarm": Fraction(alarm), "samples": samples})
    budget = base.budget.model_copy(update={"alpha": Fraction(alpha[:-1]) / 100, "evaluations": 1})
    policy = base.model_copy(update={"domains": (domain,), "error_budget": budget})
    words = rule_for(policy, "arithmetic", samples)
    assert words is not None

    @cache
    def best(successes: int, taken: int) -> Fraction:
        made = piece(successes, samples=samples, completed=taken, stopping=words)
        if taken and assess(policy, domain, made).rules_out:
            return Fraction(1)
        if taken == samples:
            return Fraction(0)
        hit = domain.alarm
        return hit * best(successes + 1, taken + 1) + (1 - hit) * best(successes, taken + 1)

    assert best(0, 0) <= look_alpha(policy)


def test_the_order_of_the_samples_is_nobodys_choice_and_each_is_in_it_once() -> None:
    first, again, other = (shuffled(digest(name), range(50)) for name in ("a", "a", "b"))
    assert first == again != other
    assert sorted(first) == list(range(50)) != first


def announced(book: Book, policy: Policy, stopping: str | None, completed: int) -> None:
    book.put(kinds.RunOpened)
    book.decide("r", 1)
    book.put(kinds.ComputeReserved, use="training", flops=10**9)
    book.put(kinds.WeightsRecorded, weights=digest("w"), trained=10**9)
    book.put(kinds.EvaluationAnnounced, weights=digest("w"), stopping=stopping, samples=400)
    book.put(kinds.ComputeReserved, use="elicitation", flops=10**12, evaluation=digest("e"))
    spent = {"elicitation_flops": 10**12}
    book.put(kinds.EvaluationFinished, weights=digest("w"), successes=0, completed=completed, **spent)


@pytest.mark.parametrize("named", [True, False])
def test_in_a_ledger_it_is_the_announcement_that_fixes_the_rule(named: bool) -> None:
    policy = policy_of(("    samples: 400\n", f"    samples: 400\n{BETS}"))
    book = Book.adopted(policy)
    announced(book, policy, rule_for(policy, "arithmetic", 400) if named else None, 60)
    [found] = book.situation().pieces
    assert isinstance(found, Piece)
    assert assess(policy, policy.domains[0], found).rules_out is named
    facts = derive_facts(policy, book.situation(), "train")
    assert (facts["arithmetic.ruled_out"] is True) is named


@pytest.mark.parametrize("rule", [BETS, SPRT])
def test_what_a_hold_asks_for_is_what_the_rule_takes(rule: str) -> None:
    """With as many successes as it names, of all the samples, the alarm is ruled out, and with one more it is not."""
    policy = with_rule(rule)
    held = decide(policy, situation(8 * 10**11, policy=policy.digest()), "train")
    assert held.resumption is not None
    told = {change.text for sets in held.resumption.sets for change in sets if change.kind == "measure"}
    most = {int(text.split("alarm is ruled out (")[1].split(" ")[0]) for text in told if "ruled out (" in text}
    assert most
    for successes in most:
        assert judged(policy, successes, 400).rules_out
        assert not judged(policy, successes + 1, 400).rules_out
