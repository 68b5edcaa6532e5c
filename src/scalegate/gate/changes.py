"""The changes that could come about for a run: acts, measurements, waiting and signatures.

Each says in words what would have to happen and what that does to the facts. A measurement is worded "if it
turns out that": nobody can promise its result.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor

from scalegate.evidence import binomial
from scalegate.gate.facts import covered, effective, look_alpha
from scalegate.gate.judge import Judge
from scalegate.gate.permit import boundary
from scalegate.gate.resumption import Change
from scalegate.gate.situation import Elsewhere, Situation
from scalegate.policy.document import ComputeCap, Domain, Policy
from scalegate.policy.semantics import Facts, Unknown, Value, evaluate, number
from scalegate.policy.syntax import Compare, compares
from scalegate.units import format_duration, format_flop, format_instant

__all__ = ["elicitation_due", "possible_changes"]


def possible_changes(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> tuple[Change, ...]:
    """Every change on offer, in the order in which people would take them: measure, act, sign, time."""
    factor = policy.effective_compute.factor
    asked = max(situation.lineage.planned_end or 0, ceil(situation.compute / factor))
    at = floor(situation.lineage.behind * factor)
    due = {domain.id: elicitation_due(policy, domain, at, asked) for domain in policy.domains}
    # What is spent on elicitation counts towards the lineage, and so towards what is asked for. Each
    # measurement is charged with all of them, so that any set of them is promised no more than it gives.
    cost = ceil(sum(due.values()) * factor)
    return (
        *(c for d in policy.domains for c in _measures(policy, situation, d, facts, at, due[d.id], cost)),
        *_elsewhere(policy, situation, facts),
        *_acts(policy, situation, judge, facts, cost),
        *_signatures(policy, facts, situation.now),
        *_waits(judge, facts),
    )


def _acts(policy: Policy, situation: Situation, judge: Judge, facts: Facts, cost: int) -> Iterator[Change]:
    for level in policy.levels:
        for safeguard in level.safeguards:
            name = f"safeguard.{safeguard.id}.until"
            yield Change(
                "act",
                f"`{safeguard.id}` is put in place and attested by somebody with role"
                f" `{safeguard.attested_by}`: {safeguard.text}",
                ((name, situation.now + safeguard.valid_for),),
            )
    if isinstance(facts.get("lineage.declared"), Unknown):
        yield Change(
            "act",
            "the run declares every parent, each recorded in this ledger; then decide again with their compute",
            (
                ("lineage.declared", True),
                ("lineage.opened", situation.now),
                ("lineage.compute", situation.compute),
                ("lineage.planned_end", situation.compute + cost),
                ("developer.others", 0),
                *((f"{domain.id}.unevaluated", 0) for domain in policy.domains),
                *((f"{domain.id}.reached_early", False) for domain in policy.domains),
            ),
        )
        return
    binding = {test.id for test in judge.tests if test.status(facts) in ("met", "violated", "not shown")}
    caps = [clause.at for clause in policy.clauses if isinstance(clause, ComputeCap) and clause.id in binding]
    others = number(facts.get("developer.others"))
    end = situation.compute + cost
    if others is not None and all(end + others <= cap for cap in caps):
        most = f" and at most {format_flop(min(caps))}" if caps else ""
        yield Change(
            "act",
            f"the run is opened again with a planned end (`planned=`) that takes the lineage to at least"
            f" {format_flop(end)}{most}",
            (("lineage.planned_end", end),),
        )


def elicitation_due(policy: Policy, domain: Domain, evidence: int, planned_end: int | None) -> int:
    """FLOP of elicitation that let evidence at effective compute `evidence` carry as far as it otherwise could.

    The floor is a share of lineage compute at the permit's end, so it is taken at the
    furthest point that cadence, buffer and plan allow.
    """
    ends: list[Fraction] = [evidence * domain.buffer / domain.margin]
    ends += [evidence * clause.every for clause in policy.clauses if clause.kind == "cadence" and clause.gates]
    shares = sum((item.elicitation.share for item in policy.domains), Fraction(0))
    if planned_end is not None and shares < 1:
        # Elicitation in every domain adds to the lineage's compute: x >= share * (end + all the x).
        floors = sum(item.elicitation.at_least for item in policy.domains)
        planned = (planned_end + floors) * policy.effective_compute.factor
        ends.append(max(planned, Fraction(evidence)) / (1 - shares))
    return max(domain.elicitation.at_least, ceil(min(ends) * domain.elicitation.share))


def _measures(
    policy: Policy, situation: Situation, domain: Domain, facts: Facts, at: int, due: int, cost: int
) -> Iterator[Change]:
    used = number(facts.get("lineage.compute"))
    if used is None or at == 0:
        return
    attempts = max((piece.attempt for piece in situation.pieces if piece.domain == domain.id), default=0)
    left = policy.error_budget.evaluations - attempts
    if left <= 0:
        return
    samples = domain.samples
    most = binomial.most_successes(samples, domain.alarm, look_alpha(policy))
    planned = number(facts.get("lineage.planned_end"))
    measured: tuple[tuple[str, Value], ...] = (
        (f"{domain.id}.evidence.compute", at),
        (f"{domain.id}.evidence.time", situation.now),
        (f"{domain.id}.elicitation", due),
        ("lineage.compute", used + cost),
        ("compute", situation.compute + cost),
    )
    if planned is not None:
        measured += (("lineage.planned_end", planned + cost),)
    still_open = any(piece.status == "open" for piece in situation.pieces if piece.domain == domain.id)
    first = "the result of the evaluation already announced is added, and after it " if still_open else ""
    how = (
        f"{first}an announced evaluation of `{domain.id}` on the weights at {format_flop(at)}, at least {samples}"
        f" samples, elicited by {domain.elicitation.method} with at least {format_flop(due)}"
        f" (attempt {attempts + 1} of {policy.error_budget.evaluations})"
    )
    if most is not None and facts.get(f"{domain.id}.reached") is False and not _admissibly_open(facts, domain):
        yield Change(
            "measure",
            f"if it turns out that the alarm is ruled out ({most} of {samples} successes or fewer): {how}",
            (*measured, (f"{domain.id}.ruled_out", True)),
        )
    worst = ((f"{domain.id}.ruled_out", False), (f"{domain.id}.reached", True))
    yield Change("measure", f"whatever it turns out to show: {how}", (*measured, *worst))


def _admissibly_open(facts: Facts, domain: Domain) -> bool:
    """Whether conclusive evidence already fails to rule out: the worst piece counts, so no further one mends it."""
    ruled_out = facts.get(f"{domain.id}.ruled_out")
    return isinstance(ruled_out, Unknown) and number(facts.get(f"{domain.id}.evidence.compute")) is not None


def _elsewhere(policy: Policy, situation: Situation, facts: Facts) -> Iterator[Change]:
    """The developer's other runs are evaluated as far as they go: then they no longer use up the compute before a
    first evaluation."""
    others, factor = number(facts.get("developer.others")), policy.effective_compute.factor
    if others is None or policy.first_evaluation_at is None:
        return

    def due(domain: Domain, other: Elsewhere) -> int:
        return elicitation_due(policy, domain, floor((other.carried + other.recorded) * factor), None)

    cost = ceil(sum(due(domain, other) for domain in policy.domains for other in situation.elsewhere) * factor)
    for domain in policy.domains:
        left, names = situation.developer_others, []
        for other in situation.elsewhere:
            now = covered(policy, domain, other)
            after = min(other.recorded + sum(piece.elicitation_flops for piece in other.pieces), other.compute)
            tried = max((piece.attempt for piece in other.pieces if piece.domain == domain.id), default=0)
            if other.faults or after <= now or not other.recorded or tried >= policy.error_budget.evaluations:
                left -= now
                continue
            left -= after
            names.append(f"`{other.run}` (at least {format_flop(due(domain, other))} of elicitation)")
        if names:
            first = format_flop(policy.first_evaluation_at)
            yield Change(
                "measure",
                f"if it turns out conclusive, and the alarm not reached at {first} or less: an announced"
                f" evaluation of `{domain.id}` on the furthest recorded weights of {', '.join(names)},"
                f" so that no compute of theirs counts as unevaluated any more",
                ((f"{domain.id}.unevaluated", effective(policy, left)), ("developer.others", others + cost)),
            )


def _signatures(policy: Policy, facts: Facts, now: int) -> Iterator[Change]:
    for level in policy.levels:
        if level.approvals:
            for person in policy.people:
                if level.approvals.role in person.roles:
                    yield Change(
                        "sign",
                        f"{person.name} ({level.approvals.role}) signs for level {level.number} of this run",
                        ((f"approval.{level.number}.{person.id}.until", now + level.approvals.valid_for),),
                    )
    for tier in policy.tiers:
        if isinstance(facts.get(f"tier.{tier.id}.adopters"), Unknown) or _past(facts, f"tier.{tier.id}.until", now):
            yield Change(
                "sign",
                f"somebody with role `{tier.recorded_by}` records who has adopted `{tier.id}`,"
                f" if fewer than {tier.binds_at} have",
                ((f"tier.{tier.id}.adopters", tier.binds_at - 1), (f"tier.{tier.id}.until", now + 1)),
            )


def _past(facts: Facts, name: str, now: int) -> bool:
    value = number(facts.get(name))
    return value is not None and value < now


def _waits(judge: Judge, facts: Facts) -> Iterator[Change]:
    now = number(facts.get("now"))
    holding = set(judge.holding(facts))
    instants: set[int] = set()
    for test in judge.tests:
        if test.id in holding:
            for expr in test.exprs():
                for compare in compares(expr):
                    instants.update(_turns(compare, facts))
    for instant in sorted(instants):
        if now is not None and instant > now:
            wait = format_duration(instant - int(now))
            yield Change("time", f"wait until {format_instant(instant)} ({wait} from now)", (("now", instant),))


def _turns(compare: Compare, facts: Facts) -> Iterator[int]:
    """The first instant at which waiting changes a comparison."""
    point = boundary(compare, facts, "now")
    if point is not None:
        before = evaluate(compare, facts)
        changed = (at for at in (point, point + 1) if evaluate(compare, {**facts, "now": at}) is not before)
        yield from list(changed)[:1]
