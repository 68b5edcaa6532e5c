"""`gather`: from a replayed ledger to everything that the page shows. Pure: no clock, no disk, no drawing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from scalegate.gate import Decision, Replayed, ResumptionFact
from scalegate.gate.adequacy import inadequate
from scalegate.gate.adoption import never_held
from scalegate.gate.amending import pending, weakened, words
from scalegate.gate.assumptions import said_broken, told_broken
from scalegate.gate.exceptions import told
from scalegate.gate.facts import derive_facts, effective
from scalegate.gate.hands import told as told_of_keys
from scalegate.gate.jumps import jumps
from scalegate.gate.lineage import Run, members, total
from scalegate.gate.recorded import INCIDENT, incidents, record_of
from scalegate.gate.since import ended, latest_decision, otherwise, since, to_decide
from scalegate.gate.stopping import look_alpha
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import ACTIONS, Policy
from scalegate.policy.semantics import Value, evaluate
from scalegate.policy.syntax import Expr
from scalegate.report import measured
from scalegate.report.context import Context, clause_of, word_of, words_of
from scalegate.report.model import Clause, Genesis, Jump, Limits, Log, Other, Permit, Report, Verdict, Way
from scalegate.report.story import lineage, story
from scalegate.truth import Truth
from scalegate.units import format_duration, format_factor, format_flop, format_instant, format_share

__all__ = ["gather"]

ENFORCEMENT = {
    "cooperative": "Cooperative: a training script that removes the call is not stopped.",
    "launcher": "Launcher: the command starts only after a PROCEED; what else is started is not stopped.",
    "registry": "Registry: a regulator's registry checks the developer's ledger; what is not in it is not seen.",
}
GLOSS = {
    "PROCEED": "The clauses that bind are met up to both ends of the permit."
    " This says nothing about what the policy leaves out.",
    "HOLD": "The run may not go on until what is missing has come about and been decided on anew.",
    "STOP": "No reachable condition: a stop, not a pause.",
}
DUE = "An evaluation is due: the run may not go on until one has been made and decided on anew."
ENDED = (
    "The clauses that bound were met when this was decided. Its permit has ended since: going on takes a new decision."
)


def _called(policy: Policy) -> str:
    floors = " and ".join(f"{it.policy} {it.version}" for it in policy.floors)
    return f"{policy.policy} {policy.version}" + (f" on the floors {floors}" if floors else "")


def _in_force(context: Context) -> str:
    """The policy in force, where the page is about a decision under another one."""
    policy, now = context.policy, context.fold.policy
    return _called(now) if policy and now and policy.digest() != now.digest() else ""


def gather(replayed: Replayed, *, run: str | None, checkpoint: str | None, file: str, waiting: Sequence[str]) -> Report:
    """Everything that the page on one run shows. Raises InputError for an unknown run, listing those there are."""
    context = Context.of(replayed.fold, run)
    policy, fold = context.policy, context.fold
    findings = _findings(context)
    return Report(
        title=policy.title if policy else "No policy is in force",
        developer=policy.developer if policy else "unknown",
        policy=_called(policy) if policy else "none",
        in_force=_in_force(context),
        policy_digest=policy.digest() if policy else "none",
        as_of=format_instant(fold.time) if fold.records else "never: the ledger is empty",
        genesis=_genesis(context, replayed),
        waiting=tuple(waiting),
        exceptions=_exceptions(context),
        amendments=(
            *(words(it, weakened(fold, it.policy)) for it in pending(fold)),
            *(f"{it}." for it in told_of_keys(fold)),
        ),
        limits=_limits(context),
        verdict=_verdict(context),
        others=_others(context),
        run=context.run,
        domains=measured.domains(context),
        steps=measured.steps(context),
        gates=measured.gates(context),
        clauses=tuple(c for c in findings if c.kind != "standing" and c.modality in ("will", "conditional", "law")),
        never_held=never_held(fold, policy) if policy else (),
        aims=tuple(c for c in findings if c.modality not in ("will", "conditional", "law")),
        standing=tuple(c for c in findings if c.kind == "standing"),
        elsewhere=_elsewhere(context),
        record=record_of(fold),
        story=story(context),
        lineage=lineage(context),
        log=Log(
            file=file,
            command=f"scalegate verify {shlex.quote(file)}",
            entries=replayed.entries,
            checkpoints=replayed.checkpoints,
            decisions=replayed.decisions,
            proceeds=replayed.proceeds,
            holds=replayed.holds,
            root=replayed.root,
            checkpoint=checkpoint,
            last=format_instant(fold.time) if fold.records else "none",
        ),
    )


def _genesis(context: Context, replayed: Replayed) -> Genesis:
    records = context.fold.records
    if not records:
        return Genesis("nobody: the ledger is empty", "", replayed.origin, replayed.log_key, None)
    first = records[0]
    return Genesis(
        signer=context.person(first.entry.actor),
        at=format_instant(first.entry.time),
        origin=replayed.origin,
        log_key=replayed.log_key,
        fault=first.refused,
    )


def _exceptions(context: Context) -> tuple[str, ...]:
    """That a run went on although it was held: of each the exception last used, and how many decisions used one."""
    latest: dict[tuple[str, str], Decision] = {}
    used = 0
    for _, made in context.decisions:
        latest[made.run, made.action] = made
        used += made.exception is not None
    lines = []
    for made in latest.values():
        now_is = otherwise(context.fold, made) or made
        if now_is.exception:
            lines.append(f"{made.action} run `{made.run}`: {told(now_is.exception)}")
        elif made.exception:
            ended = ", ".join(f"`{it}`" for it in made.exception.exceptions)
            lines.append(f"{made.action} run `{made.run}`: EXCEPTION {ended} has ended: it may not go on.")
    if used:
        lines.append(f"Decisions that let an action go on by an exception: {used} of {len(context.decisions)}.")
    return tuple(lines)


def _limits(context: Context) -> Limits:
    policy = context.policy
    made = context.chosen[1] if context.chosen else None
    enforcement = made.limits.enforcement if made else context.fold.enforcement
    if made is not None:
        reasons = made.limits.inadequate
    else:
        reasons = inadequate(policy) if policy else ("No policy is in force: nothing is promised, and nothing gates.",)
    found = _jumps(context)
    # What broke and what happened since that decision too; what it said of these it said as they were then.
    broken = tuple(told_broken(context.fold.broken())) if policy else ()
    told = tuple(said_broken(it) for it in context.fold.broken()) if policy else ()
    fold, run = context.fold, context.run
    happened = tuple(incidents(fold.situation(run, now=fold.time))) if policy and run in fold.runs else ()
    earlier = [it for it in (made.limits.surprises if made else ()) if not it.startswith((*told, INCIDENT))]
    surprises = dict.fromkeys((*earlier, *(text for text, _ in found)))
    gated = {action for clause in policy.clauses if clause.gates for action in clause.actions} if policy else set()
    return Limits(
        # An empty list is no evidence of adequacy: the banner stays, and says that it has no reason on record.
        reasons=reasons or ("The policy names no reason; that does not show it adequate.",),
        enforcement=enforcement,
        enforcement_words=ENFORCEMENT[enforcement],
        assumptions=made.limits.assumptions if made else (),
        broken=broken,
        incidents=happened,
        surprises=tuple(surprises),
        jumps=tuple(jump for _, jump in found),
        ungated=tuple(action.replace("_", " ") for action in ACTIONS if action not in gated) if policy else (),
        basis=policy.effective_compute.basis if policy and policy.effective_compute else "",
        alpha=_alpha(policy) if policy else "",
    )


def _alpha(policy: Policy) -> str:
    return (
        f"{format_share(look_alpha(policy))} per evaluation ({format_share(policy.budget.alpha)}"
        f" over {policy.budget.evaluations})"
    )


def _jumps(context: Context) -> list[tuple[str, Jump]]:
    """Jumps at the last entry: evidence may have come after the decision."""
    if context.policy is None or context.situation is None:
        return []
    return [
        (
            str(jump),
            Jump(
                domain=jump.domain,
                before=format_flop(jump.before),
                after=format_flop(jump.after),
                growth=f"{jump.after / jump.before:.2f}x",
                buffer=format_factor(jump.buffer),
                score=f"{float(jump.score):.3f}",
                threshold=f"{float(jump.threshold):.2f}",
                overshoot=f"{float(jump.score - jump.threshold):.3f}",
            ),
        )
        for jump in jumps(context.policy, context.situation)
    ]


def _verdict(context: Context) -> Verdict | None:
    if context.chosen is None:
        return None
    index, made = context.chosen
    way_out = made.resumption
    always, rest = way_out.common() if way_out else ((), ())
    word = word_of(made)
    gloss = DUE if made.evaluation_due else GLOSS[word]
    if word == "STOP" and way_out:
        gloss = f"{gloss} It is held by {way_out.held_by()}."
    exact = [f"weights {made.weights}"] if made.weights else []
    exact += [f"configuration {made.configuration}"] if made.configuration else []
    latest = {other.action: (entry, other) for entry, other in context.decisions if other.run == made.run}
    return Verdict(
        word=word,
        gloss=ENDED if ended(context.fold, made) else gloss,
        action=made.action.replace("_", " "),
        run=made.run,
        compute=format_flop(made.compute),
        at=format_instant(made.now),
        entry=index,
        policy=made.policy_name,
        exact=tuple(exact),
        permit=_permit(context, made),
        because=tuple(clause_of(made, name) for name in way_out.because) if way_out else (),
        always=_told(always),
        ways=tuple(Way(_told(facts)) for facts in rest if facts),
        more=way_out.more if way_out else False,
        first=tuple(fact.text for fact in way_out.first) if way_out else (),
        ended=ended(context.fold, made),
        stale=tuple(_stale(context, index, made)),
        others=tuple(
            f"{action.replace('_', ' ')}: {words_of(other)} (entry {entry}, {format_instant(other.now)})"
            for action, (entry, other) in latest.items()
            if action != made.action
        ),
    )


def _others(context: Context) -> tuple[Other, ...]:
    others = [run for name, run in sorted(context.fold.runs.items()) if name != context.run]
    return tuple(_other(context, run) for run in others)


def _other(context: Context, run: Run) -> Other:
    _, made = latest_decision(context.fold, run.name, "train") or (None, None)
    word = words_of(made) if made else "not decided on"
    if made is not None and ended(context.fold, made):
        again = otherwise(context.fold, made)
        word += ", its permit has ended" + (f"; decided again it would be {words_of(again)}" if again else "")
    return Other(
        name=run.name,
        compute=format_flop(run.used()),
        word=word,
        at=format_instant(made.now) if made else "",
    )


def _told(facts: Iterable[ResumptionFact]) -> tuple[tuple[str, str], ...]:
    return tuple((fact.kind, fact.text) for fact in facts)


def _permit(context: Context, made: Decision) -> Permit | None:
    permit, policy = made.reach, context.policy
    if permit is None or policy is None:
        return None
    runs = context.fold.runs
    left = permit.compute - effective(policy, total(runs, members(runs, made.run)))
    return Permit(
        compute=format_flop(permit.compute),
        time=format_instant(permit.time),
        lease=format_duration(permit.lease),
        left=f"{format_flop(left)} of it is not reserved yet" if left > 0 else "all of it is reserved",
        ends_compute=tuple(clause_of(made, name) for name in permit.compute_ends_by),
        ends_time=tuple(clause_of(made, name) for name in permit.time_ends_by),
    )


def _stale(context: Context, index: int, made: Decision) -> Iterable[str]:
    """What came after the decision and was not decided on."""
    fold = context.fold
    if made.policy != fold.policy_digest and fold.policy is not None:
        now = f"{fold.policy.policy} {fold.policy.version}"
        yield f"The policy in force is now {now}; this decision was taken under {made.policy_name}."
    elif ended(context.fold, made):
        yield "At the last entry its lease, or the permit, had ended."
    now_is = otherwise(fold, made)
    if now_is is not None:
        end, how = now_is.reach, f", by {', '.join(now_is.resumption.because)}" if now_is.resumption else ""
        if end is not None:
            how = f", up to {format_flop(end.compute)} and up to {format_instant(end.time)}"
        yield f"Decided again on all entries it would be {word_of(now_is)}{how}."
    after = since(fold, made.run, index)
    if after.number:
        again = to_decide(made.run, made.action, made.weights, made.configuration)
        yield (
            f"Entries after it that could matter: {after.number}. Nothing has been decided on them yet: {after}."
            f" To decide again: `{again}`."
        )


def _findings(context: Context) -> tuple[Clause, ...]:
    if context.chosen is None or context.policy is None:
        return ()
    made = context.chosen[1]
    notes = _tier_notes(context, made)
    found = []
    for item in made.findings:
        plain = clause_of(made, item.clause)
        found.append(Clause(**{**vars(plain), "note": notes.get(item.clause, "")}))
    return tuple(found)


def _tier_notes(context: Context, made: Decision) -> dict[str, str]:
    """For clauses of a tier: who has adopted it, and what it would say if it bound."""
    policy, situation = context.policy, context.situation
    if policy is None or situation is None or made.policy != context.fold.policy_digest:
        return {}
    facts = derive_facts(policy, situation, made.action)
    notes = {}
    for compiled in compile_policy(policy, made.action):
        clause = compiled.clause
        tier = next((tier for tier in policy.tiers if tier.id == clause.tier), None)
        if tier is None:
            continue
        record = next((record for record in situation.tiers if record.tier == tier.id), None)
        on_record = (
            f"{len(set(record.adopters) & set(tier.parties))} on record, until {format_instant(record.until)}"
            if record
            else "no record"
        )
        notes[clause.id] = (
            f"Binds once {tier.binds_at} of {len(tier.parties)} parties have adopted tier {tier.id}: {on_record}."
            f" {_would_be(compiled.binds, compiled.condition, facts)}"
        ).strip()
    return notes


def _would_be(binds: Expr, condition: Expr, facts: dict[str, Value]) -> str:
    if evaluate(binds, facts) is not Truth.FALSE:
        return ""
    words = {Truth.TRUE: "met", Truth.FALSE: "violated", Truth.UNKNOWN: "not shown"}
    return f"If it bound now it would be {words[evaluate(condition, facts)]}."


def _elsewhere(context: Context) -> tuple[Clause, ...]:
    policy = context.policy
    if policy is None:
        return ()
    seen = {item.clause for item in context.chosen[1].findings} if context.chosen else set()
    return tuple(
        Clause(
            id=clause.id,
            kind=clause.kind,
            modality=clause.modality,
            text=clause.text,
            source=clause.source.document,
            status="not judged",
            detail="gates " + ", ".join(action.replace("_", " ") for action in clause.actions)
            if clause.gates
            else f"{clause.modality}: protects nothing",
            note="",
        )
        for clause in policy.clauses
        if clause.id not in seen
    )
