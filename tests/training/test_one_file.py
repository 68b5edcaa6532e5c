"""A script that keeps one checkpoint file, killed for real or broken off around a save: it goes on from that file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import DAY, STEP, Clock, Model, new_project, open_gate, train

SCRIPT = textwrap.dedent(
    """
    import os, signal, sys
    sys.path.insert(0, sys.argv[2])
    from pathlib import Path
    from support import *

    project, ends = Project(Path(sys.argv[1])), sys.argv[3]
    file = project.folder / "checkpoint"
    model = Model(flops=int(file.read_text()) if file.exists() else 0)

    def checkpoint():
        last = model.flops == 8 * STEP
        if last and ends == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        file.with_suffix(".tmp").write_text(str(model.flops))
        file.with_suffix(".tmp").replace(file)
        if last and ends == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        if last and ends == "raises":
            raise OSError("the upload failed")

    with open_gate(project, model, checkpoint=checkpoint) as gate:
        for _ in range(2):
            train(gate, model, 4)
            gate.save()
    """
)
"""Saves after 4 steps, and meets its end at the second save, after 8."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.mark.parametrize(("ends", "steps"), [("before", 4), ("after", 8), ("raises", 8)])
def test_whatever_is_in_the_file_the_run_goes_on_from_it(project: Project, ends: str, steps: int) -> None:
    tests = str(Path(__file__).parents[1])
    arguments = [sys.executable, "-c", SCRIPT, str(project.folder), tests, ends]
    done = subprocess.run(arguments, check=False, env=os.environ, capture_output=True, text=True)
    assert done.returncode == (1 if ends == "raises" else -signal.SIGKILL)
    assert ("the function that saves them did not end well" in done.stderr) is (ends == "raises")
    file = project.folder / "checkpoint"
    assert file.read_text() == str(steps * STEP)
    model = Model(flops=steps * STEP)
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        gate.save()
        assert gate.trained == (steps + 2) * STEP
        gate.evaluate()
    assert replay(project.ledger).faults == ()


def test_a_save_that_did_not_end_well_is_done_again_and_recorded_once(project: Project) -> None:
    model, fails = Model(), [True]

    def checkpoint() -> None:
        if fails:
            fails.clear()
            raise OSError("the disk is full")
        model.save()

    with open_gate(project, model, checkpoint=checkpoint) as gate:
        train(gate, model, 2)
        with pytest.raises(OSError, match="full"):
            gate.save()
        assert gate.save() == model.digest()
        assert model.saved == 2 * STEP
        train(gate, model, 2)
    with reading(project.ledger) as journal:
        saved = [record for record in journal.fold.records if type(record.entry).__name__ == "WeightsRecorded"]
        decided = [record for record in journal.fold.records if type(record.entry).__name__ == "DecisionMade"]
    assert (len(saved), len(decided)) == (2, 2), "the second at the end of the block"


def test_a_run_that_saved_its_start_and_waited_is_opened_again(project: Project) -> None:
    clock = Clock(int(time.time()) + 10)
    with open_gate(project, Model(), now=clock) as gate:
        gate.save()
        clock.seconds += 92 * DAY
        with pytest.raises(Held) as held:
            gate.step(STEP)
    assert held.value.decision is not None
    way_out = held.value.decision.resumption
    assert way_out is not None
    assert next(fact.text for fact in way_out.sets[0]).startswith("run `r` is opened again: nothing came of it yet")
    model = Model()
    with open_gate(project, model, now=clock) as gate:
        train(gate, model, 2)
