"""What a finding says of a limit is the limit that it was decided by."""

from __future__ import annotations

import pytest

from scalegate.gate.whatif import what_if
from scalegate.policy.reader import parse_policy
from scalegate.policy.stated import stated
from support import POLICY_TEXT

STATED = {
    "now": "2026-12-01",
    "*.reached": "no",
    "*.ruled_out": "yes",
    "*.evidence.compute": "1e11 FLOP",
    "*.evidence.time": "2026-11-30",
    "*.elicitation": "5e9 FLOP",
    "*.unevaluated": "1e11 FLOP",
    "compute": "2e11 FLOP",
    "lineage.opened": "2026-11-01",
}


def detail(when: str) -> str:
    clause = f"  - {{id: new, kind: condition, when: '{when}', text: t, source: {{document: d}}, actions: [train], modality: will}}\n"  # noqa: E501
    policy = parse_policy(POLICY_TEXT + clause)
    facts, faults = stated(policy, STATED.items())
    assert not faults
    return next(it.detail for it in what_if(policy, "train", facts).findings if it.clause == "new")


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("100 * compute <= 1e12 FLOP", "2.00e+11 FLOP is asked for, the limit is 1.00e+10 FLOP"),
        ("0.01 * compute <= 1e9 FLOP", "2.00e+11 FLOP is asked for, the limit is 1.00e+11 FLOP"),
        ("compute <= 20 * arithmetic.elicitation", "elicitation in `arithmetic` is 2.5% of the compute asked for, short of the 5% due"),  # noqa: E501
        ("1e10 FLOP <= 10 * arithmetic.elicitation", "elicitation in `arithmetic` is 5.00e+9 FLOP, at least 1.00e+9 FLOP is due"),  # noqa: E501
        ("10 * compute + 10 * developer.others <= 1e12 FLOP", "the developer comes to 2.00e+11 FLOP, the limit is 1.00e+11 FLOP"),  # noqa: E501
        ("compute + 5 * arithmetic.unevaluated <= 3e11 FLOP", "compute + 5 * arithmetic.unevaluated (7.00e+11 FLOP) > 3.00e+11 FLOP"),  # noqa: E501
        ("compute < 2e11 FLOP", "compute (2.00e+11 FLOP) >= 2.00e+11 FLOP"),
        ("now < 2026-12-01", "now (2026-12-01T00:00:00Z) >= 2026-12-01T00:00:00Z"),
        ("now - arithmetic.evidence.time <= 2 hours", "now - arithmetic.evidence.time (1 day) > 2 hours"),
        ("now <= lineage.opened + 10 days", "now (2026-12-01T00:00:00Z) > lineage.opened + 10 days (2026-11-11T00:00:00Z)"),  # noqa: E501
        ("compute + arithmetic.unevaluated <= 2e11 FLOP", "compute + arithmetic.unevaluated (3.00e+11 FLOP) > 2.00e+11 FLOP"),  # noqa: E501
        ("5000000001 FLOP <= arithmetic.elicitation", "elicitation in `arithmetic` is 5,000,000,000 FLOP, at least 5,000,000,001 FLOP is due"),  # noqa: E501
        ("now + 10 days <= 2026-12-05", "now + 10 days (2026-12-11T00:00:00Z) > 2026-12-05T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_multiple_is_divided_out_or_shown(when: str, said: str) -> None:
    assert detail(when) == said.replace("e+9", "e+09")


@pytest.mark.parametrize("limits", [("1e11", "1.5e11"), ("1.9e11", "1e11")])
def test_of_alternatives_each_is_told(limits: tuple[str, str]) -> None:
    told = detail(" or ".join(f"compute <= {it} FLOP" for it in limits))
    assert told.startswith("each of 2 alternatives fails: ")
    assert told.count("the limit is ") == 2


def test_what_is_counted_is_no_signature() -> None:
    told = detail("at least 2 of (arithmetic.ruled_out, not arithmetic.reached, compute <= 1 FLOP)")
    assert told == "2 of 3 are so, 2 are needed"
