"""How fast the files of weights are hashed: `python benchmarks/weights.py [FOLDER]`, by default on files made for it.

Prints gigabytes a second on one thread and on two, best of three: with the files in the page cache, so it is the
processor that is measured and not the disk.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from scalegate.weights import manifest_of

PARTS, BYTES = 8, 128 * 2**20


def rate(folder: Path, threads: int) -> float:
    """Gigabytes a second."""
    best = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        size = manifest_of(folder, threads=threads).size
        best = max(best, size / 1e9 / (time.perf_counter() - begun))
    return best


def main(folder: Path) -> None:
    for threads in (1, 2):
        print(f"{threads} threads: {rate(folder, threads):.2f} GB/s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            for number in range(PARTS):
                (Path(made) / f"part-{number}").write_bytes(os.urandom(BYTES))
            main(Path(made))
