"""The examples of the README run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from scalegate.gate import replay

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_plain_loop_is_held_by_its_policy(tmp_path: Path) -> None:
    folder = tmp_path / "parity"
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "plain_loop.py"), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "HOLD for run `parity` by: safeguards.level-2" in done.stdout
    replayed = replay(folder / "ledger.db")
    assert replayed.proceeds >= 1
    assert replayed.faults == ()
