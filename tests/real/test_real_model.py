"""A real model through `scalegate evaluate`. Opt-in (`make real-model`): it takes a gigabyte and many minutes."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from scalegate.evidence.inspect_log import read_inspect
from scalegate.gate.project import Project

EXAMPLE = Path(__file__).parents[2] / "examples" / "real-model"
MODEL = os.environ.get("SCALEGATE_REAL_MODEL")

pytestmark = pytest.mark.skipif(not MODEL, reason="SCALEGATE_REAL_MODEL names no folder of a model")


def test_both_ways_are_bound_to_the_files_and_a_rule_takes_fewer_samples(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("run_real_model", EXAMPLE / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.main(Path(str(MODEL)).resolve(), tmp_path / "out")
    taken = {}
    for name in ("whole", "stopping"):
        [file] = (tmp_path / "out" / name / "logs").glob("*.eval")
        log = read_inspect(file)
        with Project(tmp_path / "out" / name).journal() as journal:
            [piece] = journal.fold.situation("gemma", now=journal.now()).pieces
        assert log.weights == piece.weights
        taken[name] = piece.completed + piece.errors
    assert taken["whole"] == 60
    assert taken["stopping"] < 60
