"""Every quorum of a policy, and who may not sign for one: separation of duties, checked where a policy is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from scalegate.policy.catalogue import sentences_of
from scalegate.policy.document import Obligation, Policy, Quorum, UndefinedTest
from scalegate.policy.near import or_like

__all__ = ["OF_THE_GATE", "Asked", "apart_faults", "misspelt_role", "quorums", "roles_asked_for"]

OF_THE_GATE = ("gate", "evaluator", "registrar")
"""Roles that mean something in every policy."""
_LIKE = 0.8
"""How like two roles must be for one to be the other with a letter or two amiss."""


class Asked(NamedTuple):
    """A quorum, with its place in the policy, what it is called, and the sentence of what it signs for."""

    path: str
    about: str
    quorum: Quorum
    text: str = ""


def quorums(policy: Policy) -> Iterator[Asked]:
    """In the order of the document."""
    if policy.amendment:
        yield Asked("amendment", "the amendment", policy.amendment)
    for index, it in enumerate(policy.assumptions):
        if it.restored_by:
            about, text = f"assumption `{it.id}`", sentences_of(policy).get(it.id, "")
            yield Asked(f"assumptions.{index}.restored_by", about, it.restored_by, text)
    for index, item in enumerate(policy.determinations):
        yield Asked(f"determinations.{index}.decided_by", f"determination `{item.id}`", item.decided_by, item.text)
    for index, level in enumerate(policy.levels):
        if level.approvals:
            yield Asked(f"levels.{index}.approvals", f"level {level.number}", level.approvals, level.about)
    for index, clause in enumerate(policy.clauses):
        if isinstance(clause, UndefinedTest):
            path, about = f"clauses.{index}.test.approved_by", f"test `{clause.test.id}`"
            yield Asked(path, about, clause.test.approved_by, clause.text)
        if isinstance(clause, Obligation):
            yield Asked(f"clauses.{index}.kept_by", f"obligation `{clause.id}`", clause.kept_by, clause.text)
    for index, risk in enumerate(policy.risks):
        yield Asked(f"risks.{index}.claimed_by", f"risk `{risk.id}`", risk.claimed_by, risk.about)
    for index, terms in enumerate(policy.exceptions):
        yield Asked(f"exceptions.{index}.granted_by", f"exception `{terms.id}`", terms.granted_by, terms.text)


def roles_asked_for(policy: Policy) -> frozenset[str]:
    """Every role on which something turns."""
    asked = [it.quorum for it in quorums(policy)]
    return frozenset(
        (
            *OF_THE_GATE,
            *(role for it in asked for role in (it.role, *(it.apart_from or ()))),
            *(safeguard.attested_by for level in policy.levels for safeguard in level.safeguards),
            *(tier.recorded_by for tier in policy.tiers),
        )
    )


def misspelt_role(policy: Policy, wanted: str) -> tuple[str, str] | None:
    """Who has a role that nothing asks for and that is like this one, and that role; None: nobody."""
    asked = roles_asked_for(policy)
    for person in policy.people:
        spare = [role for role in person.roles if role not in asked and "/" not in role]
        near = difflib.get_close_matches(wanted, spare, 1, _LIKE)
        if near and wanted not in person.roles:
            return person.id, near[0]
    return None


def apart_faults(policy: Policy) -> Iterator[tuple[str, str, bool]]:
    """Where duties are not separate: path, what is wrong | what to write, and whether that rests on the people."""
    roles = {role for person in policy.people for role in person.roles}
    for asked in quorums(policy):
        role, apart = asked.quorum.role, asked.quorum.apart_from or ()
        for place, other in enumerate(apart):
            if other == role:
                what = f"nobody who signs for {asked.about} may have `{role}`, and only they could sign"
                yield f"{asked.path}.apart_from.{place}", f"{what} | name the role that it is to be apart from", False
            elif other not in roles:
                what = f"nobody has the role `{other}`, so it keeps nobody apart"
                fix = or_like(other, roles, "give it to somebody under `people`, or correct the name")
                yield f"{asked.path}.apart_from.{place}", f"{what} | {fix}", True
        for index, person in enumerate(policy.people):
            both = [it for it in apart if it in person.roles and it != role]
            if role in person.roles and both:
                what = f"`{person.id}` has the roles `{role}` and `{both[0]}`, which {asked.about} keeps apart"
                yield f"people.{index}.roles", f"{what} | give one of the two to somebody else", False
