"""All lints of a policy, weaknesses first, each rule together and in the order of the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalegate.policy import published
from scalegate.policy.document import Floor, Policy
from scalegate.policy.floors import floor_of
from scalegate.policy.lints import (
    assumed,
    contradictions,
    dead,
    duties,
    excepted,
    gaps,
    kinds,
    margins,
    numbers,
    parameters,
    people,
    sentences,
    sources,
    unread,
    witnesses,
    words,
)
from scalegate.policy.lints.lint import Lint, Rule
from scalegate.policy.reader import load_policy

__all__ = ["RULES", "check_policy"]

_MODULES = (
    dead,
    assumed,
    contradictions,
    gaps,
    kinds,
    people,
    numbers,
    margins,
    duties,
    witnesses,
    excepted,
    parameters,
    sources,
    unread,
    sentences,
    words,
)
RULES: tuple[Rule, ...] = tuple(it for module in _MODULES for it in vars(module).values() if isinstance(it, Rule))
"""Every rule, in the order in which what it finds is told."""


def check_policy(policy: Policy, today: int) -> tuple[Lint, ...]:
    """`today`: an instant; what is over by then is told. Never raises for a policy that reads without a fault.

    Of the parts of a published floor only that nobody can sign for them: the rest is for who writes it. Of one that is
    a file beside the policy, which may be the developer's own, all weaknesses.
    """
    found = [
        *dead.lints(policy, today),
        *assumed.lints(policy),
        *contradictions.lints(policy),
        *gaps.lints(policy),
        *kinds.lints(policy),
        *people.lints(policy),
        *numbers.lints(policy),
        *margins.lints(policy),
        *duties.lints(policy, today),
        *witnesses.lints(policy),
        *excepted.lints(policy),
        *parameters.lints(policy, today),
        *sources.lints(policy, today),
        *unread.lints(policy),
        *sentences.lints(policy),
        *words.lints(policy),
    ]
    found = [it for lint in _in_doubt(found) for it in _of_policy(policy, lint)]
    return tuple(sorted(found, key=lambda lint: (lint.rule.severity == "note", *_place(found, lint))))


def _in_doubt(found: list[Lint]) -> Iterator[Lint]:
    """Where a sentence has another figure than its clause, that one never decides may be the figure's fault alone."""
    misquoted = {lint.about for lint in found if lint.rule is sources.MISQUOTED}
    for lint in found:
        doubt = lint.rule is dead.MASKED and lint.about in misquoted
        yield replace(lint, fix=dead.FIGURE_FIRST) if doubt else lint


def _place(found: list[Lint], lint: Lint) -> tuple[int, int]:
    """Where it is told: of a clause whose figure is in doubt that first, and all of a rule together."""
    after = lint.rule is dead.MASKED and any(it.fix == dead.FIGURE_FIRST for it in found)
    return (RULES.index(sources.MISQUOTED), 1) if after else (RULES.index(lint.rule), 0)


def _of_policy(policy: Policy, lint: Lint) -> tuple[Lint, ...]:
    """The lint, at the place that the policy's own file has for it; none where it is for another to mend."""
    match lint.path:
        case (("determinations" | "tiers" | "parameters" | "clauses") as field, int(at), *_):
            name = floor_of(getattr(policy, field)[at].id)
            if name is None:
                return (lint,)
            index = next(index for index, it in enumerate(policy.floors) if it.policy == name)
            ours = lint.rule.severity == "weakness" and not _published(policy.floors[index])
            told = ours or lint.rule is people.UNMET
            return (replace(lint, path=("floors", index), words=""),) if told else ()
    return (lint,)


def _published(floor: Floor) -> bool:
    """Whether it comes with this package, word for word."""
    named = next((it for it in published.published() if (it.name, it.version) == (floor.policy, floor.version)), None)
    return named is not None and load_policy(named.path).digest() == floor.digest
