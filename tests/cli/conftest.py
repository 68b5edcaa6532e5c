"""A command line in process, and a project with a run that is held."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_support import Command, Ran

from scalegate.cli.main import run
from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train


@pytest.fixture
def scalegate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run one command; a traceback is an exception here, and fails the test."""
    monkeypatch.setattr("scalegate.cli.show.console.width", 120)

    def command(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return command


@pytest.fixture(scope="session")
def held_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose run `r` is held: its model reached the alarm at the first evaluation."""
    folder = tmp_path_factory.mktemp("held") / "p"
    model = Model(skill=lambda _flops: 0.5)
    gate = open_gate(new_project(folder), model)
    with pytest.raises(Held):
        train(gate, model)
    gate.close()
    return folder


@pytest.fixture
def project(held_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it in the current folder, as `p`."""
    shutil.copytree(held_project, tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    return Project(Path("p"))


@pytest.fixture
def weights(project: Project, scalegate: Command) -> str:
    """The digest of the weights that run `r` recorded last."""
    return str(scalegate("status", "-p", "p", "--json").json["runs"][0]["weights"][-1]["digest"])
