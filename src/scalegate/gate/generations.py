"""Generations of a developer's models, and the last one that was shown to be safe: the base of a scale cap.

A generation is all that has weights of one start in it: runs that load, adapt or merge each other's weights, whatever
they are called. A cap that goes by the last model that was shown is raised by no check of its own generation: the
base is taken over what other generations had recorded before the first run of this one was opened; a run of which
nothing came yet begins anew each time that it is opened, as one of another name would. So a run that is renamed, split,
forked or paused is where it was, and two that are trained side by side cannot raise each other. A run that was only
opened joins nobody: it may be declared otherwise yet, and stops none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, TypeAlias

from scalegate.gate.lineage import Run, Runs
from scalegate.gate.pieces import descendants, faults_of, pieces, trained_in
from scalegate.gate.situation import Generation, Situation
from scalegate.policy.clause_figures import value_at
from scalegate.policy.document import Condition, Domain, Policy, ScaleCap
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.syntax import fact_names

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = [
    "SHOWN",
    "UNSAVED",
    "asked_for",
    "generations",
    "generations_anew",
    "kin",
    "oldest",
    "reach",
    "scale_caps",
    "shown_facts",
    "shown_on",
]

SHOWN = "developer.shown"
UNSAVED = "a session of it has not saved or given back all that it reserved"
RuledOutOn: TypeAlias = "Callable[[Situation, Domain, str], int | str]"
"""Effective compute of exact weights on which a domain is ruled out, with nothing against it; or why it is not."""
_GROWN = ("initialisation", "adapter", "merge")
"""Relations by which weights are in what is made of them."""


def asked_for(policy: Policy) -> bool:
    """Whether any clause goes by what was shown."""
    return any(
        isinstance(clause, ScaleCap) or (isinstance(clause, Condition) and SHOWN in fact_names(clause.when))
        for clause in policy.clauses
    )


def kin(runs: Runs, name: str) -> frozenset[str]:
    """The runs of the generation of a run: those that it shares weights with, and those that these do, and so on."""
    joined = _joined(runs) | {name}
    groups = _groups({other: run for other, run in runs.items() if other in joined})
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen and current in runs:
            seen.add(current)
            waiting += [other for group in groups if current in group for other in group]
    return frozenset(seen)


def _joined(runs: Runs) -> set[str]:
    """The runs that trained, and those whose weights, which nobody trained, are in what such a run goes on from."""
    joined = {name for name, run in runs.items() if any(run.weights.values()) or run.used("training")}
    trained = {weights for run in runs.values() for weights, flops in run.weights.items() if flops > 0}
    waiting = list(joined)
    while waiting:
        run = runs[waiting.pop()]
        begins = {*run.starts, *_taken(run)} - trained
        between = {other for other, it in runs.items() if other not in joined and begins & {*it.weights, *it.starts}}
        joined |= between
        waiting += between
    return joined


def oldest(fold: Fold, name: str) -> str | None:
    """The run of this generation that was opened first, if it is another one: what was shown since is no base."""
    if fold.policy is None or not asked_for(fold.policy) or name not in fold.runs:
        return None
    first = min(kin(fold.runs, name), key=lambda it: (fold.runs[it].began_at, it))
    return first if first != name else None


def _groups(runs: Runs) -> list[set[str]]:
    """Runs that have the same weights in them: recorded, started from, or declared to be taken over.

    Weights in which there is nothing, such as a random start that two runs drew from one seed, join nobody.
    """
    holders: dict[str, set[str]] = {}
    trained: set[str] = set()
    for run in runs.values():
        taken = _taken(run)
        trained |= taken | {weights for weights, flops in run.weights.items() if flops > 0}
        if taken:
            # What was derived from others' weights, such as a base with an adapter, is no random start.
            trained |= run.starts
        for weights in {*run.weights, *run.starts, *taken}:
            holders.setdefault(weights, set()).add(run.name)
    return [group for weights, group in holders.items() if weights in trained and len(group) > 1]


def _taken(run: Run) -> set[str]:
    opened = (run.first, run.latest)
    return {parent.weights for entry in opened for parent in entry.parents if parent.relation in _GROWN}


def generations(fold: Fold, name: str) -> Iterator[Generation]:
    """The models of other generations, each as its run had it when the generation of this run began."""
    if fold.policy is None or not asked_for(fold.policy):
        return
    own = kin(fold.runs, name)
    yield from _before(fold, own, min((fold.runs[member].began_at for member in own), default=-1))


def generations_anew(fold: Fold, name: str) -> Iterator[Generation]:
    """What they are if the run is opened again now, where its generation begins with that."""
    run = fold.runs.get(name)
    if fold.policy is not None and asked_for(fold.policy) and run is not None and run.idle:
        own = kin(fold.runs, name)
        yield from _before(fold, own, fold.size) if len(own) == 1 else ()


def _before(fold: Fold, own: frozenset[str], began: int) -> Iterator[Generation]:
    runs = fold.runs
    for other in sorted(set(runs) - own):
        run = runs[other]
        before = {it: flops for it, flops in run.weights.items() if flops > 0 and run.recorded_at[it] < began}
        if not before:
            continue
        weights = max(before, key=lambda it: (before[it], it))
        # Judged by these very weights: whatever its session goes on from now, it is as it was.
        of_it = tuple(pieces(fold.attempts, runs, other, weights))
        yield Generation(
            run=other,
            weights=weights,
            compute=trained_in(runs, weights)[1] or 0,
            pieces=of_it,
            descendants=tuple(descendants(fold.attempts, runs, other)),
            unfinished=(
                *faults_of(runs, other),
                *_trains_on(run, before[weights]),
            ),
        )


def _trains_on(run: Run, trained: int) -> Iterator[str]:
    """Why a run was not finished when the next generation began, or is not now."""
    if max(run.weights.values(), default=0) > trained:
        yield "it was trained further after this generation began"
    if run.unsaved:
        yield UNSAVED


def shown_on(policy: Policy, situation: Situation, of: Generation, ruled_out_on: RuledOutOn) -> int | str:
    """Effective compute at which a model was shown: every domain ruled out on its last weights. Else why it was not."""
    if of.unfinished:
        return of.unfinished[0]
    view = situation.model_copy(update={"pieces": of.pieces, "descendants": of.descendants})
    least: list[int] = []
    for domain in policy.domains:
        found = ruled_out_on(view, domain, of.weights)
        if isinstance(found, str):
            return found
        least.append(found)
    return min(least, default="the policy measures no domain")


def shown_facts(policy: Policy, situation: Situation, ruled_out_on: RuledOutOn) -> dict[str, Value]:
    """The largest of what was shown; what nobody has shown is unknown, and not nothing."""
    found = {it.run: shown_on(policy, situation, it, ruled_out_on) for it in situation.generations}
    amounts = [it for it in found.values() if isinstance(it, int)]
    if amounts:
        return {SHOWN: max(amounts)}
    why = "; ".join(f"`{run}`: {text}" for run, text in found.items())
    none = "no finished model of another generation, recorded before this one began, is shown to be under every alarm"
    since = (
        f"; this generation began with run `{situation.oldest}`, whose weights it shares" if situation.oldest else ""
    )
    return {SHOWN: Unknown(Reason.MISSING, f"{none}{since}{f' ({why})' if why else ''}")}


def scale_caps(policy: Policy) -> tuple[ScaleCap, ...]:
    return tuple(clause for clause in policy.clauses if isinstance(clause, ScaleCap) and clause.gates)


def reach(policy: Policy, clause: ScaleCap, shown: Fraction | int | None, now: int) -> int | None:
    """Effective compute to which a scale cap lets a generation go, with so much shown; None: its figure is unknown."""
    past, first = value_at(policy, clause.past, now), value_at(policy, clause.first, now)
    if first is None:
        return None
    return max(first, floor(Fraction(past) * shown)) if past is not None and shown is not None else first
