"""What those claimed of a risk who may claim it no more: it stands until others bound the same in their place.

Else an amendment that takes a role, or a key, would take a danger out of the record with it. As many as the policy
asks for bound it, under the version in force: before that, whoever said so could have taken it back. None of them acted
on the lineage that it counts against in a role that whoever claims the risk is apart from.

Whose key was revoked answers for their words still, though they can sign none: until a next version takes their role,
or names a new key for them, nobody bounds the same in their place. Else those who revoke would take a danger out of the
record at once, or the thief of the key would.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from scalegate.gate.situation import Claim
from scalegate.policy.document import Policy, Risk

__all__ = ["Left", "left_words", "may_claim", "place_of", "said_by", "told_in_place"]


class Left(NamedTuple):
    """A word of somebody who may say nothing any more, and who has bounded the same since, of those who may."""

    word: Claim
    again: tuple[str, ...]

    def stands(self, risk: Risk) -> bool:
        """Whether too few have bounded it in the place of whoever said it."""
        return len(self.again) < risk.claimed_by.at_least


def may_claim(policy: Policy, risk: Risk) -> tuple[str, ...]:
    """Who may claim a risk now and was given a key to sign it with, in the order of the policy: also if it was revoked
    since, as what they said is theirs to answer for."""
    return tuple(it.id for it in policy.signers(risk.claimed_by) if it.key != "unset")


def left_words(
    policy: Policy,
    risk: Risk,
    said: Iterable[Claim],
    barred: Collection[str],
    answers: Callable[[Claim, Claim], bool],
) -> tuple[Left, ...]:
    """What is left of the words of others than who may claim. `answers`: whether a claim is instead of one before.
    `barred`: who may claim it, and not of what these count against.
    """
    able = may_claim(policy, risk)
    found: list[Left] = []
    for claim in said:
        if claim.by not in able:
            found = [it for it in found if it.word.by != claim.by or not answers(claim, it.word)]
            found.append(Left(claim, ()))
        elif claim.by not in barred and claim.current and claim.bound is not None and claim.until >= claim.time:
            found = [_bounded(it, claim.by) if answers(claim, it.word) else it for it in found]
    return tuple(found)


def _bounded(left: Left, by: str) -> Left:
    return left._replace(again=tuple(dict.fromkeys((*left.again, by))))


def said_by(policy: Policy, by: str) -> str:
    """Who said what stands, who may claim the risk."""
    revoked = any(it.id == by and it.signing == "unset" for it in policy.people)
    what = ", whose key is revoked: a next version names a new one for them, or takes their role" if revoked else ""
    return f"`{by}`{what}"


def place_of(by: str) -> str:
    """That somebody else has to answer for what they said."""
    return f"`{by}`, who may claim it no more"


def told_in_place(risk: str, action: str, weights: str, was: str, again: Iterable[str]) -> str:
    """That others bounded what was of no bound, or of a worse one."""
    names = " and ".join(f"`{name}`" for name in again)
    return f"Bounded by {names} since: the risk `{risk}` for `{action}` of weights {weights[:12]}... {was}."
