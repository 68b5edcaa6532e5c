"""Which obligation of the next version of a policy each obligation is, or that it ends.

By its id and its sentence it is at most one, and no two are the same one. A version of which that is not so does not
come into force: else a word on one might be taken for a word on the other, or a breach be left behind under a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scalegate.policy.document import Obligation, Policy
from scalegate.text import akin
from scalegate.units import format_last

__all__ = ["followed", "unclear"]


def followed(before: Policy, after: Policy) -> dict[str, str]:
    """Which obligation of the next version each of this one is; what ends, or of which it is open, is left out."""
    was, now = _by_id(before), _by_id(after)
    may = {name: _next(duty, was, now) for name, duty in was.items()}
    number = Counter(it for found in may.values() for it in found)
    return {name: found[0] for name, found in may.items() if len(found) == 1 and number[found[0]] == 1}


def unclear(before: Policy, after: Policy, time: int) -> str | None:
    """Why a version that comes into force at a time leaves it open what becomes of an obligation; None: it does not."""
    was, now = _by_id(before), _by_id(after)
    may = {name: _next(duty, was, now) for name, duty in was.items()}
    for name, found in may.items():
        if len(found) > 1:
            return (
                f"the obligation `{name}` might go on as {_or(found, 'or as')}, by its id or its sentence: in this"
                " version let one of these alone have either, and bring the rest in a later one"
            )
    for name, number in Counter(it for found in may.values() for it in found).items():
        if number > 1:
            came = [old for old, found in may.items() if name in found]
            return (
                f"the obligation `{name}` might be {_or(came, 'or')} of the version in force, by its id or its"
                " sentence: take away in this version what is to end, and change the id or the sentence of what stays"
                " in a later one"
            )
    goes = followed(before, after)
    for duty in now.values():
        past = duty.by is not None and duty.by < time and duty.late == "stands"
        same = [was[old] for old, new in goes.items() if new == duty.id and akin(was[old].text) == akin(duty.text)]
        if past and not any(it.each is None for it in same):
            return (
                f"the obligation `{duty.id}` was due by {format_last(duty.by or 0)}, which is past, and"
                f"{' under this sentence' if was else ''} it was not due before: its breach would stand from the first"
                " moment. Give it a date to come"
            )
    return None


def _or(names: Sequence[str], word: str) -> str:
    return f" {word} ".join(f"`{it}`" for it in names)


def _by_id(policy: Policy) -> dict[str, Obligation]:
    return {it.id: it for it in policy.obligations}


def _next(duty: Obligation, was: Mapping[str, Obligation], now: Mapping[str, Obligation]) -> tuple[str, ...]:
    """What an obligation might be in the next version: what has its id and its sentence; where there is none, what has
    the one or the other, and did not have both before."""
    same = now.get(duty.id)
    if same is not None and akin(same.text) == akin(duty.text):
        return (duty.id,)
    had = {it.id for it in was.values() if akin(it.text) == akin(duty.text)} - {duty.id}
    return tuple(it.id for it in now.values() if it.id not in had and (it is same or akin(it.text) == akin(duty.text)))
