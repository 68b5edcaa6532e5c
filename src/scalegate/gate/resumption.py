"""What would release a hold: the smallest sets of facts, each verified by judging again with them.

The sets are read off the conditions: each node says in which ways it could come true given the changes that
people, measurements and time can bring about. Nothing can bring about an undefined test or undo compute, so
a hold on these has no way out and is reported as a stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from scalegate.gate.decision import Resumption, ResumptionFact
from scalegate.gate.judge import Judge
from scalegate.policy.semantics import Facts, Value, evaluate, number
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Not, Undefined, children, fact_names
from scalegate.truth import Truth

__all__ = ["WHATEVER", "Change", "resumption", "stopping"]

LISTED = 12
"""Sets listed in a decision."""
KEPT = 400
"""Sets kept while combining; more is reported as "there are more"."""

ROUNDS = 3
FURTHER = 40
"""How often, and for how many sets, it is looked for what else is needed once a set has come about."""
WORK = 100_000
"""Parts of conditions judged to verify sets. Past it the search ends: a decision must not take minutes."""

Ways: TypeAlias = list[frozenset[int]]


@dataclass(frozen=True)
class Change:
    """A fact that could come about, and what it does to the named facts."""

    kind: Literal["act", "measure", "time", "sign"]
    text: str
    updates: tuple[tuple[str, Value], ...]
    given: Callable[[Facts], bool] | None = None
    """What must hold of all facts afterwards for it to count at all; None: it always counts."""
    costs: int = 0
    """Effective compute that it spends on the lineage: of several changes it adds up."""
    concerns: tuple[str, ...] = ()
    """As in `ResumptionFact`."""

    @property
    def fact(self) -> ResumptionFact:
        """How a decision lists it."""
        return ResumptionFact(kind=self.kind, text=self.text, concerns=self.concerns)

    def apply(self, facts: Facts) -> dict[str, Value]:
        after = {**facts, **dict(self.updates)}
        for name in SPENT if self.costs else ():
            known = number(after.get(name))
            if known is not None:
                after[name] = known + self.costs
        return after


SPENT = ("compute", "lineage.compute", "lineage.planned_end")
"""Facts that grow with what is spent on the lineage."""


WHATEVER = "whatever it turns out to show"
"""How a measurement is worded that helps whatever its result."""


def resumption(judge: Judge, facts: Facts, changes: Sequence[Change]) -> Resumption:
    """All verified minimal sets, smallest first, with a cap on the number listed and on the work."""
    holding = judge.holding(facts)
    search = _Search(judge, facts, changes)
    ways = search.out_of(holding)
    verified: Ways = []
    try:
        for _ in range(ROUNDS):
            for way in sorted(ways, key=lambda w: (len(w), sorted(w))):
                if not any(smaller <= way for smaller in verified) and search.releases(way):
                    verified.append(search.shrunk(way))
            if verified:
                break
            # What was done may make something else hold: one evaluation's compute leaves another one's too little.
            ways = search.further(ways)
    except _Spent:
        search.truncated = True
    verified = sorted(set(verified), key=lambda w: (len(w), sorted(w)))
    verified = [way for way in verified if not _asks_for_luck(changes, way, verified)]
    verified = [way for way in verified if not _asks_for_more(changes, way, verified)]
    sets = tuple(tuple(changes[i].fact for i in sorted(w)) for w in verified)
    # What was left out of a search that was cut short changes nothing where one clause alone is met by nothing.
    cut = search.truncated and not (not sets and len(holding) > 1 and _alone(judge, facts, changes))
    return Resumption(sets=sets[:LISTED], more=cut or len(sets) > LISTED, stop=not sets and not cut, because=holding)


def stopping(judge: Judge, facts: Facts, changes: Sequence[Change]) -> tuple[str, ...]:
    """Of what holds, what nothing meets even if nothing else were asked for; if there is none, what does not hold yet
    and would, however that came to be met."""
    alone = _alone(judge, facts, changes)
    if alone:
        return alone
    holding, search = judge.holding(facts), _Search(judge, facts, changes)
    ways = search.out_of(holding)
    if search.truncated or len(ways) > FURTHER:
        return ()
    after = [judge.holding(search.after(way)) for way in ways]
    return tuple(name for name in after[0] if name not in holding and all(name in it for it in after)) if after else ()


def _alone(judge: Judge, facts: Facts, changes: Sequence[Change]) -> tuple[str, ...]:
    """Of what holds, what nothing meets even if nothing else were asked for."""
    return tuple(name for name in judge.holding(facts) if resumption(judge.alone(name), facts, changes).stop)


def _asks_for_luck(changes: Sequence[Change], way: frozenset[int], ways: Ways) -> bool:
    """Whether another way does with the same measurement whatever it shows, where this one asks for a good result."""
    for index in way:
        _, colon, what = changes[index].text.partition(": ")
        sure = (at for at, change in enumerate(changes) if change.text == f"{WHATEVER}: {what}") if colon else ()
        if any(other <= way - {index} | {at} for at in sure if at != index for other in ways if other != way):
            return True
    return False


def _asks_for_more(changes: Sequence[Change], way: frozenset[int], ways: Ways) -> bool:
    """Whether another way does with a claim of fewer people, where this one asks for theirs and others' too."""
    for index in way:
        kind, *mine = changes[index].concerns or ("",)
        for at, change in enumerate(changes) if kind == "risk" else ():
            fewer = change.concerns[:2] == (kind, mine[0]) and set(change.concerns[2:]) < set(mine[1:])
            if fewer and any(other <= way - {index} | {at} for other in ways if other != way):
                return True
    return False


class _Spent(Exception):
    """So much was tried that the rest is left out."""


class _Search:
    """The ways in which conditions can come true or false, given the changes on offer."""

    def __init__(self, judge: Judge, facts: Facts, changes: Sequence[Change]) -> None:
        self.judge = judge
        self.left = WORK // max(sum(_parts(expr) for test in judge.tests for expr in test.exprs()), 1)
        """How many more verdicts may be asked for."""
        self.facts = facts
        self.changes = changes
        self.truncated = False

    def out_of(self, holding: Sequence[str]) -> Ways:
        """The ways in which all of these tests could come to be met."""
        ways: Ways = [frozenset()]
        for test in self.judge.tests:
            if test.id in holding:
                ways = self.product(ways, self.union(self.ways(e, want) for e, want in test.ways_out()))
        for kind in (name.removeprefix("required.") for name in holding if name.startswith("required.")):
            asked = (All(test.exprs()) for test in self.judge.tests if test.kind == kind and test.gates and test.own)
            ways = self.product(ways, self.union(self.ways(expr, Truth.TRUE) for expr in asked))
        return ways

    def further(self, ways: Ways) -> Ways:
        """Each of the ways with what releases the hold that it leaves."""
        found: list[Ways] = []
        before = self.facts
        try:
            self.truncated |= len(ways) > FURTHER
            for way in ways[:FURTHER]:
                self.facts = self.after(way)
                found.append([way | more for more in self.out_of(self.judge.holding(self.facts))])
                self.facts = before
        finally:
            self.facts = before
        return self.union(found)

    def after(self, way: Iterable[int]) -> dict[str, Value]:
        facts = dict(self.facts)
        for index in sorted(way):
            facts = self.changes[index].apply(facts)
        return facts

    def releases(self, way: frozenset[int]) -> bool:
        """Whether the verdict is PROCEED with these changes. Raises _Spent when enough were tried."""
        self.left -= 1
        if self.left < 0:
            raise _Spent
        after = self.after(way)
        conditions = [self.changes[index].given for index in way]
        return all(given is None or given(after) for given in conditions) and self.judge.proceeds(after)

    def shrunk(self, way: frozenset[int]) -> frozenset[int]:
        """Leave out every change that the rest does not need."""
        for index in sorted(way, reverse=True):
            if self.releases(way - {index}):
                way = way - {index}
        return way

    def ways(self, expr: Expr, want: Truth) -> Ways:
        if evaluate(expr, self.facts) is want:
            return [frozenset()]
        true = want is Truth.TRUE
        match expr:
            case Undefined():
                return []
            case Not(item):
                return self.ways(item, Truth.FALSE if true else Truth.TRUE)
            case All(items):
                return self.combine(items, len(items) if true else 1, want)
            case Any(items):
                return self.combine(items, 1 if true else len(items), want)
            case AtLeast(k, items):
                return self.combine(items, k if true else len(items) - k + 1, want)
            case Fact() | Compare():
                names = fact_names(expr)
                return [
                    frozenset({index})
                    for index, change in enumerate(self.changes)
                    if any(name in names for name, _ in change.updates)
                    and evaluate(expr, change.apply(self.facts)) is want
                ]

    def combine(self, items: tuple[Expr, ...], k: int, want: Truth) -> Ways:
        """Ways in which at least k of the items come to have the truth wanted."""
        options = [ways for ways in (self.ways(item, want) for item in items) if ways]
        if k <= 0:
            return [frozenset()]
        # Items that already have it cost nothing, so only the shortfall is combined.
        free = sum(ways == [frozenset()] for ways in options)
        options = [ways for ways in options if ways != [frozenset()]]
        found: list[Ways] = []
        for group in combinations(options, max(k - free, 0)):
            ways: Ways = [frozenset()]
            for option in group:
                ways = self.product(ways, option)
            found.append(ways)
            if len(found) > KEPT:
                self.truncated = True
                break
        return self.union(found)

    def product(self, left: Ways, right: Ways) -> Ways:
        return self.prune(a | b for a in left for b in right)

    def union(self, groups: Iterable[Ways]) -> Ways:
        return self.prune(way for group in groups for way in group)

    def prune(self, ways: Iterable[frozenset[int]]) -> Ways:
        """Minimal sets only, smallest first, at most KEPT."""
        kept: Ways = []
        for way in sorted(set(ways), key=lambda w: (len(w), sorted(w))):
            if not any(other <= way for other in kept):
                kept.append(way)
                if len(kept) >= KEPT:
                    self.truncated = True
                    break
        return kept


def _parts(expr: Expr) -> int:
    return 1 + sum(map(_parts, children(expr)))
