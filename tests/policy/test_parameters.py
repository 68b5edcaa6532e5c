"""Parameters: which value is in force when, what names them, and what comes of them in a decision."""

from __future__ import annotations

from fractions import Fraction

import pytest
from test_conditions import CLAUSE

from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.gate.adequacy import inadequate
from scalegate.gate.permit import Ends
from scalegate.gate.whatif import WhatIf, what_if
from scalegate.policy import Policy, parse_policy, policy_from_json
from scalegate.policy.compile import compile_policy
from scalegate.policy.dating import by_date, in_figures
from scalegate.policy.lints import changed_since
from scalegate.policy.loosening import loosened
from scalegate.policy.parameters import in_force, overdue
from scalegate.policy.semantics import Value, evaluate
from scalegate.policy.show import show_condition
from scalegate.policy.stated import facts_of
from scalegate.policy.syntax import Compare, Not, term, to_json
from scalegate.policy.vocabulary import named
from scalegate.truth import Truth
from scalegate.units import parse_instant

PARAMETERS = """
parameters:
  - id: growth
    about: How far training goes between evaluations.
    kind: factor
    values:
      - {from: 2026-06-01, value: 2x, reference: {document: Board, section: "15"}, review_by: 2026-12-01}
      - {from: 2026-01-01, value: 3x, reference: {document: Board, section: "12"}, review_by: 2027-01-01}
      - {from: 2027-01-01, value: 4x, reference: {document: Board, section: "18"}, review_by: 2028-01-01}
  - id: cap
    about: The most compute of the developer.
    kind: flop
    values:
      - {from: 2026-01-01, value: 1e12 FLOP, reference: {document: Board, section: "12"}, review_by: 2029-01-01}
"""
WHEN = "compute <= parameter.growth * arithmetic.evidence.compute and compute + developer.others <= parameter.cap"


def written(when: str = WHEN, parameters: str = PARAMETERS) -> Policy:
    text = read_example("arithmetic").replace("\nclauses:\n", f"{parameters}\nclauses:\n")
    return parse_policy(text.rstrip("\n") + "\n" + CLAUSE.format(when))


def at(day: str, compute: int = 2 * 10**11, when: str = WHEN) -> WhatIf:
    """Evidence at 1e11 FLOP, and nothing else in the way."""
    policy = written(when)
    stated: dict[str, Value] = {"now": parse_instant(day), "compute": compute}
    for name, text in (
        ("*.ruled_out", "yes"),
        ("*.reached", "no"),
        ("*.elicitation", "1e12 FLOP"),
        ("*.evidence.compute", "1e11 FLOP"),
        ("*.evidence.time", day),
        ("tier.*.adopters", "0"),
        ("tier.*.until", "2030-01-01"),
    ):
        stated |= facts_of(policy, name, text)
    return what_if(policy, "train", stated)


def finding(tried: WhatIf) -> tuple[str, str]:
    return next((it.status, it.detail) for it in tried.findings if it.clause == "extra")


@pytest.mark.parametrize(
    ("day", "value", "late"),
    [
        ("2025-12-31T23:59:59Z", None, False),
        ("2026-01-01", "3x", False),
        ("2026-05-31T23:59:59Z", "3x", False),
        ("2026-06-01", "2x", False),
        ("2026-12-01T23:59:59Z", "2x", False),
        ("2026-12-02", "2x", True),
        ("2027-01-01", "4x", False),
        ("2028-01-02", "4x", True),
    ],
)
def test_the_value_that_began_last_is_in_force_until_it_is_overdue(day: str, value: str | None, late: bool) -> None:
    parameter = written().parameters[0]
    found = in_force(parameter, parse_instant(day))
    assert (found and str(found.value)) == value
    assert (overdue(parameter, parse_instant(day)) is not None) is late


@pytest.mark.parametrize(
    ("day", "compute", "status"),
    [
        ("2026-02-01", 3 * 10**11, "met"),
        ("2026-02-01", 3 * 10**11 + 1, "violated"),
        ("2026-06-01", 3 * 10**11, "violated"),
        ("2026-06-01", 2 * 10**11, "met"),
        ("2026-12-02", 2 * 10**11, "not shown"),
        ("2027-01-01", 4 * 10**11, "met"),
        ("2028-01-02", 1 * 10**11, "not shown"),
        ("2025-06-01", 1 * 10**11, "not shown"),
    ],
)
def test_a_clause_is_decided_by_the_figure_of_the_day(day: str, compute: int, status: str) -> None:
    assert finding(at(day, compute))[0] == status


def test_a_finding_has_the_figure_of_the_day_and_says_why_there_is_none() -> None:
    assert finding(at("2026-06-01", 3 * 10**11))[1] == (
        "evidence in `arithmetic` at 1.00e+11 FLOP carries only to 2.00e+11 FLOP (2x), 3.00e+11 FLOP is asked for"
    )
    assert finding(at("2026-12-02"))[1] == (
        "`parameter.growth`, 2x since 2026-06-01, was to be looked at again by the end of 2026-12-01 [stale]"
    )
    assert finding(at("2025-06-01"))[1] == (
        "`parameter.growth` has no value before 2026-01-01 [missing];"
        " `parameter.cap` has no value before 2026-01-01 [missing]"
    )


@pytest.mark.parametrize(
    ("day", "end"),
    [("2026-05-01", "2026-06-01"), ("2026-11-20", "2026-12-02"), ("2027-12-20", "2028-01-02")],
)
def test_a_permit_ends_where_a_value_that_it_needs_does(day: str, end: str) -> None:
    ends = at(day, 3 * 10**11 if day == "2026-05-01" else 2 * 10**11).ends
    assert ends is not None
    assert ends == Ends(ends.compute, parse_instant(end) - 1, ends.past_compute, ("extra",))


@pytest.mark.parametrize("negated", [False, True])
def test_what_is_overdue_is_unknown_under_a_not_as_well(negated: bool) -> None:
    policy = written()
    compare = Compare("<=", term("compute"), term("parameter.cap"))
    tree = by_date(policy, Not(compare) if negated else compare)
    late = {"compute": 1, "now": parse_instant("2029-01-02")}
    assert evaluate(tree, late) is Truth.UNKNOWN
    assert evaluate(tree, {**late, "compute": 10**13}) is Truth.UNKNOWN
    assert evaluate(tree, {"compute": 1}) is Truth.UNKNOWN


def test_the_tree_that_is_hashed_names_the_parameter_and_explain_shows_it_so() -> None:
    policy = written()
    clause = next(it for it in policy.clauses if it.id == "extra")
    assert clause.kind == "condition"
    assert ["1", "parameter.growth * arithmetic.evidence.compute"] in to_json(clause.when)[1][2]["terms"]  # type: ignore[index]
    shown = next(it for it in compile_policy(policy, "train", by_name=True) if it.clause.id == "extra")
    assert show_condition(shown.condition, named(policy)) == (
        "compute <= parameter.growth * arithmetic.evidence.compute and compute + developer.others <= parameter.cap"
    )
    assert (
        policy_from_json(policy.model_dump(mode="json", by_alias=True, exclude_none=True)).digest() == policy.digest()
    )


def test_figures_that_are_written_otherwise_make_the_same_policy() -> None:
    other = PARAMETERS.replace("value: 3x", "value: 3.0x").replace("1e12 FLOP", "1000 GFLOP")
    assert written(parameters=other).digest() == written().digest()
    assert written(parameters=PARAMETERS.replace("value: 3x", "value: 3.5x")).digest() != written().digest()


def test_a_policy_without_parameters_keeps_its_digest() -> None:
    assert b"parameters" not in parse_policy(read_example("arithmetic")).canonical()


def test_parameters_multiply_amounts_sums_and_each_other() -> None:
    policy = written("compute <= 2 * parameter.growth * (parameter.cap - developer.others)")
    figures = in_figures(policy, next(it for it in policy.clauses if it.id == "extra").when)  # type: ignore[union-attr]
    now = {"compute": 6 * 10**12, "developer.others": 0, "now": parse_instant("2026-02-01")}
    assert evaluate(by_date(policy, next(it for it in policy.clauses if it.id == "extra").when), now) is Truth.TRUE  # type: ignore[union-attr]
    assert evaluate(figures, now) is Truth.FALSE  # with 2x it is no longer so
    assert Fraction(6 * 10**12) == 2 * 3 * 10**12


def test_a_later_value_that_permits_more_is_told_where_clauses_gate() -> None:
    found = [(it.parameter.id, str(it.before.value), str(it.value.value), it.clause) for it in loosened(written())]
    assert found == [("growth", "2x", "4x", "extra")]
    reason = "From 2027-01-01 on the parameter `growth` permits more, and the date is enough for that: 4x, after 2x."
    assert reason in inadequate(written())
    turned = written("parameter.growth * compute <= arithmetic.elicitation")
    assert [str(it.value.value) for it in loosened(turned)] == ["2x"]
    assert [
        str(it.value.value) for it in loosened(written("not parameter.growth * compute > arithmetic.elicitation"))
    ] == ["2x"]
    aim = policy_from_json(_as_aim(written()))
    assert list(loosened(aim)) == []


def _as_aim(policy: Policy) -> dict[str, object]:
    document = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["clauses"][-1]["modality"] = "aim"
    return dict(document)


def test_two_parameters_that_never_have_a_value_together_are_never_met() -> None:
    other = PARAMETERS.replace("id: cap", "id: past").replace(
        "from: 2026-01-01, value: 1e12", "from: 2020-01-01, value: 1e12"
    )
    other = other.replace("2029-01-01", "2021-01-01")
    policy = written("compute <= parameter.growth * parameter.past", other)
    tree = by_date(policy, next(it for it in policy.clauses if it.id == "extra").when)  # type: ignore[union-attr]
    for day in ("2020-06-01", "2023-01-01", "2026-06-01", "2030-01-01"):
        assert evaluate(tree, {"compute": 0, "now": parse_instant(day)}) is Truth.UNKNOWN


def test_a_parameter_cannot_be_stated() -> None:
    with pytest.raises(InputError, match="is a figure of the policy, and no fact"):
        facts_of(written(), "parameter.cap", "1e13 FLOP")


def test_values_are_compared_with_those_of_the_version_before_by_their_dates() -> None:
    other = PARAMETERS.replace("value: 2x", "value: 2.5x").replace("review_by: 2028-01-01", "review_by: 2028-06-01")
    other = other.replace(
        '      - {from: 2026-01-01, value: 3x, reference: {document: Board, section: "12"}, review_by: 2027-01-01}\n',
        "",
    )
    said = [(it.rule.code, it.about, it.what) for it in changed_since(written(), written(parameters=other))]
    assert said == [
        ("weaker", "parameter growth, value from 2026-06-01", "`value` was 2x, and is 2.5x"),
        (
            "weaker",
            "parameter growth, value from 2027-01-01",
            "`review_by` was 2028-01-01T23:59:59Z, and is 2028-06-01T23:59:59Z",
        ),
        ("stricter", "parameter growth, value from 2026-01-01", "is gone"),
    ]
