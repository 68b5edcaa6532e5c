"""Lines that are still marked to be set, as one weakness with their numbers."""

from __future__ import annotations

import pytest

from scalegate.examples import read_example
from scalegate.policy.lints.marks import MARKED, marked
from scalegate.policy.places import places


def told(text: str) -> list[str]:
    return [f"{places(text, file='policy.yaml')(it.path, it.words)}: {it.what}" for it in marked(text)]


def test_lines_are_told_by_number_from_the_first() -> None:
    text = read_example("arithmetic").replace("lease: 10 minutes\n", "lease: 10 minutes  # SET: how long\n")
    assert told(text) == ["policy.yaml:16:20: line 16 is still marked `# SET`"]
    text = text.replace('alarm: "0.20"\n', 'alarm: "0.20" #SET\n')
    assert told(text) == ["policy.yaml:16:20: lines 16, 35 are still marked `# SET`"]


def test_of_many_lines_some_are_named_and_all_are_counted() -> None:
    (lint,) = marked("x: 1  # SET\n" * 20)
    assert lint.what == "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 8 more are still marked `# SET`"
    assert (lint.rule, lint.rule.severity) == (MARKED, "weakness")


@pytest.mark.parametrize(
    "line",
    ["# Every figure marked SET is one", "x: a#SET", "x: SET", "# SETTLED long ago", "# set the scene"],
)
def test_other_lines_are_not(line: str) -> None:
    assert marked(f"{line}\n") == ()
