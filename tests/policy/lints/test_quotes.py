"""The figures of a condition's sentence beside those of its tree."""

from __future__ import annotations

import pytest

from scalegate.examples import read_example
from scalegate.policy import Policy, parse_policy
from scalegate.policy.quotes import checked, misquotes, unchecked

LAST = "  - id: publish\n"


def policy_with(when: str, text: str) -> Policy:
    clause = (
        f"  - id: w\n    kind: condition\n    when: {when}\n    text: {text}\n"
        "    source: {document: Policy}\n    actions: [train]\n    modality: will\n\n"
    )
    return parse_policy(read_example("arithmetic").replace(LAST, clause + LAST))


def read(when: str, text: str) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    policy = policy_with(when, text)
    clause = next(clause for clause in policy.clauses if clause.id == "w")
    return list(misquotes(policy, clause)), unchecked(policy, clause, checked(policy))


SIGNED = "at least 2 of (now <= approval.2.ada.until, now <= approval.2.grace.until, now <= approval.2.alan.until)"


@pytest.mark.parametrize(
    ("when", "text", "other", "unknown"),
    [
        ("compute <= 7e12 FLOP", "No lineage past 7e12 FLOP.", [], ()),
        ("compute <= 7e12 FLOP", "No lineage past 8e12 FLOP.", [("8e12", "7.00e+12 FLOP")], ()),
        ("2 * compute <= 8e12 FLOP", "No lineage past 4e12 FLOP.", [], ()),
        ("compute <= 3 * arithmetic.evidence.compute", "At most 3x past the evidence.", [], ()),
        ("2 * compute <= 6 * arithmetic.evidence.compute", "At most 3x past the evidence.", [], ()),
        ("compute <= 3 * arithmetic.evidence.compute", "At most 5x past it.", [("5x", "3x")], ()),
        ("now <= arithmetic.evidence.time + 30 days", "Evidence of the last 30 days.", [], ()),
        ("now <= arithmetic.evidence.time + 30 days", "Evidence of 1 month.", [], ()),
        ("now <= arithmetic.evidence.time + 30 days", "Evidence of 2 months.", [("2 months", "30 days")], ()),
        (SIGNED, "Two of three have signed.", [], ()),
        (SIGNED, "Three of three have signed.", [("Three of three", "2 of 3")], ()),
        ("not arithmetic.reached", "No alarm, within 8e12 FLOP.", [], ("8e12",)),
        ("not arithmetic.reached", "No alarm within 5 months, by one of two.", [], ("5 months", "one of two")),
        ("not arithmetic.reached", "No alarm, as far as 9x.", [], ("9x",)),
        # What stands elsewhere in the policy is a reference to it.
        ("not arithmetic.reached", "No alarm, under the limit of 1e13 FLOP, at 4x and every 3 months.", [], ()),
        # So may be a time that was worked into a date.
        ("now <= 2031-01-01 or not arithmetic.reached", "For 7 months, at 9x.", [], ("9x",)),
    ],
)
def test_figures_are_compared_by_kind(
    when: str, text: str, other: list[tuple[str, str]], unknown: tuple[str, ...]
) -> None:
    assert read(when, text) == (other, unknown)
