"""What a lint says is certain is so, for random policies and whatever is known of their runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from scalegate.examples import read_example
from scalegate.gate import Situation, decide
from scalegate.gate.facts import derive_facts, effective
from scalegate.gate.judge import Judge
from scalegate.policy import Policy, parse_policy
from scalegate.policy.document import ComputeCap
from scalegate.policy.entails import positive
from scalegate.policy.lints import check_policy
from scalegate.policy.lints.tree import always_met, any_amount, at_every_time, idle_parts, truths, what_stops
from scalegate.policy.semantics import evaluate
from scalegate.policy.standing import STANDING
from scalegate.policy.syntax import All, AtLeast, Compare, Expr, Fact, Not, Undefined, at_most, constant, term
from scalegate.policy.syntax import Any as AnyOf
from scalegate.truth import Truth
from strategies import cases

Case = tuple[Policy, Situation]


@given(cases())
def test_a_condition_has_no_other_truth_than_those_that_it_can_have(case: Case) -> None:
    policy, situation = case
    facts = derive_facts(policy, situation, "train")
    for test in Judge.of(policy, "train").tests:
        for expr in test.exprs():
            truth = evaluate(expr, facts)
            assert truth in truths(expr, situation.now)
            assert truth in at_every_time(expr, situation.now)
            now_met = any(since <= situation.now for since, _ in always_met(expr, situation.now, lambda _: None))
            assert not now_met or truth is Truth.TRUE


@given(cases())
def test_a_clause_that_never_decides_can_be_left_out(case: Case) -> None:
    policy, situation = case
    masked = [it.path[1] for it in check_policy(policy, situation.now) if it.rule.code == "never-decides"]
    kept = tuple(clause for index, clause in enumerate(policy.clauses) if index not in masked)
    facts = derive_facts(policy, situation, "train")
    less = policy.model_copy(update={"clauses": kept})
    assert Judge.of(policy, "train").proceeds(facts) == Judge.of(less, "train").proceeds(facts)


@given(cases())
def test_a_clause_that_is_over_or_always_met_does_not_hold(case: Case) -> None:
    policy, situation = case
    idle = {it.path[1] for it in check_policy(policy, situation.now) if it.rule.code in ("clause-over", "always-met")}
    findings = {it.clause: it.status for it in decide(policy, situation, "train").findings}
    if any(findings.get(it.id) == "violated" for it in STANDING):
        return  # a clause may be met wherever that is so which every policy asks for
    for index in idle:
        assert findings.get(policy.clauses[int(index)].id) not in ("violated", "not shown")


@given(cases())
def test_past_a_cap_that_is_a_stop_nothing_releases(case: Case) -> None:
    policy, situation = case
    stops = {it.path[1] for it in check_policy(policy, situation.now) if it.rule.code == "stop"}
    capping = [c for i, c in enumerate(policy.clauses) if i in stops and isinstance(c, ComputeCap) and c.tier is None]
    caps = [c.at for c in capping if isinstance(c.at, int)]
    late = [c for c in policy.clauses if c.in_force is not None and c.in_force.from_ is not None]
    decision = decide(policy, situation, "train")
    if caps and not late and effective(policy, situation.lineage.compute) > min(caps):
        assert decision.resumption is not None
        assert decision.resumption.sets == ()


@given(cases())
def test_an_alternative_that_a_lint_says_to_leave_out_can_be_left_out(case: Case) -> None:
    """Without it no less is asked for: what is then met was met before."""
    policy, situation = case
    facts = derive_facts(policy, situation, "train")
    for test in Judge.of(policy, "train").tests:
        for expr in map(positive, test.exprs()):
            for idle in idle_parts(expr, situation.now, lambda _: None):
                less = without(expr, idle.part)
                if idle.alternative and evaluate(less, facts) is Truth.TRUE:
                    assert evaluate(expr, facts) is Truth.TRUE


def without(expr: Expr, part: Expr) -> Expr:
    """The condition without one of its alternatives."""
    if isinstance(expr, All | AnyOf | AtLeast):
        kept = tuple(without(it, part) for it in expr.items if it != part or isinstance(expr, All))
        return AtLeast(expr.k, kept) if isinstance(expr, AtLeast) else type(expr)(kept)
    return expr


P, Q = Fact("d.ruled_out"), Fact("d.reached")
UNDER = at_most(term("compute"), constant(5))


@pytest.mark.parametrize(
    ("expr", "can"),
    [
        (All(()), "T"),
        (AnyOf(()), "F"),
        (Undefined("u"), "U"),
        (P, "TFU"),
        (UNDER, "TF"),
        (at_most(term("compute"), constant(-1)), "F"),
        (Compare("<", term("compute"), constant(0)), "F"),
        (at_most(constant(10), term("now")), "T"),
        (Compare("<", constant(10), term("now")), "TF"),
        (at_most(constant(11), term("now")), "TF"),
        (at_most(term("now"), constant(9)), "F"),
        (at_most(term("now"), term("d.evidence.time") + constant(5)), "TFU"),
        (All((Undefined("u"), P)), "FU"),
        (AnyOf((Undefined("u"), P)), "TU"),
        (Not(All((Undefined("u"), UNDER))), "TU"),
        (AtLeast(2, (All(()), P, Undefined("u"))), "TU"),
        (AtLeast(2, (All(()), All(()), P)), "T"),
        (AtLeast(2, (AnyOf(()), AnyOf(()), P)), "F"),
    ],
)
def test_the_truths_that_a_condition_can_have_from_day_10_on(expr: Expr, can: str) -> None:
    names = {"T": Truth.TRUE, "F": Truth.FALSE, "U": Truth.UNKNOWN}
    assert truths(expr, 10) == {names[it] for it in can}


@pytest.mark.parametrize(
    ("expr", "stopped_by"),
    [
        (UNDER, [UNDER]),
        (Not(Q), ["d"]),
        (P, ["d"]),
        (AnyOf((P, at_most(term("now"), term("safeguard.s.until")))), []),
        (AnyOf((UNDER, Undefined("u"))), [UNDER]),
        (AnyOf((UNDER, at_most(constant(20), term("now")))), []),
        (at_most(term("compute"), term("d.evidence.compute", 4)), []),
        (at_most(term("lineage.planned_end"), constant(5)), []),
        (All((Not(Q), UNDER)), [UNDER, "d"]),
    ],
)
def test_what_makes_a_hold_a_stop(expr: Expr, stopped_by: list[Any]) -> None:
    assert list(what_stops(expr, 10)) == stopped_by


D = term("d.evidence.compute")
ANY = at_most(constant(0), D)


@pytest.mark.parametrize(
    ("expr", "alternatives", "asked"),
    [
        (ANY, [], [ANY]),
        (All((ANY, UNDER)), [], [ANY]),
        (AnyOf((ANY, UNDER)), [ANY], []),
        (AtLeast(1, (ANY, UNDER)), [ANY], []),
        (AtLeast(2, (ANY, UNDER)), [], [ANY]),
        (AtLeast(2, (ANY, UNDER, P)), [ANY], []),
        (Not(AnyOf((Not(ANY), UNDER))), [], [Compare("<=", ANY.left, ANY.right)]),
        (AnyOf((All((ANY, P)), UNDER)), [], [ANY]),
        (AnyOf((All((ANY, All(()))), UNDER)), [All((ANY, All(())))], []),
        (All((at_most(constant(0), term("compute")), P)), [], []),
    ],
)
def test_what_asks_that_there_is_an_amount_is_not_idle(expr: Expr, alternatives: list[Expr], asked: list[Expr]) -> None:
    assert [it.part for it in idle_parts(expr, 10, lambda _: None) if it.alternative] == alternatives
    assert list(any_amount(positive(expr), 10, lambda _: None)) == asked


AFTER, BEFORE = at_most(constant(20), term("now")), Compare("<", term("now"), constant(15))


@pytest.mark.parametrize(
    ("expr", "times"),
    [
        (AnyOf((P, AFTER)), [(20, None)]),
        (AnyOf((P, BEFORE)), [(10, 15)]),
        (AnyOf((P, BEFORE, AFTER)), [(10, 15), (20, None)]),
        (All((AnyOf((P, AFTER)), AnyOf((Q, AFTER)))), [(20, None)]),
        (All((P, AFTER)), []),
        (AnyOf((P, All((ANY, AFTER)))), []),
    ],
)
def test_when_a_condition_is_met_whatever_happens(expr: Expr, times: list[tuple[int, int | None]]) -> None:
    assert list(always_met(expr, 10, lambda _: None)) == times


def test_the_time_of_asking_decides_what_is_over() -> None:
    policy = parse_policy(read_example("arithmetic").replace("modality: aim", "modality: will"))
    end = next(clause.until for clause in policy.clauses if clause.kind == "moratorium")
    for today, told in ((end - 1, 0), (end, 1)):
        assert [it.rule.code for it in check_policy(policy, today)].count("clause-over") == told
