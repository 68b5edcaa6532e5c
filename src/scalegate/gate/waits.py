"""What waiting brings about, and from when what is signed could count for as long as is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from scalegate.gate.judge import Judge
from scalegate.gate.permit import boundary
from scalegate.gate.resumption import Change
from scalegate.policy.document import Policy
from scalegate.policy.semantics import Facts, evaluate, number
from scalegate.policy.syntax import Compare, compares, fact_names
from scalegate.policy.witnessed import WITNESSED
from scalegate.truth import Truth
from scalegate.units import format_instant, format_wait

__all__ = ["asked_of", "signing_waits", "waits"]


def asked_of(judge: Judge, facts: Facts, name: str, kinds: Collection[str] = ()) -> int | None:
    """The least value of a fact with which each comparison of it in the clauses that hold is so; None: none is.

    `kinds`: of clauses that are looked at; empty: all.
    """
    holding = set(judge.holding(facts))
    found: list[int] = []
    tests = [test for test in judge.tests if test.id in holding and (not kinds or test.kind in kinds)]
    for test in tests:
        for compare in (it for expr in test.exprs() for it in compares(expr)):
            point = boundary(compare, facts, name) if name in fact_names(compare) else None
            near = (point, point + 1) if point is not None else ()
            found += [at for at in near if evaluate(compare, {**facts, name: at}) is Truth.TRUE][:1]
    return max(found, default=None)


def waits(judge: Judge, facts: Facts) -> Iterator[Change]:
    """Each instant at which waiting changes what holds."""
    now = number(facts.get("now"))
    holding = set(judge.holding(facts))
    instants: set[int] = set()
    for test in judge.tests:
        # Of a kind that is required, any clause that comes to bind would do.
        if test.id in holding or f"required.{test.kind}" in holding:
            for expr in test.exprs():
                for compare in compares(expr):
                    instants.update(_turns(compare, facts))
    for instant in sorted(instants):
        if now is not None and instant > now:
            yield _wait(instant, int(now))


def signing_waits(policy: Policy, judge: Judge, facts: Facts, now: int) -> Iterator[Change]:
    """Each instant from which what is signed may count as far as is asked; signed now, it would end before that."""
    lasting = [(f"safeguard.{it.id}.until", it.valid_for) for level in policy.levels for it in level.safeguards]
    lasting += [
        (f"approval.{level.number}.{person.id}.until", level.approvals.valid_for)
        for level in policy.levels
        if level.approvals
        for person in policy.signers(level.approvals)
    ]
    asked = [(asked_of(judge, facts, name), valid_for) for name, valid_for in lasting if valid_for is not None]
    for instant in sorted({least - valid_for for least, valid_for in asked if least is not None}):
        if instant > now:
            yield _wait(instant, now)


def _wait(instant: int, now: int) -> Change:
    wait = format_wait(instant - now)
    return Change("time", f"wait until {format_instant(instant)} (about {wait} from now)", (("now", instant),))


def _turns(compare: Compare, facts: Facts) -> Iterator[int]:
    """The first instant at which waiting changes a comparison; none if all that comes of it is that something ends."""
    ends = any(
        name.startswith(WITNESSED) or name.endswith((".until", ".evidence.time", ".opened", ".due"))
        for _, name in (*compare.left.terms, *compare.right.terms)
    )
    if ends and evaluate(compare, facts) is Truth.TRUE:
        return
    point = boundary(compare, facts, "now")
    if point is not None:
        before = evaluate(compare, facts)
        changed = (at for at in (point, point + 1) if evaluate(compare, {**facts, "now": at}) is not before)
        yield from list(changed)[:1]
