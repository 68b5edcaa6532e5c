"""Mutation testing of the gate and the reference semantics: does a test fail for each small change of the code?

    python tests/mutation/run.py [--jobs 2] [--only 'scalegate.gate.fold.*'] [--budget 5] [--seed 1] [--list]

mutmut writes the mutants: each function with changed copies of it. Here pytest collects the tests once. A child
process runs them all and says which functions each test reaches. Then every mutant gets a child of its own, in
which the function has the changed code, and which runs the tests that reach it, quick ones first, until one fails.
Properties draw the same few examples each time. Results go to `mutants/results.jsonl`, a line per mutant, with the
difference. A second run takes up what is there: a killed mutant is not tried again, nor is a survivor unless a
test has changed. Delete the file to begin anew. With a budget, a mutant that lives through that many seconds of
tests counts as a survivor, so the share of those killed is a lower bound.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import fnmatch
import gc
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import textwrap
import time
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings
from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).parents[2]
WORK = ROOT / "mutants"
RESULTS = WORK / "results.jsonl"
MUTATED = ("src/scalegate/gate/*.py", "src/scalegate/policy/semantics.py")
TESTS = ("tests/gate", "tests/semantics", "tests/evidence", "tests/training/test_gate.py")
LEFT_OUT = "not process_that_is_killed and not strategies_reach"
"""What starts processes of its own, and what says something about the strategies only."""
EXAMPLES = 25
IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where the tests' ledgers go, if it exists: each append is flushed to the disk."""
SURVIVED, KILLED, ENDED, SPENT = range(4)


@dataclass(frozen=True)
class Mutant:
    """One changed function: its name, where it is, its code, and what is changed."""

    name: str
    file: str
    function: str
    code: str
    diff: str


@dataclass(frozen=True)
class Result:
    """What became of a mutant. Status: killed, timeout (a test took far too long), survived, or no tests."""

    name: str
    file: str
    status: str
    by: str
    """The test that failed; of a survivor, how many ran."""
    seconds: float
    diff: str
    tests: str
    """Digest of the tests."""


def main() -> int:
    """0 if every mutant was judged; the numbers are printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="*", help="a pattern for names of mutants")
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds of tests for one mutant")
    parser.add_argument("--seed", type=int, help="shuffle: a run that is broken off is then a fair sample")
    parser.add_argument("--list", action="store_true", help="print the survivors of the last run and leave")
    chosen = parser.parse_args()
    os.chdir(ROOT)
    if chosen.list:
        for result in read_results().values():
            if result.status in ("survived", "no tests"):
                say(f"{result.name}: {result.status}, {result.by}\n{result.diff}\n")
        return 0
    mutants = [mutant for mutant in find_mutants() if fnmatch.fnmatch(mutant.name, chosen.only)]
    if chosen.seed is not None:
        random.Random(chosen.seed).shuffle(mutants)
    WORK.mkdir(exist_ok=True)
    settings.register_profile(
        "mutants",
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    quiet = ["-q", "-s", "--assert=plain", "--tb=line", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
    return int(pytest.main([*quiet, "-k", LEFT_OUT, *TESTS], plugins=[Loop(mutants, chosen.jobs, chosen.budget)]))


def find_mutants() -> list[Mutant]:
    """Every changed copy of every function, as mutmut writes them."""
    mutants = []
    for path in sorted(path for pattern in MUTATED for path in ROOT.glob(pattern)):
        file = str(path.relative_to(ROOT / "src"))
        module = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        made = mutate_file_contents(file, path.read_text(encoding="utf-8"))
        lines = made.code.splitlines()
        spans = {name: (at.start - 1, at.end) for name, at in made.line_span_by_function_name.items()}
        text = {name: lines[start:end] for name, (start, end) in spans.items()}
        for name in made.mutant_names:
            function = name.partition("__mutmut_")[0]
            diff = list(difflib.unified_diff(text[f"{function}__mutmut_orig"], text[name], lineterm="", n=1))[2:]
            shown = "\n".join(line for line in diff if not line.startswith("@@") and "__mutmut_" not in line)
            code = textwrap.dedent("\n".join(text[name]))
            mutants.append(Mutant(f"{module}.{name}", file, f"{module}.{function}", code, shown))
    return mutants


def function_of(mutated: str) -> types.FunctionType:
    """The function itself, by mutmut's name for it: `package.module.x_name` or `package.module.xǁClassǁname`."""
    module, _, name = mutated.rpartition(".")
    holder: Any = importlib.import_module(module)
    *classes, name = name.split("ǁ")[1:] if "ǁ" in name else (name.removeprefix("x_"),)
    for part in classes:
        holder = getattr(holder, part)
    found = vars(holder)[name]
    function: types.FunctionType = getattr(found, "__func__", found)
    return function


def change(function: str, code: str) -> None:
    """Give a function the changed code, wherever it is referred to from."""
    target = function_of(function)
    made: dict[str, Any] = {}
    exec(compile(code, target.__code__.co_filename, "exec"), {**target.__globals__}, made)
    (found,) = made.values()
    found = getattr(found, "__func__", found)
    target.__code__, target.__defaults__ = found.__code__, found.__defaults__
    target.__kwdefaults__ = found.__kwdefaults__


@dataclass(frozen=True)
class Child:
    """A process of its own, what it says, and the folder for its files."""

    pid: int
    says: int
    folder: str
    start: float


class Loop:
    """A plugin that runs, in place of pytest's own loop over the tests, one over the mutants."""

    def __init__(self, mutants: list[Mutant], jobs: int, budget: float) -> None:
        self.mutants = mutants
        self.jobs = jobs
        self.budget = budget
        self.items: dict[str, pytest.Item] = {}
        self.reach: dict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.kills: dict[str, Counter[str]] = defaultdict(Counter)
        self.running: dict[int, tuple[Mutant, Child]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        gc.freeze()
        before, tests = read_results(), digest_of_tests()
        left = [m for m in self.mutants if not _settled(before.get(m.name), m, tests)]
        say(f"{len(self.items)} tests, {len(self.mutants)} mutants, {len(left)} to be tried")
        self._measure({mutant.function for mutant in left})
        with RESULTS.open("a", encoding="utf-8") as out:
            for count, result in enumerate(self._all(left), 1):
                out.write(json.dumps(asdict(Result(**result, tests=tests)), ensure_ascii=False) + "\n")
                out.flush()
                if count % 100 == 0 or count == len(left):
                    say(f"{time.strftime('%H:%M:%S')} {count} of {len(left)}")
        report(self.mutants)
        return True

    def _measure(self, functions: set[str]) -> None:
        """How long each test takes without a mutant, and what it reaches; all must pass, and fail when made to."""
        names = {id(function_of(name).__code__): name for name in functions}

        def measured() -> Iterator[str]:
            for item in self.items.values():
                start, reached = time.process_time(), set[int]()
                sys.settrace(lambda frame, event, _, to=reached: to.add(id(frame.f_code)))  # type: ignore[misc]
                passed = _passes(item, None)
                sys.settrace(None)
                found = sorted(names[code] for code in reached if code in names)
                yield json.dumps([item.nodeid, passed, time.process_time() - start, found])

        for line in ended(fork(measured))[1]:
            test, passed, self.seconds[test], reached = json.loads(line)
            if not passed:
                raise pytest.UsageError(f"{test} fails without a mutant")
            for function in reached:
                self.reach[function].add(test)
        if set(self.seconds) != set(self.items):
            raise pytest.UsageError("the tests did not run to their end without a mutant")
        for function in sorted(self.reach):
            raising = Mutant("", "", function, "def raising(*_: object, **__: object) -> None:\n    raise OSError", "")
            if ended(self._start(raising))[0] != KILLED:
                say(f"{function}: no test fails if it raises")

    def _all(self, mutants: list[Mutant]) -> Iterator[dict[str, Any]]:
        for mutant in mutants:
            if not self.reach[mutant.function]:
                yield _result(mutant, "no tests", "", 0)
                continue
            if len(self.running) >= self.jobs:
                yield self._next()
            child = self._start(mutant)
            self.running[child.pid] = mutant, child
        while self.running:
            yield self._next()

    def _start(self, mutant: Mutant) -> Child:
        """First the tests that killed other mutants of the function, then by kills of its file's for the time taken."""
        kills, near = self.kills[mutant.function], self.kills[mutant.file]

        def place(test: str) -> tuple[int, float]:
            return -kills[test], -(0.2 + near[test]) / (0.01 + self.seconds[test])

        tests = sorted(self.reach[mutant.function], key=place)
        return fork(lambda: self._judge(mutant, [self.items[test] for test in tests]))

    def _judge(self, mutant: Mutant, items: list[pytest.Item]) -> Iterator[str]:
        """In the child: the name of each test before it runs; leaves when one fails, or when the budget is spent."""
        change(mutant.function, mutant.code)
        start = time.process_time()
        for item, after in zip(items, [*items[1:], None], strict=True):
            if time.process_time() - start > self.budget:
                os._exit(SPENT)
            yield item.nodeid
            signal.setitimer(signal.ITIMER_REAL, 20 + 20 * self.seconds[item.nodeid])
            if not _passes(item, after):
                os._exit(KILLED)

    def _next(self) -> dict[str, Any]:
        """Wait for a child to end; its result."""
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert found is not None
        mutant, child = self.running.pop(found.si_pid)
        code, said = ended(child)
        seconds = time.perf_counter() - child.start
        if code in (SURVIVED, SPENT):
            return _result(mutant, "survived", f"{len(said)} of {len(self.reach[mutant.function])} tests", seconds)
        by = "".join(said[-1:])
        for of in (mutant.function, mutant.file):
            self.kills[of][by] += 1
        if code == -signal.SIGALRM:
            return _result(mutant, "timeout", by, seconds)
        return _result(mutant, "killed", by if code == KILLED else f"{by} (exit {code})", seconds)


def _result(mutant: Mutant, status: str, by: str, seconds: float) -> dict[str, Any]:
    shown = {"name": mutant.name, "file": mutant.file, "diff": mutant.diff}
    return shown | {"status": status, "by": by, "seconds": round(seconds, 2)}


def _passes(item: pytest.Item, after: pytest.Item | None) -> bool:
    return not any(found.failed for found in runtestprotocol(item, log=False, nextitem=after))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def fork(work: Callable[[], Iterator[str]]) -> Child:
    """A child, in a session and a folder of its own, that writes into a pipe what it says."""
    folder = tempfile.mkdtemp(prefix="mutant-", dir=IN_MEMORY)
    says, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return Child(pid, says, folder, time.perf_counter())
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = folder
        for said in work():
            os.write(into, said.encode() + b"\n")
        os._exit(SURVIVED)
    finally:
        os._exit(ENDED)


def ended(child: Child) -> tuple[int, list[str]]:
    """How the child ended and all that it said; whatever it started ends too."""
    with os.fdopen(child.says, encoding="utf-8") as said:
        lines = said.read().splitlines()
    _, status = os.waitpid(child.pid, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    shutil.rmtree(child.folder, ignore_errors=True)
    return os.waitstatus_to_exitcode(status), lines


def read_results() -> dict[str, Result]:
    """The last result of each mutant."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {result.name: result for result in (Result(**json.loads(line)) for line in lines)}


def digest_of_tests() -> str:
    files = sorted(path for path in (ROOT / "tests").rglob("*") if path.suffix in (".py", ".json"))
    files.remove(Path(__file__).resolve())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _settled(result: Result | None, mutant: Mutant, tests: str) -> bool:
    if result is None or result.diff != mutant.diff:
        return False
    return result.status in ("killed", "timeout") or result.tests == tests


def report(mutants: list[Mutant]) -> None:
    """The numbers, by file."""
    results = read_results()
    columns = ("killed", "timeout", "survived", "no tests")
    by_file: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        for file in (mutant.file, "all"):
            by_file[file][results[mutant.name].status] += 1
    say(f"{'':34}{''.join(f'{column:>10}' for column in columns)}{'share':>8}")
    for file, counts in by_file.items():
        share = (counts["killed"] + counts["timeout"]) / counts.total()
        say(f"{file:34}{''.join(f'{counts[column]:>10}' for column in columns)}{share:>8.1%}")


if __name__ == "__main__":
    raise SystemExit(main())
