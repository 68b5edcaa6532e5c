"""The changes that could come about for a run: acts, measurements, waiting and signatures.

Each says in words what would have to happen and what that does to the facts. A measurement is worded "if it
turns out that": nobody can promise its result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil, floor

from scalegate.evidence import binomial
from scalegate.gate.facts import covered, derive_facts, domain_facts, effective, look_alpha
from scalegate.gate.judge import Judge
from scalegate.gate.permit import boundary
from scalegate.gate.resumption import Change
from scalegate.gate.situation import Elsewhere, Piece, Situation
from scalegate.policy.document import ComputeCap, Domain, Person, Policy
from scalegate.policy.semantics import Facts, Unknown, Value, evaluate, number
from scalegate.policy.syntax import Compare, compares
from scalegate.units import format_duration, format_flop, format_instant

__all__ = ["elicitation_due", "possible_changes"]


def possible_changes(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> tuple[Change, ...]:
    """Every change on offer, in the order in which people would take them: measure, act, sign, time."""
    factor = policy.effective_compute.factor
    asked = max(situation.lineage.planned_end or 0, ceil(situation.compute / factor))
    at = floor((_trained(situation, judge) or 0) * factor)
    due = {domain.id: elicitation_due(policy, domain, at, asked) for domain in policy.domains}
    # What is spent on elicitation counts towards the lineage, and so towards what is asked for. Each
    # measurement is charged with all of them, so that any set of them is promised no more than it gives.
    cost = ceil(sum(due.values()) * factor)
    return (
        *(c for d in policy.domains for c in _measures(policy, situation, judge, d, facts, due[d.id], cost)),
        *_elsewhere(policy, situation, facts),
        *_acts(policy, situation, judge, facts, cost),
        *_signatures(policy, facts, situation.now),
        *_waits(judge, facts),
    )


def _acts(policy: Policy, situation: Situation, judge: Judge, facts: Facts, cost: int) -> Iterator[Change]:
    for level in policy.levels:
        for safeguard in level.safeguards:
            name, role = f"safeguard.{safeguard.id}.until", safeguard.attested_by
            yield Change(
                "act",
                f"`{safeguard.id}` is put in place and attested by somebody with role"
                f" `{role}`{_first(policy, policy.with_role(role))}: {safeguard.text}",
                ((name, situation.now + safeguard.valid_for),),
            )
    if isinstance(facts.get("lineage.declared"), Unknown):
        if not situation.lineage.mends:
            # A run cannot take back what it declared: only another run can declare it.
            return
        yield Change(
            "act",
            f"{'; '.join(dict.fromkeys(situation.lineage.mends))}; then decide again with what that makes known",
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
    # With room for the elicitation that measurements cost; without, if no limit leaves that much.
    for end in dict.fromkeys((situation.compute + cost, situation.compute)):
        if others is not None and all(end + others <= cap for cap in caps):
            most = f" and at most {format_flop(min(caps))}" if caps else ""
            yield Change(
                "act",
                f"the run is opened again with a planned end (`planned=`) that takes the lineage to at least"
                f" {format_flop(end)}{most}",
                (("lineage.planned_end", end),),
            )
            return


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
    policy: Policy, situation: Situation, judge: Judge, domain: Domain, facts: Facts, due: int, cost: int
) -> Iterator[Change]:
    """Results that are still to come, and one more evaluation: each taken in by the rules for evidence themselves."""
    used = number(facts.get("lineage.compute"))
    trained = _trained(situation, judge)
    if used is None or not trained:
        return
    names = domain_facts(domain)

    def outcome(pieces: Iterable[Piece], *, spent: int) -> tuple[tuple[str, Value], ...]:
        """What is then known of the domain."""
        after = situation.model_copy(
            update={
                "pieces": tuple(pieces),
                "weights": situation.weights or STATED,
                "configuration": situation.configuration or STATED,
            }
        )
        known = derive_facts(policy, after, judge.action)
        moved: dict[str, Value] = {"lineage.compute": used + spent, "compute": situation.compute + spent}
        planned = number(facts.get("lineage.planned_end"))
        if planned is not None:
            moved["lineage.planned_end"] = planned + spent
        return (*((name, known[name]) for name in names), *moved.items())

    mine = [piece for piece in situation.pieces if piece.domain == domain.id]
    still_open = [piece for piece in mine if piece.status == "open"]
    if still_open:
        many = len(still_open) > 1
        words = f"the result{'s' * many} of the evaluation{'s' * many} of `{domain.id}` already announced"
        words += f" {'are' if many else 'is'} added"
        for chance, share in (("if it turns out that the alarm is ruled out", 0), ("whatever it turns out to show", 1)):
            closed = (_closed(piece, share * piece.samples, due) for piece in situation.pieces if piece in still_open)
            rest = (piece for piece in situation.pieces if piece not in still_open)
            yield Change("measure", f"{chance}: {words}", outcome((*rest, *closed), spent=0))
    attempts = max((piece.attempt for piece in mine), default=0)
    if attempts >= policy.error_budget.evaluations:
        return
    samples, most = domain.samples, binomial.most_successes(domain.samples, domain.alarm, look_alpha(policy))
    first = "what is already announced is added first and leaves it so, then " if still_open else ""
    how = (
        f"{first}{_stated(situation, judge)}an announced evaluation of `{domain.id}` on {_weights(situation, judge)} at"
        f" {format_flop(floor(trained * policy.effective_compute.factor))}, at least {samples} samples, elicited by"
        f" {domain.elicitation.method} with at least {format_flop(due)}"
        f" (attempt {attempts + 1} of {policy.error_budget.evaluations})"
    )
    others = [piece if piece not in still_open else _closed(piece, 0, due) for piece in situation.pieces]
    for successes, chance in (
        (most, f"if it turns out that the alarm is ruled out ({most} of {samples} successes or fewer)"),
        (samples, "whatever it turns out to show"),
    ):
        if successes is None:
            continue
        after = outcome((*others, _new(situation, domain, trained, due, successes, attempts + 1)), spent=cost)
        if successes == samples or dict(after)[f"{domain.id}.ruled_out"] is True:
            yield Change("measure", f"{chance}: {how}", after)


STATED = "f" * 64
"""Stands for exact weights or a configuration that are yet to be stated."""


def _trained(situation: Situation, judge: Judge) -> int | None:
    """Training FLOP in the weights to be evaluated; None: the ledger does not know these weights."""
    exact = judge.action != "train" and situation.weights is not None
    return situation.weights_trained if exact else situation.lineage.behind


def _stated(situation: Situation, judge: Judge) -> str:
    if judge.action == "train" or (situation.weights is not None and situation.configuration is not None):
        return ""
    return "the exact weights and their deployment configuration are stated, and decided on after "


def _weights(situation: Situation, judge: Judge) -> str:
    if judge.action == "train":
        return "the weights"
    if situation.weights is None or situation.configuration is None:
        return "exactly these"
    return f"exactly weights {situation.weights[:12]}... in configuration {situation.configuration[:12]}...,"


def _closed(piece: Piece, successes: int, due: int) -> Piece:
    """An announced evaluation with a whole result."""
    spent = max(piece.elicitation_flops, due) if piece.elicitation != "none" else 0
    return piece.model_copy(
        update={
            "status": "completed",
            "signed": True,
            "successes": successes,
            "completed": piece.samples,
            "elicitation_flops": spent,
            "assumptions": ("as its result states them",),
        }
    )


def _new(situation: Situation, domain: Domain, trained: int, due: int, successes: int, attempt: int) -> Piece:
    """One more evaluation, on the weights as they now are, that lacks nothing."""
    return Piece(
        evaluation=STATED,
        domain=domain.id,
        run=situation.lineage.run,
        weights=situation.weights or STATED,
        compute=trained,
        time=situation.now,
        announced=True,
        announced_for=situation.lineage.run,
        ancestor=True,
        signed=True,
        status="completed",
        samples=domain.samples,
        successes=successes,
        completed=domain.samples,
        errors=0,
        elicitation="fine-tuning",
        elicitation_flops=due,
        attempt=attempt,
        configuration=situation.configuration or STATED,
        assumptions=("as its result states them",),
    )


def _elsewhere(policy: Policy, situation: Situation, facts: Facts) -> Iterator[Change]:
    """The developer's other runs are evaluated as far as they go: then they no longer use up the compute before a
    first evaluation. What that covers is worked out by the rule for it, on evaluations that lack nothing."""
    others, factor = number(facts.get("developer.others")), policy.effective_compute.factor
    if others is None or policy.first_evaluation_at is None:
        return
    due = {
        other.run: {
            domain.id: elicitation_due(policy, domain, floor((other.carried + other.recorded) * factor), None)
            for domain in policy.domains
        }
        for other in situation.elsewhere
    }
    cost = sum(sum(flops.values()) for flops in due.values())
    evaluated = {other.run: _evaluated(policy, situation, other, due[other.run]) for other in situation.elsewhere}
    for domain in policy.domains:
        left, names = situation.developer_others + cost, []
        for other in situation.elsewhere:
            now, then = covered(policy, domain, other), covered(policy, domain, evaluated[other.run])
            worth = bool(other.recorded) and then > now
            left -= then if worth else now
            if worth:
                names.append(f"`{other.run}` (at least {format_flop(due[other.run][domain.id])} of elicitation)")
        if names:
            first = format_flop(policy.first_evaluation_at)
            yield Change(
                "measure",
                f"if it turns out conclusive, and the alarm not reached at {first} or less: an announced"
                f" evaluation of `{domain.id}` on the furthest recorded weights of {', '.join(names)},"
                f" so that no compute of theirs counts as unevaluated any more",
                (
                    (f"{domain.id}.unevaluated", effective(policy, left)),
                    ("developer.others", others + ceil(cost * factor)),
                ),
            )


def _evaluated(policy: Policy, situation: Situation, other: Elsewhere, due: dict[str, int]) -> Elsewhere:
    """Another run after one more evaluation of its furthest weights in every domain."""
    pieces = [
        _new(situation, domain, other.carried + other.recorded, due[domain.id], 0, other.attempts.get(domain.id, 0) + 1)
        for domain in policy.domains
    ]
    return other.model_copy(
        update={
            "compute": other.compute + sum(due.values()),
            "pieces": (
                *other.pieces,
                *(
                    p.model_copy(update={"evaluation": f"{STATED} {p.domain}", "announced_for": other.run})
                    for p in pieces
                ),
            ),
        }
    )


def _signatures(policy: Policy, facts: Facts, now: int) -> Iterator[Change]:
    for level in policy.levels:
        if level.approvals:
            for person in sorted(policy.with_role(level.approvals.role), key=lambda person: person.key == "unset"):
                yield Change(
                    "sign",
                    f"{person.name} (`{person.id}`, {level.approvals.role}){_first(policy, [person])} signs for"
                    f" level {level.number} of this run",
                    ((f"approval.{level.number}.{person.id}.until", now + level.approvals.valid_for),),
                )
    for tier in policy.tiers:
        if isinstance(facts.get(f"tier.{tier.id}.adopters"), Unknown) or _past(facts, f"tier.{tier.id}.until", now):
            yield Change(
                "sign",
                f"somebody with role `{tier.recorded_by}`{_first(policy, policy.with_role(tier.recorded_by))}"
                f" records who has adopted `{tier.id}`, if fewer than {tier.binds_at} have",
                ((f"tier.{tier.id}.adopters", tier.binds_at - 1), (f"tier.{tier.id}.until", now + 1)),
            )


def _first(policy: Policy, people: Iterable[Person]) -> str:
    """Added to what one of these people is to sign, where only others have a key."""
    keyed = any(person.key != "unset" for person in policy.people)
    lacking = keyed and all(person.key == "unset" for person in people)
    return ", once an amendment names a key for it," if lacking else ""


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
