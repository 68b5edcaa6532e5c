"""Levels that nothing measures a capability for: what a model does of itself is their only line of defence."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Policy
from scalegate.policy.lints.lint import Lint, Rule

__all__ = ["NO_CAPABILITY", "lints"]

NO_CAPABILITY = Rule(
    "no-capability-measured",
    "weakness",
    "levels that are kept by how a model behaves, and by nothing that it cannot do",
    "A model that can do the harm, and is seen not to, goes on: that it behaves when it is looked at is all there is.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the levels."""
    for index, level in enumerate(policy.levels):
        mine = [it for it in policy.domains if it.level == level.number]
        judged = any(it.level == level.number for it in policy.judged)
        if mine and not judged and not any(it.of_capability for it in mine):
            kinds = " and ".join(dict.fromkeys(it.kind for it in mine))
            what = f"it is ruled out by evidence of {kinds} alone, of {', '.join(f'`{it.id}`' for it in mine)}"
            fix = "add a domain of the kind `capability` of this level; else say in public why it does not matter here"
            yield Lint(NO_CAPABILITY, ("levels", index), f"level {level.number}", what, fix)
