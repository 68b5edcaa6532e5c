"""Exceptions that let nothing go on where evidence is missing, since other clauses hold for want of the same."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.compile import condition_of
from scalegate.policy.document import Action, Clause, ExceptionTerms, NextLevel, Policy, Safeguards
from scalegate.policy.lints.lint import Lint, Rule, gating
from scalegate.policy.syntax import fact_names

__all__ = ["lints"]

LEAVES_OUT = Rule(
    "exception-leaves-out",
    "note",
    "exceptions that leave out what holds for the same reason",
    "Where evidence is missing these clauses hold together: as long as one that it does not name does, it lets nothing"
    " go on.",
)
EVIDENCE = ("ruled_out", "evidence.compute", "evidence.time", "elicitation")


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document. A clause that another exception names may be let go on by that one."""
    for index, item in enumerate(policy.exceptions):
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
