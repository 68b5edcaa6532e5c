"""What a judge says of each clause at given facts, as the findings that people read."""

from __future__ import annotations

from collections.abc import Mapping

from scalegate.gate.decision import Finding
from scalegate.gate.explain import explain
from scalegate.gate.judge import Judge
from scalegate.policy.semantics import Facts

__all__ = ["findings", "required"]


def findings(judge: Judge, facts: Facts, faults: Mapping[str, tuple[str, ...]]) -> tuple[Finding, ...]:
    """One of each clause and standing condition, and one of each required kind that holds.

    `faults`: of a standing condition, why it is not so.
    """
    found = [
        Finding(
            clause=test.id,
            kind=test.kind,
            modality=test.modality,
            text=test.text,
            source=test.source,
            status=status,
            detail=explain(test, status, facts, faults.get(test.id, ())),
        )
        for test, status in zip(judge.tests, judge.statuses(facts), strict=True)
    ]
    lacking = [name for name in judge.holding(facts) if name.startswith("required.")]
    return (*found, *(required(name, "no binding clause of this kind is in force") for name in lacking))


def required(name: str, detail: str) -> Finding:
    """The hold `required.KIND`, or `required.permit`: what no policy may lack is not there."""
    return Finding(
        clause=name,
        kind="standing",
        modality="will",
        text="A clause of each required kind is met, and the permit has an end.",
        source="scalegate",
        status="not shown",
        detail=detail,
    )
