"""Every figure that a policy decides by, with its unit, and the clauses whose conditions it decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from scalegate.policy.compile import compile_policy
from scalegate.policy.document import (
    ACTIONS,
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Condition,
    Domain,
    Moratorium,
    Policy,
    Safeguards,
    UndefinedTest,
)
from scalegate.policy.show import date
from scalegate.policy.syntax import fact_names
from scalegate.report.clauses import flop
from scalegate.report.promises import Number
from scalegate.report.words import Speaker, share
from scalegate.units import exact_decimal, format_duration

__all__ = ["figures", "reads"]

Reading: TypeAlias = Callable[[Iterable[Domain], Iterable[str]], tuple[str, ...]]
"""The clauses that read facts of these kinds, of these domains."""
_CONCLUSIVE = ("ruled_out", "unevaluated", "evidence.compute", "evidence.time", "elicitation")
_ALARM = ("ruled_out", "reached", "reached_early")


def reads(policy: Policy) -> dict[str, frozenset[str]]:
    """The facts that each clause reads, for any action, by the clause's id."""
    found: dict[str, frozenset[str]] = {clause.id: frozenset() for clause in policy.clauses}
    for action in ACTIONS:
        for it in compile_policy(policy, action):
            found[it.clause.id] |= fact_names(it.condition)
    return found


def figures(policy: Policy) -> tuple[Number, ...]:
    """In the order of the policy."""
    facts = reads(policy)

    def reading(names: Iterable[str]) -> tuple[str, ...]:
        wanted = frozenset(names)
        return tuple(clause.id for clause in policy.clauses if facts[clause.id] & wanted)

    def of(domains: Iterable[Domain], kinds: Iterable[str]) -> tuple[str, ...]:
        kinds = tuple(kinds)
        return reading(f"{domain.id}.{kind}" for domain in domains for kind in kinds)

    every = policy.domains
    compute = ("compute", "developer.others", "lineage.compute", "lineage.planned_end")
    factor = f"{exact_decimal(policy.effective_compute.factor)}x"
    found = [Number(factor, "effective FLOP per training FLOP: a judgement", reading(compute))]
    if policy.first_evaluation_at is not None:
        first = of(every, ("unevaluated", "reached_early"))
        found.append(
            Number(flop(policy.first_evaluation_at), "effective compute that a first evaluation may wait for", first)
        )
    found.append(
        Number(format_duration(policy.lease), "how long a permit is used before it is decided again", ("every permit",))
    )
    budget = policy.error_budget
    found.append(
        Number(
            share(budget.alpha), "chance, per domain and lineage, of ruling out what is there", of(every, _CONCLUSIVE)
        )
    )
    found.append(
        Number(
            str(budget.evaluations), "evaluations of a domain that share that chance equally", of(every, _CONCLUSIVE)
        )
    )
    if policy.amendment:
        found.append(
            Number(
                str(policy.amendment.at_least), f"signatures of the role `{policy.amendment.role}`", ("a new version",)
            )
        )
    for domain in every:
        found += _of_domain(policy, domain, of)
    for level in policy.levels:
        where = tuple(it.id for it in policy.clauses if isinstance(it, Safeguards) and it.level == level.number)
        for safeguard in level.safeguards:
            used = dict.fromkeys((*where, *reading([f"safeguard.{safeguard.id}.until"])))
            found.append(
                Number(
                    format_duration(safeguard.valid_for),
                    f"longest that an attestation of `{safeguard.id}` counts",
                    tuple(used),
                )
            )
        if level.approvals:
            what = f"signatures of the role `{level.approvals.role}` for level {level.number}"
            found.append(Number(str(level.approvals.at_least), what, where))
            what = f"longest that a signature for level {level.number} counts"
            found.append(Number(format_duration(level.approvals.valid_for), what, where))
    for tier in policy.tiers:
        where = tuple(it.id for it in policy.clauses if it.tier == tier.id)
        found.append(
            Number(str(tier.binds_at), f"parties of {len(set(tier.parties))} for tier `{tier.id}` to bind", where)
        )
    for clause in policy.clauses:
        found += [Number(value, what, (clause.id,)) for value, what in _of_clause(policy, clause)]
    return tuple(found)


def _of_domain(policy: Policy, domain: Domain, of: Reading) -> Iterator[Number]:
    conclusive = of([domain], _CONCLUSIVE)
    carries = tuple(
        clause.id
        for clause in policy.clauses
        if (isinstance(clause, Capability) and clause.domain == domain.id)
        or (isinstance(clause, Safeguards) and clause.level == domain.level)
    )
    name = f"of `{domain.id}`"
    yield Number(
        exact_decimal(domain.alarm), f"alarm {name}: the score that an evaluation must rule out", of([domain], _ALARM)
    )
    yield Number(
        exact_decimal(domain.threshold),
        f"threshold {name}: no clause is decided by it; it is shown when it is crossed",
        (),
    )
    yield Number(str(domain.samples), f"least samples of an evaluation {name} that rules out", conclusive)
    yield Number(f"{exact_decimal(domain.buffer)}x", f"buffer {name}, in effective compute", carries)
    yield Number(
        f"{exact_decimal(domain.margin)}x", f"margin {name} for later enhancement, in effective compute", carries
    )
    yield Number(share(domain.elicitation.share), f"least elicitation {name}, of the effective compute", conclusive)
    yield Number(flop(domain.elicitation.at_least), f"least elicitation {name}", conclusive)


def _of_clause(policy: Policy, clause: Clause) -> Iterator[tuple[str, str]]:
    match clause:
        case Cadence():
            yield f"{exact_decimal(clause.every)}x", "growth of effective compute until the next evaluation"
            yield format_duration(clause.within), "time until the next evaluation"
        case ComputeCap():
            yield flop(clause.at), "cap on effective compute"
        case Moratorium():
            yield flop(clause.above), "effective compute above which the moratorium holds"
            yield date(clause.until), "end of the moratorium"
        case UndefinedTest():
            yield flop(clause.above), f"effective compute above which the test `{clause.test.id}` is asked for"
            yield (
                str(clause.test.approved_by.at_least),
                f"who may approve a candidate for the test `{clause.test.id}`: it decides nothing yet",
            )
        case Condition() if not isinstance(clause.when, str):
            for value in dict.fromkeys(Speaker(policy).numbers(clause.when)):
                yield value, "in its condition"
    if clause.in_force and clause.in_force.from_ is not None:
        yield date(clause.in_force.from_), "first instant in force"
    if clause.in_force and clause.in_force.until is not None:
        yield date(clause.in_force.until), "end of being in force"
