"""What a finding rests on: the atoms that made the status, in one line."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from scalegate.gate.explain import LISTED, explain
from scalegate.gate.judge import Test as Clause
from scalegate.policy import syntax
from scalegate.policy.semantics import Reason, Unknown
from scalegate.policy.syntax import All, AtLeast, Compare, Expr, Fact, Not, Undefined, at_most, constant, term
from support import DAY, START

FACTS: dict[str, Any] = {
    "yes": True,
    "no": False,
    "gone": Unknown(Reason.STALE, "it is too old"),
    "bare": Unknown(Reason.UNSIGNED),
    "n": 1500,
    "m": 7,
    "half": Fraction(1, 2),
    "now": START,
    "d.evidence.compute": 5,
}


def told(condition: Expr, status: Any, faults: tuple[str, ...] = (), *, gates: bool = True) -> str:
    test = Clause("c", "cadence", "aim", "", "", gates, All(()), All(()), condition)
    return explain(test, status, FACTS, faults)


YES, NO, GONE = Fact("yes"), Fact("no"), Fact("gone")


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (YES, "`yes` is true"),
        (Not(NO), "`no` is false"),
        (All((YES, Not(NO))), "`yes` is true; `no` is false"),
        (All((YES, YES)), "`yes` is true"),
        (syntax.Any((NO, YES, Not(NO))), "`yes` is true"),
        (syntax.Any((GONE, YES)), "`yes` is true"),
        (AtLeast(1, (YES, NO, GONE)), "1 of 3 are so, 1 is needed"),
        (AtLeast(2, (YES, NO, Not(NO))), "2 of 3 are so, 2 are needed"),
        (at_most(term("m"), term("n")), "m (7) <= n (1500)"),
        (Compare("<", term("m", 2), constant(15)), "2 * m (14) < 15"),
        (at_most(term("m") + constant(1), term("n") * 3), "m + 1 (8) <= 3 * n (4500)"),
        (at_most(term("half"), constant(1000)), "half (0.5) <= 1000"),
        (at_most(constant(999), term("n")), "999 <= n (1500)"),
        (
            at_most(term("now"), term("now") + constant(DAY)),
            "now (2026-11-30T00:53:20Z) <= now + 1 day (2026-12-01T00:53:20Z)",
        ),
        (All(()), "met"),
    ],
)
def test_what_makes_it_met(condition: Expr, words: str) -> None:
    assert told(condition, "met") == words


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (NO, "`no` is false"),
        (Not(YES), "`yes` is true"),
        (All((YES, NO, GONE)), "`no` is false"),
        (syntax.Any((NO, Not(YES))), "`yes` is true"),
        (syntax.Any(()), "violated"),
        (AtLeast(2, (YES, NO)), "1 of 2 are so, 2 are needed"),
        (at_most(term("n"), term("m")), "n (1500) > m (7)"),
        (Compare("<", term("m"), term("m")), "m (7) >= m (7)"),
        (AtLeast(1, (Compare("<=", term("m"), constant(0)),)), "0 of 1 are so, 1 is needed"),
    ],
)
def test_what_makes_it_violated(condition: Expr, words: str) -> None:
    assert told(condition, "violated") == words


def test_faults_say_why_a_fact_is_false() -> None:
    assert told(NO, "violated", ("entry 3", "entry 4")) == "`no` is false; entry 3; entry 4"
    assert told(YES, "met", ("entry 3",)) == "`yes` is true"


def test_signatures_are_counted_as_such() -> None:
    signed = at_most(constant(0), term("approval.2.ada.until"))
    assert told(AtLeast(2, (signed, signed)), "violated") == "violated"
    FACTS["approval.2.ada.until"] = -1
    try:
        assert told(AtLeast(1, (signed, signed)), "violated") == "0 of 2 have signed, 1 is needed"
        assert told(AtLeast(1, (signed, NO)), "violated") == "0 of 2 are so, 1 is needed"
    finally:
        del FACTS["approval.2.ada.until"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (GONE, "it is too old [stale]"),
        (Fact("bare"), "unsigned [unsigned]"),
        (Fact("nowhere"), "no fact `nowhere` [missing]"),
        (Undefined("test.x"), "`test.x` is not defined yet [undefined]"),
        (All((YES, GONE)), "it is too old [stale]"),
        (syntax.Any((NO, GONE)), "`no` is false; it is too old [stale]"),
        (syntax.Any((Not(YES), GONE)), "`yes` is true; it is too old [stale]"),
        (syntax.Any((All((NO, YES)), GONE)), "`no` is false; it is too old [stale]"),
        (AtLeast(2, (NO, GONE, Fact("bare"))), "it is too old [stale]; unsigned [unsigned]"),
        (
            syntax.Any((at_most(term("n"), constant(9)), GONE)),
            "n (1500) > 9; it is too old [stale]",
        ),
        # That a first evaluation was due is not said once there has been one.
        (
            syntax.Any((at_most(term("n") + term("d.unevaluated"), constant(9)), GONE)),
            "no fact `d.unevaluated` [missing]; it is too old [stale]",
        ),
    ],
)
def test_what_is_not_known_and_why(condition: Expr, words: str) -> None:
    assert told(condition, "not shown") == words


@pytest.mark.parametrize(("domain", "said"), [("d", False), ("e", True)])
def test_a_first_evaluation_is_spoken_of_until_there_is_one(domain: str, said: bool) -> None:
    FACTS[f"{domain}.unevaluated"] = 10
    try:
        early = at_most(term("n") + term(f"{domain}.unevaluated"), constant(9))
        assert (f"{domain}.unevaluated" in told(syntax.Any((early, GONE)), "not shown")) == said
    finally:
        del FACTS[f"{domain}.unevaluated"]


def test_what_does_not_bind_or_apply() -> None:
    assert told(YES, "not applicable") == "not in force at this time"
    assert told(YES, "not binding") == "too few parties have adopted its tier"
    assert told(YES, "not binding", gates=False) == "`aim`: shown, protects nothing"


def test_a_long_list_is_cut_and_counted() -> None:
    names = [Fact(f"x{n}") for n in range(LISTED + 2)]
    shown = "; ".join(f"no fact `x{n}` [missing]" for n in range(LISTED))
    assert told(All(tuple(names[:LISTED])), "not shown") == shown
    assert told(All(tuple(names)), "not shown") == f"{shown}; and 2 more"


def test_that_the_next_level_is_not_defined_comes_first_and_is_never_cut_off() -> None:
    missing = {f"x{i}": Unknown(Reason.MISSING, f"`x{i}` is not stated") for i in range(LISTED + 3)}
    undefined = {f"u{i}": Unknown(Reason.UNDEFINED, f"level {i} is not defined") for i in range(LISTED + 1)}
    facts = {**FACTS, **missing, **undefined}
    condition = All((NO, *map(Fact, missing), *map(Fact, undefined)))
    test = Clause("c", "next_level", "will", "", "", True, All(()), All(()), condition)
    said = explain(test, "not shown", facts).split("; ")
    assert said == [*(f"level {i} is not defined [undefined]" for i in range(LISTED + 1)), f"and {LISTED + 4} more"]
