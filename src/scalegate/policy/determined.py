"""When what a text leaves to judgement counts as determined: a condition over who signed, when, and of which weights.

It is judged once enough of those who may judge have signed that it is so or that it is not, each for as long as that
counts; of weights a signature reaches as far as the determination carries. It is so if it is judged and none of them
has denied it. Facts of determination D and person P (`vocabulary` has their kinds):

| fact | meaning |
|---|---|
| `determination.D.P.until` | how long P's word counts |
| `determination.D.P.time` | when P signed |
| `determination.D.P.compute` | effective compute of the weights that P judged |
| `determination.D.P.denied` | P has signed that it is not so, and nothing to the contrary since |
| `determination.D.P.denied_anywhere` | P has, of whatever weights of this developer |
| `determination.D.unjudged` | of D with a level: effective compute outside the lineage that no judgement covers |
"""

from __future__ import annotations

from collections.abc import Callable

from scalegate.policy.document import Action, Determination, Policy
from scalegate.policy.syntax import All, AtLeast, Expr, Fact, Not, Undefined, at_most, rewritten, term

__all__ = ["determined", "expanded", "fact_of", "judged", "undenied", "unjudged"]

NOW = term("now")
COMPUTE = term("compute")
Fresh = Callable[[str], tuple[Expr, ...]]
"""What else is asked of a signature, given the beginning of the names of its facts."""


def fact_of(determination: Determination, person: str | None = None) -> str:
    """The name by which conditions call a determination, or the beginning of the names of a person's facts on it."""
    return f"determination.{determination.id}" + (f".{person}" if person else "")


def unjudged(determination: Determination) -> str:
    """The fact of what nobody has judged of the developer's other runs."""
    return f"{fact_of(determination)}.unjudged"


def _people(policy: Policy, item: Determination) -> list[str]:
    return [fact_of(item, person.id) for person in policy.signers(item.decided_by)]


def judged(policy: Policy, item: Determination, action: Action, fresh: Fresh = lambda _name: ()) -> Expr:
    """The condition that it is judged whether something is so, whatever came of that, and counts for the action."""

    def signed(name: str) -> Expr:
        parts: list[Expr] = [at_most(NOW, term(f"{name}.until")), *fresh(name)]
        if item.about == "weights":
            # What is deployed is the exact weights: it bounds what else may be spent on them.
            carries = item.carries if item.carries is not None and action == "train" else 1
            parts.append(at_most(COMPUTE, term(f"{name}.compute", carries)))
        return All(tuple(parts))

    return AtLeast(item.decided_by.at_least, tuple(map(signed, _people(policy, item))))


def determined(policy: Policy, item: Determination, action: Action) -> Expr:
    """The condition that something is determined to be so, and that this counts for the action."""
    denied = tuple(Not(Fact(f"{name}.denied")) for name in _people(policy, item))
    return All((*denied, judged(policy, item, action)))


def undenied(policy: Policy, item: Determination) -> Expr:
    """The condition that nobody has denied it, of whatever weights of this developer."""
    people = _people(policy, item)
    # Where nobody may judge, that nobody denied it says nothing.
    return All(tuple(Not(Fact(f"{name}.denied_anywhere")) for name in people)) if people else Undefined(item.id)


def expanded(policy: Policy, expr: Expr, action: Action) -> Expr:
    """A condition in which each determination that it names stands with what it takes."""
    named = {fact_of(item): item for item in policy.determinations}
    if not named:
        return expr

    def put(it: Expr) -> Expr:
        return determined(policy, named[it.name], action) if isinstance(it, Fact) and it.name in named else it

    return rewritten(expr, put)
