"""Why somebody's word supports nothing here: what they signed on the lineage in a role that a quorum is apart from."""

from __future__ import annotations

from scalegate.gate.situation import Acted, Situation

__all__ = ["barred_as", "signed_as"]


def signed_as(acted: Acted) -> str:
    """The role that it was signed in, by the name that it had then and by today's."""
    return f"`{acted.called}`, which counts as `{acted.role}`" if acted.called else f"`{acted.role}`"


def barred_as(situation: Situation, roles: tuple[str, ...] | None, person: str) -> str | None:
    """As what somebody signed who may therefore not support anything; None: they may."""
    role = situation.apart(roles).get(person)
    mine = (it for it in situation.acted if (it.by, it.role, it.run) == (person, role, situation.lineage.run))
    return next(map(signed_as, mine), None)
