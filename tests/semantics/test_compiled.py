"""The compiled form of conditions is the reference semantics, for every tree and all facts."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_semantics import UNKNOWN, exprs, facts

from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.policy import ACTIONS
from scalegate.policy.compiled import compile_conditions
from scalegate.policy.semantics import Value, evaluate
from scalegate.policy.syntax import All, AtLeast, Compare, Expr, Fact, Linear, Not, Undefined, at_most, constant, term
from scalegate.policy.syntax import Any as AnyOf
from scalegate.truth import Truth
from strategies import policies, situations

odd = st.one_of(
    st.sampled_from([None, UNKNOWN, 1.5, "1", True, False, 0, 1, 10**40, -(10**40)]),
    st.fractions(-3, 3, max_denominator=7),
    st.integers(-3, 3),
)
anything = st.dictionaries(st.sampled_from(["p", "q", "x", "y"]), odd)


@given(st.lists(exprs, max_size=5), st.one_of(facts, anything))
def test_it_gives_what_the_reference_gives(conditions: list[Expr], known: dict[str, Any]) -> None:
    expected = tuple(evaluate(condition, known) for condition in conditions)
    assert compile_conditions(conditions)(known) == expected


VARIED = 50
"""Situations made of each that is drawn: in each some facts are lost, or moved to where a comparison turns."""


@given(st.data(), st.randoms(use_true_random=False))
def test_a_policy_is_judged_alike(data: st.DataObject, chance: Random) -> None:
    """Every condition of random policies, on what their situations give and on what is near to that."""
    policy = data.draw(policies())
    situation = data.draw(situations(policy))
    action = data.draw(st.sampled_from(ACTIONS))
    conditions = [condition for test in Judge.of(policy, action).tests for condition in test.exprs()]
    run = compile_conditions(conditions)
    known = derive_facts(policy, situation, action)
    amounts = sorted({value for value in known.values() if type(value) is int})
    for _ in range(VARIED):
        assert run(known) == tuple(evaluate(condition, known) for condition in conditions)
        known = {**known, **{name: _moved(known[name], amounts, chance) for name in chance.sample(list(known), 2)}}


def _moved(value: Value, amounts: list[int], chance: Random) -> Value:
    """Another value of a fact: lost, the contrary, or one that some other fact has, or next to that."""
    if chance.random() < 0.3 or not amounts:
        return UNKNOWN
    return not value if isinstance(value, bool) else chance.choice(amounts) + chance.choice((-1, 0, 1))


def test_what_is_nothing_of_anything() -> None:
    conditions = [
        All(()),
        AnyOf(()),
        AtLeast(0, ()),
        AtLeast(1, ()),
        AtLeast(-1, (Undefined("u"),)),
        Not(Undefined("u")),
    ]
    assert compile_conditions(conditions)({}) == tuple(evaluate(condition, {}) for condition in conditions)
    assert compile_conditions([])({}) == ()


def test_a_comparison_without_facts_is_one_of_numbers() -> None:
    same = Compare("<", Linear(Fraction(1, 3)), Linear(Fraction(1, 3)))
    assert compile_conditions([at_most(constant(1), constant(2)), same])({}) == (Truth.TRUE, Truth.FALSE)


def test_a_fact_that_cancels_out_must_be_known_all_the_same() -> None:
    condition = at_most(term("x"), term("x", 1))
    assert compile_conditions([condition])({}) == (Truth.UNKNOWN,) == (evaluate(condition, {}),)
    assert compile_conditions([condition])({"x": 3}) == (Truth.TRUE,)


def test_no_name_of_a_fact_is_in_the_text_that_is_run() -> None:
    name = "__import__('os')._exit(9)\n"
    condition = All((Fact(name), at_most(term(name, Fraction(1, 7)), constant(1))))
    assert compile_conditions([condition])({name: True}) == (evaluate(condition, {name: True}),)


def test_deep_and_wide_trees_are_compiled() -> None:
    deep: Expr = Fact("p")
    for _ in range(25):
        deep = Not(All((deep,)))
    wide = All(tuple(at_most(term("x"), constant(number)) for number in range(1_000)))
    known = OrderedDict(p=True, x=0)
    assert compile_conditions([deep, wide])(known) == (evaluate(deep, known), evaluate(wide, known))
