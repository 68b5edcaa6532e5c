"""The timeline, the signatures and the lineage: what happened, who signed it, and what went into the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from scalegate.errors import InputError
from scalegate.gate import Decision
from scalegate.gate.assumptions import identified
from scalegate.gate.exceptions import told
from scalegate.gate.fold import Fold, Record
from scalegate.gate.lineage import holders, total
from scalegate.ledger import entries
from scalegate.ledger.note import Checkpoint, text_and_names
from scalegate.report.context import Context, word_of, words_of
from scalegate.report.model import Event, Lineage, Member, Signed, Story
from scalegate.units import format_chance, format_factor, format_flop, format_instant, format_last, format_share

__all__ = ["lineage", "story"]

COUNTED = (entries.ComputeReserved, entries.ComputeSettled, entries.WeightsRecorded)
"""Entries that are counted instead of listed, unless they count for nothing."""


def story(context: Context) -> Story:
    """Every event of the ledger in order, and what of it counts for nothing."""
    fold = context.fold
    left_out = Counter(type(r.entry).__name__ for r in fold.records if isinstance(r.entry, COUNTED) and not r.refused)
    names = {
        "ComputeReserved": "reservations of compute",
        "ComputeSettled": "settlements",
        "WeightsRecorded": "checkpoints of weights",
    }
    parts = [f"{left_out[name]} {words}" for name, words in names.items() if left_out[name]]
    meters = [f"{name}: {fault}" for name, run in fold.runs.items() for fault in run.faults]
    return Story(
        events=tuple(_events(context)),
        signed=tuple(_signed(context)),
        left_out=", ".join(parts),
        faults=(*fold.unsound, *meters),
        ignored=tuple(fold.ignored),
    )


def _events(context: Context) -> Iterator[Event]:
    """One event per entry; decisions in a row on one run that say the same are one event with a count."""
    made = dict(context.decisions)
    last: dict[tuple[str, str], Decision] = {}
    waiting: list[Record] = []
    text = ("", "", "")
    for record in context.fold.records:
        if isinstance(record.entry, COUNTED) and not record.refused:
            continue
        decision = made.get(record.index)
        before = made.get(waiting[-1].index) if waiting else None
        if decision is not None and before is not None and not record.refused and _same(before, decision):
            waiting.append(record)
            continue
        if waiting:
            yield _event(context, waiting, *text)
        waiting = [record]
        if decision is not None:
            text = _decided(decision, last.get((decision.run, decision.action)))
            if not decision.evaluation_due:
                # Going on after an evaluation that was due is no release: what it was before counts.
                last[decision.run, decision.action] = decision
        else:
            text = _told(context, record)
    if waiting:
        yield _event(context, waiting, *text)


def _same(before: Decision, after: Decision) -> bool:
    """A renewal: the same words on the same run, with the same ends."""

    def key(made: Decision) -> tuple[object, ...]:
        ends = (made.reach.compute, made.reach.time) if made.reach else None
        return made.run, made.action, made.policy, word_of(made), ends, made.resumption

    return key(before) == key(after)


def _event(context: Context, records: list[Record], what: str, detail: str, tone: str) -> Event:
    first, final = records[0], records[-1]
    again = f" Decided {len(records)} times with this outcome, last by entry {final.index}." if final != first else ""
    return Event(
        entry=str(first.index),
        at=format_instant(first.entry.time),
        what=what,
        detail=detail + again,
        by=context.person(first.entry.actor),
        tone=tone,
        refused=first.refused,
    )


def _decided(made: Decision, before: Decision | None) -> tuple[str, str, str]:
    released = before is not None and before.verdict == "HOLD" and made.verdict == "PROCEED"
    what = f"{words_of(made)}: {made.action} run {made.run}" + (" (released)" if released else "")
    if made.permit is not None:
        ends = ", ".join(made.permit.compute_ends_by)
        detail = (
            f"Permit up to {format_flop(made.permit.compute)} (ended by {ends}) and {format_instant(made.permit.time)}."
        )
        return what, detail, "proceed"
    held = made.resumption.held_by() if made.resumption else "?"
    if made.exception is not None:
        return f"{what}, and goes on by exception", told(made.exception), "hold"
    tone = "due" if made.evaluation_due else "hold"
    return what, f"Asked up to {format_flop(made.compute)}. Held by {held}.", tone


def _told(context: Context, record: Record) -> tuple[str, str, str]:
    entry = record.entry
    match entry:
        case entries.PolicyAdopted():
            policy = context.policies.get(entry.policy)
            name = f"{policy.policy} {policy.version}" if policy else entry.policy[:12]
            if entry.supersedes is None:
                return f"Policy adopted: {name}", f"Enforcement stated as {entry.enforcement}.", "sign"
            return f"Signed to amend the policy: {name}", f"Supersedes {entry.supersedes[:12]}.", "sign"
        case entries.RunOpened():
            again = context.fold.runs[entry.run].first is not entry
            origin = "from scratch" if entry.from_scratch else f"{len(entry.parents)} declared parents"
            planned = f"planned to {format_flop(entry.planned)}" if entry.planned is not None else "end not stated"
            return f"Run {entry.run} {'taken up again' if again else 'opened'}", f"{origin}, {planned}.", "plain"
        case entries.EvaluationAnnounced():
            how = "as it is" if entry.elicitation == "none" else f"elicited by {entry.elicitation}"
            how += f", evidence of {entry.kind}" if entry.kind != "capability" else ""
            how += ", where a success is that something held" if entry.held else ""
            detail = f"Run {entry.run}, {entry.samples} samples of {entry.task}, {how}."
            return f"Evaluation announced: {entry.domain}", detail, "eval"
        case entries.EvaluationFinished(status="completed"):
            errors = f", {entry.errors} errors" if entry.errors else ""
            detail = (
                f"{entry.successes} of {entry.completed} succeeded{errors}. Elicitation: {entry.elicitation_method}."
            )
            return f"Evaluation completed: {entry.domain}", detail, "eval"
        case entries.EvaluationFinished():
            return f"Evaluation aborted: {entry.domain}", f"{entry.elicitation_method}.", "hold"
        case entries.Approval():
            detail = f"Until {format_instant(entry.until)}: “{entry.statement}”"
            return f"Approval for level {entry.level} of run {entry.run}", detail, "sign"
        case entries.Attestation():
            detail = f"Until {format_instant(entry.until)}: “{entry.statement}”"
            return f"Attestation: {entry.safeguard}", detail, "sign"
        case entries.Determination():
            of = f" of weights {entry.weights[:12]}" if entry.weights else ""
            what = "" if entry.holds else " is not so"
            detail = f"Judgement{of}, until {format_instant(entry.until)}: “{entry.statement}”"
            return f"Determination: {entry.determination}{what}", detail, "sign" if entry.holds else "hold"
        case entries.ExceptionGranted():
            detail = f"Until {format_instant(entry.until)}: “{entry.statement}”"
            return f"EXCEPTION granted: {entry.exception}, to run {entry.run}", detail, "hold"
        case entries.ObligationKept():
            of = f", of run {entry.run}" if entry.run else ""
            late = " It was late." if entry.time > entry.deadline else ""
            detail = f"Due by {format_last(entry.deadline)}{of}: “{entry.statement}”{late}"
            return f"Obligation kept: {entry.obligation}", detail, "sign"
        case entries.CandidateProposed():
            detail = f"It would show: “{entry.shows}” It would not: “{entry.not_shown}” It meets no clause."
            return f"Candidate put forward for the undefined test {entry.test}: {entry.candidate}", detail, "plain"
        case entries.CandidateTried():
            detail = f"On weights {entry.weights[:12]}: “{entry.statement}” It meets no clause."
            what = f"Candidate {'passed' if entry.passed else 'NOT passed'}: {entry.candidate}, for {entry.test}"
            return what, detail, "plain" if entry.passed else "hold"
        case entries.CandidateApproved():
            what = "approval withdrawn" if entry.withdrawn else "approved"
            detail = f"For the undefined test {entry.test}: “{entry.statement}” It meets no clause."
            return f"Candidate {what}: {entry.candidate}", detail, "sign"
        case entries.RiskClaimed():
            what = "cannot be bounded" if entry.bound is None else f"at most {format_chance(entry.bound)}"
            detail = f"For {entry.action}, of weights {entry.weights[:12]}, until {format_instant(entry.until)}"
            tone = "sign" if entry.bound is not None else "hold"
            return f"Risk claimed: {entry.risk}, {what}", f"{detail}: “{entry.statement}”", tone
        case entries.ForecastMade():
            detail = f"At {float(entry.confidence):.1%}, from {len(entry.points)} results, up to"
            return f"Forecast: {entry.domain}", f"{detail} {format_flop(entry.rows[-1].compute)}.", "plain"
        case entries.IncidentReported():
            of = f" of weights {entry.weights[:12]}" if entry.weights else ""
            of += f" of run {entry.run}" if entry.run else " of any run"
            return f"INCIDENT in {entry.domain}", f"It is{of}: “{entry.statement}”", "hold"
        case entries.CheckpointWitnessed():
            return _cosigned(entry)
        case entries.TierStatus():
            who = ", ".join(entry.adopters) or "nobody"
            detail = f"Adopted by {who}; counts until {format_instant(entry.until)}: “{entry.statement}”"
            return f"Adopters of tier {entry.tier} recorded", detail, "sign"
        case entries.KeyRotated():
            return "Key replaced", f"From the next entry on they sign with {entry.after}.", "sign"
        case entries.KeyRevoked():
            since = f" It was in wrong hands since entry {entry.since}." if entry.since is not None else ""
            return f"Key of {entry.person} to be revoked", f"{entry.revoked}: “{entry.because}”{since}", "hold"
        case entries.MeterFault():
            return f"Meter fault in run {entry.run}", f"{entry.reason}.", "hold"
        case _:
            return type(entry).__name__, "", "plain"


def _cosigned(entry: entries.CheckpointWitnessed) -> tuple[str, str, str]:
    """What it says of itself: the fold says whether it counts."""
    try:
        text, names = text_and_names(entry.note)
        known = Checkpoint.from_text(text)
    except InputError:
        return "Cosigned checkpoint", "It cannot be read.", "plain"
    return f"Checkpoint of {known.size} entries cosigned", f"Signed by {', '.join(names)}.", "sign"


_SIGNED = entries.Approval | entries.Attestation | entries.Determination | entries.RiskClaimed


def _stands(fold: Fold, entry: entries.Approval) -> bool:
    """Whether an approval is still among what was signed for the run."""
    made = (entry.run, f"approval.{entry.level}.{entry.actor}", entry.time, entry.until)
    return any((run, it.subject, it.time, it.until) == made for _, run, it in fold.signatures)


def _signed(context: Context) -> Iterator[Signed]:
    """Approvals and attestations that were signed by whom they name, with how long they count."""
    fold = context.fold
    for record in fold.records:
        entry = record.entry
        policy = context.policies.get(entry.policy)
        if isinstance(entry, entries.ObligationKept) and not record.refused:
            yield _kept(context, record.index, entry)
        if isinstance(entry, entries.AssumptionBroken | entries.AssumptionRestored) and not record.refused:
            yield _assumed(context, record.index, entry)
        if record.refused or policy is None or not isinstance(entry, _SIGNED):
            continue
        if isinstance(entry, entries.Approval):
            level = policy.level(entry.level)
            longest = level.approvals.valid_for if level and level.approvals else 0
            subject = f"level {entry.level} of run {entry.run}, seen in decision {entry.decision[:12]}"
        elif isinstance(entry, entries.Determination):
            item = next((it for it in policy.determinations if it.id == entry.determination), None)
            longest = item.valid_for if item else 0
            of = f", of weights {entry.weights[:12]}" if entry.weights else ""
            subject = f"judgement: {entry.determination} is{'' if entry.holds else ' not'} so{of}"
        elif isinstance(entry, entries.RiskClaimed):
            risk = next((it for it in policy.risks if it.id == entry.risk), None)
            longest = risk.valid_for if risk else 0
            bound = "cannot be bounded" if entry.bound is None else f"at most {format_chance(entry.bound)}"
            subject = f"claim: risk {entry.risk}, {bound}, for {entry.action} of weights {entry.weights[:12]}"
        else:
            found = [s for level in policy.levels for s in level.safeguards if s.id == entry.safeguard]
            longest = found[0].valid_for if found else 0
            subject = f"safeguard {entry.safeguard}"
        until = entry.until if longest is None else min(entry.until, entry.time + longest)
        denies = isinstance(entry, entries.Determination) and not entry.holds
        denies = denies or (isinstance(entry, entries.RiskClaimed) and entry.bound is None)
        if denies:
            state = "counts against, until its signer says otherwise"
        elif entry.policy != fold.policy_digest or record.index < fold.adopted_at:
            state = "ended by an adoption"
        elif isinstance(entry, entries.Approval) and not _stands(fold, entry):
            state = "ended: the run was declared otherwise"
        else:
            state = "expired" if until < fold.time else "counts"
        yield Signed(
            entry=record.index,
            by=context.person(entry.actor),
            subject=subject,
            at=format_instant(entry.time),
            until=format_instant(until),
            state=state,
            counts=state == "counts",
            statement=entry.statement,
        )


def _kept(context: Context, index: int, entry: entries.ObligationKept) -> Signed:
    """A word on an obligation: complete, it counts for good."""
    duties, of = context.fold.duties, (entry.obligation, entry.deadline, entry.run)
    # Of two sentences that are due at one instant each is signed by itself: this word is for the first complete since.
    due = [it for it in duties.kept if (it.deadline, it.run) == of[1:] and entry.actor in it.by]
    # An amendment may call it something else by now.
    mine = [it for it in due if it.obligation == entry.obligation] or due
    whole = [it for it in mine if it.time >= entry.time]
    open_ = duties.signing.get(of)
    if whole:
        state = "counts; it was late" if whole[0].time > entry.deadline else "counts"
    else:
        state = "too few have signed" if open_ and entry.actor in open_.by else "ended by an adoption"
    return Signed(
        entry=index,
        by=context.person(entry.actor),
        subject=f"obligation {entry.obligation}, due by {format_last(entry.deadline)}",
        at=format_instant(entry.time),
        until="for good" if whole else "no end of its own",
        state=state,
        counts=bool(whole),
        statement=entry.statement,
    )


def _assumed(context: Context, index: int, entry: entries.AssumptionBroken | entries.AssumptionRestored) -> Signed:
    """A word on an assumption: that it broke, until it is signed to hold again; or that it does."""
    restores = isinstance(entry, entries.AssumptionRestored)
    digest = entry.broken if isinstance(entry, entries.AssumptionRestored) else identified(entry)
    known = context.fold.broken()
    of = next((it for it in known if it.statement == digest), None)
    whole = of is not None and of.restored is not None
    if restores:
        open_ = "too few have signed" if of is not None and entry.actor in of.signed else "ended by an adoption"
        state = "counts for what is announced after it" if whole else open_
    else:
        state = "counts against what was announced before it held again" if whole else "counts against"
    where = f" in {of.domain}" if of is not None and of.domain else ""
    return Signed(
        entry=index,
        by=context.person(entry.actor),
        subject=f"assumption {entry.assumption}{where} {'holds again' if restores else 'broke'}",
        at=format_instant(entry.time),
        until="for good" if restores and whole else "no end of its own",
        state=state,
        counts=restores and whole,
        statement=entry.because,
    )


def lineage(context: Context) -> Lineage | None:
    """The runs that went into the model and their compute; None without a run or a policy."""
    situation, policy, fold = context.situation, context.policy, context.fold
    if situation is None or policy is None:
        return None
    names = situation.lineage.members
    training = sum(fold.runs[name].used("training") for name in names)
    elicitation = sum(fold.runs[name].used("elicitation") for name in names)
    weights = {digest for name in names for digest in fold.runs[name].weights}
    evaluation = sum(
        attempt.finished.evaluation_flops
        for attempt in fold.attempts.values()
        if attempt.finished is not None and attempt.finished.weights in weights
    )
    cost = (
        f"Evaluation ({format_flop(evaluation)}, as its evaluators state it) and elicitation"
        f" ({format_flop(elicitation)}, as reserved) come to"
        f" {format_share(Fraction(evaluation + elicitation, training))} of training ({format_flop(training)})."
        if training
        else "No training compute is reserved yet."
    )
    planned = situation.lineage.planned_end
    effective = policy.effective_compute
    return Lineage(
        members=tuple(_member(context, name) for name in names),
        total=format_flop(total(fold.runs, names)),
        planned_end=format_flop(planned) if planned is not None else "not stated",
        developer=format_flop(total(fold.runs, tuple(fold.runs))),
        other_runs=len(fold.runs) - len(names),
        evaluation=format_flop(evaluation),
        cost=cost,
        factor=f"{format_factor(effective.factor)}: {effective.basis}" if effective else "left open",
        faults=situation.lineage.faults,
    )


def _member(context: Context, name: str) -> Member:
    run = context.fold.runs[name]
    parents = []
    for parent in run.parents:
        known = " and ".join(other.name for other in holders(context.fold.runs, parent.weights)) or "not in this ledger"
        parents.append(f"{parent.relation}: {known} ({parent.weights[:12]})")
    if not parents:
        parents = ["from scratch"] if run.first.from_scratch else ["not stated"]
    planned = run.latest.planned
    return Member(
        name=name,
        parents=tuple(parents),
        training=format_flop(run.used("training")),
        elicitation=format_flop(run.used("elicitation")),
        planned=format_flop(planned) if planned is not None else "not stated",
        weights=len(run.weights),
    )
