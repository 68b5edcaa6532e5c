"""Appends a second by many writer processes, to one SQLite file and to PostgreSQL: printed, no asserts on time.

    python benchmarks/ledger_writers.py [--appends 100] [--entries 1] [--address postgresql://HOST/DATABASE]

Each writer opens the ledger as the gate does, and appends one signed statement after the other: lock, checks,
insert, checkpoint, flush, remembered head. Afterwards the positions that were acknowledged must have no gap and no
duplicate, and the audit must pass. Without `--address` a server of this machine's binaries is started for it, with
its own settings as they are shipped; without binaries that half is left out. It writes a schema of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from postgres_server import LACKING, started
from scalegate.ledger import Ledger, SigningKey, check, dsse
from scalegate.ledger.store import discard

ORIGIN = "example.com/benchmark"
SEED = bytes(range(32))
LONGEST_S = 120
"""Seconds in which all writers must have opened the ledger."""
FILE_WRITERS = (1, 8)
SERVER_WRITERS = (1, 2, 8)


def write(path: Path, number: int, appends: int, entries: int, ready: Any, done: Any) -> None:
    """One writer: the first position and the size of each of its appends."""
    signer = SigningKey(f"example.com/writer-{number}", bytes([number]) * 32)
    statement = b'{"writer":%d,"append":%d,"filler":"%s"}'
    made = [
        [dsse.sign(statement % (number, it, b"x" * 600), dsse.IN_TOTO, [signer])] * entries for it in range(appends)
    ]
    with Ledger.open(path, log_key=SigningKey(ORIGIN, SEED)) as ledger:
        ready.wait(LONGEST_S)
        done.put([(it.first, it.size) for it in map(ledger.append, made)])


def measure(label: str, path: Path, address: str | None, writers: int, appends: int, entries: int) -> None:
    """Have `writers` processes append at once, and print how fast, and whether each position is there once."""
    key = SigningKey(ORIGIN, SEED)
    Ledger.create(path, origin=ORIGIN, log_key=key, address=address).close()
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(writers + 1), context.Queue()
    arguments = (appends, entries, ready, done)
    processes = [context.Process(target=write, args=(path, number, *arguments)) for number in range(writers)]
    for process in processes:
        process.start()
    ready.wait(LONGEST_S)
    begun = time.perf_counter()
    stretches = sorted(pair for _ in processes for pair in done.get())
    seconds = time.perf_counter() - begun
    for process in processes:
        process.join()
    whole = all(first == end for (first, _), (_, end) in zip(stretches, [(0, 0), *stretches], strict=False))
    checked = check(path)
    whole = whole and checked.size == writers * appends * entries == stretches[-1][1]
    rate = writers * appends / seconds
    said = "no gap, no duplicate, verified" if whole else "A GAP OR A DUPLICATE"
    print(f"{label:<11} {writers} writers: {rate:7.1f} appends/s, {rate * entries:8.1f} entries/s; {said}")
    if address is not None:
        discard(path, ORIGIN)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--appends", type=int, default=100, help="appends of each writer")
    parser.add_argument("--entries", type=int, default=1, help="entries of each append")
    parser.add_argument("--address", help="of a server that runs; it may hold no password")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for writers in FILE_WRITERS:
            path = Path(folder) / f"file-{writers}.ledger"
            measure("SQLite", path, None, writers, given.appends, given.entries)
        if given.address is None and LACKING is not None:
            print(f"PostgreSQL: left out: {LACKING}")
            return
        with started() if given.address is None else nullcontext() as server:
            for writers in SERVER_WRITERS:
                schema = f"bench_{uuid.uuid4().hex[:12]}"
                address = f"{given.address}?schema={schema}" if server is None else server.address(schema)
                path = Path(folder) / f"{schema}.ledger"
                measure("PostgreSQL", path, address, writers, given.appends, given.entries)


if __name__ == "__main__":
    main()
