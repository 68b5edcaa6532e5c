"""The examples of the README run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from scalegate.gate import replay
from scalegate.gate.project import Project
from support import approve, attest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_in(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "plain_loop.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_plain_loop_is_held_by_its_policy(tmp_path: Path) -> None:
    folder = tmp_path / "parity"
    done = run_in(folder)
    assert done.returncode == 3, done.stderr
    assert "HOLD for run `parity` by: safeguards.level-2" in done.stdout
    replayed = replay(folder / "ledger.db")
    assert replayed.proceeds >= 1
    assert replayed.faults == ()
    project = Project(folder)
    attest(project)
    approve(project, "ada", "grace", run="parity")
    again = run_in(folder)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("At its planned end after 2000 steps, and decided on there: ")
    assert replay(project.ledger).faults == ()


@pytest.mark.parametrize("module", ["weights", "meter"])
def test_without_torch_one_sentence_says_what_installs_it(module: str) -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from scalegate import Gate, ScalegateError\n"
        f"try:\n    import scalegate.training.{module}\nexcept ScalegateError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("this module needs `torch`, which is not installed (pip install './scalegate[torch]'")
