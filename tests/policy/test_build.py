"""Conditions in Python are the trees that texts are, and a policy is written as a file that reads back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_expressions import KNOWN
from test_parameters import written

from effort import examples
from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.policy import Policy, PolicyFaults, parse_policy, policy_from_json
from scalegate.policy.build import (
    Amount,
    Condition,
    all_of,
    any_of,
    at_least,
    build_policy,
    date,
    duration,
    fact,
    flop,
    never,
    number,
    parameter,
    policy_to_yaml,
    undefined,
)
from scalegate.policy.expressions import parse_condition
from scalegate.policy.published import published
from scalegate.policy.vocabulary import Kind
from strategies import policies

NAMES = {kind: sorted(name for name, it in KNOWN.items() if it is kind) for kind in Kind}
SCALED = {**KNOWN, "parameter.g": Kind.FACTOR, "parameter.h": Kind.FACTOR, "parameter.cap": Kind.FLOP}
Pair = tuple[str, Any]


def joined(word: str, items: list[Pair], build: Any) -> Pair:
    return f"{word} of ({', '.join(text for text, _ in items)})", build(*(it for _, it in items))


flops = st.sampled_from([("1e26 FLOP", flop("1e26 FLOP")), ("7 FLOP", flop("7 FLOP"))])
terms: st.SearchStrategy[Pair] = st.one_of(
    st.sampled_from(NAMES[Kind.FLOP]).map(lambda name: (name, fact(name))),
    st.just(("parameter.cap", parameter("cap"))),
)
scaled: st.SearchStrategy[Pair] = st.one_of(
    terms,
    st.builds(lambda it, by: (f"{by} * {it[0]}", by * it[1]), terms, st.integers(1, 9)),
    st.builds(lambda it: (f"3/2 * {it[0]}", Fraction(3, 2) * it[1]), terms),
    st.builds(lambda it: (f"parameter.g * {it[0]}", parameter("g") * it[1]), terms),
    st.builds(
        lambda it: (f"2 * parameter.h * parameter.g * {it[0]}", 2 * parameter("h") * (parameter("g") * it[1])), terms
    ),
)
sums: st.SearchStrategy[Pair] = st.one_of(
    scaled,
    st.builds(lambda a, b: (f"{a[0]} + {b[0]}", a[1] + b[1]), scaled, scaled | flops),
    st.builds(lambda a, b: (f"{a[0]} - {b[0]}", a[1] - b[1]), scaled, scaled | flops),
    st.builds(lambda a, b: (f"parameter.g * ({a[0]} - {b[0]})", parameter("g") * (a[1] - b[1])), terms, terms),
)
SIGNS: dict[str, Any] = {
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
}
with_fact = st.sampled_from(NAMES[Kind.FLOP]).map(lambda name: (name, fact(name)))
atoms: st.SearchStrategy[Pair] = st.one_of(
    st.sampled_from(NAMES[Kind.YES_NO]).map(lambda name: (name, fact(name))),
    st.just(("undefined test.t", undefined("test.t"))),
    st.just(("never", never())),
    st.builds(
        lambda a, b, sign: (f"{a[0]} {sign} {b[0]}", SIGNS[sign](a[1], b[1])),
        with_fact,
        sums,
        st.sampled_from(sorted(SIGNS)),
    ),
    st.just(("now <= lineage.opened + 90 days", fact("now") <= fact("lineage.opened") + duration("90 days"))),
    st.just(("2027-01-31 < now", date("2027-01-31") < fact("now"))),
)


def grown(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    some = st.lists(inner, min_size=1, max_size=3)
    two = st.tuples(inner, inner)
    return st.one_of(
        some.map(lambda of: joined("all", of, all_of)),
        some.map(lambda of: joined("any", of, any_of)),
        some.map(lambda of: joined("at least 1", of, lambda *items: at_least(1, *items))),
        inner.map(lambda it: (f"not ({it[0]})", ~it[1])),
        two.map(
            lambda of: (f"any of (never) and ({of[0][0]}) and ({of[1][0]})", any_of(never()) & of[0][1] & of[1][1])
        ),
        two.map(lambda of: (f"any of (never) or ({of[0][0]}) or ({of[1][0]})", any_of(never()) | of[0][1] | of[1][1])),
    )


@given(st.recursive(atoms, grown, max_leaves=6))
def test_python_and_text_are_one_tree(pair: Pair) -> None:
    text, built = pair
    assert built.tree == parse_condition(text, SCALED)


def extra(when: object) -> dict[str, Any]:
    document = written().model_dump(mode="json", by_alias=True, exclude_none=True)
    document["clauses"][-1]["when"] = when
    return dict(document)


def test_a_policy_is_built_of_plain_values_and_conditions() -> None:
    when = (fact("compute") <= parameter("growth") * fact("arithmetic.evidence.compute")) & (
        fact("compute") + fact("developer.others") <= parameter("cap")
    )
    assert build_policy(extra(when)).digest() == written().digest()
    document = extra(when)
    document["levels"][0]["number"] = 2
    assert build_policy(document).digest() == written().digest()


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (fact("compute") >= flop("1e20 FLOP"), "on the wrong side"),
        (~~fact("arithmetic.reached"), "on the wrong side"),
        (fact("compte") <= flop("1e20 FLOP"), "there is no fact `compte`"),
        (fact("compute") <= duration("3 months") + fact("now"), "is of no one kind"),
        (fact("compute") <= parameter("growth"), "is of no one kind"),
        (fact("compute") <= parameter("cap") * fact("arithmetic.evidence.compute"), "there is no fact"),
        (never(), "it reads no fact"),
    ],
)
def test_it_is_checked_as_a_text_is(when: Condition, message: str) -> None:
    with pytest.raises(PolicyFaults) as caught:
        build_policy(extra(when))
    assert message in str(caught.value)
    assert caught.value.faults


def test_what_is_not_exact_or_would_be_lost_is_refused() -> None:
    compute: Any = fact("compute")
    for wrong in (lambda: compute * 1.5, lambda: compute <= 1.0, lambda: compute * True, lambda: compute * compute):
        with pytest.raises(InputError):
            wrong()
    for wrong in (lambda: 0 <= compute <= 5, lambda: compute <= 5 and compute, lambda: not (compute <= 5)):
        with pytest.raises(InputError, match="before it is decided"):
            wrong()
    with pytest.raises(InputError, match="says nothing"):
        at_least(2, fact("meter.sound"))
    with pytest.raises(InputError, match="not a number"):
        number("many")
    assert number("1.5").linear.const == Fraction(3, 2)
    assert isinstance(2 - compute, Amount)


@settings(max_examples=examples(25))
@given(policies())
def test_a_policy_is_written_as_a_file_that_reads_back(policy: Policy) -> None:
    assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()


@pytest.mark.parametrize("name", ["arithmetic", "starter", "frontier", "floor"])
def test_the_examples_are_written_as_files_that_read_back(name: str) -> None:
    policy = parse_policy(read_example(name))
    text = policy_to_yaml(policy)
    assert parse_policy(text).digest() == policy.digest()


@pytest.mark.parametrize("path", [it.path for it in published()], ids=lambda path: path.stem)
def test_published_policies_are_written_as_files_that_read_back(path: Any) -> None:
    policy = parse_policy(path.read_text(encoding="utf-8"))
    assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()


hostile = st.sampled_from(
    [
        "600 seconds",
        "10 FLOP",
        "yes",
        "2",
        "a: b",
        "# c",
        "- d",
        "*e",
        "&f",
        "'",
        '"',
        "|",
        "g\nh\n\n i",
        " j ",
        "2026-01-01T00:00:00Z",
    ]
) | st.text(min_size=1, max_size=40)


@settings(max_examples=examples(40))
@given(hostile)
def test_whatever_its_texts_are_it_reads_back(text: str) -> None:
    document = parse_policy(read_example("arithmetic")).model_dump(mode="json", by_alias=True, exclude_none=True)
    document["title"] = document["clauses"][0]["text"] = text
    try:
        policy = policy_from_json(document)
    except PolicyFaults:
        return
    assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()
