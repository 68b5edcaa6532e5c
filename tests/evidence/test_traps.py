"""The list of traps names a test for each, and each of these is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LIST = TESTS.parent / "docs" / "traps.md"


def named() -> list[tuple[str, str]]:
    rows = [line.split(" | ") for line in LIST.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert all(len(row) == 3 for row in rows)
    found = [re.findall(r"`([\w/]+\.py)::(test_\w+)`", row[2]) for row in rows if row[0] != "| trap"]
    assert all(found)
    return [it for row in found for it in row]


def test_each_trap_is_caught_by_a_test_that_is_there() -> None:
    there: dict[str, set[str]] = {}
    for file, name in named():
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        there.setdefault(file, {it.name for it in tree.body if isinstance(it, ast.FunctionDef)})
        assert name in there[file], f"{file} has no {name}"
    assert len(named()) > 60
