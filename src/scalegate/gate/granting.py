"""What was approved, and granted by exceptions: how the fold takes it in, and the facts that it makes.

Guarantees: a grant names the latest HOLD of its run for its action, and keeps of that what held and what was known
against going on. Of each person the last counts, of each thing that it is of; what is taken back is gone at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from scalegate.gate.lineage import carried, members
from scalegate.gate.situation import Granted, Signature, Situation
from scalegate.ledger.entries import Approval, ExceptionGranted
from scalegate.policy.document import Action, ExceptionTerms, Policy
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.text import akin

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = ["approved", "exception_facts", "exception_names", "granted", "granted_so_far", "grants_of"]


def approved(fold: Fold, entry: Approval) -> str | None:
    """Take in that somebody signed for a level. Returns why it counts for nothing, if it does."""
    seen = fold.decisions.get(entry.decision)
    if seen is None or seen.run != entry.run:
        return "the decision that it names is not one on this run, as it is declared, under the policy in force"
    if entry.level not in seen.levels:
        return f"no evidence had put the model in level {entry.level} when the decision that it names was taken"
    signature = Signature(
        subject=f"approval.{entry.level}.{entry.actor}",
        by=entry.actor,
        time=entry.time,
        until=entry.until,
        action=seen.action,
        weights=seen.weights,
        configuration=seen.configuration,
        clean=entry.level in seen.clean,
    )
    fold.signatures.append((fold.adopted_at, entry.run, signature))
    return None


def granted(fold: Fold, entry: ExceptionGranted) -> str | None:
    """Take in what somebody granted, or took back. Returns why it counts for nothing, if it does."""
    if entry.withdrawn:
        mine = (entry.run, entry.exception, entry.actor)
        fold.exceptions = [it for it in fold.exceptions if (it[1], it[2].exception, it[2].by) != mine]
        return None
    found = _grant(fold, entry)
    if isinstance(found, str):
        return found
    same = (entry.run, *_of_what(found))
    fold.exceptions = [it for it in fold.exceptions if (it[1], *_of_what(it[2])) != same]
    fold.exceptions.append((fold.adopted_at, entry.run, found))
    fold.grants[found.exception, _text(fold.policy, found.exception), entry.run] += 1
    return None


def granted_so_far(grants: Counter[tuple[str, str, str]], policy: Policy, runs: Collection[str]) -> dict[str, int]:
    """How often each exception of a policy was granted to any of these runs, also under another name or in other words:
    of two versions of it one of the two is the same."""

    def same(item: ExceptionTerms) -> set[str]:
        names, before = {item.id, akin(item.text)}, 0
        while len(names) > before:
            before = len(names)
            names.update(*(key[:2] for key in grants if names & {*key[:2]}))
        return names

    found = {item.id: same(item) for item in policy.exceptions}
    return {
        name: sum(many for key, many in grants.items() if key[2] in runs and key[0] in names)
        for name, names in found.items()
    }


def _text(policy: Policy | None, name: str) -> str:
    return next((akin(it.text) for it in policy.exceptions if it.id == name), "") if policy else ""


def _of_what(it: Granted) -> tuple[str | None, ...]:
    """What a grant is of: a later one takes its place. For training it is of the run, whatever its weights."""
    exact = (it.weights, it.configuration) if it.action != "train" else ()
    return (it.exception, it.by, it.action, *exact)


def _grant(fold: Fold, entry: ExceptionGranted) -> Granted | str:
    policy, seen = fold.policy, fold.decisions.get(entry.decision or "")
    terms = next((it for it in policy.exceptions if it.id == entry.exception), None) if policy else None
    if policy is None or terms is None:
        return f"the policy has no exception `{entry.exception}`"
    if seen is None or seen.run != entry.run:
        return "the decision that it names is not one on this run, as it is declared, under the policy in force"
    if seen.verdict != "HOLD" or seen.action not in terms.actions:
        return f"the decision that it names is no HOLD of an action that `{terms.id}` is an exception for"
    latest = next(it for it in reversed(fold.decisions.values()) if (it.run, it.action) == (seen.run, seen.action))
    if latest.digest() != seen.digest():
        return f"the decision that it names is not the latest on `{seen.run}` for `{seen.action}`"
    names = members(fold.runs, seen.run)
    if seen.action != "train":
        if seen.weights is None or seen.configuration is None:
            return "the decision that it names states no exact weights and configuration: there is nothing to let go on"
        if not any(seen.weights in fold.runs[name].weights for name in names):
            return "no run of the lineage has recorded the weights of the decision that it names"
    run = fold.runs.get(seen.run)
    saved = run.weights.get(run.tip or "", 0) + carried(fold.runs, run) if run else 0
    return Granted(
        exception=entry.exception,
        by=entry.actor,
        time=entry.time,
        until=entry.until,
        action=seen.action,
        weights=seen.weights,
        configuration=seen.configuration,
        # Elicitation, and what is reserved and may be given back, count against a run: here they would be for it.
        compute=min(ceil(saved * policy.factor), seen.compute),
        held=seen.resumption.because if seen.resumption else (),
        against=seen.against,
    )


def exception_names(policy: Policy, item: ExceptionTerms) -> tuple[str, ...]:
    """The names of the facts of one exception."""
    people = (item.fact_of(person.id) for person in policy.signers(item.granted_by))
    return tuple(f"{name}.{part}" for name in people for part in ("until", "compute"))


def exception_facts(policy: Policy, situation: Situation, action: Action, item: ExceptionTerms) -> dict[str, Value]:
    """The facts of one exception, for each person who may grant it."""
    facts: dict[str, Value] = {}
    for person in policy.signers(item.granted_by):
        name = item.fact_of(person.id)
        last = next((it for it in grants_of(situation, action, item) if it.by == person.id), None)
        if last is None:
            missing = Unknown(Reason.UNSIGNED, f"`{item.id}`: {person.name} has not granted it")
            facts |= {f"{name}.until": missing, f"{name}.compute": missing}
            continue
        growth = item.growth if item.growth is not None else Fraction(1)
        facts[f"{name}.until"] = min(last.until, last.time + item.valid_for)
        # But for training nothing is to grow: it is of these weights, whatever else the lineage spends.
        facts[f"{name}.compute"] = floor(last.compute * growth) if action == "train" else situation.compute
    return facts


def grants_of(situation: Situation, action: Action, item: ExceptionTerms) -> list[Granted]:
    """The grants of an exception that are of what is asked about."""
    exact = situation.is_exact(action) and situation.weights_trained is not None
    apart = situation.apart(item.granted_by.apart_from)
    return [
        it
        for it in situation.exceptions
        if (it.exception, it.action) == (item.id, action)
        and it.by not in apart
        and (action == "train" or (exact and (it.weights, it.configuration) == situation.exact(action)))
    ]
