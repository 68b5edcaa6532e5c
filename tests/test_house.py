"""The rules of the house that no linter knows: what is imported, how long a file may be, what a module shows."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from scalegate.gate import decide
from scalegate.policy import ACTIONS
from strategies import cases

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "scalegate"
MODULES = sorted(SOURCE.rglob("*.py"))
HEAVY = ("torch", "matplotlib", "jinja2", "rich", "typer", "psycopg")
MOST_LINES = 450


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that finds this very tree."""
    paths = [str(SOURCE.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("module", ["scalegate", "scalegate.gate", "scalegate.ledger", "scalegate.training.gate"])
def test_the_core_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_help_imports_no_torch() -> None:
    code = (
        "import sys; from scalegate.cli.main import main; sys.argv = ['scalegate', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = run_python("-c", code)
    assert done.stdout.splitlines()[-1] == "False False", done.stderr


WRITTEN = [
    # The schema is made from the models.
    path
    for path in SOURCE.rglob("*")
    if path.is_file() and path.suffix != ".pyc" and not path.name.endswith(".schema.json")
]


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_no_file_is_too_long(path: Path) -> None:
    lines = path.read_bytes().count(b"\n")
    assert lines <= MOST_LINES, f"{name_of(path)} has {lines} lines, {MOST_LINES} at most: split it by what it is about"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    if path.name == "_version.py":
        return
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said, f"{name_of(path)} has no docstring"
    assert "TODO" not in said, f"{name_of(path)} does not say what it is for yet"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_public_module_says_what_it_shows(path: Path) -> None:
    """`__all__` names exactly what exists. Private modules and packages that only hold modules need none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    shown = list(_shown(tree))
    only_holds = path.name == "__init__.py" and not any(not isinstance(node, ast.Expr) for node in tree.body)
    if (path.name.startswith("_") and path.name != "__init__.py") or only_holds:
        return
    assert shown, f"{name_of(path)} has no `__all__`"
    assert set(shown) <= _defined(tree), f"{name_of(path)} shows names that it does not have"
    assert len(shown) == len(set(shown))


def test_every_name_that_is_loaded_late_is_there() -> None:
    done = run_python(
        "-c", "import scalegate; print([getattr(scalegate, name) and name for name in scalegate.__all__])"
    )
    assert done.returncode == 0, done.stderr


def _shown(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            yield from ast.literal_eval(node.value)


def _defined(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    # Names that are loaded when first used are imported for type checkers alone.
    later = [inner for node in tree.body if lazy and isinstance(node, ast.If) for inner in node.body]
    for node in [*tree.body, *later]:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def test_a_floor_imports_only_from_floors_below_it() -> None:
    """The contract stands in pyproject.toml; import-linter reads it."""
    done = run_python("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@settings(max_examples=examples(20))
@given(cases(), st.sampled_from(ACTIONS))
def test_a_decision_holds_no_float(case: Any, action: Any) -> None:
    """Neither as an object nor in its canonical bytes: a float would tie the bytes to a machine's printing."""
    policy, situation = case
    decision = decide(policy, situation, action)
    assert not list(_floats(decision.to_json(), "decision"))
    assert not list(_floats(json.loads(decision.canonical()), "canonical"))
    assert not list(_floats(situation.model_dump(mode="json"), "situation"))


def _floats(value: object, path: str) -> Iterator[str]:
    if isinstance(value, float):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _floats(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _floats(item, f"{path}.{index}")
