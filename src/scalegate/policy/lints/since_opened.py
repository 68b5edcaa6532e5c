"""What was held whatever was shown, and can now go on: to write a missing part may let more go on, and not less.

An action goes on only if a clause of each required kind is met. Where there was none, a new clause opens the action;
and where a clause asked for what nobody had defined, so does its definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from scalegate.policy.compile import CompiledClause, compile_policy
from scalegate.policy.document import ACTIONS, Action, Clause, Condition, NextLevel, Policy
from scalegate.policy.floors import floor_of
from scalegate.policy.lints.lint import Lint, clause_path
from scalegate.policy.lints.since_fields import UNCLEAR, WEAKER
from scalegate.policy.lints.tree import at_every_time
from scalegate.policy.show import date
from scalegate.policy.standing import REQUIRED_KINDS
from scalegate.policy.syntax import PARAMETER, undefined
from scalegate.truth import Truth

__all__ = ["opened"]


class _Open(IntEnum):
    """How far an action may go on at a time, by the clauses that there are."""

    HELD = 0
    WHILE_ADOPTED = 1
    """Only while it is on record that enough have adopted the tier of a clause that is needed."""
    YES = 2


_TOLD = (".above_model", ".release", ".after-release")
"""Ends of names of what is not defined until a field is added, of which is told that it was."""


def opened(old: Policy, new: Policy, today: int) -> Iterator[Lint]:
    """Actions that the old version held, and parts without a definition that now have one."""
    cuts = [it for policy in (old, new) for clause in policy.clauses for it in _dates(clause)]
    times = sorted({today, *(it for it in cuts if it > today)})
    for action in ACTIONS:
        before, after = (compile_policy(policy, action) for policy in (old, new))
        ways = [(at, _may(before, at), _may(after, at)) for at in times]
        wider = [(at, was, now) for at, was, now in ways if now > was]
        if not wider:
            continue
        at, was, _ = wider[0]
        unless = "" if was == _Open.HELD else " unless it was on record that a tier was adopted"
        when = "always" if all(it == was for _, it, _ in ways) else f"from {date(at)} on"
        what = f"was held {when}{unless}, and can now go on"
        yield Lint(WEAKER, ("clauses",), f"`{action}`", what, "")
    yield from _defined(old, new)


def _dates(clause: Clause) -> Iterator[int]:
    if clause.in_force is not None:
        yield from (it for it in (clause.in_force.from_, clause.in_force.until) if it is not None)


def _may(clauses: tuple[CompiledClause, ...], at: int) -> _Open:
    found = dict.fromkeys(REQUIRED_KINDS, _Open.HELD)
    for it in clauses:
        clause = it.clause
        if not clause.gates or not _in_force(clause, at):
            continue
        met = Truth.TRUE in at_every_time(it.condition, at)
        if clause.tier is None and not met:
            return _Open.HELD
        if met and floor_of(clause.id) is None and clause.kind in found:
            way = _Open.YES if clause.tier is None else _Open.WHILE_ADOPTED
            found[clause.kind] = max(found[clause.kind], way)
    return min(found.values())


def _in_force(clause: Clause, at: int) -> bool:
    start, end = (clause.in_force.from_, clause.in_force.until) if clause.in_force else (None, None)
    return (start is None or start <= at) and (end is None or at < end)


def _defined(old: Policy, new: Policy) -> Iterator[Lint]:
    """What a clause asked for that nobody had defined, and that it no longer asks for so."""
    asked = dict[tuple[str, str], list[Action]]()
    places = {clause.id: index for index, clause in enumerate(new.clauses)}
    for action in ACTIONS:
        before = {it.clause.id: it for it in compile_policy(old, action, by_name=True) if it.clause.gates}
        for after in compile_policy(new, action, by_name=True):
            was = before.get(after.clause.id)
            if was is None or not after.clause.gates or not _alike(was.clause, after.clause):
                continue
            for name in set(undefined(was.condition)) - set(undefined(after.condition)):
                if not (name.startswith(("test.", PARAMETER)) or name.endswith(_TOLD)):
                    asked.setdefault((after.clause.id, name), []).append(action)
    for (clause, name), actions in sorted(asked.items()):
        listed = ", ".join(f"`{it}`" for it in actions)
        what = f"asked for `{name}`, which was not defined: what that held of {listed} can now go on"
        path = clause_path(places[clause]) if floor_of(clause) is None else ("floors",)
        # To define the next level is what a clause that asks for it wants: people judge whether it is defined well.
        wanted = isinstance(new.clauses[places[clause]], NextLevel)
        yield Lint(UNCLEAR if wanted else WEAKER, path, f"clause {clause}", what, "")


def _alike(was: Clause, now: Clause) -> bool:
    """Whether the clause itself says the same; what else it says is told of it."""
    if isinstance(was, Condition) and isinstance(now, Condition):
        return bool(was.when == now.when)
    if isinstance(was, NextLevel) and isinstance(now, NextLevel):
        return was.level == now.level
    return was.kind == now.kind
