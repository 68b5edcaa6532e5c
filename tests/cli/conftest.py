"""A command line in process, and a project with a run that is held."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Amended, Command, Ran

from scalegate.cli.main import run
from scalegate.cli.show import console
from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train


@pytest.fixture
def scalegate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run one command; a traceback is an exception here, and fails the test."""
    assert console.file is sys.stdout, "a test that ran before gave the console a stream and left it there"
    monkeypatch.setattr(console, "width", 120)

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


@pytest.fixture(scope="session")
def held_weights(held_project: Path) -> str:
    """The digest of the weights that its run `r` recorded last."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run(["status", "-p", str(held_project), "--json"])
    return str(json.loads(out.getvalue())["runs"][0]["weights"][-1]["digest"])


@pytest.fixture(scope="session")
def amended_projects(held_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Amended:
    """That project with another policy, which both officers adopted: of each once, since signing takes long."""
    made: dict[tuple[tuple[str, str], ...], Path] = {}

    def of(*changes: tuple[str, str]) -> Path:
        if changes not in made:
            folder = tmp_path_factory.mktemp("amended") / "p"
            shutil.copytree(held_project, folder)
            policy = folder / "policy.yaml"
            text = policy.read_text(encoding="utf-8")
            for old, new in changes:
                assert old in text, old
                text = text.replace(old, new)
            policy.write_text(text, encoding="utf-8")
            for who in ("ada", "grace"):
                with contextlib.redirect_stdout(io.StringIO()):
                    assert run(["adopt", str(policy), "-p", str(folder), "--as", who]) == 0
            made[changes] = folder
        return made[changes]

    return of


@pytest.fixture
def in_force(project: Project, amended_projects: Amended) -> Callable[..., None]:
    """Put one of those in the place of the project, to which nothing was done yet."""

    def to(*changes: tuple[str, str]) -> None:
        shutil.rmtree(project.folder)
        shutil.copytree(amended_projects(*changes), project.folder)

    return to


@pytest.fixture
def project(held_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it in the current folder, as `p`."""
    shutil.copytree(held_project, tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    return Project(Path("p"))


@pytest.fixture
def weights(project: Project, held_weights: str) -> str:
    """The digest of the weights that run `r` recorded last."""
    return held_weights
