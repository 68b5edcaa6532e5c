"""What the gate costs: measured on this machine and printed beside its peer or its target. No asserts.

    python benchmarks/overhead.py [--seconds 40]

Needs the extra `torch`. Everything runs in a folder that is deleted at the end; what is timed is the library as
it ships (real ledger, real signatures, real flushes to the disk), under a policy with limits so far away that
no evaluation falls due while it is timed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

import torch

from scalegate.gate import Journal
from scalegate.gate.project import Project, create_project
from scalegate.training.arithmetic import Config, Trainer, analytic_step_flops, batch
from scalegate.training.gate import Gate
from scalegate.training.weights import weights_digest

THREADS = 2
RUN = "bench"
CHECK_CALLS = 200_000
CHECK_ROUNDS = 9
APPENDS = 300
DECISIONS = 40
STEPS = 30
STARTS = 7
FAR = {
    "first_evaluation_at: 5e10 FLOP": "first_evaluation_at: 1e30 FLOP",
    "at: 1e13 FLOP": "at: 1e35 FLOP",
    "above: 3.6e12 FLOP": "above: 1e35 FLOP",
    "at: 2e12 FLOP": "at: 1e35 FLOP",
}
"""The example policy with every limit on compute out of reach; clauses, lease and signatures as they are."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    value: str
    target: str = ""
    met: bool | None = None


def far_policy() -> str:
    """The example policy's text with limits that nothing here reaches."""
    text = files("scalegate.examples").joinpath("arithmetic.yaml").read_text(encoding="utf-8")
    for near, far in FAR.items():
        if text.count(near) != 1:
            raise SystemExit(f"the example policy no longer says `{near}` once: adapt FAR")
        text = text.replace(near, far)
    return text


def open_gate(project: Project, weights: Callable[[], str], *, tranche: int | None) -> Gate:
    return Gate.open(
        policy=project.policy,
        ledger=project.ledger,
        run=RUN,
        weights=weights,
        from_scratch=True,
        planned=10**20,
        tranche=tranche,
    )


WEIGHTS = itertools.count(1)


def other_weights() -> str:
    """A digest, each time another: what is trained changes."""
    return f"{next(WEIGHTS):064x}"


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ---------------------------------------------------------------- (a) the check alone


class Peer:
    """The cheapest imaginable check: one call, one comparison of integers."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self, flops: int) -> bool:
        return flops <= self.left


def nanoseconds(step: Callable[[int], object]) -> float:
    """Best of several rounds, per call, the empty loop taken off. The best is the least disturbed round."""

    def calls() -> None:
        for _ in range(CHECK_CALLS):
            step(1000)

    def empty() -> None:
        for _ in range(CHECK_CALLS):
            pass

    spent = min(timeit.repeat(calls, number=1, repeat=CHECK_ROUNDS))
    loop = min(timeit.repeat(empty, number=1, repeat=CHECK_ROUNDS))
    return (spent - loop) / CHECK_CALLS * 1e9


def bench_check(folder: Path) -> list[Row]:
    project = create_project(folder / "check", far_policy(), name="benchmark policy")
    with open_gate(project, other_weights, tranche=10**25) as gate:
        gate.step(1000)
        ours = nanoseconds(gate.step)
    peer = nanoseconds(Peer(10**25).step)
    return [
        Row("permit check, `gate.step` on the hot path", f"{ours:.0f} ns", "under 2 us", ours < 2000),
        Row("  peer: a method call with one comparison", f"{peer:.0f} ns"),
        Row("  ratio", f"{ours / peer:.1f}x"),
    ]


# ---------------------------------------------------------------- (b) the ledger


def bench_ledger(folder: Path) -> list[Row]:
    project = create_project(folder / "ledger", far_policy(), name="benchmark policy")
    appended: list[float] = []
    with open_gate(project, other_weights, tranche=1000) as gate:
        gate.step(1000)
        for _ in range(APPENDS):
            started = time.perf_counter()
            gate.step(1000)
            appended.append(time.perf_counter() - started)
    decided: list[float] = []
    key = project.key("gatekeeper")
    with project.journal() as journal:
        for _ in range(DECISIONS):
            started = time.perf_counter()
            journal.decide(RUN, "train", key, "gatekeeper")
            decided.append(time.perf_counter() - started)
    return [
        Row("a reservation appended to the ledger, median", f"{median(appended) * 1e3:.2f} ms"),
        Row("  99th percentile", f"{quantile(appended, 0.99) * 1e3:.2f} ms"),
        Row("a decision taken and recorded, median", f"{median(decided) * 1e3:.2f} ms"),
    ]


# ---------------------------------------------------------------- (c), (d) training


class Appends:
    """Counts calls of `Journal.append` while it is in place."""

    def __init__(self) -> None:
        self.count = 0
        self._original = Journal.append

    def __enter__(self) -> Appends:
        original = self._original

        def counted(journal: Journal, make: Any) -> int:
            self.count += 1
            return original(journal, make)

        Journal.append = counted  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Journal.append = self._original  # type: ignore[method-assign]


def bench_training(folder: Path, seconds: float) -> list[Row]:
    trainer = Trainer(Config(batch_size=512, lr=5e-4))
    config = trainer.config
    flops = analytic_step_flops(config, (config.batch_size, config.context))
    for _ in range(3):
        trainer.train_step()
    alone: list[float] = []
    for _ in range(STEPS):
        examples = batch(config, trainer.step)
        started = time.perf_counter()
        trainer.train_step(examples)
        alone.append(time.perf_counter() - started)

    project = create_project(folder / "training", far_policy(), name="benchmark policy")
    training = checks = renewals = 0.0
    steps = 0
    with Appends() as appends, open_gate(project, lambda: weights_digest(trainer.model), tranche=None) as gate:
        gate.guard(trainer.optimizer)
        opened = appends.count
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            examples = batch(config, trainer.step)
            before = appends.count
            started = time.perf_counter()
            gate.step(flops)
            gated = time.perf_counter()
            trainer.train_step(examples)
            training += time.perf_counter() - gated
            if appends.count == before:
                checks += gated - started
            else:
                renewals += gated - started
            steps += 1
        appended = appends.count - opened
    share = (checks + renewals) / training
    return [
        Row(f"a step of the demo's trainer, median of {STEPS}, {THREADS} threads", f"{median(alone) * 1e3:.1f} ms"),
        Row(
            f"gate between evaluations, of {training:.1f} s in {steps} steps",
            f"{share:.3%}",
            "under 0.5%",
            share < 5e-3,
        ),
        Row("  of it: checks", f"{checks / training:.4%}"),
        Row(f"  of it: the {appended} appends (first decision, then tranches)", f"{renewals / training:.4%}"),
    ]


# ---------------------------------------------------------------- (e) start


def bench_start() -> list[Row]:
    commands = (
        ("-c", "pass"),
        ("-c", "import scalegate"),
        ("-c", "import scalegate.gate"),
        ("-m", "scalegate.cli.main", "--help"),
    )
    took: dict[tuple[str, ...], list[float]] = {command: [] for command in commands}
    # In turns, so that a busy moment falls on all of them.
    for _ in range(STARTS):
        for command in commands:
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            took[command].append(time.perf_counter() - started)
    bare, package, gate, shown = (median(took[command]) for command in commands)
    package, gate = package - bare, gate - bare
    return [
        Row("`import scalegate`, over a bare interpreter", f"{package:.3f} s", "under 0.3 s", package < 0.3),
        Row("  `import scalegate.gate`, over a bare interpreter", f"{gate:.3f} s"),
        Row("`scalegate --help`, interpreter and all", f"{shown:.3f} s", "under 0.5 s", shown < 0.5),
        Row("  bare interpreter", f"{bare:.3f} s"),
    ]


def show(rows: Sequence[Row]) -> str:
    widths = [max(len(getattr(row, name)) for row in rows) for name in ("what", "value", "target")]
    lines = []
    for row in rows:
        met = "" if row.met is None else "met" if row.met else "NOT MET"
        lines.append(f"{row.what:<{widths[0]}}  {row.value:>{widths[1]}}  {row.target:<{widths[2]}}  {met}".rstrip())
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the gate costs.")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long to train under the gate")
    parser.add_argument("--folder", type=Path, help="where to put the ledgers: the disk that is measured")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    load = os.getloadavg()[0]
    print(
        f"Python {sys.version.split()[0]}, torch {torch.__version__}, {os.cpu_count()} CPUs, load {load:.1f} at start"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = [
            *bench_check(folder),
            *bench_ledger(folder),
            *bench_training(folder, options.seconds),
            *bench_start(),
        ]
    print(show(rows))


if __name__ == "__main__":
    main()
