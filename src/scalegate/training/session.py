"""One process's turn at a run: the ledger side of a gate. Everything that it writes, it writes as the holder."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

from scalegate.errors import InputError, LedgerError, ScalegateError
from scalegate.gate import Decision, Journal
from scalegate.gate.exceptions import told
from scalegate.gate.facts import effective
from scalegate.gate.lineage import Run, makers, members, total
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import (
    ComputeReserved,
    ComputeSettled,
    Entry,
    MeterFault,
    Parent,
    RunOpened,
    WeightsRecorded,
)
from scalegate.policy import Policy
from scalegate.training.arguments import line
from scalegate.training.beside import KEPT, fault_of, kept_beside, store
from scalegate.training.foreseeing import forecast_due, read_table
from scalegate.training.held import Held
from scalegate.training.keys import Keys
from scalegate.training.left import left_behind, take_up
from scalegate.training.notices import warn_of_holder, warn_of_start
from scalegate.training.recording import check_recordable, files_saved
from scalegate.training.undisturbed import undisturbed
from scalegate.units import MAX_FLOP

__all__ = ["Session"]

LOG = logging.getLogger(__name__)
Signed = list[tuple[Entry, SigningKey]]
Use = Literal["training", "elicitation"]


class Session:
    """A run opened by this process. Every write is refused once another process has opened the run."""

    def __init__(self, journal: Journal, keys: Keys, run: str, reference: str | Path | None = None) -> None:
        self.journal = journal
        self.reference = read_table(reference)
        """What forecasts are made from besides: the name of a table and its bytes."""
        self.keys = keys
        self.run = run
        self.token = secrets.token_hex(32)
        self.under = journal.fold.adopted_at
        """The adoption that the run was opened under: another one ends the session, also of an earlier version."""
        self.unforeseen = ""
        """What was said last of a forecast that could not be made."""
        self.foretold: set[str] = set()
        """What was said of results that forecasts are short of, so that each is said once."""
        self.decision: Decision | None = None
        self.expires = 0.0
        """When the lease of the decision ends, by the monotonic clock."""
        self.base = 0
        """Training FLOP of the run in the weights that the session started from."""
        self.unwritten: list[Callable[[], Signed]] = []
        """What makes entries that must not be lost and are not in the ledger yet: faults of the meter, and results."""
        self.let_go = False
        """Whether the ledger was closed."""
        self.copied = False
        """Whether this is a forked child's copy: what is measured is its parent's to record."""
        self.faulted = False
        """Whether a fault of the meter was reported in this session."""
        self._aside: str | None = None
        """Where what is unwritten can be found, if it was stored."""
        self._looked = False
        """Whether it was looked whether training changes the weights."""
        self._inside = False
        """Whether something is being read or written: a signal handler may come in the middle of it."""
        self._torn = False
        """Whether something cut short what was folded: then the ledger is read again from its start."""

    def open(
        self,
        *,
        from_scratch: bool,
        parents: tuple[Parent, ...],
        planned: int | None,
        start: str,
        also: Callable[[Session], Signed],
    ) -> None:
        """Write that this process opens the run, and what `also` makes, in one transaction."""

        def make() -> Signed:
            warn_of_holder(self.journal.fold, self.run, self.journal.now())
            opened = RunOpened(
                **self.common(),
                session=self.token,
                from_scratch=from_scratch,
                parents=parents,
                planned=planned,
                start_weights=start,
            )
            return [(opened, self.keys.gate), *left_behind(self.journal, self.keys, self.folder), *also(self)]

        self.append(make)
        self.base = self.state.weights.get(start, 0)
        warn_of_start(self.state, self.journal.fold.runs, start)

    def look(self, trained: int, digest: Callable[[], str]) -> None:
        """Warn once if training was metered and the weights are still those that the session started from."""
        if self._looked or trained == 0:
            return
        self._looked = True
        # A digest that cannot be had is a hold where it is needed.
        with suppress(Exception):
            if digest() == self.state.latest.start_weights:
                said = "run `%s`: %d FLOP metered, and the weights have not changed: is `weights` of the model?"
                LOG.warning(said, self.run, trained)

    @property
    def folder(self) -> Path:
        """Where the logs of evaluations are, and what is not in the ledger yet."""
        return kept_beside(self.journal.ledger.path)

    @property
    def policy(self) -> Policy:
        return self.journal.policy

    @property
    def state(self) -> Run:
        """What the ledger says of the run."""
        return self.journal.fold.runs[self.run]

    def lineage_total(self) -> int:
        """Training FLOP that the ledger counts against the lineage."""
        runs = self.journal.fold.runs
        return total(runs, members(runs, self.run))

    def common(self) -> dict[str, Any]:
        """The fields of every entry of the gate's own."""
        return {
            "actor": self.keys.gate_actor,
            "time": self.journal.now(),
            "policy": self.policy.digest(),
            "run": self.run,
        }

    def made_by(self, weights: str) -> str:
        """The run that an evaluation of weights is announced for: this one, or who made what it only loaded."""
        runs = [run.name for run in makers(self.journal.fold.runs, weights)]
        return self.run if self.run in runs or not runs else runs[0]

    def reservation(
        self, use: Use, flops: int, evaluation: str | None = None, run: str | None = None
    ) -> ComputeReserved:
        common = self.common() | {"run": run or self.run}
        token = self.token if run in (None, self.run) else self.journal.fold.runs[run or ""].latest.session
        if use == "elicitation":
            # A clock that is a little behind must not keep out what an evaluation showed: no permit hangs on this time.
            common["time"] = max(common["time"], self.journal.fold.time)
        return ComputeReserved(**common, session=token, use=use, flops=flops, evaluation=evaluation)

    @property
    def superseded(self) -> bool:
        """Whether a policy was adopted since this session opened the run."""
        return self.journal.fold.adopted_at != self.under

    def check(self) -> None:
        """Raise Held if the policy changed, or another process opened the run, since this session opened it."""
        if self.superseded:
            raise Held(
                f"a policy has been adopted since run `{self.run}` was opened",
                self.decision,
                fix="open the run again under the policy now in force",
            )
        self.check_holder()

    def check_holder(self) -> None:
        """Raise Held if another process opened the run since this session opened it."""
        if self.state.latest.session != self.token:
            raise Held(
                f"run `{self.run}` was taken over by another process",
                self.decision,
                fix="only the process that opened the run last may train it",
            )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """An interrupt may leave an entry half folded: nothing is read or written on that, nor within a write."""
        if self.let_go:
            raise Held(
                f"run `{self.run}`: the gate is closed, or it is its parent's", self.decision, fix="open it again"
            )
        if self._inside:
            raise Held(f"run `{self.run}`: its ledger is being read or written", self.decision, fix="do it after that")
        with undisturbed():
            self._inside = True
            try:
                if self._torn:
                    self.journal = Journal(self.journal.ledger, now=self.journal.now)
                self._torn = True
                try:
                    yield
                except _NoRoom:
                    self._torn = False
                    raise
                self._torn = False
            finally:
                self._inside = False

    def refresh(self) -> None:
        """Take in what others wrote."""
        with self._whole():
            self.journal.refresh()

    def append(self, make: Callable[[], Signed]) -> None:
        """Append what `make` makes, whoever holds the run."""
        with self._whole():
            self.journal.append(make)

    def write(self, make: Callable[[], Signed], *, under_any: bool = False) -> None:
        """Append what `make` makes, as the holder of the run. Raises Held as `check` does.

        `under_any`: also after another policy was adopted, for what only says what was done and authorises nothing.
        """

        self.write_kept()

        def fenced() -> Signed:
            if under_any:
                self.check_holder()
            else:
                self.check()
            return make()

        self.append(fenced)

    @contextmanager
    def at_hand(self, fault: str | None = None) -> Iterator[None]:
        """The ledger, also after it was let go: for one more entry, and then let go again.

        What is wrong with the meter is stored before that: it may be that the ledger cannot be opened.
        """
        if fault is not None:
            self.set_aside(fault_of(self.journal.fold.genesis, self.token, line(fault, 2000)))
        again = self.let_go
        if again:
            path = self.journal.ledger.path
            try:
                with undisturbed():
                    self.journal = Journal.open(path, log_key=self.keys.log, now=self.journal.now)
            except ScalegateError as error:
                raise LedgerError(error.message, place=error.place, fix=self._aside or error.fix) from error
            self.let_go = self._torn = self._inside = False
        try:
            yield
        finally:
            if again:
                self.close()

    def close(self) -> None:
        """Let the ledger go."""
        self.let_go = True
        self.journal.close()

    def fault(self, reason: str) -> None:
        """Write that the meter of the run cannot be trusted."""
        self.faulted = True
        LOG.error("run `%s`: a fault of its meter, which holds for good: %s", self.run, reason)
        said = line(reason, 2000)
        self.set_aside(fault_of(self.journal.fold.genesis, self.token, said))
        # Another gate may have taken it up by then.
        self.unwritten.append(lambda: [] if said in self.state.faults else [self._fault(said)])
        if self._inside:
            why = f"run `{self.run}`: its meter has a fault, which is kept and written as soon as it can be: {said}"
            raise Held(why, self.decision)
        self.write_kept()

    def _fault(self, said: str) -> tuple[Entry, SigningKey]:
        return MeterFault(**self.common(), reason=said), self.keys.gate

    def set_aside(self, data: bytes) -> None:
        """Store beside the ledger what is not in it yet, if it can be stored."""
        self._aside = None
        with suppress(OSError):
            store(self.folder, data)
            self._aside = KEPT.format(self.folder.absolute())

    def keep(self, make: Callable[[], Signed]) -> None:
        """Have what `make` makes written, now or before anything else. Raises Held in a forked child."""
        if self.copied:
            raise Held(f"run `{self.run}`: the gate is its parent's", self.decision, fix="record it there")
        self.unwritten.append(make)

    def abandon(self) -> None:
        """In a forked child: nothing is its own to write."""
        self.let_go = self.copied = True
        self.unwritten.clear()
        self.journal.ledger.leave()

    def write_kept(self) -> None:
        """Write what must not be lost, before anything else is written and before anything is decided.

        What is refused is written without all but its last entry. What makes no entry is in the ledger already. What
        cannot be written at all is kept, keeps nothing else back, and raises.
        """
        failed: ScalegateError | None = None
        for make in tuple(self.unwritten):
            try:
                self._write_kept(make)
            except InputError as error:
                failed = failed or error
            except LedgerError as error:
                raise LedgerError(error.message, place=error.place, fix=self._aside or error.fix) from error
            else:
                with suppress(ValueError):  # a handler may have written it meanwhile
                    self.unwritten.remove(make)
        if failed is not None:
            raise InputError(failed.message, place=failed.place, fix=self._aside or failed.fix)

    def _write_kept(self, make: Callable[[], Signed]) -> None:
        def some(part: slice) -> Signed:
            made = make()[part]
            if not made:
                raise _NoRoom
            return made

        # Not fenced: what was trained and measured here is in the ledger, whoever holds the run by now.
        with suppress(_NoRoom):
            try:
                self.append(partial(some, slice(None)))
            except InputError:
                self.append(partial(some, slice(-1, None)))

    def settle(self, unspent: int) -> None:
        """Give back training compute that was reserved and not spent."""

        def make() -> Signed:
            left = self.state.reserved.get((self.token, "training"), 0) - unspent
            settled = ComputeSettled(**self.common(), session=self.token, unspent=unspent, remaining=left)
            return [(settled, self.keys.gate)]

        self.write(make, under_any=True)

    def record(self, weights: str, trained: int) -> None:
        """Write that the weights hold `trained` FLOP of this run. Raises as `recordable` does, and writes nothing."""

        def make() -> Signed:
            self.recordable(weights, trained)
            return [(self.recording(weights, trained), self.keys.gate)]

        self.write(make, under_any=True)

    def recording(self, weights: str, trained: int, files: str | None = None) -> WeightsRecorded:
        """The entry that says so."""
        return WeightsRecorded(**self.common(), session=self.token, weights=weights, trained=trained, files=files)

    def name_files(self, weights: str, trained: int, saved: object) -> None:
        """Write which files hold recorded weights, where a checkpoint function returned their `Path`. Raises Held."""
        files = files_saved(self, weights, saved)
        if files is not None:
            self.write(lambda: [(self.recording(weights, trained, files), self.keys.gate)], under_any=True)

    def recordable(self, weights: str, trained: int) -> None:
        """Raise Held if recording these weights would be a fault of the run for good."""
        check_recordable(self, weights, trained)

    def decide(self, flops: int) -> Decision:
        """A decision on `flops` more than the lineage has used, recorded; starts a lease if it is a PROCEED."""
        self.write_kept()
        self.refresh()
        take_up(self, _NoRoom)
        forecast_due(self)
        with self._whole():
            self.journal.refresh()
            self.check()
            asked = effective(self.policy, self.lineage_total() + flops)
            if asked > MAX_FLOP:
                raise Held(f"run `{self.run}`: with this step it asks for {asked} FLOP", fix="no amount is over 1e40")
            started = time.monotonic()
            self.decision = self.journal.decide(self.run, "train", self.keys.gate, self.keys.gate_actor, compute=asked)
        permit = self.decision.reach
        if self.decision.exception is not None:
            LOG.warning("run `%s`: %s", self.run, told(self.decision.exception))
        # Durations by the monotonic clock: a wall clock set back must not stretch a lease.
        self.expires = 0.0 if permit is None else started + min(permit.lease, permit.time - self.decision.now)
        return self.decision

    def permitted(self) -> bool:
        """Whether this decision is the ledger's latest on the run, and a permit that is still good."""
        decision, fold, now = self.decision, self.journal.fold, self.journal.now()
        if decision is None or decision.reach is None or fold.latest.get(self.run) != decision:
            return False
        return now >= fold.time and fold.permitted(self.run, now)

    def room(self) -> int:
        """Training FLOP that may still be reserved."""
        permit = self.decision.reach if self.decision else None
        return self.left(permit.compute) if permit is not None and self.permitted() else 0

    def left(self, end: int) -> int:
        """Training FLOP between what the ledger counts and an effective compute; at least 0."""
        factor = self.policy.factor
        return max(end * factor.denominator // factor.numerator - self.lineage_total(), 0)

    def reserve(self, least: int, wanted: int) -> int:
        """Reserve `wanted` training FLOP, or what there is room for; 0, and nothing written, if under `least`."""
        granted = 0
        take_up(self, _NoRoom)

        def make() -> Signed:
            nonlocal granted
            granted = min(wanted, self.room())
            if granted < least:
                raise _NoRoom
            return [(self.reservation("training", granted), self.keys.gate)]

        try:
            self.write(make)
        except _NoRoom:
            return 0
        return granted


class _NoRoom(Exception):
    """There is nothing to write: the permit does not reach as far as the next step, or it is in the ledger already."""
