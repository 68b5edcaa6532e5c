"""All lints of a policy, weaknesses first, each rule together and in the order of the document."""

from __future__ import annotations

from scalegate.policy.document import Policy
from scalegate.policy.lints import contradictions, dead, parameters, people, sources, words
from scalegate.policy.lints.lint import Lint, Rule

__all__ = ["RULES", "check_policy"]

_MODULES = (dead, contradictions, people, parameters, sources, words)
RULES: tuple[Rule, ...] = tuple(it for module in _MODULES for it in vars(module).values() if isinstance(it, Rule))
"""Every rule, in the order in which what it finds is told."""


def check_policy(policy: Policy, today: int) -> tuple[Lint, ...]:
    """`today`: an instant; what is over by then is told. Never raises for a policy that reads without a fault."""
    found = [
        *dead.lints(policy, today),
        *contradictions.lints(policy),
        *people.lints(policy),
        *parameters.lints(policy, today),
        *sources.lints(policy),
        *words.lints(policy),
    ]
    found.sort(key=lambda lint: (lint.rule.severity == "note", RULES.index(lint.rule)))
    return tuple(found)
