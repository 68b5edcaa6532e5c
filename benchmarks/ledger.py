"""What a ledger costs beside the least that its promise takes, and beside pymerkle: printed as ratios, no asserts.

    python benchmarks/ledger.py [--entries 100000] [--replayed 5000] [--appends 400] [--folder FOLDER]

Needs the extra `bench`. Appends are to a file of `--folder`, flushed one by one; their peers are a write with a flush
of the same bytes and one signature, and pymerkle's SqliteTree. Verification is of a ledger of `--entries` statements:
its tree, tiles and checkpoints (`check`), beside the bare hashes of the same bytes; and of `--replayed` of them with
signatures, roles and meaning (`replay`), beside the bare hashes and signatures of these on two cores. Each is run in a
process of its own, whose memory is told.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scalegate.gate import Journal, replay
from scalegate.gate.journal import PAYLOAD_TYPE
from scalegate.gate.project import Project, create_project
from scalegate.ledger import Frontier, Ledger, SigningKey, VerifyKey, check, dsse
from scalegate.ledger.entries import ComputeReserved, ComputeSettled, Entry, RunOpened, write_statement
from scalegate.ledger.merkle import inclusion_proof, leaf_hash

ORIGIN = "example.com/benchmark"
BATCHES = (1, 8, 64, 256)
PEER_ENTRIES = 100_000
PROOFS = 2_000
GATE = "gatekeeper"


def told(what: str, value: str, ratio: float | None = None, aim: str = "") -> None:
    shown = f"{ratio:.2f}x" if ratio is not None else ""
    print(f"  {what:<58}{value:>16}  {shown:>8}  {aim}", flush=True)


def per_second(number: int, run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return number / (time.perf_counter() - begun)


# ---------------------------------------------------------------- (a) appends


def envelopes(number: int) -> list[bytes]:
    signer = SigningKey("example.com/signer", bytes(32))
    return [
        dsse.sign(b'{"number":%d,"filler":"%s"}' % (it, b"x" * 600), dsse.IN_TOTO, [signer]) for it in range(number)
    ]


def appends(folder: Path, number: int) -> None:
    from pymerkle import SqliteTree

    made, key = envelopes(number), SigningKey(ORIGIN, bytes(range(32)))
    print(f"Durable appends of {len(made[0])} bytes, {number} of them, each a second")

    def raw() -> None:
        handle = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for it in made:
            os.write(handle, it)
            os.fdatasync(handle)
            key.sign(it[:200])
        os.close(handle)

    def peer() -> None:
        tree = SqliteTree(str(folder / "peer.db"))
        for it in made:
            tree.append_entry(it)
        tree.close()

    bare = per_second(number, raw)
    told("a write, fdatasync and one signature", f"{bare:,.0f}")
    theirs = per_second(number, peer)
    told("pymerkle SqliteTree, one by one", f"{theirs:,.0f}")
    for size in BATCHES:
        with Ledger.create(folder / f"{size}.db", origin=ORIGIN, log_key=key) as ledger:
            parts = [made[at : at + size] for at in range(0, number, size)]
            ours = per_second(number, lambda ledger=ledger, parts=parts: [ledger.append(it) for it in parts])
        if size == 1:
            told("ledger, one by one, beside the write", f"{ours:,.0f}", ours / bare, "at least 0.60x")
            told("  beside pymerkle", "", ours / theirs, "at least 2x")
        else:
            told(f"ledger, {size} at a time", f"{ours:,.0f}", ours / bare)


# ---------------------------------------------------------------- (b) verification


def filled(folder: Path, number: int) -> Project:
    """A project whose run reserved and settled compute so often."""
    from importlib.resources import files

    text = files("scalegate.examples").joinpath("arithmetic.yaml").read_text(encoding="utf-8")
    project = create_project(folder, text, name="benchmark policy")
    with project.journal() as journal:
        policy, now, key = journal.policy.digest(), journal.now(), project.key(GATE)
    common = {"actor": GATE, "policy": policy, "run": "r"}
    session = {"session": "a" * 64}

    def entry(at: int) -> Entry:
        of = {**common, "time": now + at // 100}
        if at == 0:
            opened = {"from_scratch": True, "parents": (), "planned": 10**18, "start_weights": "b" * 64}
            return RunOpened.model_validate({**of, **session, **opened})
        if at % 2:
            return ComputeReserved.model_validate({**of, **session, "use": "training", "flops": "1000"})
        return ComputeSettled.model_validate({**of, **session, "unspent": "0", "remaining": "0"})

    with Ledger.open(project.ledger, log_key=project.key("log")) as ledger:
        for start in range(0, number, 1000):
            part = range(start, min(start + 1000, number))
            ledger.append([dsse.sign(write_statement(entry(at)), PAYLOAD_TYPE, [key]) for at in part])
    return project


def alone(what: str, file: Path) -> tuple[float, int]:
    """Seconds and peak memory, in MiB, of a part in a process of its own."""
    asked = [sys.executable, __file__, "--part", what, "--folder", str(file)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()
    return float(seconds), int(memory)


def part(what: str, file: Path) -> None:
    begun = time.perf_counter()
    if what == "check":
        check(file)
    elif what == "replay":
        replay(file)
    elif what == "read":
        with Ledger.open(file) as ledger:
            begun = time.perf_counter()
            frontier = Frontier()
            for _, envelope in ledger.entries():
                frontier = frontier.append(leaf_hash(envelope))
    else:
        with Ledger.open(file) as ledger, Journal.open(file) as journal:
            entries = [envelope for _, envelope in ledger.entries()]
            key = VerifyKey.from_text(next(it.key for it in journal.policy.people if it.id == GATE))
        read = [dsse.parse(it) for it in entries]
        halves = [read[at::2] for at in range(2)]
        begun = time.perf_counter()
        for it in entries:
            leaf_hash(it)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda half: [dsse.verified_by(it, [key]) for it in half], halves))
    print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def verification(folder: Path, number: int, replayed: int) -> None:
    print(f"\nVerification of {number:,} entries")
    file = filled(folder / "large", number).ledger
    bare, memory = alone("read", file)
    told("read, and bare hashes of the tree", f"{bare:.1f} s, {memory} MiB")
    audited, memory = alone("check", file)
    told("check: rows, tree, tiles, checkpoints", f"{audited:.1f} s, {memory} MiB", audited / bare, "at most 1.5x")
    print(f"\nVerification of {replayed:,} entries with who signed them and what they mean")
    file = filled(folder / "small", replayed).ledger
    bare, memory = alone("signatures", file)
    told("bare hashes and signatures, two cores", f"{bare:.1f} s, {memory} MiB")
    whole, memory = alone("replay", file)
    told("replay", f"{whole:.1f} s, {memory} MiB", whole / bare, "at most 1.5x")


# ---------------------------------------------------------------- (c) proofs


def proofs(folder: Path, number: int) -> None:
    from pymerkle import InmemoryTree

    print(f"\nInclusion proofs a second, over {number:,} entries; pymerkle over {PEER_ENTRIES:,}")
    with Ledger.open(folder / "large" / "ledger.db") as ledger:
        size = ledger.size
        tree, step = ledger.tree(), max(size // PROOFS, 1)
        asked = range(0, size, step)
        ours = per_second(len(asked), lambda: [inclusion_proof(it, size, tree.subtree) for it in asked])
    peer = InmemoryTree()
    for it in range(PEER_ENTRIES):
        peer.append_entry(b"%d" % it)
    asked = range(1, PEER_ENTRIES, PEER_ENTRIES // PROOFS)
    theirs = per_second(len(asked), lambda: [peer.prove_inclusion(it) for it in asked])
    told("pymerkle InmemoryTree", f"{theirs:,.0f}")
    told("ledger, from its tiles on the disk", f"{ours:,.0f}", ours / theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--replayed", type=int, default=5_000)
    parser.add_argument("--appends", type=int, default=400)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--part", default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part is not None:
        part(asked.part, asked.folder)
        return
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory(dir=asked.folder) as made:
        folder = Path(made)
        appends(folder, asked.appends)
        verification(folder, asked.entries, asked.replayed)
        proofs(folder, asked.entries)


if __name__ == "__main__":
    main()
