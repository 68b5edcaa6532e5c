"""From a situation to the named facts that conditions read. What cannot be had is unknown, with its reason.

This is where evidence is judged: admissibility is needed to rule out, and nothing is needed to show a
capability reached; of several pieces the worst counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import ceil, floor

from scalegate.gate.apart import barred_as
from scalegate.gate.assessing import Assessment, assess, bound_of
from scalegate.gate.assumptions import broken_words, is_broken
from scalegate.gate.covering import NOT_DECLARED, covered_behind, unsaid_facts, words_of
from scalegate.gate.determinations import determination_facts, determination_names
from scalegate.gate.forecasts import forecast_fact, forecast_facts
from scalegate.gate.generations import SHOWN, shown_facts
from scalegate.gate.granting import exception_facts, exception_names
from scalegate.gate.obligations import obligation_facts, obligation_names
from scalegate.gate.risks import risk_facts, risk_names
from scalegate.gate.situation import Elsewhere, Signature, Situation, TierRecord
from scalegate.gate.witnessing import clock, witness_facts
from scalegate.policy.catalogue import holds_fact
from scalegate.policy.clause_figures import model_facts
from scalegate.policy.determined import determined, fact_of, judged
from scalegate.policy.document import Action, Determination, Domain, Policy, Tier
from scalegate.policy.floor_measures import measuring
from scalegate.policy.next_level import level_facts
from scalegate.policy.parameters import parameter_facts
from scalegate.policy.semantics import Reason, Unknown, Value, evaluate, number
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.policy.witnessed import vouched, witness_clauses
from scalegate.truth import Truth

__all__ = [
    "covered",
    "derive_facts",
    "domain_facts",
    "early_of",
    "effective",
    "levels_open",
    "reached_by_descendants",
    "ruled_out_in",
    "ruled_out_on",
]


def effective(policy: Policy, flops: int) -> int:
    """Effective compute of an amount already spent, rounded up: against the run."""
    return ceil(flops * policy.factor)


def derive_facts(policy: Policy, situation: Situation, action: Action) -> dict[str, Value]:
    """Every fact that a compiled condition of this policy may read. Never raises on bad data: unknown instead."""
    facts: dict[str, Value] = {}

    def gather(names: Iterable[str], source: Callable[[], dict[str, Value]]) -> None:
        try:
            facts.update(source())
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            facts.update({name: Unknown(Reason.UNDERMINED, f"cannot be read: {error}") for name in names})

    facts["now"] = situation.now
    facts["compute"] = situation.compute
    facts["ledger.time"] = clock(policy, situation)
    gather(_LINEAGE, partial(_lineage_facts, policy, situation))
    facts["meter.sound"] = not situation.meter_faults
    facts["ledger.sound"] = not situation.ledger_faults and situation.policy == policy.digest()
    for domain in policy.domains:
        gather(domain_facts(domain), partial(_domain_facts, policy, situation, action, domain))
        if domain.forecast is not None:
            gather((forecast_fact(domain),), partial(forecast_facts, policy, situation, domain))
        names = (f"{domain.id}.unevaluated", f"{domain.id}.reached_early")
        gather(names, partial(_elsewhere_facts, policy, situation, domain))
        facts |= _record_facts(situation, domain)
    if policy.domains:
        gather((SHOWN,), partial(shown_facts, policy, situation, partial(ruled_out_on, policy)))
    for level in policy.levels:
        for safeguard in level.safeguards:
            facts[f"safeguard.{safeguard.id}.until"] = _until(
                situation,
                action,
                f"safeguard.{safeguard.id}",
                safeguard.valid_for,
                f"nobody attested `{safeguard.id}`",
            )
        if level.approvals:
            for person in policy.signers(level.approvals):
                name = f"approval.{level.number}.{person.id}"
                barred = barred_as(situation, level.approvals.apart_from, person.id)
                clean = ruled_out_in(policy, facts, level.number)
                unsigned = f"{person.name} has not signed"
                until = _until(situation, action, name, level.approvals.valid_for, unsigned, clean=clean)
                if barred:
                    # Also what they signed before it was known of this lineage.
                    signed = "has not signed" if isinstance(until, Unknown) else "has signed"
                    until = Unknown(Reason.MISSING, f"{person.name} {signed}, and may not: they signed as {barred}")
                facts[f"{name}.until"] = until
    for item in policy.determinations:
        gather(determination_names(policy, item), partial(determination_facts, policy, situation, action, item))
    for duty in policy.obligations:
        gather(obligation_names(duty), partial(obligation_facts, situation, duty))
    gather(
        [holds_fact(it.id) for it in policy.assumptions],
        lambda: {holds_fact(it.id): not is_broken(situation.broken, it.id) for it in policy.assumptions},
    )
    for risk in policy.risks:
        gather(risk_names(policy, risk), partial(risk_facts, policy, situation, action, risk))
    gather([words.fact for words in words_of(policy)], partial(unsaid_facts, policy, situation))
    for clause in witness_clauses(policy):
        gather((vouched(clause),), partial(witness_facts, policy, situation, clause))
    for tier in policy.tiers:
        records = [record for record in situation.tiers if record.tier == tier.id]
        missing = Unknown(Reason.MISSING, f"nobody recorded who has adopted tier `{tier.id}`")
        facts[f"tier.{tier.id}.adopters"] = _adopters(tier, records[-1]) if records else missing
        facts[f"tier.{tier.id}.until"] = records[-1].until if records else missing
    for terms in policy.exceptions:
        gather(exception_names(policy, terms), partial(exception_facts, policy, situation, action, terms))
    facts |= parameter_facts(policy, situation.now) | model_facts(policy) | level_facts(policy, action)
    if policy.effective_compute is None:
        left_open = Unknown(Reason.UNDEFINED, "the policy leaves open what training FLOP are in effective compute")
        facts |= {name: left_open for name, kind in vocabulary(policy).items() if kind is Kind.FLOP}
    return facts


def domain_facts(domain: Domain) -> tuple[str, ...]:
    """The names of what evidence on the lineage says about a domain."""
    return tuple(f"{domain.id}.{name}" for name in ("ruled_out", "reached", *_evidence(domain)))


def levels_open(policy: Policy, facts: Mapping[str, Value], action: Action = "train") -> tuple[int, ...]:
    """Levels that evidence leaves open: an alarm reached, or not ruled out by what is conclusive; or, of training, one
    that no forecast keeps under so far.

    What nobody has evaluated, or judged, yet opens none: there is nothing to have seen. A level that nothing is about
    is always open.
    """

    def foreseen(domain: Domain) -> bool:
        end, asked = (number(facts.get(name)) for name in (forecast_fact(domain), "compute"))
        # Where there is none, what its level takes carries the run as it does past one: else what was evaluated and
        # ruled out would be held for good, and what was reached would not.
        return domain.forecast is not None and action == "train" and asked is not None and (end is None or end < asked)

    def leaves_open(domain: Domain) -> bool:
        evaluated = number(facts.get(f"{domain.id}.evidence.compute")) is not None
        not_out = facts.get(f"{domain.id}.ruled_out") is not True
        return facts.get(f"{domain.id}.reached") is True or (evaluated and (not_out or foreseen(domain)))

    about = {domain.level: False for domain in policy.domains} | {item.level: False for item in policy.judged}
    for domain in policy.domains:
        about[domain.level] |= leaves_open(domain)
    for item in policy.judged:
        seen = evaluate(judged(policy, item, action), facts) is Truth.TRUE or _denied(policy, item, facts)
        about[item.level] |= seen and evaluate(determined(policy, item, action), facts) is not Truth.TRUE
    return tuple(sorted(level.number for level in policy.levels if about.get(level.number, True)))


def ruled_out_in(policy: Policy, facts: Mapping[str, Value], level: int) -> bool:
    """Whether the alarm of every domain of a level is ruled out, and it is how far that carries which a forecast may
    leave open: who signs for it then has seen no alarm."""
    mine = [it for it in policy.domains if it.level == level]
    ruled_out = all(facts.get(f"{it.id}.ruled_out") is True and facts.get(f"{it.id}.reached") is False for it in mine)
    return ruled_out and any(it.forecast is not None for it in mine)


def _denied(policy: Policy, item: Determination, facts: Mapping[str, Value]) -> bool:
    people = policy.signers(item.decided_by)
    return any(facts.get(f"{fact_of(item, person.id)}.denied") is True for person in people)


def _adopters(tier: Tier, record: TierRecord) -> Value:
    """How many parties have adopted it; a name that is no party's may be a misspelt one, so it is unknown."""
    strangers = sorted(set(record.adopters) - set(tier.parties))
    if strangers:
        return Unknown(Reason.UNDERMINED, f"`{strangers[0]}` is no party of tier `{tier.id}`")
    return len(set(record.adopters))


_LINEAGE = ("lineage.declared", "lineage.opened", "lineage.compute", "lineage.planned_end", "developer.others")


def _evidence(domain: Domain) -> tuple[str, ...]:
    return ("evidence.compute", "evidence.time", *(("elicitation",) if domain.of_capability else ()))


def _lineage_facts(policy: Policy, situation: Situation) -> dict[str, Value]:
    lineage = situation.lineage
    if lineage.faults:
        mends = f". To mend it: {'; '.join(dict.fromkeys(lineage.mends))}" if lineage.mends else ""
        whole = Unknown(Reason.MISSING, "; ".join(lineage.faults) + mends)
        return {name: whole if name == "lineage.declared" else NOT_DECLARED for name in _LINEAGE}
    planned = lineage.planned_end
    return {
        "lineage.opened": Unknown(Reason.MISSING, "no run of the lineage was opened")
        if lineage.opened is None
        else lineage.opened,
        "lineage.declared": True,
        "lineage.compute": effective(policy, lineage.compute),
        "lineage.planned_end": Unknown(Reason.MISSING, "the run does not state where it is planned to end")
        if planned is None
        else effective(policy, planned),
        "developer.others": effective(policy, situation.developer_others),
    }


def _domain_facts(policy: Policy, situation: Situation, action: Action, domain: Domain) -> dict[str, Value]:
    pieces = [piece for piece in situation.pieces if piece.domain == domain.id]
    judged = [assess(policy, domain, piece) for piece in pieces]
    reached = any(item.reached for item in judged) or bool(reached_by_descendants(policy, situation, domain, action))
    facts: dict[str, Value] = {f"{domain.id}.reached": reached}

    def unknown(reason: Reason, detail: str) -> dict[str, Value]:
        value = Unknown(reason, detail)
        facts.setdefault(f"{domain.id}.ruled_out", value)
        return facts | {f"{domain.id}.{name}": value for name in _evidence(domain)}

    if reached:
        facts[f"{domain.id}.ruled_out"] = False
    still_open = [piece for piece in pieces if piece.status == "open"]
    if still_open:
        count, many = len(still_open), len(still_open) > 1
        detail = f"{count} announced evaluation{'s' * many} of `{domain.id}` {'have' if many else 'has'} no result"
        if not reached:
            facts[f"{domain.id}.reached"] = Unknown(Reason.MISSING, detail)
        return unknown(Reason.MISSING, detail)
    if action != "train":
        if not situation.is_exact(action):
            what = "weights" if action == "release_weights" else "weights and deployment configuration"
            return unknown(Reason.MISSING, f"the exact {what} are not stated")
        judged = [item for item in judged if (item.piece.weights, item.piece.configuration) == situation.exact(action)]
    broken = "; ".join(broken_words(situation.broken, domain.id))
    conclusive = [item for item in judged if not item.faults]
    carrying = _carrying(conclusive, action)
    if not carrying:
        grown = any(item.piece.ancestor for item in conclusive)
        stray = [
            "it is of a deployment's configuration" if grown else "it is of weights that this model did not grow from"
        ]
        stray = stray if conclusive else []
        # The latest attempt is the one that people are at work on.
        why = [fault for item in reversed(judged) for fault in item.faults]
        tried = (it for it in reversed(judged) if it.piece.elicitation != "none" or not domain.of_capability)
        elicited = [fault for item in tried for fault in item.faults]
        elicited = stray + elicited
        detail = (elicited or why or ["there is none"])[0]
        budget = policy.budget.evaluations
        if max((piece.attempt for piece in pieces), default=0) >= budget:
            detail += f"; all {budget} evaluations of `{domain.id}` are spent, and no further one can rule out"
        detail += f"; {broken}" if broken else ""
        return unknown(Reason.UNDERMINED if judged else Reason.MISSING, f"no conclusive evidence: {detail}")
    # What broke, or contradicts itself, makes nothing better: what came before it is no less in the way than it was.
    furthest = [_furthest(carrying), _furthest(_carrying([it for it in judged if it.otherwise], action))]
    if not reached:
        failing = [item for item in judged if item.leaves_open]
        facts[f"{domain.id}.ruled_out"] = (
            Unknown(Reason.MISSING, _not_ruled_out(policy, domain, failing[0])) if failing else True
        )
    facts |= {
        f"{domain.id}.evidence.compute": min(it.compute for it in furthest),
        f"{domain.id}.evidence.time": min(it.piece.time for it in furthest),
    }
    if domain.of_capability:
        facts[f"{domain.id}.elicitation"] = min(it.piece.elicitation_flops for it in furthest)
    return facts


def _carrying(items: list[Assessment], action: Action) -> list[Assessment]:
    """What supports going on, of evidence that lacks nothing.

    It is about weights that these grew from; what is about others may only count against. What a deployment's
    configuration withholds is there in training: its evaluation may only count against that.
    """
    return items if action != "train" else [it for it in items if it.piece.ancestor and it.piece.configuration is None]


def _furthest(items: list[Assessment]) -> Assessment:
    return max(items, key=lambda item: (item.compute, item.piece.time, item.piece.elicitation_flops))


def ruled_out_on(policy: Policy, situation: Situation, domain: Domain, weights: str) -> int | str:
    """Effective compute of exact weights on which the alarm is ruled out, and nothing in the lineage is against it; or
    why it is not."""
    known = _domain_facts(policy, situation, "train", domain)[f"{domain.id}.ruled_out"]
    if known is not True:
        return known.detail if isinstance(known, Unknown) else f"the alarm of `{domain.id}` was reached"
    of_them = [it for it in situation.pieces if (it.domain, it.weights, it.configuration) == (domain.id, weights, None)]
    found = [item.compute for item in (assess(policy, domain, it) for it in of_them) if item.rules_out]
    return min(found, default=f"no conclusive evidence in `{domain.id}` is of its last weights, {weights[:12]}...")


def reached_by_descendants(policy: Policy, situation: Situation, domain: Domain, action: Action) -> list[Assessment]:
    """What shows that weights grown from this lineage's reached the alarm, with no more compute than the margin allows.

    A branch that was tuned on is what elicitation by others looks like. It may only count against.
    """
    margin = domain.margin
    if action == "release_weights" and domain.release is not None:
        # What is granted to whoever has the weights is granted to who tuned them already.
        margin *= domain.release.enhancement
    near = (
        piece
        for piece in situation.descendants
        if piece.domain == domain.id
        and (piece.compute is None or piece.origin is None or piece.compute <= piece.origin * margin)
    )
    return [item for item in (assess(policy, domain, piece) for piece in near) if item.reached]


def _elsewhere_facts(policy: Policy, situation: Situation, domain: Domain) -> dict[str, Value]:
    """What the developer's runs outside the lineage leave of the compute before a first evaluation."""
    if situation.lineage.faults:
        return {f"{domain.id}.unevaluated": NOT_DECLARED, f"{domain.id}.reached_early": NOT_DECLARED}
    left = situation.developer_others - sum(covered(policy, domain, other) for other in situation.elsewhere)
    return {
        f"{domain.id}.unevaluated": effective(policy, left),
        f"{domain.id}.reached_early": any(early_of(policy, domain, other) for other in situation.elsewhere),
    }


def _record_facts(situation: Situation, domain: Domain) -> dict[str, Value]:
    """How what ruled the alarm out has held up, as counts of the developer's whole record."""
    track = next((it for it in situation.tracks if it.domain == domain.id), None)
    unknown = Unknown(Reason.MISSING, f"the record of `{domain.id}` is not known")
    return {
        f"{domain.id}.missed": unknown if track is None else track.missed,
        f"{domain.id}.upheld": unknown if track is None else track.upheld,
    }


def early_of(policy: Policy, domain: Domain, other: Elsewhere) -> list[tuple[int, int, Assessment]]:
    """What another run reached with no more than a first evaluation may wait for: at which effective compute, that
    amount and what shows it, by the policy's figures and by those of each of its floors."""
    found = []
    for by, theirs in measuring(policy, domain):
        first = by.first_evaluation_at or 0
        found += [(at, first, item) for at, item in _reached_at(by, theirs, other) if at <= first]
    return found


def _reached_at(policy: Policy, domain: Domain, other: Elsewhere) -> list[tuple[int, Assessment]]:
    """Effective compute behind each of another run's weights that reached the alarm, with what shows it.

    With what the largest of its parents brought: a merge or a student of large models is no small model. Where what
    went into it is not known, it counts as what it provably holds.
    """
    judged = [assess(policy, domain, piece) for piece in other.pieces if piece.domain == domain.id]
    more = 0 if other.faults else floor(max(other.inherited - other.carried, 0) * policy.factor)
    return [(item.compute + more, item) for item in judged if item.reached]


def covered(policy: Policy, domain: Domain, other: Elsewhere) -> int:
    """Training FLOP of another run that conclusive evaluations in the domain cover, whatever these showed.

    That is its own training behind the furthest of the weights evaluated, and the elicitation of copies of
    weights no further than these, of each as much as the margin allows for or the policy asks for. Training
    after the last evaluation, a tranche lost to a crash, and elicitation without a result are not covered.
    On floors it is the least that is covered by the figures of any.
    """
    return min(_covered(by, theirs, other) for by, theirs in measuring(policy, domain))


def _covered(policy: Policy, domain: Domain, other: Elsewhere) -> int:
    bare = [piece for piece in other.pieces if piece.domain == domain.id and piece.configuration is None]
    conclusive = [piece for piece in bare if not assess(policy, domain, piece).faults]
    if other.faults or not conclusive:
        return 0
    furthest = max(max((piece.compute or 0) - other.carried, 0) for piece in conclusive)
    return covered_behind(policy, domain, other, furthest)


def _not_ruled_out(policy: Policy, domain: Domain, item: Assessment) -> str:
    counts = 0 <= item.piece.successes <= item.piece.completed
    if item.shown is not None and not (counts and bound_of(policy, item)[0] > domain.alarm):
        where, successes, samples = item.shown
        return f"{successes} of {samples} leave the alarm of `{domain.id}` open: {where}"
    bound, whole = bound_of(policy, item)
    return (
        f"{item.piece.successes} of {whole} leave the alarm of `{domain.id}` open: "
        f"upper bound {float(bound):.3f}, alarm {float(domain.alarm):.3f}"
    )


def _until(
    situation: Situation, action: Action, subject: str, valid_for: int | None, missing: str, *, clean: bool = False
) -> Value:
    """`clean`: whether what was signed while the alarms of its level were ruled out still speaks of that."""
    ends = [
        min(s.until, s.time + (valid_for or s.until))
        for s in situation.signatures
        if s.subject == subject and (subject.startswith("safeguard.") or _covers(s, situation, action))
        if clean or not s.clean
    ]
    return max(ends) if ends else Unknown(Reason.UNSIGNED, missing)


def _covers(signature: Signature, situation: Situation, action: Action) -> bool:
    """An approval is of the action that its signer saw; but for training, of the exact weights and configuration."""
    exact = (signature.weights, signature.configuration) == situation.exact(action)
    return signature.action == action and (action == "train" or exact)
