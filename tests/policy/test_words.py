"""Conditions in words: whatever the tree there are some, every number is in them, and unlike conditions read unlike."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_expressions import KNOWN, POLICY, atoms, grown

from scalegate.policy.compile import compile_policy
from scalegate.policy.document import ACTIONS, Policy
from scalegate.policy.expressions import parse_condition
from scalegate.policy.show import amount, date
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Not, at_most, children, constant, term
from scalegate.policy.vocabulary import Kind
from scalegate.report.words import Speaker, inline, lines, share
from scalegate.units import format_factor
from strategies import policies


def words(expr: Expr, policy: Policy = POLICY) -> list[tuple[int, str]]:
    return list(lines(Speaker(policy).say(expr)))


def said(text: str) -> str:
    found = inline(Speaker(POLICY).say(parse_condition(text, KNOWN)))
    assert found is not None
    return found


def plain(expr: Expr, holds: bool = True) -> Expr:
    """The tree without what makes no difference: twice `not`, lists of one, lists in lists, `not <`."""
    match expr:
        case Not(item):
            return plain(item, not holds)
        case Compare(op, left, right) if not holds:
            return Compare("<" if op == "<=" else "<=", right, left)
        case All((one,)) | Any((one,)):
            return plain(one, holds)
        case All(()) | Any(()):
            return All(()) if isinstance(expr, All) is holds else Any(())
        case All(items) | Any(items):
            parts: list[Expr] = []
            for item in map(plain, items):
                parts += item.items if type(item) is type(expr) else [item]  # type: ignore[attr-defined]
            whole: Expr = type(expr)(tuple(parts))
            if len(parts) < 2:
                return plain(whole, holds)
            return whole if holds else Not(whole)
        case AtLeast(1, (one,)):
            return plain(one, holds)
        case AtLeast(k, items):
            whole = AtLeast(k, tuple(map(plain, items)))
            return whole if holds else Not(whole)
    return expr if holds else Not(expr)


def numbers(expr: Expr) -> Iterator[Fraction]:
    """What is compared with and multiplied by in the tree, and how many of a list are needed."""
    if isinstance(expr, AtLeast):
        yield Fraction(expr.k)
    if isinstance(expr, Compare):
        for side in (expr.left, expr.right):
            yield from (abs(coefficient) for coefficient, _ in side.terms if abs(coefficient) != 1)
            if side.const or not side.terms:
                yield abs(side.const)
    for item in children(expr):
        yield from numbers(item)


def forms(value: Fraction) -> set[str]:
    """The ways in which people write the number."""
    found = {amount(value, Kind.COUNT), f"{amount(value, Kind.COUNT)}x", amount(value, Kind.FLOP), share(value)}
    if value.denominator == 1:
        found |= {amount(value, Kind.INSTANT), date(value)}
    return found


@given(st.recursive(atoms, grown, max_leaves=8), st.booleans())
def test_every_condition_has_words_with_every_number(expr: Expr, holds: bool) -> None:
    speaker = Speaker(POLICY)
    found = list(lines(speaker.say(expr, holds)))
    assert found == list(lines(speaker.say(expr, holds)))
    text = " ".join(phrase for _, phrase in found)
    for compare in [expr] if isinstance(expr, Compare) else []:
        assert all(any(form in text for form in forms(value)) for value in numbers(compare))
    assert all(isinstance(number, str) for number in speaker.numbers(expr))


@given(policies(), policies())
def test_what_is_decided_differently_reads_differently(one: Policy, other: Policy) -> None:
    read: dict[tuple[tuple[int, str], ...], Expr] = {}
    for policy in (one, other):
        for action in ACTIONS:
            for compiled in compile_policy(policy, action):
                tree = plain(compiled.condition)
                assert read.setdefault(tuple(words(compiled.condition, policy)), tree) == tree


@settings(max_examples=200)
@given(st.lists(st.recursive(atoms, grown, max_leaves=3), min_size=2, max_size=6))
def test_conditions_that_read_alike_are_one(trees: list[Expr]) -> None:
    read: dict[tuple[tuple[int, str], ...], Expr] = {}
    for tree in trees:
        assert read.setdefault(tuple(words(tree)), plain(tree)) == plain(tree)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "compute + developer.others <= 1e13 FLOP",
            "all of the developer's effective compute, with what is asked for, is at most 1e13 FLOP",
        ),
        (
            "1.5 * compute <= 6 * arithmetic.evidence.compute",
            "the effective compute asked for is at most 4x (6x over 1.5x) that of the weights in the furthest"
            " conclusive evaluation of `arithmetic`",
        ),
        (
            "0.01 * compute <= arithmetic.elicitation",
            "the compute spent on elicitation of `arithmetic` is at least 1% of the effective compute asked for",
        ),
        ("now < 2027-01-01", "it is before 2027-01-01"),
        ("not now < 2027-01-01", "it is 2027-01-01 or later"),
        ("now <= lineage.opened + 90 days", "no more than 90 days have passed since the lineage was opened"),
        (
            "not arithmetic.reached and meter.sound",
            "nothing shows the alarm of `arithmetic` reached, and the meter is sound",
        ),
        (
            "arithmetic.ruled_out or now <= approval.2.ada.until",
            "either the alarm of `arithmetic` is ruled out, or a signature of Ada Officer (`ada`) for level 2 counts",
        ),
        ("not arithmetic.ruled_out", "the alarm of `arithmetic` is not ruled out"),
        ("not now <= safeguard.weights-locked.until", "no attestation of the safeguard `weights-locked` counts"),
        ("undefined test.x", "the test `x` is passed, which nobody has defined, so nothing shows it"),
        ("tier.international.adopters < 2", "the number of parties that have adopted `international` is less than 2"),
    ],
)
def test_conditions_read_as_a_board_would_say_them(text: str, sentence: str) -> None:
    assert said(text) == sentence


def test_a_condition_that_one_sentence_would_blur_is_a_list() -> None:
    tree = parse_condition("meter.sound and (ledger.sound or not (meter.sound and ledger.sound))", KNOWN)
    assert inline(Speaker(POLICY).say(tree)) is None
    assert words(tree) == [
        (0, "all of these are so:"),
        (1, "the meter is sound"),
        (1, "at least one of these is so:"),
        (2, "the ledger is sound"),
        (2, "not all of these are so:"),
        (3, "the meter is sound"),
        (3, "the ledger is sound"),
    ]


def test_a_fact_that_has_no_words_is_named() -> None:
    assert words(Fact("of.tomorrow")) == [(0, "`of.tomorrow` is true")]
    assert words(at_most(term("of.tomorrow"), constant(3))) == [(0, "`of.tomorrow` is at most 3")]


def test_a_factor_is_rounded_only_where_that_is_said() -> None:
    assert [format_factor(Fraction(value)) for value in ("4", "1.5", "10000", "13/3")] == [
        "4x",
        "1.5x",
        "10000x",
        "about 4.333x",
    ]


def test_at_least_one_of_one_is_that_one_and_is_not_counted() -> None:
    one = at_most(term("compute"), constant(5))
    speaker = Speaker(POLICY)
    for holds in (True, False):
        assert speaker.say(AtLeast(1, (one,)), holds) == speaker.say(one, holds)
