"""`decide(policy, situation, action) -> Decision`: a pure function, the heart of the gate.

No clock, no disk, no randomness, no float: the same inputs give the same bytes on any machine, so anyone
with the ledger can demand byte-for-byte the same decision. Guarantees, each a property test: unknown
never passes, more danger never turns HOLD into PROCEED, an empty policy holds, a permit is sound.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.gate.adequacy import inadequate, unmet_risk
from scalegate.gate.against import known_against
from scalegate.gate.assumptions import accepted, told_broken
from scalegate.gate.candidates import with_candidates
from scalegate.gate.changes import unforeseen_changes, ways_out
from scalegate.gate.decision import Decision, ExceptionPermit, Finding, Limits, Permit, Resumption
from scalegate.gate.determinations import judgements
from scalegate.gate.exceptions import exception_permit, idle
from scalegate.gate.facts import derive_facts, levels_open, ruled_out_in
from scalegate.gate.findings import findings, required
from scalegate.gate.fit import fitted
from scalegate.gate.judge import Judge
from scalegate.gate.jumps import dropped, jumps, reached_early
from scalegate.gate.obligations import breaches
from scalegate.gate.permit import largest_permit
from scalegate.gate.recorded import incidents
from scalegate.gate.resumption import resumption, stopping
from scalegate.gate.risks import risks_taken, told_of_risks
from scalegate.gate.situation import Against, Situation
from scalegate.policy.document import Action, Policy
from scalegate.units import format_duration, format_factor, format_instant

__all__ = ["decide"]


def decide(policy: Policy, situation: Situation, action: Action) -> Decision:
    """Decide one action for the run of the situation.

    Never raises: bad evidence and missing facts are unknown and hold, and a fault of our own on the way to the
    verdict is a HOLD with its reason as the finding `standing.fault`.
    """
    try:
        return fitted(_decide(policy, situation, action))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong on the way to a verdict is a HOLD with its reason
        fault = f"{type(error).__name__}: {error}"[:500]
        finding = Finding(
            clause="standing.fault",
            kind="standing",
            modality="will",
            text="The decision could be made without a fault.",
            source="scalegate",
            status="not shown",
            detail=fault,
        )
        unclear = Resumption(sets=(), more=True, stop=False, because=("standing.fault",))
        return _decision(policy, situation, action, (finding,), None, unclear)


def _decide(policy: Policy, situation: Situation, action: Action) -> Decision:
    surprises = (
        *told_broken(situation.broken),
        *situation.given_up,
        *_new(situation),
        *breaches(policy, situation),
        *(str(jump) for jump in jumps(policy, situation)),
        *incidents(situation),
        *_spent(policy, situation),
        *reached_early(policy, situation),
        *dropped(policy, situation),
    )
    judge = Judge.of(policy, action)
    facts = derive_facts(policy, situation, action)
    levels = levels_open(policy, facts, action)
    clean = tuple(it for it in levels if ruled_out_in(policy, facts, it))
    faults = {"standing.meter": situation.meter_faults, "standing.ledger": situation.ledger_faults}
    found = with_candidates(policy, situation, findings(judge, facts, faults))
    holding = judge.holding(facts)
    if holding:
        changes, way_out = ways_out(policy, situation, judge, facts)
        unforeseen = unforeseen_changes(policy, situation, judge, facts, changes) if way_out.stop else ()
        if unforeseen:
            best = resumption(judge, facts, (*unforeseen, *changes))
            acts = [change.text for change in unforeseen]
            first = dict.fromkeys(fact for facts in best.sets[:1] for fact in facts if fact.text in acts)
            way_out = way_out.model_copy(update={"stop": best.stop, "first": tuple(first), "more": best.more})
        if way_out.stop:
            stopped_by = stopping(judge, facts, (*unforeseen, *changes))
            way_out = way_out.model_copy(update={"stopped_by": stopped_by})
        against = tuple(known_against(policy, situation, judge, facts)) if policy.exceptions else ()
        exception = exception_permit(policy, situation, judge, facts, against)
        surprises += () if exception else tuple(idle(policy, situation, judge, facts, against))
        return _decision(policy, situation, action, found, None, way_out, surprises, levels, clean, exception, against)
    ends = largest_permit(judge, facts)
    if ends.compute is None or ends.time is None:
        endless = "compute" if ends.compute is None else "time"
        found = (*found, required("required.permit", f"no clause in force bounds the permit in {endless}"))
        asked = ("required.permit",)
        stop = Resumption(sets=(), more=False, stop=True, because=asked, stopped_by=asked)
        return _decision(policy, situation, action, found, None, stop, surprises, levels, clean)
    permit = Permit(
        compute=ends.compute,
        time=ends.time,
        others=situation.developer_others,
        lease=policy.lease,
        compute_ends_by=ends.past_compute,
        time_ends_by=ends.past_time,
    )
    return _decision(policy, situation, action, found, permit, None, surprises, levels, clean)


def _spent(policy: Policy, situation: Situation) -> Iterator[str]:
    """Domains in which nothing more can be ruled out on this lineage."""
    most = policy.budget.evaluations
    for domain in policy.domains:
        if max((piece.attempt for piece in situation.pieces if piece.domain == domain.id), default=0) >= most:
            yield f"All {most} evaluations of `{domain.id}` are spent: a further one rules nothing out."


def _new(situation: Situation) -> Iterator[str]:
    """That the policy was amended a short while ago, by its own measure or by that of the version before."""
    until = situation.new_until
    if situation.amended is not None and until is not None and situation.now < until:
        yield (
            f"The policy was amended on {format_instant(situation.amended)}: until"
            f" {format_instant(until)} what is decided by it may be what it was amended for."
        )


def _for_good(policy: Policy, action: Action) -> Iterator[str]:
    """What a release of weights takes for granted: it cannot be taken back when that turns out wrong."""
    if action == "release_weights":
        yield "A release of weights cannot be taken back: whatever ends this permit ends nothing that is out."
        for domain in policy.domains:
            if domain.release is not None:
                added, horizon = format_factor(domain.release.enhancement), format_duration(domain.release.horizon)
                yield f"Whoever has the weights adds no more than {added} of compute to `{domain.id}` within {horizon}."


def _decision(
    policy: Policy,
    situation: Situation,
    action: Action,
    found: tuple[Finding, ...],
    permit: Permit | None,
    way_out: Resumption | None,
    surprises: tuple[str, ...] = (),
    levels: tuple[int, ...] = (),
    clean: tuple[int, ...] = (),
    exception: ExceptionPermit | None = None,
    against: tuple[Against, ...] = (),
) -> Decision:
    reach = permit or (exception.permit if exception else None)
    # What the policy lists is told with its sentence.
    listed = {it.id for it in policy.assumptions}
    assumptions = sorted({it for piece in situation.pieces for it in piece.assumptions} - listed)
    continuity = [
        f"Capability in `{d.id}` does not grow from the alarm to the threshold within a {float(d.buffer):g}x growth of"
        f" effective compute (continuity)."
        for d in policy.domains
    ]
    limits = Limits(
        inadequate=(*unmet_risk(policy, action, found), *inadequate(policy)),
        enforcement=situation.enforcement,
        assumptions=(
            *_for_good(policy, action),
            *told_of_risks(policy, situation, action),
            *judgements(policy, situation, action),
            *continuity,
            *accepted(policy),
            *assumptions,
        ),
        not_measured=tuple(f"{d.id}: {text}" for d in policy.domains for text in d.not_measured),
        surprises=surprises,
    )
    return Decision(
        limits=limits,
        verdict="HOLD" if permit is None else "PROCEED",
        action=action,
        run=situation.lineage.run,
        compute=situation.compute,
        now=situation.now,
        weights=situation.weights,
        configuration=situation.configuration,
        policy=policy.digest(),
        policy_name=f"{policy.policy} {policy.version}",
        situation=situation.digest(),
        levels=levels,
        clean=clean,
        findings=found,
        permit=permit,
        risks=risks_taken(policy, situation, action, reach) if reach else (),
        resumption=way_out,
        against=against,
        exception=exception,
    )
