"""Which obligation of the next version of a policy each obligation is, or that it ends.

By its id and its sentence it is at most one, and no two are the same one. A version of which that is not so does not
come into force: else a word on one might be taken for a word on the other, or a breach be left behind under a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scalegate.policy.document import Obligation, Policy
from scalegate.policy.floors import floor_of
from scalegate.text import akin
from scalegate.units import format_last

__all__ = ["followed", "refused_of"]


def followed(before: Policy, after: Policy) -> dict[str, str]:
    """Which obligation of the next version each of this one is; what ends, or of which it is open, is left out."""
    was, now = _by_id(before), _by_id(after)
    may = {name: _next(duty, was, now) for name, duty in was.items()}
    number = Counter(it for found in may.values() for it in found)
    return {name: found[0] for name, found in may.items() if len(found) == 1 and number[found[0]] == 1}


def refused_of(before: Policy, after: Policy, time: int) -> str | None:
    """Why a version does not come into force at a time, whoever signs, for its obligations; None: it may."""
    return _open(before, after) or _late(before, after, time)


def _open(before: Policy, after: Policy) -> str | None:
    """Why it is open what becomes of an obligation; None: it is not."""
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
    return None


def _late(before: Policy, after: Policy, time: int) -> str | None:
    """Why an obligation of a version in force from a time on would be late from the first moment; None: none is.

    What was due before, of the same sentence, stays as it was: kept, or late.
    """
    was, goes = _by_id(before), {new: old for old, new in followed(before, after).items()}
    for duty in after.obligations:
        old = was.get(goes.get(duty.id, ""))
        if duty.by is not None and duty.by < time:
            same = old is not None and akin(old.text) == akin(duty.text)
            was_due = same and old is not None and old.by is not None and old.by < time
            # A floor's dates are no lab's to write; what is late there is signed for late, where that counts.
            theirs = floor_of(duty.id)
            if not was_due and not (theirs and duty.late == "counts"):
                way = "Give it a date to come, or leave it out"
                way = "First keep one of your own with this sentence, by a date to come" if theirs else way
                return (
                    f"the obligation `{duty.id}` was due by {format_last(duty.by)}, which is past, and it was not due"
                    f" before under this sentence: it would be late from the first moment. {way}"
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
