"""A condition that the policy writes itself: it holds as it says, ends the permit, and hides nothing."""

from __future__ import annotations

import pytest
from test_decide_cases import piece, situation

from scalegate.gate import decide
from scalegate.gate.adequacy import inadequate
from scalegate.policy import parse_policy
from support import DAY, POLICY_TEXT, START

WRITTEN = """
  - id: written
    kind: condition
    when: compute <= 2 * arithmetic.evidence.compute and now <= 2026-12-05
    text: No further than twice, and not after the fifth.
    source: {document: Policy of Example Lab, section: "9"}
    actions: [train]
    modality: will
"""


@pytest.mark.parametrize(
    ("compute", "day", "status", "detail"),
    [
        (16 * 10**11, 0, "met", "carries to 1.60e+12 FLOP (2x), 1.60e+12 FLOP is asked for; it is 2026"),
        (16 * 10**11 + 1, 0, "violated", "carries only to 1,600,000,000,000 FLOP (2x), 1,600,000,000,001 FLOP"),
        (10**12, 9, "violated", "it is 2026-12-09T00:53:20Z, past 2026-12-05T00:00:00Z"),
        (None, 0, "not shown", "no conclusive evidence"),
    ],
)
def test_a_written_condition_holds_as_it_says(compute: int | None, day: int, status: str, detail: str) -> None:
    policy = parse_policy(POLICY_TEXT.rstrip("\n") + "\n" + WRITTEN)
    pieces = (piece(),) if compute else (piece(status="aborted"),)
    given = situation(8 * 10**11, *pieces, compute=compute or 10**12, policy=policy.digest(), now=START + day * DAY)
    decision = decide(policy, given, "train")
    [found] = [finding for finding in decision.findings if finding.clause == "written"]
    assert (found.status, found.kind) == (status, "condition")
    assert detail in found.detail
    assert (decision.verdict == "PROCEED") == (status == "met")
    if decision.permit:
        assert (decision.permit.compute, decision.permit.compute_ends_by) == (16 * 10**11, ("written",))
        assert decision.permit.time_ends_by == ("written",)


def test_what_a_condition_asks_for_and_nobody_has_defined_is_in_the_banner() -> None:
    when = "compute <= 1e9 FLOP or undefined test.sense"
    written = WRITTEN.replace("compute <= 2 * arithmetic.evidence.compute and now <= 2026-12-05", when)
    policy = parse_policy(POLICY_TEXT.rstrip("\n") + "\n" + written)
    assert "`written` asks for `test.sense`, which is not defined." in inadequate(policy)
