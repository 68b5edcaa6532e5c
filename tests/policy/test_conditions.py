"""Conditions that a policy writes itself: one tree is hashed, signed and evaluated, and no danger helps it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_expressions import KNOWN, atoms, grown

from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.policy import Policy, PolicyFaults, parse_policy, policy_from_json
from scalegate.policy.polarity import wrong_ways
from scalegate.policy.semantics import Value, evaluate
from scalegate.policy.syntax import Expr, from_json, to_json
from scalegate.policy.vocabulary import Kind
from scalegate.truth import Truth

CLAUSE = """
  - id: extra
    kind: condition
    when: {}
    text: More than the other clauses ask for.
    source: {{document: Policy of Example Lab, section: "9"}}
    actions: [train]
    modality: will
"""


def written(when: str) -> Policy:
    return parse_policy(read_example("arithmetic").rstrip("\n") + "\n" + CLAUSE.format(when))


def message(when: str) -> str:
    with pytest.raises(PolicyFaults) as caught:
        written(when)
    return str(caught.value)


def sum_of(name: str) -> dict[str, Any]:
    return {"const": "0", "terms": [["1", name]]}


def nested(times: int) -> list[Any]:
    tree: list[Any] = ["fact", "meter.sound"]
    for _ in range(times):
        tree = ["not", tree]
    return tree


@given(st.recursive(atoms, grown, max_leaves=8))
def test_the_tree_is_read_back_from_its_json(expr: Expr) -> None:
    assert from_json(json.loads(json.dumps(to_json(expr)))) == expr


words = st.sampled_from(
    [
        "fact",
        "undefined",
        "not",
        "all",
        "any",
        "at_least",
        "<=",
        "<",
        "const",
        "terms",
        "1",
        "-0",
        "1/2",
        "2/4",
        "1.0",
        "x",
    ]
)
documents = st.recursive(
    words | st.integers(-1, 3) | st.booleans() | st.none() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=2),
    max_leaves=12,
)


@given(documents)
def test_what_is_no_tree_is_refused_and_what_is_one_is_written_the_same(document: Any) -> None:
    try:
        found = from_json(document)
    except InputError:
        return
    assert json.dumps(to_json(found)) == json.dumps(document)


def test_one_meaning_has_one_digest_however_it_is_written() -> None:
    one = written("compute <= 1e12 FLOP and not arithmetic.reached")
    other = written('"compute <=  1 TFLOP and (not arithmetic.reached)"')
    assert one.digest() == other.digest() != written("compute <= 2e12 FLOP and not arithmetic.reached").digest()
    document = json.loads(one.canonical())
    again = policy_from_json(document)
    assert (again, again.digest()) == (one, one.digest())
    assert document["clauses"][-1]["when"] == [
        "all",
        ["<=", {"const": "0", "terms": [["1", "compute"]]}, {"const": "1000000000000", "terms": []}],
        ["not", ["fact", "arithmetic.reached"]],
    ]


def test_a_tree_of_unlike_things_is_refused_where_it_comes_from_a_ledger() -> None:
    document = json.loads(written("compute <= 1e12 FLOP").canonical())
    for when, words in (
        (
            ["<=", {"const": "0", "terms": [["1", "compute"]]}, {"const": "0", "terms": [["1", "now"]]}],
            "of no one kind",
        ),
        (["fact", "compute"], "is an amount, not a condition"),
        (["fact", "made.up"], "there is no fact `made.up`"),
        (["<", sum_of("made.up"), sum_of("compute")], "there is no fact `made.up`"),
        (["at_least", 3, ["fact", "meter.sound"]], "not the tree of a condition"),
        (["fact", "arithmetic.reached"], "on the wrong side"),
        (7, "not the tree of a condition"),
        (nested(3000), "nested more than 50 deep"),
    ):
        document["clauses"][-1]["when"] = when
        with pytest.raises(PolicyFaults, match=words):
            policy_from_json(document)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("compute <= 4", "policy:132:11: 4 has no unit, and stands beside FLOP"),
        ('"meter.sound and computee <= 4 FLOP"', "policy:132:28: there is no fact `computee`"),
        ("always", "it reads no fact"),
        ("always or meter.sound", "met, in part or whole, whatever happens"),
        ("meter.sound and compute <= compute + 3 FLOP", "met, in part or whole, whatever happens"),
        (f"compute <= {'9' * 1001} FLOP", "policy:132:22: the number has more than 1000 digits"),
        (f"compute <= 1.{'9' * 6000} FLOP", "more than 1000 digits"),
        (f"1/{'3' * 401} * compute <= 1 FLOP", "too long a number to be kept"),
        (f"{'meter.sound or (ledger.sound and (' * 25}meter.sound or ledger.sound{'))' * 25}", "too deep"),
        (f"{'9' * 300} * ({'compute + ' * 300}compute) <= 1 FLOP", "with its factors multiplied out"),
        ("not (not (always))", "it reads no fact"),
        ("arithmetic.reached", "`arithmetic.reached` on the wrong side"),
        ("meter.sound or not arithmetic.ruled_out", "`arithmetic.ruled_out` on the wrong side"),
        ("1e12 FLOP <= compute", "`compute` on the wrong side"),
        ("not compute <= 1e12 FLOP", "`compute` on the wrong side"),
        (
            "compute <= 1e12 FLOP - arithmetic.evidence.compute",
            "`arithmetic.evidence.compute` on the wrong side",
        ),
        ("arithmetic.elicitation < 1 FLOP", "says nothing of what came of it: write `arithmetic.ruled_out`; the score"),
        (
            "compute <= 1e12 FLOP and not meter.sound",
            "`A or meter.sound` if `meter.sound` alone lets it pass, `A and m",
        ),
        ("compute <= 1e12 FLOP or arithmetic.reached", "`A unless B` is `A and not B` for a B that is danger"),
        ("arithmetic.evidence.time + 3 days <= now", "`now` on the wrong side"),
        ("[meter.sound]", "`when`: this is not the tree of a condition"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(when: str, words: str) -> None:
    assert words in message(when)


@pytest.mark.parametrize(
    ("when", "fix"),
    [
        ("[meter.sound]", "write the condition as one text: `meter.sound`"),
        ("[compute <= 1e9 FLOP, not arithmetic.reached]", "`compute <= 1e9 FLOP and not arithmetic.reached`"),
        ("[meter.sound or ledger.sound, meter.sound]", "`(meter.sound or ledger.sound) and meter.sound`"),
        ("{and: [meter.sound, ledger.sound]}", "`meter.sound and ledger.sound`"),
        ("{any: [meter.sound, ledger.sound]}", "`meter.sound or ledger.sound`"),
        ("{xor: [meter.sound, ledger.sound]}", "write the condition as a text\n"),
        ("[fact, meter.sound, ledger.sound]", "write the condition as a text\n"),
        ("[meter.sound, {or: [ledger.sound]}]", "write the condition as a text\n"),
    ],
)
def test_a_list_of_conditions_is_told_how_it_is_written_as_one(when: str, fix: str) -> None:
    assert fix in f"{message(when)}\n"


@pytest.mark.parametrize(
    ("when", "fix"),
    [
        ("!arithmetic.reached && compute <= 1e9 FLOP", "`not arithmetic.reached and compute <= 1e9 FLOP`"),
        ("!arithmetic.reached  # or so", "`not arithmetic.reached`"),
        ("!(arithmetic.reached||!meter.sound)", "`not (arithmetic.reached or not meter.sound)`"),
    ],
)
def test_signs_of_other_languages_that_yaml_reads_as_its_own_are_told_in_words(when: str, fix: str) -> None:
    assert f"write `not`, `and` and `or` in words: {fix}" in message(when)


@pytest.mark.parametrize("when", ["2027-01-01 <= now", "not now < 2027-01-01", "now <= 2027-01-01"])
def test_a_date_that_the_condition_names_may_come(when: str) -> None:
    written(when)


def worse(name: str, value: Value) -> list[Value]:
    """The fact with more danger."""
    if isinstance(value, bool):
        return [name.endswith(("reached", "reached_early"))]
    assert isinstance(value, int)
    grows = name in ("compute", "now", "ledger.time", "developer.others", "lineage.compute", "lineage.planned_end")
    return [value + 1 if grows or name.endswith(".unevaluated") else value - 1]


@given(st.recursive(atoms, grown, max_leaves=6), st.data())
def test_where_no_fact_stands_on_the_wrong_side_no_danger_helps(expr: Expr, data: st.DataObject) -> None:
    facts: dict[str, Value] = {}
    for name, kind in KNOWN.items():
        known = st.booleans() if kind is Kind.YES_NO else st.integers(-3, 3)
        facts[name] = data.draw(known, label=name)
    if set(wrong_ways(expr)) or evaluate(expr, facts) is Truth.TRUE:
        return
    name = data.draw(st.sampled_from(sorted(set(KNOWN) - {"now"})))
    for value in worse(name, facts[name]):
        assert evaluate(expr, facts | {name: value}) is not Truth.TRUE
