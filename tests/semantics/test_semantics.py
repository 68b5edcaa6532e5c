"""The reference semantics against what it must mean: all completions of what is unknown."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.policy.semantics import Reason, Unknown, evaluate, linear_value, unknowns
from scalegate.policy.syntax import (
    All,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Linear,
    Not,
    Undefined,
    at_most,
    children,
    compares,
    constant,
    fact_names,
    term,
    to_json,
)
from scalegate.policy.syntax import Any as AnyOf
from scalegate.truth import Truth, all_of, any_of, at_least, negate

FLAGS = ("p", "q")
NUMBERS = ("x", "y")
UNKNOWN = Unknown(Reason.STALE, "old")
small = st.integers(-3, 3)
linears = st.builds(
    Linear,
    st.fractions(-3, 3, max_denominator=3),
    st.lists(st.tuples(st.fractions(-2, 2, max_denominator=2), st.sampled_from(NUMBERS)), max_size=2).map(tuple),
)
atoms: st.SearchStrategy[Expr] = st.one_of(
    st.sampled_from([Fact(name) for name in FLAGS]),
    st.builds(Compare, st.sampled_from(["<=", "<"]), linears, linears),
)
exprs: st.SearchStrategy[Expr] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AtLeast, st.integers(0, 3), st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)
facts = st.fixed_dictionaries(
    {name: st.sampled_from([True, False, UNKNOWN]) for name in FLAGS}
    | {name: small | st.just(UNKNOWN) for name in NUMBERS}
)


def classical(expr: Expr, values: dict[str, Any]) -> bool:
    """Two-valued meaning, written apart from the reference on purpose."""
    if isinstance(expr, Fact):
        return bool(values[expr.name])
    if isinstance(expr, Compare):
        left = expr.left.const + sum((c * values[n] for c, n in expr.left.terms), Fraction(0))
        right = expr.right.const + sum((c * values[n] for c, n in expr.right.terms), Fraction(0))
        return bool(left <= right) if expr.op == "<=" else bool(left < right)
    if isinstance(expr, Not):
        return not classical(expr.item, values)
    assert not isinstance(expr, Undefined)
    count = sum(classical(item, values) for item in expr.items)
    if isinstance(expr, AtLeast):
        return count >= expr.k
    return count == len(expr.items) if isinstance(expr, All) else count > 0


@given(exprs, facts)
def test_true_and_false_are_so_however_the_unknowns_turn_out(expr: Expr, known: dict[str, Any]) -> None:
    result = evaluate(expr, known)
    dark = [name for name, value in known.items() if isinstance(value, Unknown)]
    options = [(True, False) if name in FLAGS else (-2, 0, 3) for name in dark]
    for choice in product(*options):
        whole = known | dict(zip(dark, choice, strict=True))
        if result is not Truth.UNKNOWN:
            assert classical(expr, whole) is (result is Truth.TRUE)
        assert evaluate(expr, whole) is Truth.of(classical(expr, whole))


@given(exprs, facts)
def test_an_unknown_result_names_what_is_unknown(expr: Expr, known: dict[str, Any]) -> None:
    if evaluate(expr, known) is Truth.UNKNOWN:
        assert unknowns(expr, known)
    for name in unknowns(expr, known):
        assert name in fact_names(expr)
        assert isinstance(known[name], Unknown)


@pytest.mark.parametrize("value", [None, "true", 1, 0, 1.0, Fraction(1), [], UNKNOWN])
def test_a_flag_that_is_not_a_boolean_is_unknown(value: Any) -> None:
    assert evaluate(Fact("p"), {"p": value}) is Truth.UNKNOWN
    assert "p" in unknowns(Fact("p"), {"p": value})


@pytest.mark.parametrize("value", [None, "3", True, False, 3.0, float("nan"), float("inf"), UNKNOWN])
def test_a_number_that_is_not_exact_is_unknown(value: Any) -> None:
    expr = at_most(term("x"), constant(10**6))
    assert evaluate(expr, {"x": value}) is Truth.UNKNOWN
    assert "x" in unknowns(expr, {"x": value})
    assert linear_value(term("x"), {"x": value}) is None


def test_missing_facts_and_undefined_tests_are_unknown_with_their_reason() -> None:
    assert evaluate(Fact("p"), {}) is Truth.UNKNOWN
    assert unknowns(Fact("p"), {})["p"].reason is Reason.MISSING
    assert "`p`" in unknowns(Fact("p"), {})["p"].detail
    assert unknowns(at_most(term("x"), term("y")), {"y": UNKNOWN}) == {
        "x": Unknown(Reason.MISSING, "no fact `x`"),
        "y": UNKNOWN,
    }
    assert evaluate(Undefined("t"), {"t": True}) is Truth.UNKNOWN
    assert unknowns(Undefined("t"), {"t": True})["t"].reason is Reason.UNDEFINED
    assert evaluate(Not(Undefined("t")), {"t": False}) is Truth.UNKNOWN


def test_comparison_at_equality() -> None:
    three = {"x": 3}
    assert evaluate(Compare("<=", term("x"), constant(3)), three) is Truth.TRUE
    assert evaluate(Compare("<", term("x"), constant(3)), three) is Truth.FALSE
    assert evaluate(Compare("<", term("x"), constant(Fraction(7, 2))), three) is Truth.TRUE


def test_linear_terms_add_and_scale_exactly() -> None:
    both = (term("x", 2) + constant(Fraction(1, 3)) + term("y")) * Fraction(3, 2)
    assert both == Linear(Fraction(1, 2), ((Fraction(3), "x"), (Fraction(3, 2), "y")))
    assert linear_value(both, {"x": 1, "y": Fraction(1, 3)}) == 4


def test_kleene_tables() -> None:
    t, f, u = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
    assert [negate(v) for v in (t, f, u)] == [f, t, u]
    assert [all_of(p) for p in product((t, f, u), repeat=2)] == [t, f, u, f, f, f, u, f, u]
    assert [any_of(p) for p in product((t, f, u), repeat=2)] == [t, t, t, t, f, u, t, u, u]
    assert all_of([]) is t
    assert any_of([]) is f
    assert at_least(2, [t, u, f]) is u
    assert at_least(2, [t, f, f]) is f
    assert at_least(0, []) is t
    with pytest.raises(TypeError):
        bool(t)


def test_the_tree_is_walked_and_written_whole() -> None:
    inner = AnyOf((Undefined("t"), AtLeast(1, (at_most(term("x"), constant(2)),))))
    expr = All((Fact("p"), Not(inner)))
    assert fact_names(expr) == {"p", "t", "x"}
    assert [c.op for c in compares(expr)] == ["<="]
    assert children(Fact("p")) == ()
    assert to_json(expr) == [
        "all",
        ["fact", "p"],
        [
            "not",
            [
                "any",
                ["undefined", "t"],
                ["at_least", 1, ["<=", {"const": "0", "terms": [["1", "x"]]}, {"const": "2", "terms": []}]],
            ],
        ],
    ]
