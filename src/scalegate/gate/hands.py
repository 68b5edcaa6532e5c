"""Which key is whose by now, and which are revoked: by the position of an entry on, and by no time.

A policy names the keys that people begin with. What comes in place of one, and what is revoked, is in the ledger; a
later version names keys anew, and no revoked one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from scalegate.errors import InputError
from scalegate.ledger.entries import KeyRevoked, KeyRotated
from scalegate.ledger.keys import VerifyKey
from scalegate.policy.document import Person, Policy
from scalegate.policy.witnessed import public_of as bytes_of
from scalegate.policy.witnessed import witness_clauses

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = ["Asked", "Hands", "Held", "Revoked", "public_of", "told"]


@dataclass(frozen=True)
class Held:
    """A key that somebody has or had."""

    person: str
    key: str
    root: str
    """The first of the keys that were put in place of one another up to this one."""
    at: int
    """From which entry on it was theirs."""


@dataclass(frozen=True)
class Revoked:
    """A key that signs nothing any more."""

    person: str
    key: str
    at: int
    """The entry that revoked it."""
    since: int | None
    """From which entry on it was in wrong hands; None: what it signed before stands."""
    by: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class Rotated:
    """A key that came in place of another."""

    person: str
    before: str
    after: str
    at: int


@dataclass(frozen=True)
class Asked:
    """What one of those who amend the policy signed towards revoking somebody else's key."""

    root: str
    since: float
    because: str


def public_of(key: str) -> str:
    """A verification key without its name and id."""
    return key.split("+", 2)[-1]


def _witnesses(policy: Policy) -> set[bytes | None]:
    return {bytes_of(key) for clause in witness_clauses(policy) for key in clause.witnesses}


@dataclass
class Hands:
    """The keys of a ledger."""

    held: dict[str, Held] = field(default_factory=dict)
    """By public key, of all that were ever anybody's."""
    instead: dict[str, str] = field(default_factory=dict)
    """Whose key is another by now than the policy in force names."""
    rotated: list[Rotated] = field(default_factory=list)
    revoked: dict[str, Revoked] = field(default_factory=dict)
    """By public key."""
    asked: dict[str, dict[str, Asked]] = field(default_factory=dict)
    """By public key, who of those that amend the policy in force asks for it to be revoked."""

    def adopted(self, policy: Policy, index: int) -> None:
        """A version came into force: its keys are those that it names."""
        self.instead, self.asked = {}, {}
        for person in policy.people:
            if person.key != "unset":
                public = public_of(person.key)
                before = self.held.get(public)
                root, at = (before.root, before.at) if before else (public, index)
                self.held[public] = Held(person.id, person.key, root, at)

    def applied(self, policy: Policy) -> Policy:
        """A policy with the keys that count by now. Its document and digest are as they were."""
        people = tuple(map(self._applied, policy.people))
        return policy if people == policy.people else policy.model_copy(update={"people": people})

    def _applied(self, person: Person) -> Person:
        key = self.instead.get(person.id, person.key)
        held = self.held.get(public_of(key))
        if held is None:
            return person
        return person.with_key("unset" if public_of(key) in self.revoked else key, held.root)

    def misnamed(self, policy: Policy) -> str | None:
        """Why a version may not come into force, for the keys that it names; None: it may."""
        roots: dict[str, str] = {}
        for person in policy.people:
            public = public_of(person.key)
            gone, held = self.revoked.get(public), self.held.get(public)
            if gone is not None:
                return (
                    f"the key that it names for `{person.id}` was revoked by entry {gone.at}: write a new one under"
                    f" `key:` of `{person.id}` (`scalegate key new {person.id}`), or `key: unset`"
                )
            if held is not None and (other := roots.setdefault(held.root, person.id)) != person.id:
                return (
                    f"the keys that it names for `{other}` and `{person.id}` were put in place of one another, so they"
                    " are one person's: name a key of their own for each"
                )
        witnesses = _witnesses(policy)
        own = next((it for it in self.held.values() if bytes_of(it.key) in witnesses), None)
        if own is not None:
            return (
                f"it names as a witness whoever has a key that is, or was, of `{own.person}`, and nobody witnesses what"
                " they write: name a witness that somebody outside keeps"
            )
        return None

    def forgotten(self, policy: Policy) -> Iterator[str]:
        """What of rotations a version would undo, since it names the key from before; one sentence each."""
        now = {it.before: it for it in self.rotated}
        for person in policy.people:
            last = now.get(public_of(person.key))
            if last is not None:
                while last.after in now:
                    last = now[last.after]
                key = self.held[last.after].key
                yield (
                    f"It names the key of `{person.id}` that entry {last.at} put out of use: once it is in force, that"
                    f" one signs again and the new one does not. To keep the new one, write `key: {key}`"
                )

    def rotate(self, policy: Policy, index: int, entry: KeyRotated) -> str | None:
        """Put a new key in place of the signer's own. Returns why it counts for nothing, if it does."""
        person = next((it for it in policy.people if it.id == entry.actor), None)
        if person is None:
            return f"the policy in force names nobody `{entry.actor}`"
        if public_of(entry.before) != person.public:
            return f"it replaces another key than that of `{entry.actor}`, which is {person.signing}"
        try:
            after = VerifyKey.from_text(entry.after)
        except InputError as error:
            return f"the new key cannot be read: {error.message}"
        public = public_of(after.to_text())
        known = self.held.get(public)
        if known is not None:
            return f"the new key is, or was, a key of `{known.person}`: make one that nobody has had"
        if bytes_of(after.to_text()) in _witnesses(policy):
            return "the new key is that of a witness, and nobody witnesses what they write: make another"
        self.held[public] = Held(person.id, entry.after, person.root, index)
        self.instead[person.id] = entry.after
        self.rotated.append(Rotated(person.id, person.public, public, index))
        return None

    def weighed(self, policy: Policy, index: int, entry: KeyRevoked, today: Collection[str]) -> Revoked | Asked | str:
        """What a revocation comes to: it is one, it waits for more who sign it, or why it counts for nothing.

        today: the names that the policy in force has for whose key it is. They do not count towards it.
        """
        public = public_of(entry.revoked)
        held, before = self.held.get(public), self.revoked.get(public)
        if held is None or held.person != entry.person:
            return f"the ledger has no such key of `{entry.person}`"
        since = inf if entry.since is None else entry.since
        if entry.since is not None and entry.since > index:
            return f"there is no entry {entry.since} yet, since which the key is to have been in wrong hands"
        if before is not None and (entry.since is None or (before.since is not None and before.since <= since)):
            return f"that key was revoked by entry {before.at} already"
        me = next((it for it in policy.people if it.id == entry.actor), None)
        if me is None:
            return f"the policy in force names nobody `{entry.actor}`"
        if me.root == held.root:
            return Revoked(entry.person, held.key, index, entry.since, (me.id,), entry.because)
        if policy.amendment is None:
            return "only those who amend the policy revoke somebody else's key, and it has no procedure for that"
        if me.id in today or me.id == entry.person:
            return f"`{me.id}` is whose key it was, and does not count towards revoking it"
        may = {it.id: it.root for it in policy.signers(policy.amendment)}
        if me.id not in may:
            return f"`{me.id}` does not have the role `{policy.amendment.role}`, which revokes somebody else's key"
        asked = self.asked.get(public, {})
        if me.id in asked and asked[me.id].since <= since:
            return f"`{me.id}` has signed for it already"
        # Whose own key was revoked since counts no more, and one person under two names counts once.
        able = {it.id for it in policy.people if it.signing != "unset"}
        signed = {**asked, me.id: Asked(me.root, since, entry.because)}
        counting = {it.root: (it.since, who) for who, it in signed.items() if who in able and may.get(who) == it.root}
        if len(counting) < policy.amendment.at_least:
            return signed[me.id]
        # The earliest position on which enough of them agree.
        agreed = sorted(counting.values())[policy.amendment.at_least - 1][0]
        if before is not None and agreed >= (inf if before.since is None else before.since):
            return signed[me.id]
        by = tuple(sorted(who for _, who in counting.values()))
        return Revoked(entry.person, held.key, index, None if agreed == inf else int(agreed), by, entry.because)

    def came_of(self, found: Revoked) -> dict[str, int]:
        """The keys that were in wrong hands, each with the entry from which on: with one all that it put in place."""
        if found.since is None:
            return {}
        wrong = {public_of(found.key): found.since}
        for it in self.rotated:
            if it.before in wrong and wrong[it.before] <= it.at:
                wrong[it.after] = it.at
        return wrong

    def revoke(self, found: Revoked, wrong: Mapping[str, int]) -> None:
        """Put a revocation down, and with it that of what the key put in its place while it was in wrong hands."""
        for public in {public_of(found.key): found.since, **wrong}:
            held, before = self.held[public], self.revoked.get(public)
            at = before.at if before else found.at
            since = wrong.get(public)
            self.revoked[public] = Revoked(held.person, held.key, at, since, found.by, found.because)

    def ask(self, entry: KeyRevoked, asked: Asked) -> None:
        """Put down what waits for more who sign it."""
        self.asked.setdefault(public_of(entry.revoked), {})[entry.actor] = asked


def told(fold: Fold) -> tuple[str, ...]:
    """What is to be known of the keys by now, one sentence each: what was revoked, what waits for that, what replaces
    the key that the policy in force names."""
    hands, policy = fold.hands, fold.policy
    lines = []
    for it in hands.revoked.values():
        by, key = " and ".join(f"`{who}`" for who in it.by), it.key.split("+", 2)[1]
        since = f"; it was in wrong hands since entry {it.since}" if it.since is not None else ""
        lines.append(
            f"The key {key} of `{it.person}` is revoked by entry {it.at}, signed by {by}{since}:"
            f" {it.because.rstrip('.')}"
        )
    for public, asked in hands.asked.items():
        quorum, held = policy.amendment if policy else None, hands.held[public]
        signed = ", ".join(f"`{who}`" for who in asked)
        earlier = hands.revoked.get(public)
        what = "revoked from an earlier entry on" if earlier else "revoked"
        if quorum is not None and (earlier is None or set(asked) - set(earlier.by)):
            lines.append(
                f"The key {held.key.split('+', 2)[1]} of `{held.person}` is asked to be {what} by {signed}, of the"
                f" {quorum.at_least} with the role `{quorum.role}` that this takes, other than `{held.person}`"
            )
    for who, key in hands.instead.items():
        if public_of(key) not in hands.revoked:
            at = hands.held[public_of(key)].at
            lines.append(f"`{who}` signs with a key of their own choice since entry {at}: {key}")
    able = [it for it in policy.people if it.signing != "unset"] if policy else []
    for role, does in (("gate", "no decision can be written"),) if policy else ():
        if all(role not in it.roles for it in able):
            lines.append(f"Nobody with the role `{role}` has a key that counts: {does}, so everything holds")
    if (
        policy
        and policy.amendment
        and sum(it in able for it in policy.signers(policy.amendment)) < (policy.amendment.at_least)
    ):
        lines.append("Too few who amend the policy have a key that counts: everything holds that takes an amendment")
    return tuple(lines)
