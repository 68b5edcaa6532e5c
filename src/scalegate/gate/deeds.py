"""Who signed what of a lineage, and in which role: an amendment that gives somebody another role undoes none of it.

A quorum that is apart from a role is apart from whoever acted in it on the lineage that it signs for. Words that only
count against are nobody's approval, and count whoever says them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scalegate.gate.determinations import seen_from
from scalegate.gate.lineage import Runs, holders, members
from scalegate.gate.pieces import Attempt
from scalegate.gate.situation import Acted
from scalegate.gate.trust import GATE_ENTRIES, quorum_of, role_needed
from scalegate.ledger import entries
from scalegate.ledger.entries import Entry
from scalegate.policy.document import Policy
from scalegate.policy.quorums import quorums

__all__ = ["Deeds"]


class _Deed(NamedTuple):
    by: str
    role: str
    run: str | None
    weights: str | None
    """Of neither a run nor weights: of all that there was when it was signed last."""


@dataclass
class Deeds:
    """What the fold knows of who acted in which role: each thing once, with the position of the last time."""

    done: dict[_Deed, int] = field(default_factory=dict)

    def put(self, policy: Policy | None, index: int, entry: Entry, attempts: Mapping[str, Attempt]) -> None:
        """Put down what somebody signed who may."""
        if policy is None or isinstance(entry, entries.PolicyAdopted | entries.TierStatus):
            return
        role = role_needed(policy, entry)
        run, weights = getattr(entry, "run", None), getattr(entry, "weights", None)
        if isinstance(entry, entries.EvaluationFinished) and entry.evaluation in attempts:
            announced = attempts[entry.evaluation].announced
            run = announced.run if announced else None
        if isinstance(entry, entries.DecisionMade):
            run = str(entry.decision.get("run"))
        if role is not None:
            weights = None if isinstance(entry, GATE_ENTRIES) else weights
            self.done[_Deed(entry.actor, role, run, weights)] = index

    def on(self, policy: Policy, runs: Runs, run: str) -> tuple[Acted, ...]:
        """Who acted on the lineage of a run, in roles that some quorum of the policy is apart from."""
        asked = {role for it in quorums(policy) for role in it.quorum.apart_from or ()}
        return tuple(dict.fromkeys(self._on(asked, runs, run))) if asked else ()

    def _on(self, asked: set[str], runs: Runs, run: str) -> Iterator[Acted]:
        names, of = members(runs, run), seen_from(runs, run)
        began = min((runs[name].opened_at for name in names), default=-1)
        for deed, at in self.done.items():
            if deed.role not in asked:
                continue
            there = deed.run in names if deed.run is not None else deed.weights is None and began < at
            if there or (deed.weights is not None and of(deed.weights, deed.run, True) != "elsewhere"):
                yield Acted(by=deed.by, role=deed.role)

    def refused(self, policy: Policy | None, runs: Runs, entry: Entry) -> str | None:
        """Why what somebody did on the lineage keeps an entry from counting."""
        quorum = quorum_of(policy, entry) if policy else None
        if policy is None or quorum is None or not quorum.apart_from or _against(entry):
            return None
        run, weights = getattr(entry, "run", None), getattr(entry, "weights", None)
        if isinstance(entry, entries.Determination) and weights is None:
            return None
        about = {str(run), *(it.name for it in holders(runs, weights or ""))}
        acted = {it.role for name in about & set(runs) for it in self.on(policy, runs, name) if it.by == entry.actor}
        both = acted & set(quorum.apart_from)
        if not both:
            return None
        return f"`{entry.actor}` signed on this lineage as `{min(both)}`, and who signs for this is apart from it"


def _against(entry: Entry) -> bool:
    match entry:
        case entries.Determination():
            return not entry.holds
        case entries.RiskClaimed():
            return entry.bound is None
        case entries.ExceptionGranted():
            return entry.withdrawn
    return False
