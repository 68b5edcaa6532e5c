"""Whether the level above one is defined: what a clause of the kind `next_level` asks of the policy that it stands in.

It is a property of the policy, and nothing that happens to a run changes it. Defined is a level that is described with
what it takes, that something leads to, and that a clause asks for wherever and whenever this one binds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scalegate.policy.document import Action, Clause, NextLevel, Policy, Safeguards
from scalegate.policy.semantics import Reason, Unknown, Value

__all__ = ["defined", "lacks", "level_facts", "level_of"]


def defined(policy: Policy, clause: Clause) -> bool:
    """Whether it is a clause that asks for the next level, and this is defined for all of its actions."""
    return isinstance(clause, NextLevel) and lacks(policy, clause) is None


def lacks(policy: Policy, clause: NextLevel, actions: Sequence[Action] = ()) -> str | None:
    """What the definition of the next level lacks, as a sentence without its stop; None: it is defined.

    `actions`: those of its actions that it is asked of; none given: all of them.
    """
    missing = [it for action in actions or clause.actions for it in _missing(policy, clause, action)]
    return _said(clause.next, missing)


def level_facts(policy: Policy, action: Action) -> dict[str, Value]:
    """Why each of these is unknown: words, and nothing is decided by them."""
    found: dict[int, list[str]] = {}
    for clause in policy.clauses:
        if isinstance(clause, NextLevel) and action in clause.actions:
            found.setdefault(clause.next, []).extend(_missing(policy, clause, action))
    said = {_fact(number): _said(number, missing) for number, missing in found.items()}
    return {name: Unknown(Reason.UNDEFINED, what) for name, what in said.items() if what is not None}


def level_of(clause: NextLevel) -> str:
    """What it asks for while that is not defined."""
    return _fact(clause.next)


def _fact(number: int) -> str:
    return f"level.{number}"


def _said(number: int, missing: list[str]) -> str | None:
    parts = list(dict.fromkeys(missing))
    has = " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    return f"level {number} is not defined: it has {has}" if parts else None


def _missing(policy: Policy, clause: NextLevel, action: Action) -> Iterator[str]:
    number = clause.next
    level = policy.level(number)
    if level is None:
        yield "no place under `levels`"
    elif not level.safeguards and not level.approvals:
        yield "no safeguard or approvals"
    if number not in {it.level for it in policy.domains} | {it.level for it in policy.judged}:
        yield "no domain or determination"
    asking = [it for it in policy.clauses if isinstance(it, Safeguards) and it.level == number and action in it.actions]
    if not any(_asks(it, clause) for it in asking):
        fully = f" that asks for all of it whenever `{clause.id}` binds" if asking else ""
        yield f"no `safeguards` clause for `{action}`{fully}"


def _asks(other: Safeguards, clause: NextLevel) -> bool:
    """Whether another clause asks for all of its level wherever and whenever this one binds."""
    same = other.in_force in (None, clause.in_force) and other.tier in (None, clause.tier)
    return other.gates and other.only is None and same
