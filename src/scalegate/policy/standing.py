"""What is asked under every policy: conditions that always stand, and the kinds of clause that are needed."""

from __future__ import annotations

from dataclasses import dataclass

from scalegate.policy.syntax import Expr, Fact, at_most, term
from scalegate.units import DAY

__all__ = ["PLAN", "REQUIRED_KINDS", "SHORTEST_NOTICE", "STANDING", "Standing"]

REQUIRED_KINDS = ("capability", "cadence", "safeguards")
"""An action proceeds only if a clause of each kind is met: an empty policy permits nothing."""
SHORTEST_NOTICE = DAY
"""A notice of a new version that is shorter is none: nobody outside would see it in time."""


@dataclass(frozen=True)
class Standing:
    """A condition that holds for every policy."""

    id: str
    text: str
    condition: Expr


STANDING = (
    Standing("standing.lineage", "What went into the model is declared and known.", Fact("lineage.declared")),
    Standing("standing.meter", "The compute meter of every run of the lineage is sound.", Fact("meter.sound")),
    Standing(
        "standing.ledger",
        "The ledger is sound, and this is the policy that it has in force.",
        Fact("ledger.sound"),
    ),
    Standing("standing.clock", "The clock has not gone back.", at_most(term("ledger.time"), term("now"))),
    Standing(
        "standing.compute",
        "The compute asked for is not less than what the lineage has already used.",
        at_most(term("lineage.compute"), term("compute")),
    ),
)


PLAN = Standing(
    "standing.plan",
    "The run stays within the end that it was planned to have.",
    at_most(term("compute"), term("lineage.planned_end")),
)
"""For training: an absolute limit is checked on the planned end, so a run may not quietly outgrow its plan."""
