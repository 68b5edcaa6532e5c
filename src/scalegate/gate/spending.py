"""What permits took of risk budgets, as the fold has it: put down with each decision, and what is said of it since.

A later word counts for what was spent if it would count against the same run now: it is of what that went on from, of
what it came to or of what else is in the lineage. A stranger's weights are none of these, and a better word takes
nothing off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from math import ceil

from scalegate.gate.budgets import NOBODY, Key, joined, next_year, year_of
from scalegate.gate.decision import Decision, Permit, Taken
from scalegate.gate.deeds import Deeds
from scalegate.gate.determinations import seen_from
from scalegate.gate.in_place import may_claim
from scalegate.gate.lineage import Runs, members, steps_back, total
from scalegate.gate.pieces import trained_in
from scalegate.gate.renaming import Line, Who, by_themselves, carried_all, risks_of
from scalegate.gate.situation import STATED, Spent, Word
from scalegate.ledger.entries import Entry, RiskClaimed, RunOpened, WeightsRecorded
from scalegate.policy.claimed import claimable
from scalegate.policy.document import ACTIONS, Policy, Risk
from scalegate.units import CHANCE_DECIMALS, DAY

__all__ = ["LEAST", "Spending"]

LEAST = Fraction(1, 10**CHANCE_DECIMALS)
"""The smallest chance that anybody can claim."""
FOR_GOOD = 2**47
"""Until when released weights are in use."""
NO_YEARS = 366 * DAY
"""For how long it counts what was spent while the risk had no years, should it come to have them."""


@dataclass
class Spending:
    """What the fold knows of risk budgets."""

    spent: dict[Key, Spent] = field(default_factory=dict)
    spent_at: dict[Key, int] = field(default_factory=dict)
    """Where that last became more."""
    unasked: dict[Key, Spent] = field(default_factory=dict)
    """What was permitted while the policy in force had no number for it, and one before it had."""
    asked: set[tuple[str, str]] = field(default_factory=set)
    """The risks and actions for which any version took claims."""
    lines: dict[str, Line] = field(default_factory=dict)
    """What each risk has been called, and what it said."""

    def adopted(self, policy: Policy, who: Who = by_themselves) -> None:
        """A version came into force: what was spent of a risk goes with its name and its sentence."""
        self.lines = carried_all(self.lines, risks_of(policy))
        goes = {old: line.under for old, line in self.lines.items()}
        self.spent, self.unasked = _anew(_renamed(self.spent, goes)), _anew(_renamed(self.unasked, goes))
        self.spent_at = {(new, *key[1:]): at for key, at in self.spent_at.items() for new in goes.get(key[0], key[:1])}
        self.asked = {(new, act) for old, act in self.asked for new in goes.get(old, (old,))} | _asked(policy)
        for book in (self.spent, self.unasked):
            book.update({key: _called(it, who) for key, it in book.items()})

    def keep(self, before: Spending) -> None:
        """Take the worse of each from what was known before: nothing that was spent is taken back."""
        for mine, known in ((self.spent, before.spent), (self.unasked, before.unasked)):
            mine.update({key: _both(it, mine[key]) if key in mine else it for key, it in known.items()})
        self.spent_at.update({key: max(at, self.spent_at.get(key, at)) for key, at in before.spent_at.items()})
        self.asked |= before.asked

    def under(self, policy: Policy) -> tuple[Spent, ...]:
        """What counts under a policy: what it has no number for is none of its budgets."""
        asked = _asked(policy)
        return *self.spent.values(), *(it for it in self.unasked.values() if (it.risk, it.action) in asked)

    def take(self, index: int, decision: Decision, policy: Policy | None, runs: Runs) -> bool:
        """Put down what a decision takes; returns whether that is more than before, of anything."""
        permit = decision.reach
        if permit is None:
            return False
        for risk, action in sorted(self.asked - _asked(policy)) if policy else ():
            if policy and action == decision.action:
                self._take_unasked(risk, decision, permit, policy, runs)
        grown = False
        for taken in decision.risks:
            key = _key(decision, taken.risk, taken.weights)
            before = self.spent.get(key)
            it = self.spent[key] = _in_use(joined(key, taken, before), decision, permit, policy)
            if before is None or _more(before, it, policy.risks if policy else ()):
                self.spent_at[key], grown = index, True
        return grown

    def _take_unasked(self, risk: str, decision: Decision, permit: Permit, policy: Policy, runs: Runs) -> None:
        """It is in use all the same: should a version ask again, it has no bound until it is claimed.

        Of a run that trains, what it came to last stands for all of it.
        """
        run, train = runs.get(decision.run), decision.action == "train"
        weights = (run.tip if train and run else decision.weights) or STATED
        mine = (risk, decision.run, decision.action)
        before = next((it for key, it in self.unasked.items() if key[:3] == mine), None) if train else None
        if before is not None:
            del self.unasked[risk, before.run, before.action, before.weights, before.configuration]
        key = _key(decision, risk, weights)
        before = before or self.unasked.get(key)
        least = trained_in(runs, weights)[1] or 0
        goes_on = ceil(permit.compute / policy.factor) if train else 0
        furthest = max(least, total(runs, members(runs, decision.run)), goes_on)
        taken = Taken(risk=risk, weights=weights, bound=LEAST, least=least, most=furthest)
        it = _in_use(joined(key, taken, before), decision, permit, None)
        nobody = Word(by=NOBODY, weights=weights, configuration=key[4])
        open_ = (nobody, *(word for word in it.unbounded if word.by != NOBODY))
        self.unasked[key] = it.model_copy(update={"weights": weights, "unbounded": open_, "unasked": True})

    def say(self, entry: RiskClaimed, runs: Runs, policy: Policy | None, deeds: Deeds) -> None:
        """Put down a word on what was spent: a worse one counts, a better one gives nothing back.

        One on bare weights is of all that they are deployed as. Of what cannot be bounded each word stands until it is
        taken back, of these same weights.
        """
        people, needed = _able(policy, entry.risk)
        seen: dict[str, bool] = {}
        for book in (self.spent, self.unasked):
            for key, it in book.items():
                fits = entry.configuration in (None, it.configuration)
                if not fits or (it.risk, it.action) != (entry.risk, entry.action):
                    continue
                near = _near(runs, it, entry.weights)
                if it.run not in seen:
                    of = seen_from(runs, it.run)(entry.weights, entry.run, entry.bound is None)
                    seen[it.run] = of != "elsewhere"
                # What counts against by the run's name alone is taken back of the same weights.
                mine = entry.weights, entry.configuration
                again = any((word.weights, word.configuration) == mine for word in it.unbounded)
                if near or again or seen[it.run]:
                    # Who is no approver of the run bounds nothing in another's place.
                    barred = policy is not None and deeds.barred(policy, runs, it.run, entry) is not None
                    able = people - {entry.actor} if barred else people
                    # In another's place it is bounded under the version in force.
                    able = able if policy is not None and entry.policy == policy.digest() else frozenset()
                    book[key] = _told(it, entry, near, (able, needed))

    def answers(self, entry: RiskClaimed, claimed: Iterable[tuple[int, RiskClaimed]], policy: Policy | None) -> bool:
        """Whether it is of weights of which somebody spoke who may claim the risk no more: saved or not."""
        people, mine = _able(policy, entry.risk)[0], (entry.risk, entry.weights)
        of = {(it.risk, word.weights, word.by) for it in self.spent.values() for word in it.unbounded}
        of |= {(it.risk, it.weights, it.actor) for _, it in claimed}
        return any((risk, weights) == mine and by not in people for risk, weights, by in of)

    def known(
        self,
        entry: Entry,
        new: bool,
        claimed: Iterable[tuple[int, RiskClaimed]],
        runs: Runs,
        policy: Policy | None,
        deeds: Deeds,
    ) -> None:
        """Weights, or a run, that nobody had before are there now: what was said of them counts for what was spent."""
        words, weights, name = [said for _, said in claimed], set[str | None](), None
        if isinstance(entry, WeightsRecorded):
            weights = {entry.weights}
        if isinstance(entry, RunOpened) and new:
            name = entry.run
            weights = {entry.start_weights, *(said.weights for said in words if said.run == name)}
        # All that was said of these, in its order: what somebody said last counts.
        for said in (it for it in words if it.weights in weights):
            self.say(said, runs, policy, deeds)


def _renamed(spent: dict[Key, Spent], goes: Mapping[str, tuple[str, ...]]) -> dict[Key, Spent]:
    found: dict[Key, Spent] = {}
    for key, it in spent.items():
        for new in goes.get(it.risk, (it.risk,)):
            mine: Key = (new, *key[1:])
            it = it.model_copy(update={"risk": new})
            found[mine] = _both(found[mine], it) if mine in found else it
    return found


def _called(it: Spent, who: Who) -> Spent:
    """With those who said something of it under the names that they have now."""
    return it.model_copy(
        update={
            part: tuple(
                dict.fromkeys(
                    word.model_copy(update={"by": by, "again": tuple(dict.fromkeys(chain(*map(who, word.again))))})
                    for word in getattr(it, part)
                    for by in ((NOBODY,) if word.by == NOBODY else who(word.by))
                )
            )
            for part in _WORDS
        }
    )


def _anew(spent: dict[Key, Spent]) -> dict[Key, Spent]:
    """In another's place it is bounded by as many as one version asks for: not by some under each of two."""

    def bare(it: Spent) -> Spent:
        words = tuple(dict.fromkeys(word.model_copy(update={"again": ()}) for word in it.unbounded))
        return it.model_copy(update={"unbounded": words})

    return {key: bare(it) for key, it in spent.items()}


def _both(one: Spent, other: Spent) -> Spent:
    """Of one thing what was spent under two names."""
    return one.model_copy(
        update={
            "bound": max(one.bound, other.bound),
            "least": min(one.least, other.least),
            "most": max(one.most, other.most),
            "last": max(one.last, other.last),
            "year_ends": max(one.year_ends, other.year_ends),
            "also": tuple(sorted({*one.also, *other.also})),
            "unasked": one.unasked and other.unasked,
        }
        | {part: tuple(dict.fromkeys((*getattr(one, part), *getattr(other, part)))) for part in _WORDS}
    )


_WORDS = ("unbounded", "said", "again")


def _asked(policy: Policy) -> set[tuple[str, str]]:
    return {(risk.id, action) for action in ACTIONS for risk in claimable(policy, action)}


def _able(policy: Policy | None, risk: str) -> tuple[frozenset[str], int]:
    """Who may claim a risk now, and how many are asked for."""
    found: Risk | None = next((it for it in policy.risks if it.id == risk), None) if policy else None
    if policy is None or found is None:
        return frozenset(), 1
    return frozenset(may_claim(policy, found)), found.claimed_by.at_least


def _key(decision: Decision, risk: str, weights: str) -> Key:
    bare = decision.action in ("train", "release_weights")
    return risk, decision.run, decision.action, weights, None if bare else decision.configuration


def _in_use(it: Spent, decision: Decision, permit: Permit, policy: Policy | None) -> Spent:
    """With the time for which it is in use: training for a lease, which is renewed; what else goes on, which nothing
    renews, to the end of its permit; what is released for good."""
    anchors = {risk.id: risk.years_from for risk in policy.risks} if policy else {}
    anchor, released = anchors.get(it.risk), decision.action == "release_weights"
    leased = min(permit.time, decision.now + permit.lease) if decision.action == "train" else permit.time
    until = FOR_GOOD if released else leased
    ends = 0 if released else until + NO_YEARS if anchor is None else next_year(anchor, until)
    return it.model_copy(update={"last": max(until, it.last), "year_ends": max(ends, it.year_ends)})


def _near(runs: Runs, it: Spent, weights: str) -> bool:
    """Whether weights are those that it was claimed of, or are in these: that they grew from them."""
    back = steps_back(runs, it.run)
    before = back.get(it.weights, len(back)) <= back.get(weights, -1)
    return before or weights in (it.weights, *it.also) or weights in steps_back(runs, it.run, it.weights)


def _told(it: Spent, entry: RiskClaimed, near: bool, able: tuple[frozenset[str], int]) -> Spent:
    of = (entry.weights, entry.configuration)
    word = Word(by=entry.actor, weights=entry.weights, configuration=entry.configuration, bound=entry.bound)
    if entry.bound is None:
        others = (other for other in it.unbounded if (other.by, other.weights, other.configuration) != (word.by, *of))
        return it.model_copy(update={"unbounded": (*others, word)})
    people, needed = able
    open_, again = list[Word](), [*it.again]
    for other in it.unbounded:
        mine = (other.weights, other.configuration) == of
        if mine and other.by == entry.actor:
            continue
        if mine and other.by not in people and entry.actor in people:
            # Whoever said so may say nothing any more: as many as are asked for may bound it in their place.
            who = (*(name for name in other.again if name in people and name != entry.actor), entry.actor)
            other = other.model_copy(update={"again": who})
            if len(who) >= needed:
                again.append(other)
                continue
        open_.append(other)
    changed: dict[str, object] = {"unbounded": tuple(open_), "again": tuple(again)}
    if near:
        changed["bound"] = max(it.bound, entry.bound)
    elif entry.bound > it.bound:
        said = (other for other in it.said if (other.weights, other.configuration) != of)
        before = (other.bound for other in it.said if (other.weights, other.configuration) == of and other.bound)
        worst = max([entry.bound, *before])
        changed["said"] = (*said, word.model_copy(update={"bound": worst}))
    return it.model_copy(update=changed)


def _more(before: Spent, after: Spent, risks: Iterable[Risk]) -> bool:
    if (before.bound, before.least, before.most) != (after.bound, after.least, after.most):
        return True
    anchors = [it.years_from for it in risks if it.id == after.risk and it.years_from is not None]
    return any(year_of(anchor, before.last) != year_of(anchor, after.last) for anchor in anchors)
