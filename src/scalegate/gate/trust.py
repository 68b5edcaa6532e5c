"""Whose word counts: an entry grants something only if the person it names signed it, in a role the policy gives."""

from __future__ import annotations

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import dsse, entries
from scalegate.ledger.entries import Entry
from scalegate.ledger.keys import VerifyKey
from scalegate.policy.document import Policy, Quorum
from scalegate.policy.reader import policy_from_json

__all__ = ["GATE_ENTRIES", "TURNING", "UNREPEATED", "quorum_of", "refused", "role_needed", "signed_by", "unworkable"]

GATE_ENTRIES = (
    entries.RunOpened,
    entries.ComputeReserved,
    entries.ComputeSettled,
    entries.MeterFault,
    entries.WeightsRecorded,
    entries.DecisionMade,
)
"""The machine's own entries: signed with role `gate`."""
UNREPEATED = (*GATE_ENTRIES, entries.EvaluationAnnounced, entries.EvaluationFinished)
"""What is looked at each time that it is in the ledger; of anything else a statement counts once."""
TURNING = (
    entries.RunOpened,
    entries.MeterFault,
    entries.TierStatus,
    entries.Determination,
    entries.ExceptionGranted,
    entries.RiskClaimed,
    entries.AssumptionBroken,
    entries.IncidentReported,
    entries.EvaluationAnnounced,
    entries.EvaluationFinished,
    entries.ForecastMade,
    entries.KeyRevoked,
)
"""Entries that may turn a decision. An attestation or approval can only release; `permitted` looks at the rest."""


def refused(policy: Policy | None, entry: Entry, parsed: dsse.Envelope) -> str | None:
    """Why the signer or the policy named keeps this entry from counting."""
    if isinstance(entry, entries.PolicyAdopted):
        if policy is None:
            try:
                policy = policy_from_json(entry.document)
            except (InputError, NotVerified) as error:
                return f"the policy is not sound: {error}"
    elif policy is None:
        return "no policy is in force"
    elif entry.policy != policy.digest():
        return "it names another policy than the one in force"
    person = next((person for person in policy.people if person.id == entry.actor), None)
    if person is None:
        return f"`{entry.actor}` is not named by the policy"
    if person.key == "unset":
        return f"the policy has no key for `{entry.actor}`"
    if person.signing == "unset":
        return f"the key of `{entry.actor}` is revoked"
    try:
        key = VerifyKey.from_text(person.signing)
    except (InputError, NotVerified) as error:
        return f"the key of `{entry.actor}` cannot be read: {error}"
    if not dsse.verified_by(parsed, [key]):
        if person.signing != person.key:
            return f"the signature is not by the key that `{entry.actor}` put in place of the one that the policy names"
        return f"the signature is not by the key that the policy names for `{entry.actor}`"
    if isinstance(entry, entries.KeyRotated) and not _both(parsed, entry):
        return "the new key has not signed it too, so nobody knows whose it is"
    role = role_needed(policy, entry)
    if role is not None and role not in person.roles:
        return f"`{entry.actor}` does not have the role `{role}`"
    quorum = quorum_of(policy, entry)
    both = set(person.roles) & set(quorum.apart_from or ()) if quorum else set()
    if both:
        return f"`{entry.actor}` has the role `{min(both)}` too, and who signs for this is apart from it"
    return None


def _both(parsed: dsse.Envelope, entry: entries.KeyRotated) -> bool:
    try:
        return bool(dsse.verified_by(parsed, [VerifyKey.from_text(entry.after)]))
    except (InputError, NotVerified):
        return False


def signed_by(policy: Policy | None, entry: Entry) -> str:
    """The public key that made the signature of an entry that was not refused."""
    if policy is None and isinstance(entry, entries.PolicyAdopted):
        policy = policy_from_json(entry.document)
    return next((it.public for it in policy.people if it.id == entry.actor), "") if policy else ""


def role_needed(policy: Policy, entry: Entry) -> str | None:
    """The role that an entry's signer needs; a name that the policy does not describe is asked of nobody."""
    if isinstance(entry, entries.PolicyAdopted):
        return policy.amendment.role if policy.amendment else None
    if isinstance(entry, GATE_ENTRIES):
        return "gate"
    if isinstance(entry, entries.EvaluationAnnounced | entries.EvaluationFinished | entries.ForecastMade):
        return "evaluator"
    if isinstance(entry, entries.Approval):
        level = policy.level(entry.level)
        return level.approvals.role if level and level.approvals else "nobody"
    if isinstance(entry, entries.Attestation):
        named = [s.attested_by for level in policy.levels for s in level.safeguards if s.id == entry.safeguard]
        return named[0] if named else "nobody"
    if isinstance(entry, entries.ObligationKept):
        named = [item.kept_by.role for item in policy.obligations if item.id == entry.obligation]
        return named[0] if named else "nobody"
    if isinstance(entry, entries.Determination):
        named = [item.decided_by.role for item in policy.determinations if item.id == entry.determination]
        return named[0] if named else "nobody"
    if isinstance(entry, entries.ExceptionGranted):
        named = [item.granted_by.role for item in policy.exceptions if item.id == entry.exception]
        return named[0] if named else "nobody"
    anybody = entries.CandidateProposed | entries.CandidateTried | entries.AssumptionBroken | entries.IncidentReported
    if isinstance(entry, anybody | entries.KeyRotated | entries.KeyRevoked):
        # Whoever is named: it counts for nothing, only against, or is of their own key; `hands` looks at the rest.
        return None
    if isinstance(entry, entries.CheckpointWitnessed):
        # Whoever is named: what counts is what witnesses signed, and which tree they signed it of.
        return None
    if isinstance(entry, entries.AssumptionRestored):
        # Who may turns on what the assumption is called by now (`assumptions`).
        return None
    if isinstance(entry, entries.CandidateApproved):
        named = [it.test.approved_by.role for it in policy.tests if it.test.id == entry.test]
        return named[0] if named else "nobody"
    if isinstance(entry, entries.RiskClaimed):
        named = [risk.claimed_by.role for risk in policy.risks if risk.id == entry.risk]
        return named[0] if named else "nobody"
    named = [tier.recorded_by for tier in policy.tiers if tier.id == entry.tier]
    return named[0] if named else "nobody"


def quorum_of(policy: Policy, entry: Entry) -> Quorum | None:
    """The quorum that an entry's signature is for, if it is for one."""
    match entry:
        case entries.PolicyAdopted():
            return policy.amendment
        case entries.Approval():
            level = policy.level(entry.level)
            return level.approvals if level else None
        case entries.Determination():
            return next((it.decided_by for it in policy.determinations if it.id == entry.determination), None)
        case entries.RiskClaimed():
            return next((it.claimed_by for it in policy.risks if it.id == entry.risk), None)
        case entries.CandidateApproved():
            return next((it.test.approved_by for it in policy.tests if it.test.id == entry.test), None)
        case entries.ExceptionGranted():
            return next((it.granted_by for it in policy.exceptions if it.id == entry.exception), None)
        case entries.ObligationKept():
            return next((it.kept_by for it in policy.obligations if it.id == entry.obligation), None)
        case entries.AssumptionRestored():
            # Of one that the policy does not list by that name `assumptions` tells whose it is.
            return next((it.restored_by for it in policy.assumptions if it.id == entry.assumption), None)
    return None


def unworkable(policy: Policy) -> str | None:
    """Why nobody could work under a policy, so that it is not adopted; None: they could."""
    keyed = [person for person in policy.people if person.key != "unset"]
    quorum = policy.amendment
    can_amend = quorum is None or sum(person in keyed for person in policy.signers(quorum)) >= quorum.at_least
    if not can_amend or not any("gate" in person.roles for person in keyed):
        return "nobody with a key could write decisions or amend it: every key that these take must be set"
    if policy.effective_compute is None:
        return "it leaves open what training FLOP are in effective compute: every action would be held"
    return None
