"""How far scale caps let each run go, for `status`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scalegate.gate import Fold
from scalegate.gate.facts import derive_facts
from scalegate.gate.generations import SHOWN, reach, scale_caps
from scalegate.policy.semantics import number
from scalegate.units import format_flop

__all__ = ["scale_cap_lines", "scale_caps_of"]


def scale_caps_of(fold: Fold, run: str, now: int) -> list[dict[str, Any]]:
    """Each scale cap with its limit for a run, and the effective compute of the model that it goes by."""
    policy = fold.policy
    if policy is None or not scale_caps(policy):
        return []
    shown = number(derive_facts(policy, fold.situation(run, now=now), "train").get(SHOWN))
    limits = ((clause.id, reach(policy, clause, shown, now)) for clause in scale_caps(policy))
    return [
        {"clause": name, "limit": None if limit is None else str(limit), "shown": None if shown is None else str(shown)}
        for name, limit in limits
    ]


def scale_cap_lines(run: dict[str, Any]) -> Iterator[str]:
    for cap in run["scale_caps"]:
        limit = "no amount that is known" if cap["limit"] is None else format_flop(int(cap["limit"]))
        shown = cap["shown"]
        by = "no earlier generation was shown" if shown is None else f"{format_flop(int(shown))} was shown"
        yield f"{run['run']}: `{cap['clause']}` lets it go to {limit} ({by})."
