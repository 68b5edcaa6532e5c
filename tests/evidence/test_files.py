"""The digest of the files that a model is loaded from: everything in them counts, and anybody can work it out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scalegate.errors import InputError
from scalegate.evidence.files import files_digest

SHELL = r"find . -type f | sed 's|^[.]/||' | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum | sha256sum"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "more").mkdir(parents=True)
    for name, text in (("config.json", "{}"), ("B.bin", "b"), ("a b.bin", "weights"), ("more/x", ""), ("more-x", "1")):
        (folder / name).write_text(text)
    return folder


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="the tools are not there")
def test_it_is_what_ordinary_tools_say(model: Path) -> None:
    said = subprocess.run(SHELL, shell=True, cwd=model, capture_output=True, text=True, check=True).stdout
    assert files_digest(model) == said.split()[0]
    one = subprocess.run(["sha256sum", "config.json"], cwd=model, capture_output=True, text=True, check=True).stdout
    assert files_digest(model / "config.json") == one.split()[0]


def test_whatever_changes_in_it_changes_it(model: Path) -> None:
    seen = {files_digest(model)}
    (model / "config.json").write_text("{} ")
    seen.add(files_digest(model))
    (model / "config.json").rename(model / "config2.json")
    seen.add(files_digest(model))
    (model / "new").write_text("")
    seen.add(files_digest(model))
    (model / "B.bin").unlink()
    seen.add(files_digest(model))
    assert len(seen) == 5


def test_a_link_to_a_file_is_what_it_leads_to(model: Path) -> None:
    before = files_digest(model)
    (model / "B.bin").rename(model.parent / "blob")
    (model / "B.bin").symlink_to(model.parent / "blob")
    assert files_digest(model) == before


def test_what_nobody_could_say_the_digest_of_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="there are no files in it"):
        files_digest(tmp_path / "empty")
    with pytest.raises(InputError, match="cannot be read"):
        files_digest(tmp_path / "nowhere")
    (model / "linked").symlink_to(tmp_path / "empty")
    with pytest.raises(InputError, match="it is a link to a folder"):
        files_digest(model)
    (model / "linked").unlink()
    (model / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        files_digest(model)
    (model / "gone").unlink()
    (model / "two\nlines").write_text("")
    with pytest.raises(InputError, match="a line break"):
        files_digest(model)
