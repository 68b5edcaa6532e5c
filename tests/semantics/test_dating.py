"""A parameter compiled away is what it is said to be: the figure in force, and unknown where there is none."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from parts import AMOUNTS, conditions, parameters
from scalegate.policy import Policy, policy_from_json
from scalegate.policy.dating import by_date, parameters_of, settled
from scalegate.policy.document import Condition
from scalegate.policy.semantics import Value, evaluate, number
from scalegate.policy.syntax import Expr, compares
from scalegate.units import parse_instant
from strategies import BASE
from support import DAY, START

DATES = [
    parse_instant(day) for day in ("2026-01-01", "2026-11-20", "2026-11-25", "2026-12-05", "2026-12-10", "2029-01-01")
]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy whose last clause names parameters."""
    document = dict(BASE) | {"parameters": draw(parameters())}
    named = {it["id"]: it["kind"] for it in document["parameters"]}
    when = draw(conditions(["arithmetic"], ["weights-locked"], dated=True, named=named))
    clause = {"id": "w", "kind": "condition", "when": when, "text": "W.", "source": {"document": "D"}}
    document["clauses"] = [*BASE["clauses"], clause | {"actions": ["train"], "modality": "will"}]
    return policy_from_json(document)


numbers = st.sampled_from(AMOUNTS) | st.sampled_from([START - DAY, START, START + DAY])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, Expr, dict[str, Value]]:
    policy = draw(policies())
    clause = policy.clauses[-1]
    assert isinstance(clause, Condition)
    now = draw(st.sampled_from(DATES)) + draw(st.integers(-2, 2))
    facts: dict[str, Value] = {}
    for compare in compares(clause.when):
        for _, name in (*compare.left.terms, *compare.right.terms):
            facts[name.split(" * ")[-1]] = draw(numbers)
    for name in ("arithmetic.ruled_out", "arithmetic.reached", "arithmetic.reached_early"):
        facts[name] = draw(st.booleans())
    facts = {name: value for name, value in facts.items() if not name.startswith("parameter.")}
    return policy, clause.when, facts | {"now": now}


def as_facts(policy: Policy, tree: Expr, facts: dict[str, Value]) -> dict[str, Value]:
    """The parameters, and what they multiply, as facts with the value that the definition gives them at the time."""
    now = facts["now"]
    assert isinstance(now, int)
    known: dict[str, Value] = dict(facts)
    for it in policy.parameters:
        begun = [value for value in it.values if value.from_ <= now]
        last = max(begun, key=lambda value: value.from_, default=None)
        if last is not None and now <= last.review_by:
            known[f"parameter.{it.id}"] = last.value.value
    for compare in compares(tree):
        for _, name in (*compare.left.terms, *compare.right.terms):
            values = [number(known.get(part)) for part in name.split(" * ")]
            if len(values) > 1 and None not in values:
                product = values[0] * values[1]  # type: ignore[operator]
                known[name] = product
    return known


@given(cases())
def test_it_means_what_the_figures_in_force_make_of_it(case: Any) -> None:
    policy, tree, facts = case
    wanted = evaluate(tree, as_facts(policy, tree, facts))
    event(f"{len(parameters_of(tree))} parameters, {wanted}")
    assert evaluate(by_date(policy, tree), facts) is wanted


@given(cases())
def test_what_is_said_of_it_is_of_the_figures_in_force(case: Any) -> None:
    """What explanations are made from has the truth of what was evaluated, and no date of a parameter."""
    policy, tree, facts = case
    dated = by_date(policy, tree)
    shown = settled(dated, facts)
    assert evaluate(shown, facts) is evaluate(dated, facts)
    assert sum(1 for _ in compares(shown)) <= sum(1 for _ in compares(tree))


@given(cases())
def test_a_parameter_that_was_left_in_a_tree_is_unknown(case: Any) -> None:
    """Were it forgotten to compile one away, nothing would pass by it."""
    _, tree, facts = case
    for compare in compares(tree):
        if parameters_of(compare):
            assert evaluate(compare, facts).name == "UNKNOWN"
