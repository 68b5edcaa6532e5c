"""That a hold stays a hold when something is worse."""

from __future__ import annotations

from hypothesis import event

from scalegate.gate import Situation, decide
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.policy import Policy

__all__ = ["held", "never_releases"]


def held(policy: Policy, situation: Situation) -> bool:
    """Whether it may not train on.

    Decided by its clauses alone where they hold: the ways out of a hold take nearly all the time of a decision.
    """
    if Judge.of(policy, "train").holding(derive_facts(policy, situation, "train")):
        return True
    return decide(policy, situation, "train").verdict == "HOLD"


def never_releases(policy: Policy, before: Situation, after: Situation) -> None:
    was = held(policy, before)
    event(f"held before: {was}")
    if was:
        assert decide(policy, after, "train").verdict == "HOLD"
