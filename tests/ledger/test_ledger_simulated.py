"""The ledger on a disk that fails, against a list: what was acknowledged is there, in order, and nothing else is.

A seed gives one run, the same again: `SCALEGATE_SEED=N` runs that one. `make soak` runs ten times as much.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

apsw = pytest.importorskip("apsw", reason="apsw is what the simulated disk is plugged into SQLite with")

from simulated_disk import Disk, Files, Rates  # noqa: E402
from simulated_sqlite import Sqlite  # noqa: E402

from scalegate.errors import LedgerError, ScalegateError  # noqa: E402
from scalegate.ledger import Frontier, Ledger, SigningKey, _database, dsse  # noqa: E402
from scalegate.ledger.merkle import inclusion_proof, leaf_hash, verify_inclusion  # noqa: E402

STEPS = int(os.environ.get("SCALEGATE_STEPS", "10000"))
DEATHS = int(os.environ.get("SCALEGATE_DEATHS", "50"))
FIRST = int(os.environ.get("SCALEGATE_SEED", "1"))
ROUND = 500
WRITERS = 3
Make = Callable[[int], bytes]


@dataclass
class World:
    """A disk, some processes that write one ledger on it, and the list that it has to be."""

    seed: int
    path: Path
    key: SigningKey
    make: Make
    monkeypatch: pytest.MonkeyPatch
    deaths: int
    chance: random.Random = field(init=False)
    disk: Disk = field(init=False)
    known: list[bytes] = field(default_factory=list)
    """What was acknowledged, and what was found after an append of which nobody heard."""
    open_: list[bytes] | None = None
    """The append of which nobody heard: all of it is there, or none."""
    trees: list[Frontier] = field(default_factory=lambda: [Frontier()])
    """The tree of each size. It never changes, so that two roots of one size were never signed."""
    writers: list[Ledger | None] = field(default_factory=lambda: [None] * WRITERS)
    heads: list[bytes] = field(default_factory=list)
    """What the side file was since power was last lost: its last name may be lost with it."""
    counts: Counter[str] = field(default_factory=Counter)
    made: int = 0
    signed: int = 0
    """Up to which size all that is signed was looked at."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        Ledger.create(self.path, origin="example.com/simulated", log_key=self.key).close()
        self.head = self.path.with_name(self.path.name + ".head")
        self.disk = Disk(self.chance)
        self.disk.load(str(self.path), self.path.read_bytes())
        self.name = f"simulated-{self.seed}"
        self.files = Files(self.name, self.disk)
        sqlite = Sqlite(self.name, lambda: self.disk.running, lambda it: setattr(self.disk, "running", it))
        self.monkeypatch.setattr(_database, "sqlite3", sqlite)
        self.heads.append(self.head.read_bytes())
        self.processes = list(range(1, WRITERS + 1))

    def fail(self, what: str) -> str:
        return f"{what} (SCALEGATE_SEED={self.seed}, after {self.counts['steps']} steps)"

    def run(self, steps: int) -> None:
        kills = sorted(self.chance.sample(range(steps), self.deaths))
        for step in range(steps):
            self.counts["steps"] += 1
            self.disk.rates = Rates(2000, 150, 50, 150) if self.chance.random() < 0.5 else Rates()
            if step in kills:
                self.disk.dies_at = self.disk.calls + self.chance.randint(1, 120)
            self.step(self.chance.randrange(WRITERS))
            if self.head.read_bytes() != self.heads[-1]:
                self.heads.append(self.head.read_bytes())
            if dead := [at for at, it in enumerate(self.processes) if it in self.disk.dead]:
                self.died(dead)
        self.disk.rates = Rates()
        self.disk.dies_at = None
        self.lose_power()
        self.signed = 0
        self.agree(0)

    def ledger(self, at: int) -> Ledger:
        self.disk.running = self.processes[at]
        it = self.writers[at]
        if it is None:
            it = self.writers[at] = Ledger.open(self.path, log_key=self.key if self.chance.random() < 0.8 else None)
        return it

    def step(self, at: int) -> None:
        doing = self.chance.choices((self.append, self.agree, self.prove, self.reopen, self.two), (8, 1, 2, 1, 1))[0]
        try:
            doing(at)
        except LedgerError as error:
            self.counts["refused"] += 1
            self.counts[error.message.partition(" [")[0]] += 1
        except ScalegateError as error:
            raise AssertionError(self.fail(f"no failure of the disk is damage: {error}")) from error

    def batch(self) -> list[bytes]:
        made = []
        for _ in range(self.chance.choices((1, 2, 3, 40), (8, 2, 1, 0.2))[0]):
            self.made += 1
            made.append(self.make(self.made))
        return made

    def append(self, at: int) -> None:
        ledger, batch = self.ledger(at), self.batch()
        self.settle(at)
        self.open_ = batch
        done = ledger.append(batch)
        self.open_ = None
        assert done.first == len(self.known), self.fail("an append is not where the list ends")
        self.grown(batch)
        self.counts["appends"] += 1

    def two(self, at: int) -> None:
        """While one holds the lock another tries."""
        other = (at + 1) % WRITERS
        ledger, batch, mine = self.ledger(at), self.batch(), self.batch()
        self.settle(at)

        def make() -> list[bytes]:
            with pytest.raises(LedgerError):
                self.ledger(other).append(mine)
            self.counts["shut out"] += 1
            self.disk.running = self.processes[at]
            return batch

        self.open_ = batch
        done = ledger.append(make)
        self.open_ = None
        assert done.first == len(self.known), self.fail("an append is not where the list ends")
        self.grown(batch)

    def grown(self, batch: list[bytes]) -> None:
        for envelope in batch:
            self.known.append(envelope)
            self.trees.append(self.trees[-1].append(leaf_hash(envelope)))

    def settle(self, at: int) -> None:
        """After an append of which nobody heard: find out what became of it, as whoever asks again has to."""
        if self.open_ is not None:
            self.agree(at)

    def agree(self, at: int) -> None:
        ledger = self.ledger(at)
        found = [envelope for _, envelope in ledger.entries()]
        allowed = [self.known] + ([self.known + self.open_] if self.open_ is not None else [])
        assert found in allowed, self.fail(f"{len(found)} entries, and {[len(it) for it in allowed]} may be there")
        self.counts["not heard of, and there" if len(found) > len(self.known) else "agreed"] += 1
        self.open_ = None
        self.grown(found[len(self.known) :])
        # Now and then all of them: each takes a signature to be checked.
        start = 0 if self.chance.random() < 0.05 else self.signed
        for size, root in ledger.signed(start).items():
            assert root == self.trees[size].root(), self.fail(f"what is signed of {size} entries is another tree")
        self.signed = len(self.known)

    def prove(self, at: int) -> None:
        ledger = self.ledger(at)
        self.settle(at)
        if self.known:
            index = self.chance.randrange(len(self.known))
            tree = ledger.tree()
            proof = inclusion_proof(index, tree.size, tree.subtree)
            verify_inclusion(index, len(self.known), leaf_hash(self.known[index]), proof, self.trees[-1].root())
            assert ledger.entry(index) == self.known[index]

    def reopen(self, at: int) -> None:
        it, self.writers[at] = self.writers[at], None
        self.disk.running = self.processes[at]
        if it is not None:
            it.close()

    def died(self, dead: list[int]) -> None:
        if self.chance.random() < 0.5:
            self.lose_power()
            return
        self.counts["killed"] += 1
        for at in dead:
            self.writers[at] = None
            self.disk.release(self.processes[at])
            self.processes[at] = max(self.processes) + 1

    def lose_power(self) -> None:
        self.counts["power lost"] += 1
        self.disk.dead.update(self.processes)
        self.writers = [None] * WRITERS
        for process in self.processes:
            self.disk.release(process)
        self.processes = [max(self.processes) + 1 + at for at in range(WRITERS)]
        self.disk.lose_power()
        for name in (str(self.path), f"{self.path}-journal"):
            Path(name).unlink(missing_ok=True)
            if name in self.disk.seen:
                Path(name).touch()
        # The side file is flushed, and its new name may be lost.
        self.head.write_bytes(self.chance.choice(self.heads[-2:]))
        self.heads = [self.head.read_bytes()]


def world(seed: int, path: Path, key: SigningKey, signer: SigningKey, patch: pytest.MonkeyPatch, deaths: int) -> World:
    def make(at: int) -> bytes:
        return dsse.sign(b'{"number":%d,"filler":"%s"}' % (at, b"x" * (at % 7 * 300)), dsse.IN_TOTO, [signer])

    return World(seed, path, key, make, patch, deaths)


@pytest.mark.parametrize("number", range(STEPS // ROUND))
def test_what_was_acknowledged_is_there_whatever_the_disk_does(
    number: int, path: Path, monkeypatch: pytest.MonkeyPatch, log_key: SigningKey, signer: SigningKey
) -> None:
    share = DEATHS * ROUND // STEPS + (number < DEATHS * ROUND % STEPS // ROUND)
    found = world(FIRST + number, path, log_key, signer, monkeypatch, share)
    found.run(ROUND)
    sys.stdout.write(f"{ {'seed': found.seed, **found.counts, **found.disk.counts} }\n")
    assert found.counts["killed"] + found.counts["power lost"] >= share
    assert found.counts["appends"] > ROUND // 4


@pytest.mark.parametrize(
    ("setting", "value"), [("synchronous", 0), ("journal_mode", "memory"), ("journal_mode", "off")]
)
def test_a_ledger_that_does_not_flush_or_undo_is_found(
    setting: str, value: int | str, path: Path, monkeypatch: pytest.MonkeyPatch, log_key: SigningKey, signer: SigningKey
) -> None:
    """The simulation is none that finds nothing: with SQLite's own promise taken away it fails."""
    found = world(FIRST, path, log_key, signer, monkeypatch, 40)
    asked = _database._set

    def less(db: Any, file: Path, name: str, wanted: int | str) -> None:
        if name == setting:
            db.execute(f"PRAGMA {name} = {value}").fetchall()
        else:
            asked(db, file, name, wanted)

    monkeypatch.setattr(_database, "_set", less)
    with pytest.raises(AssertionError, match="SCALEGATE_SEED"):
        found.run(ROUND)
