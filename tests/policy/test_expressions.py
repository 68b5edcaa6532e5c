"""Conditions as text: what is shown reads back as the same tree, and what cannot be meant is refused."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.policy import PolicyFaults, parse_policy
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import ACTIONS, Action
from scalegate.policy.expressions import parse_condition
from scalegate.policy.show import show_condition
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Linear, Not, Undefined
from scalegate.policy.vocabulary import Kind, vocabulary

POLICY = parse_policy(read_example("arithmetic"))
KNOWN = vocabulary(POLICY)
BY_KIND = {kind: sorted(name for name, of in KNOWN.items() if of is kind) for kind in Kind}

coefficients = st.fractions(-1000, 1000, max_denominator=30) | st.integers(-(10**12), 10**12).map(Fraction)


def linears(kind: Kind, constants: st.SearchStrategy[Fraction]) -> st.SearchStrategy[Linear]:
    terms = st.lists(st.tuples(coefficients, st.sampled_from(BY_KIND[kind])), min_size=1, max_size=3).map(tuple)
    return st.builds(Linear, constants, terms)


amounts = linears(Kind.FLOP, st.integers(-(10**40), 10**40).map(Fraction))
counts = linears(Kind.COUNT, coefficients)
seconds = st.integers(-(10**9), 10**9).map(Fraction)
ops = st.sampled_from(["<=", "<"])
names = st.sampled_from(BY_KIND[Kind.INSTANT])


@st.composite
def times(draw: st.DrawFn) -> Compare:
    """Instants with an instant, or differences with a duration."""
    one, two, other = draw(names), draw(names), draw(names)
    offset = draw(seconds)
    ways = {
        "date": (Linear(Fraction(draw(st.integers(0, 4 * 10**9)))), Linear(offset, ((Fraction(1), one),))),
        "both": (Linear(offset, ((Fraction(1), one),)), Linear(Fraction(0), ((Fraction(1), two),))),
        "difference": (Linear(Fraction(0), ((Fraction(1), one), (Fraction(-1), two))), Linear(offset)),
        "three": (
            Linear(offset, ((Fraction(1), one), (Fraction(-1), two), (Fraction(1), other))),
            Linear(Fraction(0), ((Fraction(1), two),)),
        ),
    }
    left, right = ways[draw(st.sampled_from(sorted(ways)))]
    return Compare(draw(ops), *((right, left) if draw(st.booleans()) else (left, right)))


constants = st.integers(-(10**40), 10**40).map(lambda value: Linear(Fraction(value)))
atoms: st.SearchStrategy[Expr] = (
    st.sampled_from(BY_KIND[Kind.YES_NO]).map(Fact)
    | st.just(Undefined("test.understanding"))
    | st.builds(Compare, ops, amounts, amounts | constants)
    | st.builds(Compare, ops, counts, counts)
    | times()
)


def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    items = st.lists(inner, max_size=3).map(tuple)
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    least = some.flatmap(lambda of: st.integers(1, len(of)).map(lambda k: AtLeast(k, of)))
    return st.builds(Not, inner) | st.builds(All, items) | st.builds(Any, items) | least


@given(st.recursive(atoms, grown, max_leaves=8))
def test_what_is_shown_reads_back_as_the_same_tree(expr: Expr) -> None:
    assert parse_condition(show_condition(expr, KNOWN), KNOWN) == expr


@pytest.mark.parametrize("action", ACTIONS)
def test_every_condition_of_the_example_is_shown_and_read_back(action: Action) -> None:
    for compiled in compile_policy(POLICY, action):
        for expr in (compiled.in_force, compiled.binds, compiled.condition):
            assert parse_condition(show_condition(expr, KNOWN), KNOWN) == expr


@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            [
                "(",
                ")",
                "and",
                "or",
                "not",
                "at",
                "least",
                "of",
                "2",
                "compute",
                "<=",
                "*",
                "-",
                "FLOP",
                "now",
                "2026-12-01",
                "3 days",
                ",",
                "undefined",
                "all",
                "meter.sound",
            ]
        )
    ).map(" ".join)
)
def test_any_text_is_read_or_refused_with_its_column(text: str) -> None:
    refused: InputError | None = None
    try:
        parse_condition(text, KNOWN)
    except InputError as error:
        refused = error
    assert refused is None or (refused.place is not None and 1 <= (refused.place.column or 0) <= len(text) + 1)


REFUSED = {
    "compute < 4": (1, "4 has no unit, and stands beside FLOP (write its unit: `4 FLOP`)"),
    "now <= 3 days": (1, "an instant against a duration"),
    "compute <= now": (1, "two kinds are mixed: FLOP and an instant"),
    "meter.sound and not arithmetic.reachd": (
        21,
        "there is no fact `arithmetic.reachd` (did you mean `arithmetic.reached`?",
    ),
    "compute": (1, "`compute` is an amount, not a condition"),
    "compute < 1 FLOP < developer.others": (18, "a comparison of three is not read"),
    "(compute < 1 FLOP) < 2 FLOP": (20, "what stands before is so or not, and is compared with nothing (leave out `<`"),
    "arithmetic.reached < 0.2": (
        20,
        "`arithmetic.reached` is so or not, and is compared with nothing (write `not arithmetic.reached`, or"
        " `arithmetic.reached` if that is what is denied; the score itself stands in the domain, as `alarm:`)",
    ),
    "meter.sound >= 1 and ledger.sound": (13, "(write `meter.sound`, or `not meter.sound` if that is what is denied)"),
    "arithmetic.elicitation < 0.2": (1, "says nothing of what came of it: write `arithmetic.ruled_out`"),
    "compute < 0.5": (1, "(write an amount, as `... FLOP`; a share multiplies: `0.5 * ...`)"),
    "compute <= 1e13 FLOP unless arithmetic.ruled_out": (
        22,
        "(write `compute <= 1e13 FLOP or arithmetic.ruled_out` if `arithmetic.ruled_out` alone lets it pass,"
        " `compute <= 1e13 FLOP and arithmetic.ruled_out` if it takes both)",
    ),
    "compute <= 1e13 FLOP unless arithmetic.reached": (
        22,
        "(write `compute <= 1e13 FLOP and not arithmetic.reached`: it takes both, and `arithmetic.reached` holds it",
    ),
    "compute <= 1e13 FLOP unless 2e13 FLOP <= compute or arithmetic.reached": (
        22,
        "(write `compute <= 1e13 FLOP and not (2e13 FLOP <= compute or arithmetic.reached)`: it takes both",
    ),
    "compute <= 1e13 FLOP unless arithmetic.reached and meter.sound": (22, "(write `... and not ...` if what follows"),
    "compute <= 1e13 FLOP unless somebody signs": (22, "(write `... and not ...` if what follows must not be so"),
    "compute / 2 < 1 FLOP": (9, "nothing is divided"),
    "compute * compute < 1 FLOP": (1, "two amounts are multiplied"),
    "compute = 1 FLOP": (9, "`=` is not read"),
    "now + now < 2 days": (1, "2 instants against a duration"),
    "1 FLOP < 2 FLOP": (1, "the comparison reads no fact"),
    "at least 3 of (meter.sound, ledger.sound)": (1, "at least 3 of 2 says nothing"),
    "meter.sound or 1 of (ledger.sound, arithmetic.ruled_out)": (16, "`1 of` is no list (write `at least 1 of (...)`"),
    "undefined": (10, "what is undefined has no name"),
    "meter.sound meter.sound": (13, "`meter.sound` is not expected here"),
    "(meter.sound": (13, "`)` is missing after the condition in brackets"),
    "meter.sound + 1 < 2": (13, "`+` is not expected here"),
    "compute < meter.sound": (11, "`meter.sound` is so or not, and no amount"),
    "compute <= 1e50 FLOP": (12, "more than 1e40 FLOP"),
    "compute <= 1e13 flops": (17, "`flops` is no unit (write `1e13 FLOP`)"),
    "compute <= 10 TFLOPs": (15, "`TFLOPs` is no unit (write `1e13 FLOP`)"),
    "compute <= 3 million FLOP": (14, "`million` is no unit (write `3000000 FLOP`)"),
    "compute <= 10^12 FLOP": (14, "`^` means nothing here (write `1e12 FLOP`)"),
    "compute <= 3 * 10^12 FLOP": (18, "`^` means nothing here (write `3e12 FLOP`)"),
    "compute <= 10^12 * arithmetic.evidence.compute": (14, "(write `1e12` in place of `10^12`)"),
    "compute <= 4x * arithmetic.evidence.compute": (13, "write `4 * arithmetic.evidence.compute`"),
    "compute <= 4x arithmetic.evidence.compute": (13, "write `4 * arithmetic.evidence.compute`"),
    "compute <= 4x": (13, "write `4 * ...`"),
    "1% * compute <= 1e9 FLOP": (2, "as `0.01 * compute`"),
    "2.5 % of compute <= 1e9 FLOP": (5, "as `0.025 * compute`"),
    "compute <= 20%": (14, "as `0.2 * ...`"),
    "arithmetic.reached = yes": (20, "(write `arithmetic.reached`)"),
    "not arithmetic.reached = yes": (24, "(write `not arithmetic.reached`)"),
    "arithmetic.reached = no": (20, "(write `not arithmetic.reached`)"),
    "not arithmetic.ruled_out = no": (26, "(write `arithmetic.ruled_out`, and no `not` before it)"),
    "arithmetic.ruled_out != no": (22, "(write `arithmetic.ruled_out`)"),
    "the arithmetic score is below 0.2": (1, "this is a sentence, and no condition (the sentence stands in `text`"),
    "meter.sound or not arithmetic.reached and arithmetic.ruled_out": (
        39,
        "(write the one that is meant: `meter.sound or (not arithmetic.reached and arithmetic.ruled_out)`,"
        " or `(meter.sound or not arithmetic.reached) and arithmetic.ruled_out`)",
    ),
    "ledger.sound and (meter.sound and now <= 2027-01-01 or arithmetic.ruled_out)": (
        53,
        "`(meter.sound and now <= 2027-01-01) or arithmetic.ruled_out`,"
        " or `meter.sound and (now <= 2027-01-01 or arithmetic.ruled_out)`",
    ),
    "now <= 2026-13-01": (8, "`2026-13-01` is not a date"),
    "now <= 30.06.2027": (8, "`30.06.2027` is not a date (write year, month and day: `2027-06-30`)"),
    "now <= 31/12/2027": (8, "(write year, month and day: `2027-12-31`)"),
    "now <= 4.5.2027 and compute <= 1.5.2 FLOP": (8, "`4.5.2027` is not a date"),
    "compute <= 1.5.2 FLOP": (15, "`.` means nothing here"),
    "meter.sound & ledger.sound": (13, "`&` means nothing here"),
    "": (1, "the end is no amount"),
    "not " * 60 + "meter.sound": (205, "nested more than 50 deep"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    column, words = REFUSED[text]
    with pytest.raises(InputError) as caught:
        parse_condition(text, KNOWN)
    assert words in str(caught.value)
    assert caught.value.place is not None
    assert caught.value.place.column == column


@pytest.mark.parametrize(
    "text",
    [
        "meter.sound or (not arithmetic.reached and arithmetic.ruled_out)",
        "all of (meter.sound and ledger.sound, meter.sound or ledger.sound)",
        "(meter.sound or ledger.sound) and (compute <= 1e9 FLOP or arithmetic.ruled_out)",
    ],
)
def test_with_brackets_both_words_are_read(text: str) -> None:
    tree = parse_condition(text, KNOWN)
    assert parse_condition(show_condition(tree, KNOWN), KNOWN) == tree


def test_what_is_proposed_for_words_side_by_side_reads_as_the_two_readings() -> None:
    with pytest.raises(InputError) as caught:
        parse_condition("meter.sound and ledger.sound or arithmetic.ruled_out", KNOWN)
    one, other = re.findall("`([^`]*)`", caught.value.fix or "")
    first, second, third = Fact("meter.sound"), Fact("ledger.sound"), Fact("arithmetic.ruled_out")
    assert parse_condition(one, KNOWN) == Any((All((first, second)), third))
    assert parse_condition(other, KNOWN) == All((first, Any((second, third))))


def test_a_sentence_is_told_what_a_condition_looks_like_with_facts_that_there_are() -> None:
    with pytest.raises(InputError) as caught:
        parse_condition("the arithmetic score is below 0.2", KNOWN)
    shown = re.findall("`([^`]*)`", caught.value.fix or "")[1:-2]
    assert "compute <= ... * arithmetic.evidence.compute" in shown
    assert [parse_condition(text.replace("...", "4"), KNOWN) for text in shown]


@pytest.mark.parametrize(
    "text", ["arithmetic.score < 0.2", "arithmetc.pass_rate <= 0.1", "score < 0.2", "arithmetic.alarm <= 0.2"]
)
def test_whoever_writes_a_score_is_told_what_decides_and_never_what_was_spent(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_condition(text, KNOWN)
    fix = caught.value.fix or ""
    assert "scores are no facts: whether the alarm is ruled out decides. Write `arithmetic.ruled_out`;" in fix
    assert "`not arithmetic.reached` lets pass what nobody evaluated as well" in fix
    assert "elicitation" not in fix


@pytest.mark.parametrize("text", ["arithmetic.unlikely", "arithmetic.danger", "arithmetics.foo"])
def test_a_word_that_is_like_no_fact_of_a_domain_is_not_taken_for_what_was_spent(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_condition(f"{text} <= 4 FLOP", KNOWN)
    assert "arithmetic" in (caught.value.fix or "")
    assert "elicitation" not in (caught.value.fix or "")


def test_what_was_spent_is_offered_for_a_word_that_is_like_it() -> None:
    with pytest.raises(InputError, match=r"did you mean `arithmetic\.elicitation`"):
        parse_condition("1 FLOP <= arithmetic.elicitaton", KNOWN)


@pytest.mark.parametrize("name", ["a..b", "a-", "a.", "a--b", "a-.b", "-a", "a" * 65])
def test_a_name_that_would_not_read_back_is_no_name(name: str) -> None:
    text = read_example("arithmetic")
    with pytest.raises(PolicyFaults, match="is not an identifier"):
        parse_policy(text.replace("arithmetic", name).replace(f"policy: {name}-demo", "policy: arithmetic-demo"))
