"""What a policy does not have: the reasons for the INADEQUATE banner. It is the default.

The list names what is absent as well as what is undefined, so deleting an honest clause gains nothing. This
version of the language has no way to adopt an understanding test, so it never lifts: that is said, not hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from math import ceil

from scalegate.gate.decision import Finding
from scalegate.policy.clause_figures import OUT_OF_REACH, all_values
from scalegate.policy.document import (
    ACTIONS,
    Action,
    Cadence,
    Capability,
    Clause,
    Condition,
    Moratorium,
    NextLevel,
    Policy,
    ResidualRisk,
    Safeguards,
    UndefinedTest,
)
from scalegate.policy.loosening import loosened
from scalegate.policy.next_level import lacks
from scalegate.policy.parameters import shown_value
from scalegate.policy.quotes import misquotes
from scalegate.policy.show import amount, date
from scalegate.policy.standing import SHORTEST_NOTICE
from scalegate.policy.syntax import undefined
from scalegate.policy.vocabulary import Kind
from scalegate.units import format_duration, format_factor, format_flop, format_share

__all__ = ["inadequate", "unmet_risk"]


def inadequate(policy: Policy) -> tuple[str, ...]:
    """Why the policy is inadequate to ensure safety, each reason a sentence."""
    reasons = list(_remaining(policy))
    tests = [clause.test for clause in policy.clauses if isinstance(clause, UndefinedTest)]
    reasons += [f"The test `{test.id}` is not defined: {test.purpose}" for test in tests]
    for clause in policy.clauses:
        if isinstance(clause, Condition):
            reasons += [f"`{clause.id}` asks for `{name}`, which is not defined." for name in undefined(clause.when)]
    undefined_levels = ((it.id, lacks(policy, it)) for it in policy.clauses if isinstance(it, NextLevel))
    reasons += [f"`{name}`: {what}." for name, what in undefined_levels if what is not None]
    reasons += _above_models(policy)
    if not tests:
        reasons.append("It has no understanding test: nothing asks whether we know why the model is not dangerous.")
    elif not any(map(partial(_understood, policy), policy.clauses)):
        reasons.append(
            "It has no understanding test that binds training at all times and for everyone, at a compute that a run"
            " may come to: nothing else asks whether we know why the model is not dangerous."
        )
    if not policy.domains:
        reasons.append("It has no domain with a measurable threshold.")
    reasons += _judged(policy)
    reasons += [
        f"`{it.id}` is kept if {it.kept_by.at_least} with the role `{it.kept_by.role}` sign that it was done: nothing"
        " looks at whether it was."
        for it in policy.obligations
    ]
    reasons += _left_open(policy)
    reasons += _released(policy)
    reasons += _ungated(policy)
    reasons += _loosened(policy)
    reasons += _excepted(policy)
    weak = [clause.id for clause in policy.clauses if not clause.gates]
    if weak:
        reasons.append(f"Clauses that are aims or illustrations protect nothing: {', '.join(weak)}.")
    reasons += _misquoted(policy)
    reasons += _roomless(policy)
    unset = [person.id for person in policy.people if person.signing == "unset"]
    if unset:
        reasons.append(f"People without a key sign nothing that counts: {', '.join(unset)}.")
    return tuple(reasons)


def _understood(policy: Policy, clause: Clause) -> bool:
    """Whether it asks for a test before training goes on, whenever and for whomever."""
    if not isinstance(clause, UndefinedTest) or not _binds(clause, "train"):
        return False
    return max(all_values(policy, clause.above), default=0) <= OUT_OF_REACH


def _above_models(policy: Policy) -> Iterator[str]:
    """Moratoria above a model: what that model took is not measured here."""
    for clause in policy.clauses:
        model = clause.above_model if isinstance(clause, Moratorium) and clause.gates else None
        if model is not None and model.compute is None:
            yield f"`{clause.id}` is above `{model.name}`, and how much compute that took is not said: {model.basis}"
        elif model is not None and model.compute is not None:
            took = amount(Fraction(model.compute), Kind.FLOP)
            yield f"`{clause.id}` is above `{model.name}`, which is taken to be {took}, a judgement: {model.basis}"


def _remaining(policy: Policy) -> Iterator[str]:
    """Actions that go on without a number for the risk that remains, and whose word that number is held against."""
    asking = [action for action in ACTIONS if any(isinstance(it, Capability) for it in _gating(policy, action))]
    bounded = [
        action for action in asking if any(isinstance(it, ResidualRisk) and _binds(it, action) for it in policy.clauses)
    ]
    if not bounded:
        yield "It has no residual-risk gate: no number is given for the risk that remains when every clause is met."
    else:
        for action in asking:
            if action not in bounded:
                yield f"For `{action}` no clause that binds at all times puts a number on the risk that remains."
    for risk in policy.risks:
        by = f"{risk.claimed_by.at_least} with the role `{risk.claimed_by.role}`"
        yield f"The risk `{risk.id}` is claimed and not measured: its bound is what {by} sign that it is."


def _gating(policy: Policy, action: str) -> list[Clause]:
    return [clause for clause in policy.clauses if clause.gates and action in clause.actions]


def unmet_risk(policy: Policy, action: Action, found: Sequence[Finding]) -> tuple[str, ...]:
    """That the policy's number for the risk that remains is not kept in a decision, where it has one for the action."""
    if not any(isinstance(it, ResidualRisk) for it in _gating(policy, action)):
        return ()
    statuses = [it.status for it in found if it.kind == "residual_risk"]
    if "met" in statuses and not {"violated", "not shown"} & set(statuses):
        return ()
    return ("Its residual-risk gate is not met: the risk that remains is not claimed to be within its number.",)


def _judged(policy: Policy) -> Iterator[str]:
    """What nobody measures: it rests on somebody's word, and on how far that is relied on."""
    for item in policy.determinations:
        by = f"{item.decided_by.at_least} with the role `{item.decided_by.role}`"
        yield f"`{item.id}` is judgement and not measured: it is so if {by} sign that it is so."
        if item.level is not None and item.carries is None:
            yield f"It leaves open how far `{item.id}` carries: no training goes past the weights that were judged."


def _left_open(policy: Policy) -> Iterator[str]:
    """What a decision takes and the policy does not say."""
    if policy.effective_compute is None:
        yield "It leaves open what training FLOP are in effective compute: every action is held."
    lasting = [it.id for level in policy.levels for it in level.safeguards if it.valid_for is None]
    lasting += [it.id for it in policy.determinations if it.valid_for is None]
    lasting += [f"level {level.number}" for level in policy.levels if level.approvals and not level.approvals.valid_for]
    if lasting:
        yield f"It leaves open how long a signature counts, which its signer then says: {', '.join(lasting)}."
    asked = {clause.level for clause in policy.clauses if clause.gates and isinstance(clause, Safeguards)}
    for level in policy.levels:
        if level.number in asked and not level.safeguards and not level.approvals:
            yield f"It leaves open what level {level.number} takes: whoever comes to it is stopped."
    if policy.amendment is None:
        yield "It has no procedure by which it is amended."
    elif (policy.amendment.notice or 0) < SHORTEST_NOTICE:
        yield "A new version of it is in force as soon as it is signed: nobody outside sees it before (`notice`)."


def _released(policy: Policy) -> Iterator[str]:
    """What a policy that gates the release of weights leaves open of it."""
    if not any(clause.gates and "release_weights" in clause.actions for clause in policy.clauses):
        return
    left = [domain.id for domain in policy.domains if domain.release is None]
    if left:
        yield (
            "It leaves open what others add to released weights, so no evidence supports a release in:"
            f" {', '.join(left)}."
        )
    void = [it.id for level in policy.levels for it in level.safeguards if not it.survives_release]
    if void:
        yield f"Safeguards that end with a release of weights count for none: {', '.join(void)}."


def _excepted(policy: Policy) -> Iterator[str]:
    """What somebody may let go on although it is held."""
    for item in policy.exceptions:
        far = f" and to {format_factor(item.growth)} of the compute" if item.growth is not None else ""
        yield (
            f"By the exception `{item.id}`, {item.granted_by.at_least} with the role `{item.granted_by.role}` let"
            f" {', '.join(item.actions)} go on while {', '.join(item.clauses)}"
            f" {'holds' if len(item.clauses) == 1 else 'hold'} it, for"
            f" {format_duration(item.valid_for)}{far}, and may grant it again."
        )


def _loosened(policy: Policy) -> Iterator[str]:
    """What a date alone permits."""
    for it in loosened(policy):
        yield (
            f"From {date(it.value.from_)} on the parameter `{it.parameter.id}` permits more, and the date is enough for"
            f" that: {shown_value(it.value)}, after {shown_value(it.before)}."
        )


def _misquoted(policy: Policy) -> Iterator[str]:
    """Clauses whose sentence names figures of the kind that it is decided by, and others than these."""
    for clause in policy.clauses:
        for said, has in misquotes(policy, clause):
            yield f"The sentence of `{clause.id}` says {said}, and what is decided by is {has}."


def _roomless(policy: Policy) -> Iterator[str]:
    """That elicitation counts towards the lineage, and leaves no room to train: whoever comes to it is stopped."""
    binding = [clause for clause in policy.clauses if _binds(clause, "train")]
    evaluated = {clause.domain for clause in binding if isinstance(clause, Capability)}
    domains = [domain for domain in policy.domains if domain.id in evaluated]
    steps = [it.every for it in binding if isinstance(it, Cadence) and it.every is not None and it.due != "all"]
    # Of a parameter the largest value: what leaves no room then leaves none ever.
    reach = [max(values) for values in (all_values(policy, it) for it in steps) if values]
    reach += [domain.buffer / domain.margin for domain in domains]
    judged = {item.id for item in policy.judged} & {it.domain for it in binding if isinstance(it, Capability)}
    if judged and policy.first_evaluation_at is None:
        yield "It states no `first_evaluation_at`: a judgement of weights without any training carries to no step."
    if not domains or not reach:
        return
    factor = policy.factor
    share = sum((domain.elicitation.share for domain in domains), Fraction(0)) * factor
    if (1 - share) * min(reach) <= 1:
        yield (
            f"Evidence carries to {format_factor(min(reach))} of its compute at most, and elicitation of"
            f" {format_share(share)} of what it carries to, in all, takes that up: past the first evaluation nobody can"
            " train."
        )
        return
    if policy.first_evaluation_at is None:
        yield "It states no `first_evaluation_at`: the first step takes evidence, and nobody can take it."
    first, least = policy.first_evaluation_at, sum(domain.elicitation.at_least for domain in domains) * factor
    if first is not None and first * (min(reach) - 1) <= least:
        yield (
            f"An evaluation at {format_flop(first)}, the first that is due, carries no further than its elicitation of"
            f" at least {format_flop(ceil(least))} takes the lineage: whoever comes to it is stopped."
        )


def _binds(clause: Clause, action: str) -> bool:
    """Whether a clause gates an action at all times and for everyone."""
    return clause.gates and action in clause.actions and clause.tier is None and clause.in_force is None


def _ungated(policy: Policy) -> Iterator[str]:
    """Domains that an action may pass by: no clause about them binds it at all times and for everyone."""

    for action in ACTIONS:
        clauses = [clause for clause in policy.clauses if clause.gates and action in clause.actions]
        if not any(isinstance(clause, Capability) for clause in clauses):
            continue  # an action without such a clause is held
        sure = [clause for clause in clauses if _binds(clause, action)]
        evaluated = {clause.domain for clause in sure if isinstance(clause, Capability)}
        guarded = {clause.level for clause in sure if isinstance(clause, Safeguards)}
        about: list[tuple[str, int | None]] = [(domain.id, domain.level) for domain in policy.domains]
        about += [(item.id, item.level) for item in policy.judged]
        behaves = {it.id for it in policy.domains if not it.of_capability}
        missed = [name for name, _ in about if name not in evaluated | behaves]
        unguarded = [name for name, level in about if level not in guarded]
        if missed:
            yield f"For `{action}` no clause that binds at all times asks for evidence in: {', '.join(missed)}."
        if unguarded:
            yield f"For `{action}` no clause that binds at all times asks for safeguards in: {', '.join(unguarded)}."
