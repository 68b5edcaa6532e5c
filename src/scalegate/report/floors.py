"""The floors of a policy for people: what each adds, and who of the policy's people signs for it."""

from __future__ import annotations

from dataclasses import dataclass

from scalegate.policy.document import Floor, Policy
from scalegate.policy.floors import asked_of_people

__all__ = ["FloorView", "floor_views"]


@dataclass(frozen=True)
class FloorView:
    """One floor."""

    name: str
    version: str
    digest: str
    title: str
    """In the floor's own words."""
    clauses: tuple[str, ...]
    """The clauses that gate and hold beside the policy's own, by the names that they have here."""
    roles: tuple[tuple[str, tuple[str, ...]], ...]
    """Each role that it asks for, by its name here, and the ids of those who have it."""

    @property
    def text(self) -> str:
        """What it adds, as sentences with names between backticks."""
        roles = [f"`{role}`: {', '.join(f'`{it}`' for it in people)}" for role, people in self.roles]
        clauses = ", ".join(f"`{name}`" for name in self.clauses)
        signs = f" Its roles, and who has them here: {'; '.join(roles)}." if roles else " It asks for no signature."
        return f"Its clauses that gate hold beside the policy's own: {clauses}.{signs}"


def floor_views(policy: Policy) -> tuple[FloorView, ...]:
    """The floors of a policy, in order."""
    return tuple(_view(policy, floor) for floor in policy.floors)


def _view(policy: Policy, floor: Floor) -> FloorView:
    roles = [f"{floor.policy}/{role}" for role in asked_of_people(floor.document)]
    return FloorView(
        floor.policy,
        floor.version,
        floor.digest,
        floor.document.title,
        tuple(f"{floor.policy}/{clause.id}" for clause in floor.document.clauses if clause.gates),
        tuple((role, tuple(person.id for person in policy.with_role(role))) for role in roles),
    )
