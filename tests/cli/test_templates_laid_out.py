"""What `init` writes is laid out as `policy fmt` lays out, so that `--check` tells of edits only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.examples import read_example
from scalegate.policy.layout import lay_out_file

TEMPLATES = ["starter", "frontier", "floor"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_laid_out(name: str) -> None:
    assert lay_out_file(read_example(name)) == read_example(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_new_policy_of_which_the_version_was_edited_is_as_it_should_be(name: str, tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "mine"), "--template", name]) == 0
    policy = tmp_path / "mine" / "policy.yaml"
    text, edited = re.subn(
        r'^version: "[^"]*"', 'version: "9.9"', policy.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    policy.write_text(text, encoding="utf-8")
    assert edited == 1
    assert run(["policy", "fmt", "--check", str(policy)]) == 0


def test_a_policy_of_somebody_s_own_is_kept_as_it_stands(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        re.sub("^(lease: [^#]*?) +#.*$", r"\1        # mine", read_example("starter"), flags=re.MULTILINE),
        encoding="utf-8",
    )
    assert run(["init", str(tmp_path / "mine"), "--template", str(own)]) == 0
    assert "        # mine" in (tmp_path / "mine" / "policy.yaml").read_text(encoding="utf-8")
