"""Exceptions that let nothing go on where evidence is missing, since other clauses hold for want of the same; such as
are bounded by nothing that anybody would come to; and such as are to a sentence that knows of none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate.policy.compile import condition_of
from scalegate.policy.document import Action, Clause, ExceptionTerms, NextLevel, Policy, Safeguards
from scalegate.policy.lints.lint import Lint, Rule, gating
from scalegate.policy.syntax import fact_names
from scalegate.units import DAY, format_duration, format_factor

__all__ = ["lints"]

LEAVES_OUT = Rule(
    "exception-leaves-out",
    "note",
    "exceptions that leave out what holds for the same reason",
    "Where evidence is missing these clauses hold together: as long as one that it does not name does, it lets nothing"
    " go on.",
)
BOUNDS_NOTHING = Rule(
    "exception-bounds-nothing",
    "weakness",
    "exceptions that are hardly bounded",
    "One grant is then another policy: what it lets go on nobody looks at again.",
)
KNOWS_NONE = Rule(
    "exception-to-whatever",
    "weakness",
    "exceptions to what is to hold whatever happens",
    "Whoever reads the sentence counts on it. By the exception people may let it be passed all the same.",
)
_WHATEVER = re.compile(
    # "A model that was evaluated, whatever that showed" leaves open what came out, and not whether it holds.
    r"\b(?:whatever(?! (?:it|they|that|these|those) )|whoever|no matter|regardless|under no circumstances|in no case"
    r"|in (?:all|any) (?:cases?|circumstances)|without exceptions?|no exceptions?|at no time|never|absolutely)\b",
    re.IGNORECASE,
)
LONGEST = DAY * 365
FARTHEST = 10
EVIDENCE = ("ruled_out", "evidence.compute", "evidence.time", "elicitation")


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document. A clause that another exception names may be let go on by that one."""
    for index, item in enumerate(policy.exceptions):
        for field, what, fix in _wide(policy, item):
            yield Lint(BOUNDS_NOTHING, ("exceptions", index, field), f"exception {item.id}", what, fix)
        for clause in (it for it in policy.clauses if it.id in item.clauses and it.gates):
            said = _WHATEVER.search(clause.text)
            if said:
                what = f"it names `{clause.id}`, whose sentence says `{said[0]}`"
                fix = f"take `{clause.id}` out of it, or say in its sentence who may let it be passed, and for how long"
                yield Lint(KNOWS_NONE, ("exceptions", index, "clauses"), f"exception {item.id}", what, fix)
        left: dict[str, None] = {}
        for action in item.actions:
            named = {name for it in policy.exceptions if action in it.actions for name in it.clauses}
            read = {name for it in _excepted(policy, item) for name in _evidence(policy, it, action)}
            for _, clause in gating(policy):
                if clause.id not in named and read & _evidence(policy, clause, action):
                    left[clause.id] = None
        if left:
            names = ", ".join(f"`{name}`" for name in left)
            hold = "holds" if len(left) == 1 else "hold"
            what = f"it does not name {names}, which {hold} where the same evidence is missing"
            fix = "name these clauses too, unless it is meant for when they are met: by safeguards in place, say"
            yield Lint(LEAVES_OUT, ("exceptions", index, "clauses"), f"exception {item.id}", what, fix)


def _wide(policy: Policy, item: ExceptionTerms) -> Iterator[tuple[str, str, str]]:
    """Its bounds that bound nothing: the field of each, what is so, and what to write."""
    if item.valid_for > LONGEST:
        what = f"one grant counts for {format_duration(item.valid_for)}"
        yield "valid_for", what, "write the days that it takes to meet the clauses or to stop: a month, say"
    if item.growth is not None and item.growth > FARTHEST:
        what = f"one grant lets compute grow to {format_factor(item.growth)}"
        yield "growth", what, "write how far training may go before somebody looks again: `1.5x`, say"
    for action in item.actions:
        gates = [clause.id for _, clause in gating(policy) if action in clause.actions]
        if gates and set(gates) <= set(item.clauses):
            what = f"it names every clause that gates `{action}`"
            yield "clauses", what, "leave out those that must hold whatever happens: an absolute limit, say"
            return


def _excepted(policy: Policy, item: ExceptionTerms) -> Iterator[Clause]:
    """The clauses that hold for want of evidence. Those about a level hold for what evidence shows, too."""
    return (it for it in policy.clauses if it.id in item.clauses and not isinstance(it, Safeguards | NextLevel))


def _evidence(policy: Policy, clause: Clause, action: Action) -> set[str]:
    """The domains, and what is judged in place of one, on evidence of which a clause turns for an action."""
    if action not in clause.actions:
        return set()
    read = fact_names(condition_of(policy, clause, action))
    measured = {it.id for it in policy.domains if any(f"{it.id}.{name}" in read for name in EVIDENCE)}
    return measured | {
        it.id for it in policy.judged if any(name.startswith(f"determination.{it.id}.") for name in read)
    }
