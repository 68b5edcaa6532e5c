"""Roles that nothing asks for, with a letter or two amiss: what their holders sign does not count."""

from __future__ import annotations

from scalegate.policy.document import Policy
from scalegate.policy.lints.lint import Lint, Rule
from scalegate.policy.quorums import misspelt_role, roles_asked_for

__all__ = ["ROLE_LIKE_ANOTHER", "misspelt_roles"]

ROLE_LIKE_ANOTHER = Rule(
    "role-like-another",
    "weakness",
    "roles that nothing asks for, and that are like one that is asked for",
    "It reads as if one more person could sign. What they sign does not count.",
)


def misspelt_roles(policy: Policy) -> tuple[Lint, ...]:
    """Each such role, at the person who has it."""
    found: dict[tuple[str, str], Lint] = {}
    index = {person.id: at for at, person in enumerate(policy.people)}
    for role in sorted(roles_asked_for(policy)):
        misspelt = misspelt_role(policy, role)
        if misspelt is None:
            continue
        person, has = misspelt
        what = f"nothing asks for `{has}`, and `{role}` is asked for"
        path = ("people", index[person], "roles")
        fix = f"write `{role}` if that is meant, or take the role out"
        found.setdefault(misspelt, Lint(ROLE_LIKE_ANOTHER, path, f"person {person}", what, fix, has))
    return tuple(found.values())
