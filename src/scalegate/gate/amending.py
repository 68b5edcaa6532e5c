"""How a new version of a policy comes into force: by the procedure of the version before, and not before its time."""

from __future__ import annotations

from dataclasses import dataclass, field

from scalegate.ledger.entries import PolicyAdopted
from scalegate.policy.document import Policy
from scalegate.units import format_instant

__all__ = ["Ballot", "Ballots", "new_until", "noticed_until", "voted"]


@dataclass
class Ballot:
    """Who signed for one version, to be in force in one way."""

    since: int
    """When the first of them signed: from then on everybody can read it in the ledger."""
    signed: set[str] = field(default_factory=set)


Ballots = dict[tuple[str, str], Ballot]
"""By digest of the policy and class of enforcement."""


def voted(ballots: Ballots, policy: Policy, entry: PolicyAdopted) -> tuple[bool, str | None]:
    """Whether a signature brings a version into force, and why it counts for nothing, if so.

    `policy`: the one in force. Without a comparison, an amendment counts as weakening and takes its whole procedure.
    """
    amendment = policy.amendment
    if amendment is None:
        return False, "the policy in force has no procedure for amending it"
    ballot = ballots.setdefault((entry.policy, entry.enforcement), Ballot(entry.time))
    until = noticed_until(policy, ballot)
    if entry.actor in ballot.signed and len(ballot.signed) < amendment.at_least:
        return False, f"`{entry.actor}` has signed for it already"
    if entry.actor in ballot.signed and entry.time < until:
        return False, f"`{entry.actor}` has signed for it already, and notice of it runs until {format_instant(until)}"
    ballot.signed.add(entry.actor)
    return len(ballot.signed) >= amendment.at_least and entry.time >= until, None


def new_until(before: Policy, after: Policy, at: int, known: int | None) -> int | None:
    """Until when an amendment is new: by the longer of both versions' times, so that dropping it hides nothing.

    What an earlier one set runs on: a version that is amended within hours would else end it.
    """
    times = [it.amendment.cooling_off for it in (before, after) if it.amendment and it.amendment.cooling_off]
    return max((*((known,) if known is not None else ()), *(at + time for time in times)), default=None)


def noticed_until(policy: Policy, ballot: Ballot) -> int:
    """The first instant at which a signature may bring a version into force; until then they are collected."""
    notice = policy.amendment.notice if policy.amendment else None
    return ballot.since + (notice or 0)
