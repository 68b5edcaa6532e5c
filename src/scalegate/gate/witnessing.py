"""Up to when witnesses vouch for the ledger: what they cosigned, held against the ledger's own tree.

The log's owner holds the log's key, so a signature alone says nothing of which tree was cosigned. Roots are kept by
size, and a checkpoint counts only if it is of this very tree. One that the log signed of another tree is the proof of
two histories, whoever recorded it and whether or not a witness cosigned it.

A witness vouches for the ledger up to the time of its cosignature, and no further than to the first entry that its
checkpoint does not cover. Of several witnesses the k-th latest counts: fewer than k who lie about the time neither
license nor stop anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from scalegate.errors import InputError, NotVerified
from scalegate.gate.resumption import Change
from scalegate.gate.signed import Cosigned
from scalegate.gate.situation import Situation
from scalegate.ledger.keys import COSIGNATURE, VerifyKey
from scalegate.ledger.merkle import EMPTY_ROOT, Frontier
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.witnessed import CheckpointWitnessed
from scalegate.policy.document import Action, Policy, Witnessed
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.witnessed import public_of, vouched, witness_clauses
from scalegate.units import MAX_SECONDS

__all__ = [
    "Log",
    "Witnessing",
    "clock",
    "vouched_upto",
    "witness_changes",
    "witness_facts",
    "witness_keys",
    "witness_names",
]


LATEST = MAX_SECONDS
"""A time that is later counts as this: whoever gives one beyond all dates is to stop nothing by that."""


@dataclass(frozen=True)
class Log:
    """Whose checkpoints are this ledger's."""

    origin: str
    key: VerifyKey


class Read(NamedTuple):
    """What an entry comes to: one of the three."""

    refused: str | None = None
    """Why it counts for nothing."""
    proof: str | None = None
    """Of what it is the proof: then the ledger is unsound."""
    cosigned: tuple[tuple[VerifyKey, int, int], ...] = ()
    """Which witnesses cosigned the checkpoint, when, and for how many entries."""


@dataclass
class Witnessing:
    """The tree over the entries so far, and what witnesses cosigned of it. Without a log nothing counts."""

    log: Log | None = None
    tree: Frontier = field(default_factory=Frontier)
    roots: list[bytes] = field(default_factory=lambda: [EMPTY_ROOT])
    """By the number of entries."""
    clocks: list[int] = field(default_factory=list)
    """By position, the latest time of any entry up to there."""
    seen: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Of each witness, by its public key, the most entries that it cosigned, and when."""
    latest: dict[bytes, int] = field(default_factory=dict)
    """The latest time that it gave, for however many."""
    proofs: list[tuple[int, str]] = field(default_factory=list)
    """Entries that prove two histories, each with how."""

    def grow(self, leaf: bytes) -> None:
        """Take in the next entry, by its leaf hash, as one of the time of those before it."""
        self.tree = self.tree.append(leaf)
        self.roots.append(self.tree.root())
        self.clocks.append(self.clocks[-1] if self.clocks else 0)

    def date(self, index: int, time: int) -> None:
        """Say of an entry how late the ledger has it."""
        self.clocks[index] = time

    def take(self, policy: Policy, index: int, entry: CheckpointWitnessed) -> str | None:
        """Count the cosignatures of an entry, and say why it counts for nothing, if it does."""
        found = self.read(policy, index, entry)
        for key, at, size in found.cosigned:
            self.seen[key.public] = max((size, at), self.seen.get(key.public, (0, 0)))
            self.latest[key.public] = max(at, self.latest.get(key.public, 0))
        return found.refused

    def look(self, index: int, entry: CheckpointWitnessed, faults: list[str]) -> None:
        """Put what an entry proves to the ledger's faults, whoever put it in and whatever else is wrong with it: the
        log's own signature says it."""
        found = self._proved(index, entry)
        if found is not None:
            faults.append(f"entry {index} proves {found}")
            self.proofs += [(index, found)] if (index, found) not in self.proofs else []

    def read(self, policy: Policy, index: int, entry: CheckpointWitnessed) -> Read:
        """What an entry at a position comes to."""
        if self.log is None:
            return Read("it is not known here whose log this is")
        proof = self._proved(index, entry)
        if proof is not None:
            return Read(proof=proof)
        try:
            opened = open_note(entry.note, [self.log.key, *witness_keys(policy)])
            checkpoint = Checkpoint.from_text(opened.text)
        except (InputError, NotVerified) as error:
            return Read(f"its note does not check out: {error.message}")
        if checkpoint.origin != self.log.origin:
            return Read(f"its checkpoint is of the log {checkpoint.origin}, and this is {self.log.origin}")
        if self.log.key not in opened.signers:
            return Read("its checkpoint is not signed by the key of this log")
        if checkpoint.size == 0:
            return Read("its checkpoint is of no entries, so it vouches for nothing")
        own = self.log.key.public
        counted = tuple((key, min(at, LATEST), checkpoint.size) for key, at in opened.cosigned if key.public != own)
        if not counted:
            return Read("no witness that the policy in force names has cosigned its checkpoint")
        return Read(cosigned=counted)

    def _proved(self, index: int, entry: CheckpointWitnessed) -> str | None:
        """Of what the note of an entry is the proof by this log's signature alone, whatever else stands under it."""
        if self.log is None:
            return None
        with suppress(InputError, NotVerified):
            checkpoint = Checkpoint.from_text(open_note(entry.note, [self.log.key]).text)
            if checkpoint.origin == self.log.origin:
                return self.proof(index, checkpoint)
        return None

    def proof(self, index: int, checkpoint: Checkpoint) -> str | None:
        """Of what a checkpoint that this log signed is the proof, as it stands at a position; None: it is of this tree.

        One that is for more entries than stand before it cannot be of this tree: its root would hold its own hash.
        """
        size, root = checkpoint.size, checkpoint.root.hex()[:16]
        if size > index:
            return (
                f"two histories: the log signed a tree of {size} entries (root {root}...), and {index} stand before"
                " this one: this is an older copy that was written on"
            )
        if self.roots[size] != checkpoint.root:
            return (
                f"two histories: the log signed another tree of {size} entries (root {root}...) than the first {size}"
                f" of this one (root {self.roots[size].hex()[:16]}...)"
            )
        return None

    def under(self, policy: Policy) -> tuple[Cosigned, ...]:
        """What the witnesses of a policy gave last, each once."""
        publics = dict.fromkeys(key.public for key in witness_keys(policy))
        found = ((public, *self.seen[public]) for public in publics if public in self.seen)
        return tuple(
            Cosigned(
                witness=public.hex(),
                time=self.latest[public],
                size=size,
                upto=min(at, self.clocks[size]) if size < len(self.clocks) else at,
            )
            for public, size, at in found
        )

    def ahead(self, policy: Policy, time: int) -> bool:
        """Whether enough witnesses say that it is later than a time."""
        return _said(policy, self.under(policy)) > time

    def is_own(self, policy: Policy) -> bool:
        """Whether a policy names the log's own key as a witness."""
        return self.log is not None and any(key.public == self.log.key.public for key in witness_keys(policy))


def witness_keys(policy: Policy) -> tuple[VerifyKey, ...]:
    """The keys of all witnesses that a policy names; nobody of its people is one."""
    people = _people(policy)
    found: dict[VerifyKey, None] = {}
    for text in (text for clause in witness_clauses(policy) for text in clause.witnesses):
        with suppress(InputError):
            key = VerifyKey.from_text(text, COSIGNATURE)
            found |= {key: None} if key.public not in people else {}
    return tuple(found)


def _people(policy: Policy) -> set[bytes | None]:
    """The keys of its people: those that it names, and those that count by now."""
    return {public_of(key) for person in policy.people for key in (person.key, person.signing)}


def witness_names(clause: Witnessed) -> tuple[str, ...]:
    """What its witnesses are called."""
    return tuple(key.partition("+")[0] for key in clause.witnesses)


def _of(policy: Policy, clause: Witnessed, cosigned: Iterable[Cosigned]) -> list[Cosigned]:
    """What a clause's witnesses gave; of those, none of the policy's people."""
    publics = {public_of(key) for key in clause.witnesses} - _people(policy)
    return [it for it in cosigned if bytes.fromhex(it.witness) in publics]


def _kth(clause: Witnessed, times: Iterable[int]) -> int | None:
    """The latest time that as many as a clause asks for have come to; None: too few have."""
    given = sorted(times, reverse=True)
    return given[clause.at_least - 1] if 1 <= clause.at_least <= len(given) else None


def vouched_upto(policy: Policy, clause: Witnessed, cosigned: Iterable[Cosigned]) -> tuple[int | None, int]:
    """Up to when enough of a clause's witnesses vouch for the ledger (None: too few do), and how many cosigned it."""
    mine = _of(policy, clause, cosigned)
    return _kth(clause, (it.upto for it in mine)), len(mine)


def witness_facts(policy: Policy, situation: Situation, clause: Witnessed) -> dict[str, Value]:
    """Up to when enough of a clause's witnesses vouch for the ledger."""
    upto, have = vouched_upto(policy, clause, situation.witnessed)
    if upto is None:
        what = f"{have} of the {clause.at_least} witnesses that are asked for have cosigned this ledger"
        return {vouched(clause): Unknown(Reason.UNSIGNED, what)}
    return {vouched(clause): upto}


def _said(policy: Policy, cosigned: Sequence[Cosigned]) -> int:
    """How late it is by the word of enough witnesses of a clause that gates; 0: none are enough."""
    gating = (clause for clause in witness_clauses(policy) if clause.gates)
    return max((_kth(it, (one.time for one in _of(policy, it, cosigned))) or 0 for it in gating), default=0)


def clock(policy: Policy, situation: Situation) -> int:
    """The latest time that any entry claims, or that enough witnesses gave: a clock before it is behind."""
    return max(situation.ledger_time, _said(policy, situation.witnessed))


def witness_changes(policy: Policy, now: int, action: Action) -> Iterator[Change]:
    """That enough witnesses cosign the ledger as it is, and somebody records it."""
    for clause in witness_clauses(policy):
        if clause.gates and action in clause.actions:
            names = ", ".join(f"`{name}`" for name in witness_names(clause))
            yield Change(
                "act",
                f"{clause.at_least} of the witnesses {names} cosign the ledger as it is, and that is recorded",
                ((vouched(clause), now),),
                concerns=("witnessed", clause.id),
            )
