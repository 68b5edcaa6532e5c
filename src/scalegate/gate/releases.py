"""Which facts would turn a what-if that holds into a PROCEED: the smallest sets, each verified by judging again.

The figures are where the comparisons of the clauses that hold turn. So they say what would have to be so, and not how
anybody could bring it about: that is said of a run by its decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from scalegate.gate.decision import Resumption, ResumptionFact
from scalegate.gate.permit import boundary
from scalegate.gate.resumption import Change, resumption, stopping
from scalegate.gate.whatif import WhatIf, what_if
from scalegate.policy.claimed import is_chance
from scalegate.policy.semantics import Facts, Value, evaluate, linear_value, number
from scalegate.policy.stated import shown
from scalegate.policy.syntax import Compare, Expr, Fact, children, compares, net
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.truth import Truth

__all__ = ["NEEDED", "lacking", "releases"]

_OF_TIMES = {"at least": "not before", "at most": "not after"}
NEEDED = ("compute", "now")
"""What is asked for, and when: without these no figure can be worked out."""
Facts_: TypeAlias = tuple[ResumptionFact, ...]


def lacking(tried: WhatIf) -> tuple[str, ...]:
    """The facts that must be stated before anything can be said of what would release it."""
    return tuple(name for name in NEEDED if number(tried.facts.get(name)) is None)


def releases(tried: WhatIf) -> Resumption:
    """The sets; of each fact `concerns` is its name, `at least`, `at most` or `is`, and the value as it is written."""
    changes = tuple(_changes(tried))
    found = resumption(tried.judge, tried.facts, changes)
    values = {change.text: change.updates[0][1] for change in changes}
    known = vocabulary(tried.policy)

    def mixed(facts: Facts_) -> bool:
        """Whether less is asked for beside figures that were worked out for more: smaller ones would do."""
        names = [fact.concerns[0] for fact in facts]
        return "compute" in names and any(known[name] is Kind.FLOP for name in names if name != "compute")

    def stricter(facts: Facts_, other: Facts_) -> bool:
        """Whether it asks for what the other asks for, and for more."""
        mine = {fact.concerns[:2]: values[fact.text] for fact in facts}
        theirs = {fact.concerns[:2]: values[fact.text] for fact in other}
        return (
            mine != theirs
            and mine.keys() == theirs.keys()
            and all(_as_much(bound, mine[name, bound], theirs[name, bound]) for name, bound in mine)
        )

    by_text = {change.text: change for change in changes}

    def proceeds(facts: Facts_) -> bool:
        """Whether the permit has an end too: what holds because it has none is held by no fact."""
        after = dict(tried.facts)
        for fact in facts:
            after = by_text[fact.text].apply(after)
        return what_if(tried.policy, tried.judge.action, after).proceeds

    some = [facts for facts in found.sets if facts and proceeds(facts)]
    sets = [facts for facts in some if not mixed(facts)] or some
    sets = [facts for facts in sets if not any(stricter(facts, other) for other in sets)]
    if found.stop:
        return found.model_copy(update={"stopped_by": stopping(tried.judge, tried.facts, changes)})
    if found.sets and not sets:
        return found.model_copy(update={"sets": (), "stop": not found.more, "because": ("required.permit",)})
    return found.model_copy(update={"sets": tuple(sets)})


def _as_much(bound: str, value: Value, other: Value) -> bool:
    """Whether what fulfils this bound fulfils the other."""
    this, that = number(value), number(other)
    if this is None or that is None:
        return value == other
    return this >= that if bound == "at least" else this <= that


def _changes(tried: WhatIf) -> Iterator[Change]:
    holding = set(tried.holding)
    tests = [t for t in tried.judge.tests if t.id in holding or f"required.{t.kind}" in holding]
    exprs = [expr for test in tests if test.gates for expr in test.exprs()]
    flags = dict.fromkeys(name for expr in exprs for name in _flags(expr))
    for name in flags:
        domain, _, last = name.rpartition(".")
        for value in (True, False):
            # What was reached can no longer be ruled out.
            never = value and last == "ruled_out" and tried.facts.get(f"{domain}.reached") is True
            if tried.facts.get(name) is not value and not never:
                yield _change(tried, name, "is", value)
    found = dict.fromkeys(turn for expr in exprs for compare in compares(expr) for turn in _turns(compare, tried.facts))
    # What asks for more comes after what asks for less, so that of two figures of a fact the stricter one counts.
    for name, bound, at in sorted(found, key=lambda it: (it[0], it[1], it[2] if it[1] == "at least" else -it[2])):
        yield _change(tried, name, bound, at)


def _flags(expr: Expr) -> Iterator[str]:
    if isinstance(expr, Fact):
        yield expr.name
    for item in children(expr):
        yield from _flags(item)


def _turns(compare: Compare, facts: Facts) -> Iterator[tuple[str, str, int | Fraction]]:
    """The values of each fact next to which a comparison comes to be what it is not now."""
    before = evaluate(compare, facts)
    for name, push in net(compare).items():
        if is_chance(name):
            # No whole numbers are near it: what it may be at most is where the two sides are equal.
            low, high = (linear_value(side, {**facts, name: 0}) for side in (compare.left, compare.right))
            if low is not None and high is not None and push < 0 and before is not Truth.TRUE and low <= high:
                yield name, "at most", (high - low) / -push
            continue
        edge = boundary(compare, facts, name) if push else None
        near = range(edge - 1, edge + 3) if edge is not None else ()
        truths = {value: evaluate(compare, {**facts, name: value}) for value in near if value >= 0}
        for want in (Truth.TRUE, Truth.FALSE):
            wanted = [value for value, truth in truths.items() if truth is want]
            if not wanted or want is before:
                continue
            more = (push > 0) is (want is Truth.TRUE)
            value = min(wanted) if more else max(wanted)
            # Nobody goes back in time.
            if name != "now" or value > (number(facts.get("now")) or 0):
                yield name, "at least" if more else "at most", value


def _change(tried: WhatIf, name: str, bound: str, value: Value) -> Change:
    text = shown(vocabulary(tried.policy)[name], value)
    # What was taken to be like it moves with it; only the clock of a ledger does not run ahead.
    like = tuple((it.name, value) for it in tried.assumed if it.like == name and name != "now")
    # Of a time one says when, and not how much.
    instant = vocabulary(tried.policy)[name] is Kind.INSTANT
    words = f"`{name}` {_OF_TIMES.get(bound, bound) if instant else bound} {text}"
    return Change("time" if name == "now" else "act", words, ((name, value), *like), concerns=(name, bound, text))
