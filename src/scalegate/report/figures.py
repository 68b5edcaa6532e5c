"""Every figure that a policy decides by, with its unit, and the clauses whose conditions it decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from scalegate.policy.clause_figures import shown
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import (
    ACTIONS,
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Condition,
    Determination,
    Domain,
    ExceptionTerms,
    Level,
    Moratorium,
    NextLevel,
    Obligation,
    Parameter,
    Policy,
    ResidualRisk,
    Risk,
    Safeguards,
    ScaleCap,
    UndefinedTest,
    Witnessed,
)
from scalegate.policy.next_level import defined
from scalegate.policy.parameters import name_of, shown_value
from scalegate.policy.parts import StatedMargin
from scalegate.policy.show import date
from scalegate.policy.syntax import fact_names
from scalegate.report.clauses import flop
from scalegate.report.promises import Number
from scalegate.report.words import Speaker, share
from scalegate.units import exact_decimal, format_duration, format_end, format_last

__all__ = ["figures", "reads"]

Reading: TypeAlias = Callable[[Iterable[Domain], Iterable[str]], tuple[str, ...]]
"""The clauses that read facts of these kinds, of these domains."""
_CONCLUSIVE = ("ruled_out", "unevaluated", "evidence.compute", "evidence.time", "elicitation")
_COMPUTE = ("compute", "developer.others", "lineage.compute", "lineage.planned_end")
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

    found = list(_of_all(policy, of, reading(_COMPUTE)))
    for domain in policy.domains:
        found += _of_domain(policy, domain, of)
    for item in policy.determinations:
        found += _of_judgement(item, tuple(it for it in facts if any(_on(item, name) for name in facts[it])))
    for terms in policy.exceptions:
        found += _of_exception(terms)
    for risk in policy.risks:
        bounding = (it for it in policy.clauses if isinstance(it, ResidualRisk) and it.risk == risk.id)
        found += _of_risk(risk, tuple(it.id for it in bounding))
    for parameter in policy.parameters:
        found += _of_parameter(parameter, reading([name_of(parameter)]))
    for level in policy.levels:
        found += _of_level(policy, level, lambda name: reading([name]))
    for tier in policy.tiers:
        where = tuple(it.id for it in policy.clauses if it.tier == tier.id)
        found.append(
            Number(str(tier.binds_at), f"parties of {len(set(tier.parties))} for tier `{tier.id}` to bind", where)
        )
    for clause in policy.clauses:
        found += [Number(value, what, (clause.id,)) for value, what in _of_clause(policy, clause)]
    return tuple(found)


def _of_exception(terms: ExceptionTerms) -> Iterator[Number]:
    about = f"of the exception `{terms.id}`"
    yield Number(
        str(terms.granted_by.at_least), f"with the role `{terms.granted_by.role}` grant it, {about}", terms.clauses
    )
    yield Number(format_duration(terms.valid_for), f"the longest that a grant counts, {about}", terms.clauses)
    if terms.growth is not None:
        yield Number(f"{exact_decimal(terms.growth)}x", f"growth of compute since the grant, {about}", terms.clauses)


def _on(item: Determination, name: str) -> bool:
    return name.startswith(f"determination.{item.id}.") or name == f"determination.{item.id}"


def _of_all(policy: Policy, of: Reading, compute: tuple[str, ...]) -> Iterator[Number]:
    if policy.effective_compute is not None:
        factor = f"{exact_decimal(policy.effective_compute.factor)}x"
        yield Number(factor, "effective FLOP per training FLOP: a judgement", compute)
    if policy.first_evaluation_at is not None:
        waits = (Capability, Cadence, Safeguards, NextLevel, ResidualRisk)
        trains = (it for it in policy.clauses if "train" in it.actions and not defined(policy, it))
        where = tuple(it.id for it in trains if isinstance(it, waits))
        what = "effective compute that a first evaluation may wait for"
        yield Number(flop(policy.first_evaluation_at), what, where)
    what = "how long a permit is used before it is decided again"
    yield Number(format_duration(policy.lease), what, ("every permit",))
    if policy.error_budget is not None:
        conclusive = of(policy.domains, _CONCLUSIVE)
        what = "chance, per domain and lineage, of ruling out what is there"
        yield Number(share(policy.error_budget.alpha), what, conclusive)
        what = "evaluations of a domain that share that chance equally"
        yield Number(str(policy.error_budget.evaluations), what, conclusive)
    if policy.amendment is not None:
        what = f"signatures of the role `{policy.amendment.role}`"
        yield Number(str(policy.amendment.at_least), what, ("a new version",))


def _of_judgement(item: Determination, where: tuple[str, ...]) -> Iterator[Number]:
    what = f"signatures of the role `{item.decided_by.role}` on `{item.id}`"
    yield Number(str(item.decided_by.at_least), what, where)
    if item.carries is not None:
        yield Number(f"{exact_decimal(item.carries)}x", f"how far a judgement on `{item.id}` carries", where)
    if item.valid_for is not None:
        yield Number(format_duration(item.valid_for), f"longest that a judgement on `{item.id}` counts", where)


def _of_risk(risk: Risk, where: tuple[str, ...]) -> Iterator[Number]:
    what = f"claims by the role `{risk.claimed_by.role}` on the risk `{risk.id}`"
    yield Number(str(risk.claimed_by.at_least), what, where)
    yield Number(format_duration(risk.valid_for), f"longest that a claim on the risk `{risk.id}` counts", where)
    if risk.carries is not None:
        what = f"how far a claim on the risk `{risk.id}` carries in training"
        yield Number(f"{exact_decimal(risk.carries)}x", what, where)
    if risk.years_from is not None:
        yield Number(date(risk.years_from), f"from when the years of the budget of `{risk.id}` count", where)


def _of_parameter(parameter: Parameter, where: tuple[str, ...]) -> Iterator[Number]:
    for value in sorted(parameter.values, key=lambda it: it.from_):
        what = f"`{name_of(parameter)}` from {date(value.from_)}"
        yield Number(shown_value(value), what, where)
        yield Number(format_last(value.review_by), "until when that counts, unless a later value comes before", where)


def _of_level(policy: Policy, level: Level, reading: Callable[[str], tuple[str, ...]]) -> Iterator[Number]:
    where = tuple(it.id for it in policy.clauses if isinstance(it, Safeguards) and it.level == level.number)
    for safeguard in level.safeguards:
        if safeguard.valid_for is not None:
            used = dict.fromkeys((*where, *reading(f"safeguard.{safeguard.id}.until")))
            what = f"longest that an attestation of `{safeguard.id}` counts"
            yield Number(format_duration(safeguard.valid_for), what, tuple(used))
    if level.approvals:
        what = f"signatures of the role `{level.approvals.role}` for level {level.number}"
        yield Number(str(level.approvals.at_least), what, where)
        if level.approvals.valid_for is not None:
            what = f"longest that a signature for level {level.number} counts"
            yield Number(format_duration(level.approvals.valid_for), what, where)


def _of_domain(policy: Policy, domain: Domain, of: Reading) -> Iterator[Number]:
    conclusive = of([domain], _CONCLUSIVE)
    carries = tuple(
        clause.id
        for clause in policy.clauses
        if (isinstance(clause, Capability) and clause.domain == domain.id)
        or (isinstance(clause, Safeguards | NextLevel) and clause.level == domain.level and not defined(policy, clause))
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
    if domain.clusters is not None:
        least = f"least clusters of an evaluation {name} that rules out, each one observation"
        yield Number(str(domain.clusters.at_least), least, conclusive)
        bet = f"score {name} that the bet over clusters is made for: the alarm is ruled out soonest there"
        yield Number(exact_decimal(domain.clusters.below), bet, of([domain], _ALARM))
    yield Number(f"{exact_decimal(domain.buffer)}x", f"buffer {name}, in effective compute", carries)
    yield Number(
        f"{exact_decimal(domain.margin)}x", f"margin {name} for later enhancement, in effective compute", carries
    )
    if isinstance(domain.stated_margin, StatedMargin):
        yield from _of_margin(name, domain.stated_margin, carries)
    if domain.forecast is not None:
        ends = of([domain], ("forecast.end",))
        yield Number(share(domain.forecast.confidence), f"least confidence of a forecast {name}", ends)
        yield Number(str(domain.forecast.at_least), f"least results that a forecast {name} is made from", ends)
    if domain.release is not None:
        added = f"{exact_decimal(domain.release.enhancement)}x"
        yield Number(added, f"what others add to released weights {name}, in effective compute", carries)
    if domain.of_capability:
        yield Number(share(domain.elicitation.share), f"least elicitation {name}, of the effective compute", conclusive)
        yield Number(flop(domain.elicitation.at_least), f"least elicitation {name}", conclusive)


def _of_margin(name: str, stated: StatedMargin, carries: tuple[str, ...]) -> Iterator[Number]:
    """What a margin is worked out from; a gain that does not count decides nothing."""
    yield Number(format_duration(stated.within), f"time within which a gain counts in the margin {name}", carries)
    yield Number(share(stated.budget), f"share of training compute for which a gain counts {name}", carries)
    for it in stated.gains:
        counts = carries if it in stated.counted else ()
        yield Number(f"{exact_decimal(it.gain)}x", f"gain `{it.id}` in the margin {name}", counts)
        if it.takes is not None:
            yield Number(format_duration(it.takes), f"how long the gain `{it.id}` takes {name}", carries)
        if it.cost is not None:
            yield Number(share(it.cost), f"what the gain `{it.id}` costs of training compute {name}", carries)


def _of_clause(policy: Policy, clause: Clause) -> Iterator[tuple[str, str]]:
    match clause:
        case Cadence():
            if clause.every is not None:
                yield (
                    shown(clause.every, lambda it: f"{exact_decimal(it)}x"),
                    "growth of effective compute until the next evaluation",
                )
            if clause.within is not None:
                yield shown(clause.within, format_duration), "time until the next evaluation"
        case ComputeCap():
            yield shown(clause.at, flop), "cap on effective compute"
        case Moratorium():
            if clause.limit is not None:
                of = f", as `{clause.above_model.name}` is taken to have had" if clause.above_model else ""
                yield shown(clause.limit, flop), f"effective compute above which the moratorium holds{of}"
            yield shown(clause.until, format_end), "end of the moratorium"
        case Obligation():
            if clause.by is not None:
                yield format_last(clause.by), "by when it is due"
            if clause.each is not None:
                yield format_duration(clause.each), "from one time that it is due to the next"
            if clause.from_ is not None:
                yield date(clause.from_), "when the first of these periods begins"
            if clause.within is not None:
                yield format_duration(clause.within), f"time after `{clause.after}` until it is due"
            yield str(clause.kept_by.at_least), f"signatures of the role `{clause.kept_by.role}` that it was done"
        case ScaleCap():
            past = shown(clause.past, lambda it: f"{exact_decimal(it)}x")
            yield past, "growth past the last finished model that was shown to be under every alarm"
            yield shown(clause.first, flop), "effective compute without such a model"
        case Witnessed():
            yield str(clause.at_least), f"witnesses, of {len(clause.witnesses)}, who have cosigned the ledger"
            yield shown(clause.within, format_duration), "how long ago that may be"
        case ResidualRisk():
            yield share(clause.at_most), f"most that the risk `{clause.risk}` may come to, per {clause.per}"
        case UndefinedTest():
            yield shown(clause.above, flop), f"effective compute above which the test `{clause.test.id}` is asked for"
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
        yield format_end(clause.in_force.until), "end of being in force"
