"""A ledger and its fold kept together: read what is new, write a signed entry, ask for a decision.

Every writer goes through here, so that an entry that would count for nothing is refused before it is
written, and so that a decision is always taken on all of the ledger and recorded in the same transaction.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from scalegate.errors import InputError, LedgerError, NotVerified, Place, Undecided
from scalegate.gate.decide import decide
from scalegate.gate.decision import Decision
from scalegate.gate.fold import Fold
from scalegate.gate.witnessing import Log, Witnessing
from scalegate.ledger import Frontier, Ledger, SigningKey, dsse
from scalegate.ledger.entries import ComputeReserved, DecisionMade, Entry, write_statement
from scalegate.ledger.merkle import leaf_hash
from scalegate.ledger.served import AnyLedger
from scalegate.policy.document import Action, Policy
from scalegate.weights.manifest import names_nothing

__all__ = ["Journal", "Signers", "reading", "sealed", "wall_time"]

YEAR_10000 = 253_402_300_800
PAYLOAD_TYPE = "application/vnd.in-toto+json"
Signers = SigningKey | tuple[SigningKey, ...]
"""Who signs an entry: the person that it names, and for a new key of theirs that one too."""


def wall_time() -> int:
    """Whole seconds since 1970 UTC by this machine's clock."""
    return int(clock.time())


class Journal:
    """An open ledger with what it says folded up to its head."""

    def __init__(self, ledger: AnyLedger, *, now: Callable[[], int] = wall_time) -> None:
        self.ledger = ledger
        self._clock = now
        self.fold = Fold(witnessing=Witnessing(Log(ledger.origin, ledger.log_verify_key)))
        self._tree = Frontier()
        """Over the entries that were folded."""
        self._unsigned: int | None = None
        """How many entries were folded when they were not those that the log's key signed: from then on nothing is."""
        self.refresh()

    @classmethod
    def open(cls, path: str | Path, *, log_key: SigningKey | None = None, now: Callable[[], int] = wall_time) -> Self:
        """Open an existing ledger; without the log key it can only be read."""
        ledger = Ledger.open(path, log_key=log_key)
        try:
            return cls(ledger, now=now)
        except BaseException:
            ledger.close()
            raise

    def now(self) -> int:
        """Whole seconds since 1970 UTC. Raises InputError for a clock that counts otherwise: a time that is written is
        there for good."""
        now = self._clock()
        if type(now) is not int or not 0 <= now < YEAR_10000:
            raise InputError(f"the clock says {now!r}", fix="`now` gives whole seconds since 1970 UTC, as an int")
        return now

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def policy(self) -> Policy:
        """The policy in force. Raises InputError when there is none."""
        if self.fold.policy is None:
            raise InputError("no policy is in force in this ledger", fix="adopt one: `scalegate adopt POLICY`")
        return self.fold.policy

    def refresh(self) -> None:
        """Fold in what others wrote. Raises NotVerified if the entries are not those that the log's key signed: a
        decision on them would be one that nobody can verify."""
        self._check_signed()
        start = self.fold.size
        fresh = self.ledger.entries(start)
        signed = self.ledger.signed(start)
        for _, envelope in fresh:
            self._add(envelope)
            size = self._tree.size
            if self._unsigned is None and size in signed and signed[size] != self._tree.root():
                self._unsigned = size
        if self._unsigned is None and self._tree.size > max(start, *signed, 0):
            self._unsigned = self._tree.size
        self._check_signed()

    def _check_signed(self) -> None:
        if self._unsigned is not None:
            raise NotVerified(
                f"its first {self._unsigned} entries are not those that were signed: one was changed, or is missing",
                place=Place(file=self.ledger.name),
                fix="`scalegate verify` names the first that fails; restore the ledger from a copy",
            )

    def _add(self, envelope: bytes) -> None:
        self._tree = self._tree.append(leaf_hash(envelope))
        try:
            self.fold.add(envelope)
        except InputError:
            # The fold keeps the fault, and every decision from here on holds because of it.
            return

    def append(self, make: Callable[[], Sequence[tuple[Entry, Signers]]]) -> int:
        """Write the entries that `make` returns, made and written in one transaction on the whole ledger.

        `make` runs with the fold at the head and nobody else writing; if it raises, or an entry is not signed by
        the person that it names, nothing is written. Returns the position of the first entry.
        """
        made: list[bytes] = []

        def signed() -> list[bytes]:
            self.refresh()
            for entry, key in make():
                envelope = sealed(entry, key)
                wrong = self.fold.wrong_signer(envelope)
                if wrong:
                    raise InputError(wrong, place=Place(file=self.ledger.name), fix="nothing was written")
                if isinstance(entry, ComputeReserved) and entry.time < self.fold.time:
                    raise LedgerError(
                        "this machine's clock is behind the ledger, and compute is not reserved in the past",
                        place=Place(file=self.ledger.name),
                        fix="set the clock, or wait",
                    )
                made.append(envelope)
            return made

        appended = self.ledger.append(signed)
        if appended.first != self.fold.size:
            # Where others write between reading and sending, what they wrote comes before.
            self.refresh()
            return appended.first
        for envelope in made:
            self._add(envelope)
        return appended.first

    def take(self, envelope: bytes, check: Callable[[], None], *, once: str) -> int:
        """Write an envelope that was signed elsewhere and is meant to count; refuse it if it would not.

        `check` is called at the head, when nobody else writes; if it raises, nothing is written. `once`: as
        `Ledger.append` has it. Returns the entry's position.
        """

        def made() -> list[bytes]:
            self.refresh()
            check()
            refused = self.fold.would_refuse(envelope)
            if refused:
                raise InputError(refused, place=Place(file=self.ledger.name), fix="nothing was written")
            return [envelope]

        first = self.ledger.append(made, once=once).first
        self.refresh()
        return first

    def grant(self, entry: Entry | Callable[[], Entry], key: Signers, *also: tuple[Entry, SigningKey]) -> int:
        """Write an entry that is meant to count, with what goes with it; refuse all of it if it would not.

        What makes the entry is called at the head, when nobody else writes.
        """

        def make() -> Sequence[tuple[Entry, Signers]]:
            made = entry() if callable(entry) else entry
            if made.ledger is None and self.fold.identity:
                made = made.model_copy(update={"ledger": self.fold.identity})
            refused = self.fold.would_refuse(sealed(made, key))
            if refused:
                raise InputError(refused, place=Place(file=self.ledger.name), fix="nothing was written")
            return [(made, key), *also]

        return self.append(make)

    def decide(
        self,
        run: str,
        action: Action,
        key: SigningKey,
        actor: str,
        *,
        compute: int | None = None,
        weights: str | None = None,
        configuration: str | None = None,
    ) -> Decision:
        """Take a decision on the head of the ledger and record it.

        Raises Undecided, and records nothing, if a fault of our own kept it from being taken: that holds, and a
        passing fault must not stand in the ledger as what its entries give. InputError for weights that are a digest
        of nothing.
        """
        if nothing := names_nothing(weights or ""):
            raise InputError(f"{nothing} names no weights")
        taken: list[Decision] = []

        def make() -> list[tuple[Entry, SigningKey]]:
            now = self.now()
            situation = self.fold.situation(run, now=now, compute=compute, weights=weights, configuration=configuration)
            decision = decide(self.policy, situation, action)
            faults = [finding.detail for finding in decision.findings if finding.clause == "standing.fault"]
            if faults:
                raise Undecided(
                    f"no decision could be taken on `{run}`, which holds: {faults[0]}",
                    place=Place(file=self.ledger.name),
                    fix="decide again; if it stays, report it with the ledger",
                )
            taken.append(decision)
            entry = DecisionMade(actor=actor, time=now, policy=self.policy.digest(), decision=decision.to_json())
            return [(entry, key)]

        self.append(make)
        return taken[0]


def sealed(entry: Entry, key: Signers) -> bytes:
    """The envelope of an entry."""
    return dsse.sign(write_statement(entry), PAYLOAD_TYPE, key if isinstance(key, tuple) else [key])


@contextmanager
def reading(path: str | Path) -> Iterator[Journal]:
    """A ledger opened only to be read."""
    journal = Journal.open(path)
    try:
        yield journal
    finally:
        journal.close()
