"""How a new version of a policy comes into force: by the procedure of the version before, and not before its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalegate.gate.candidates import unapproved
from scalegate.ledger.entries import PolicyAdopted
from scalegate.policy.document import Policy
from scalegate.policy.lints import changed_since
from scalegate.policy.reader import policy_from_json
from scalegate.units import format_instant

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = [
    "Ballot",
    "Ballots",
    "Pending",
    "Signed",
    "new_until",
    "noticed_until",
    "pending",
    "same_version",
    "voted",
    "weakened",
    "words",
]


Signed = tuple[int, str]
"""The position of a signature, and the public key that made it."""
SHOWN = 4
"""Most of what a version would weaken that one line names."""


@dataclass
class Ballot:
    """Who signed for one version, to be in force in one way."""

    since: int
    """When the first of them signed: from then on everybody can read it in the ledger."""
    signed: dict[str, Signed] = field(default_factory=dict)


Ballots = dict[tuple[str, str], Ballot]
"""By digest of the policy and class of enforcement."""


def voted(ballots: Ballots, policy: Policy, entry: PolicyAdopted, signed: Signed) -> tuple[bool, str | None]:
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
    ballot.signed.setdefault(entry.actor, signed)
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


@dataclass(frozen=True)
class Pending:
    """A version that some have signed for and that is not in force."""

    policy: str
    """Its digest."""
    name: str
    signed: tuple[str, ...]
    missing: int
    """How many more have to sign."""
    may_sign: tuple[str, ...]
    notice_until: int | None
    tests: tuple[str, ...] = ()
    """The undefined tests that it gives up, for which no candidate is approved: it takes one of each."""
    why: tuple[str, ...] = ()
    """Why the clauses that name the protocol of a candidate for one of these may not stand in its place."""
    keys: tuple[str, ...] = ()
    """Whose keys it names that were revoked since, or that others are in place of."""


def pending(fold: Fold) -> tuple[Pending, ...]:
    """The versions that wait for signatures or for their time, with who may still sign."""
    policy = fold.policy
    if policy is None or policy.amendment is None:
        return ()
    least = policy.amendment.at_least
    may = [person.id for person in policy.signers(policy.amendment) if person.signing != "unset"]
    return tuple(
        Pending(
            policy=digest,
            name=f"{policy.policy} {_document(fold, digest).get('version')}",
            signed=tuple(sorted(ballot.signed)),
            missing=max(least - len(ballot.signed), 0),
            may_sign=tuple(it for it in may if it not in ballot.signed or len(ballot.signed) >= least),
            notice_until=noticed_until(policy, ballot) if policy.amendment.notice else None,
            tests=tuple(lacking),
            why=tuple(it for why in lacking.values() for it in why),
            keys=_keys(fold, digest),
        )
        for (digest, _), ballot in fold.votes.items()
        for lacking in [_lacking(fold, policy, digest)]
    )


def _keys(fold: Fold, digest: str) -> tuple[str, ...]:
    new = policy_from_json(_document(fold, digest))
    misnamed = fold.hands.misnamed(new)
    return (*((misnamed[:1].upper() + misnamed[1:],) if misnamed else ()), *fold.hands.forgotten(new))


def _lacking(fold: Fold, policy: Policy, digest: str) -> dict[str, tuple[str, ...]]:
    new = policy_from_json(_document(fold, digest))
    ready = fold.candidates.ready(policy, fold.adopted_at, fold.deeds.who(policy))
    return unapproved(policy, new, ready, fold.time)


def same_version(fold: Fold, policy: Policy) -> str | None:
    """The digest of another text that waits under the same version; None: there is none."""
    waiting = (digest for digest, _ in fold.votes if digest != policy.digest())
    return next((it for it in waiting if _document(fold, it).get("version") == policy.version), None)


def weakened(fold: Fold, digest: str) -> tuple[str, ...]:
    """What a version that waits would weaken, or may: each part with what becomes of it."""
    assert fold.policy is not None, "a version waits under one that is in force"
    changes = changed_since(fold.policy, policy_from_json(_document(fold, digest)), fold.time)
    return tuple(f"{it.about}: {it.what}" for it in changes if it.rule.severity == "weakness")


def words(item: Pending, weaker: Sequence[str]) -> str:
    """That it waits, for whom and how long, and what it would weaken."""
    missing = "a candidate, and then another signature" if item.tests else "another signature"
    missing = f"{item.missing} more signature{'s' * (item.missing > 1)}" if item.missing else missing
    notice = ""
    if item.notice_until is not None:
        notice = f" Notice of it runs until {format_instant(item.notice_until)}: then it takes one of these."
    for test in item.tests:
        takes = (
            "a candidate that is approved and passed, whose digest stands in `section` (or `document`) of the `source`"
        )
        takes += " of a clause in its place"
        notice += f" It gives up the undefined test `{test}`: that takes {takes} (`scalegate candidate`)."
    notice += "".join(f" {it}." for it in item.keys)
    notice += "".join(f" {why[0].upper()}{why[1:]}." if why[0] != "`" else f" {why}." for why in item.why)
    told = "; ".join(weaker[:SHOWN]) + (f"; and {len(weaker) - SHOWN} more" if len(weaker) > SHOWN else "")
    nothing = "" if item.tests else " Nothing in it reads as weaker than what is in force."
    what = f" It would weaken, or may: {told.rstrip('.')}." if weaker else nothing
    signed = ", ".join(item.signed)
    return (
        f"Pending amendment: {item.name} ({item.policy[:12]}...) is signed by {signed} and not in force:"
        f" {missing} of {', '.join(item.may_sign)}.{notice}{what}"
    )


def _document(fold: Fold, digest: str) -> dict[str, object]:
    adopting = (it.entry for it in fold.records if isinstance(it.entry, PolicyAdopted))
    return next(entry.document for entry in adopting if entry.policy == digest)
