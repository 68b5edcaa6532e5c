"""What becomes of what a revoked key signed.

Without `since` it stays, and what the key signs from the revocation on counts for nothing. With it, what the key signed
from that entry on allows nothing and rules nothing out: the entries are folded anew, and of each only what stands
against is taken. What the machine's own key wrote in wrong hands nobody can tell, and the ledger is unsound.

What is on record against anybody stays: faults, misses, deeds, what was spent, and which policy was in force when. A
policy that would not have come into force without what the key signed holds everything until the next one is signed by
those who could have amended the last sound one. So a revocation only ever holds: nobody gains by calling a key stolen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING

from scalegate.gate.amending import new_until, voted
from scalegate.gate.candidates import unapproved
from scalegate.gate.hands import Asked, Hands
from scalegate.gate.successors import given_up
from scalegate.gate.trust import GATE_ENTRIES, UNREPEATED
from scalegate.ledger import entries
from scalegate.ledger.entries import Entry, KeyRevoked, KeyRotated, PolicyAdopted
from scalegate.policy.document import Policy

if TYPE_CHECKING:
    from scalegate.gate.amending import Signed
    from scalegate.gate.fold import Fold

__all__ = ["Adoption", "OnRecord", "carried", "contested", "counts_as", "held_wrongly", "revoked", "rotated"]


@dataclass(frozen=True)
class Adoption:
    """A version that came into force, and by whom."""

    policy: Policy
    amends: Policy | None
    """The version before, with the keys that counted then."""
    signed: Mapping[str, Signed]
    at: int
    """Position of the entry that brought it into force."""
    time: int
    doubted: bool = False
    """Whether it would not have come into force without what a key in wrong hands signed."""


@dataclass(frozen=True)
class OnRecord:
    """What came of entries when they were read first; empty while they are."""

    adopted: Mapping[int, Adoption] | None = None
    """The versions that came into force, by the position at which they did: no others do; None: not known."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """What counted for nothing then, by position: it is none of what may count now."""


def carried(fold: Fold, policy: Policy, index: int, entry: PolicyAdopted, by: str) -> Adoption | str | None:
    """The adoption that a signature for a version completes; or why it counts for nothing; None: the version waits.

    Taken anew, the versions that came into force are those that did, in doubt where they would not have.
    """
    before, known = fold.policy, fold.known.adopted
    if before is None:
        return Adoption(policy, None, {entry.actor: (index, by)}, index, entry.time)
    complete, refusal = voted(fold.votes, before, entry, (index, by))
    ready = fold.candidates.ready(before, fold.adopted_at, fold.deeds.who(before))
    lacks = not complete or bool(unapproved(before, policy, ready, entry.time))
    if known is not None and index not in known:
        return refusal
    if known is None and lacks:
        return refusal
    fold.candidates.adopted(before, policy, ready, entry.time)
    fold.amended, fold.new_until = entry.time, new_until(before, policy, entry.time, fold.new_until)
    if known is not None:
        return replace(known[index], amends=before, doubted=known[index].doubted or lacks)
    return Adoption(policy, before, fold.votes[entry.policy, entry.enforcement].signed, index, entry.time)


def held_wrongly(wrong: Mapping[str, int], index: int, entry: Entry, by: str) -> str | None:
    """That a key was in wrong hands when it signed the entry at a position; None: it was not."""
    return (
        f"the key of `{entry.actor}` was in wrong hands since entry {wrong[by]}" if _since(wrong, (index, by)) else None
    )


def rotated(fold: Fold, index: int, entry: KeyRotated) -> str | None:
    """Take a new key in place of its owner's. Returns why it counts for nothing, if it does."""
    if fold.policy is None or entry.ledger != fold.identity:
        return "it is for another ledger"
    refused = fold.hands.rotate(fold.policy, index, entry)
    if refused is None:
        fold.deeds.rotated(entry.actor, fold.hands.rotated[-1].after)
        fold.policy = fold.hands.applied(fold.policy)
    return refused


def revoked(fold: Fold, index: int, entry: KeyRevoked) -> str | None:
    """Take a revocation. Returns why it counts for nothing, if it does."""
    if fold.policy is None or entry.ledger != fold.identity:
        return "it is for another ledger"
    today = fold.deeds.who(fold.policy)(entry.person)
    found = fold.hands.weighed(fold.policy, index, entry, today)
    if isinstance(found, str):
        return found
    if isinstance(found, Asked):
        fold.hands.ask(entry, found)
        return None
    wrong = fold.hands.came_of(found)
    if any(since < fold.wrong.get(public, inf) for public, since in wrong.items()):
        _refold(fold, {**fold.wrong, **{it: min(at, fold.wrong.get(it, at)) for it, at in wrong.items()}})
    fold.hands.revoke(found, wrong)
    fold.policy = fold.hands.applied(fold.policy)
    able = {it.id for it in fold.policy.people if it.signing != "unset"}
    for name, ballot in tuple(fold.votes.items()):
        ballot.signed = {who: it for who, it in ballot.signed.items() if who in able and _counts(fold, wrong, it)}
        if not ballot.signed:
            del fold.votes[name]
    machine = [it for it in fold.records if isinstance(it.entry, GATE_ENTRIES) and _since(wrong, (it.index, it.by))]
    if machine:
        fold.faults.append(
            f"entry {index} (KeyRevoked): the key of `{machine[0].entry.actor}` was in wrong hands since entry"
            f" {found.since}, and {len(machine)} entries of the machine's own are signed by it since"
        )
    fold.changed_at = index
    return None


def counts_as(entry: Entry) -> Entry | None:
    """What is taken of an entry of a key in wrong hands: all of what only stands against, of what may have been better
    than what it took the place of the worst, and else nothing."""
    match entry:
        case entries.Determination():
            # As one that has ended, in the place of what its signer said before: that is in force no more either.
            return entry.model_copy(update={"until": 0}) if entry.holds else entry
        case entries.RiskClaimed():
            return entry.model_copy(update={"bound": None})
        case entries.ExceptionGranted():
            # It counts as one that was granted, and lets nothing go on.
            return entry if entry.withdrawn else entry.model_copy(update={"until": 0})
        case entries.TierStatus():
            # Who has adopted the tier is not known from then on (`bookkeeping.tier_told`).
            return entry.model_copy()
        case entries.CandidateTried():
            return None if entry.passed else entry
        case entries.CandidateApproved():
            return entry if entry.withdrawn else None
        case entries.ForecastMade():
            rows = tuple(row.model_copy(update={"bound": Fraction(1)}) for row in entry.rows)
            return entry.model_copy(update={"rows": rows})
        case entries.Approval() | entries.Attestation() | entries.ObligationKept() | entries.AssumptionRestored():
            return None
    return entry


def contested(adoptions: Sequence[Adoption], wrong: Mapping[str, int], hands: Hands) -> str | None:
    """Why the policy in force is not one that was duly adopted; None: it is."""
    sound: Adoption | None = None
    for number, it in enumerate(adoptions):
        honest = {who: by for who, (at, by) in it.signed.items() if not _since(wrong, (at, by))}
        amendment = it.amends.amendment if it.amends else None
        enough = not it.doubted and len(honest) >= (amendment.at_least if amendment else 1)
        if enough and sound is not (adoptions[number - 1] if number else None):
            # What was given up on the way by nobody who may is asked for again.
            enough = sound is not None and _amends(sound.policy, honest, hands)
            enough = enough and sound is not None and not given_up(sound.policy, it.policy, it.time)
        sound = it if enough else sound
    if not adoptions or sound is adoptions[-1]:
        return None
    said = "the policy in force was adopted by a key that was in wrong hands, or on what such a key signed"
    if sound is None or sound.policy.amendment is None:
        return f"{said}, and nobody can amend it soundly: begin a new ledger"
    gone = dict.fromkeys(it.test.id for it in given_up(sound.policy, adoptions[-1].policy, adoptions[-1].time))
    asks = f", that asks again for {' and '.join(f'`{it}`' for it in gone)}" if gone else ""
    least, role = sound.policy.amendment.at_least, sound.policy.amendment.role
    return (
        f"{said}: adopt a next version, signed by {least} with the role `{role}` whom version {sound.policy.version}"
        f" names too, by keys that were not in wrong hands{asks}"
    )


def _amends(policy: Policy, honest: Mapping[str, str], hands: Hands) -> bool:
    """Whether these could have amended a policy: those that it names, with their keys or what came in place of them."""
    if policy.amendment is None:
        return False
    roots = {who: hands.held[by].root for who, by in honest.items() if by in hands.held}
    may = {it.root for it in policy.signers(policy.amendment) if it.key != "unset" and roots.get(it.id) == it.root}
    return len(may) >= policy.amendment.at_least


def _counts(fold: Fold, wrong: Mapping[str, int], signed: Signed) -> bool:
    """Whether a vote that waits is by a key that neither was in wrong hands then nor is revoked by now."""
    return signed[1] not in fold.hands.revoked and not _since(wrong, signed)


def _since(wrong: Mapping[str, int], signed: Signed) -> bool:
    at, by = signed
    return by in wrong and wrong[by] <= at


def _refold(fold: Fold, wrong: Mapping[str, int]) -> None:
    """Take all entries so far anew, knowing which keys were in wrong hands. What was a fault stays one, and none is
    added: what was permitted then was permitted. What is on record against anybody is kept."""
    refused = {
        it.index: it.refused
        for it in fold.records
        if it.refused is not None
        and not isinstance(it.entry, UNREPEATED)
        and held_wrongly(fold.wrong, it.index, it.entry, it.by) is None
    }
    adopted = {it.at: it for it in fold.adoptions}
    if fold.adoptions and contested(fold.adoptions, fold.wrong, fold.hands):
        # What held until a next version holds until one that is adopted from here on.
        last = fold.adoptions[-1]
        adopted[last.at] = replace(last, doubted=True)
    # What witnesses cosigned speaks for itself, whoever recorded it: taken again it comes to the same.
    fresh = type(fold)(wrong=dict(wrong), witnessing=fold.witnessing, known=OnRecord(adopted, refused))
    for it in fold.records:
        fresh.put(it.index, it.entry, it.leaf, it.payload, it.wrong, it.by)
    fresh.deeds.keep(fold.deeds)
    fresh.tracks.keep(fold.tracks)
    fresh.spending.keep(fold.spending)
    fresh.grants |= fold.grants
    fresh.forecasts.made += [it for it in fold.forecasts.made if it not in fresh.forecasts.made]
    fresh.candidates.given_up, fresh.candidates.in_place = fold.candidates.given_up, fold.candidates.in_place
    # What does not come of entries that were read: a fold that keeps more of that has to name it here.
    fresh.size, fresh.faults, fresh.payloads = fold.size, fold.faults, fold.payloads | fresh.payloads
    for name, run in fold.runs.items():
        fresh.runs.setdefault(name, run).faults = run.faults
    if (fresh.policy_digest, fresh.adopted_at) != (fold.policy_digest, fold.adopted_at):
        fresh.faults.append("taken anew without what a key in wrong hands signed, the entries come to another policy")
    # Who signs by which key, and who has signed for a version that waits, is on record too.
    fresh.policy, fresh.hands, fresh.votes, fresh.known = fold.policy, fold.hands, fold.votes, OnRecord()
    vars(fold).update(vars(fresh))
